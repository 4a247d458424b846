from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gated.rulebook import strict_yaml
from gated.rulebook.document import Document, Tree


def read(text: str | bytes) -> Document:
    return strict_yaml.read(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"), "f")


def faults(text: str | bytes) -> list[str]:
    return [str(fault).removeprefix("f:") for fault in read(text).faults]


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        pytest.param("a: on\nb: no\nc: ~\nd: null\n", {"a": "on", "b": "no", "c": "~", "d": "null"}, id="words"),
        pytest.param(
            "a: 12:30\nb: 1e3\nc: 0x1F\nd: 010\n", {"a": "12:30", "b": "1e3", "c": "0x1F", "d": "010"}, id="numbers"
        ),
        pytest.param("a: 2024-01-31\n1: x\n", {"a": "2024-01-31", "1": "x"}, id="dates and keys of digits"),
        pytest.param("a: '1'\nb: \"2\"\nc: |\n  three\n", {"a": "1", "b": "2", "c": "three\n"}, id="quotes and blocks"),
        pytest.param("a:\nb: ''\n", {"a": "", "b": ""}, id="nothing at all"),
        pytest.param("---\na: [x, {b: y}]\n...\n", {"a": ["x", {"b": "y"}]}, id="one document with its marks"),
        pytest.param("\ufeffa: 1\r\nb: 2\r\n", {"a": "1", "b": "2"}, id="written on Windows"),
        pytest.param("- a\n- b\n", ["a", "b"], id="a list at the top"),
    ],
)
def test_every_scalar_is_text(text: str, tree: Tree) -> None:
    assert read(text).tree == tree
    assert read(text).faults == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "a: 1\nb: 2\na: 3\n",
            ["3:1: a: this key is already given in line 1; remove one of them"],
            id="duplicate key",
        ),
        pytest.param(
            "a: {x: 1, x: 1}\n",
            ["1:11: a.x: this key is already given in line 1; remove one of them"],
            id="duplicate key within",
        ),
        pytest.param(
            "a: &x 1\nb: *x\n",
            [
                "1:4: a: an anchor (&x); write each value where it is used",
                "2:4: b: an alias (*x); write the value out",
            ],
            id="anchor and alias",
        ),
        pytest.param("a:\n  <<: {b: 1}\n", ["2:3: a: a merge key (<<); write the keys out"], id="merge key"),
        pytest.param(
            "a: !!int 3\n",
            ["1:4: a: a tag; the key decides how its value is read, so remove it"],
            id="tag",
        ),
        pytest.param(
            "a: !python/object:os.system x\n",
            ["1:4: a: a tag; the key decides how its value is read, so remove it"],
            id="dangerous tag",
        ),
        pytest.param(
            "? [x]\n: 1\n", ["1:3: a key must be plain text, without alias, anchor or tag"], id="list as a key"
        ),
        pytest.param(
            "a: &k 1\n*k : 2\n",
            [
                "1:4: a: an anchor (&k); write each value where it is used",
                "2:1: a key must be plain text, without alias, anchor or tag",
            ],
            id="alias as a key",
        ),
        pytest.param("'': 1\n", ["1:1: a key must be printable text, and not empty"], id="empty key"),
        pytest.param(
            "---\na: 1\n---\nb: 2\n", ["3:1: a second document; write one document per file"], id="two documents"
        ),
        pytest.param("", ["1:1: the file is empty"], id="empty"),
        pytest.param("# only this\n", ["1:1: the file is empty"], id="comment only"),
        pytest.param("a:\n\tb: 1\n", ["2:1: a tab; indent with spaces"], id="tab"),
        pytest.param(
            "a: b: c\n",
            ["1:5: not valid YAML: a second ': ' in one line; put quotes around the text, or check the indentation"],
            id="two colons",
        ),
        pytest.param(
            "a: @x\n",
            ["1:4: not valid YAML: found character '@' that cannot start any token; put quotes around the text"],
            id="reserved character",
        ),
        pytest.param(
            "a: {b: 1\n", ["2:1: not valid YAML: expected ',' or '}', but got '<stream end>'"], id="unclosed brace"
        ),
        pytest.param(
            'a: "\\U00110000"\n', ["1:1: not valid YAML: a number in it is out of range"], id="escape beyond Unicode"
        ),
        pytest.param('a: "\\e[31m"\n', ["1:4: a: the character U+001B is not allowed in text"], id="terminal escape"),
        pytest.param('a: "\\ud800"\n', ["1:4: a: the character U+D800 is not allowed in text"], id="lone surrogate"),
        pytest.param("a: \x07\n", ["1:4: the character U+0007 is not allowed"], id="control character"),
        pytest.param(b"a: 1\nb: \xe4\n", ["2:4: not UTF-8"], id="Latin-1"),
        pytest.param("[" * 1000, ["1:18: nested more than 16 levels deep"], id="deep lists"),
        pytest.param(
            "{" * 1000,
            ["1:2: a key must be plain text, without alias, anchor or tag", "1:18: nested more than 16 levels deep"],
            id="deep keys",
        ),
        pytest.param("#" * (strict_yaml.MAX_BYTES + 1), ["1:1: larger than 256 KiB; split it"], id="large"),
    ],
)
def test_whatever_could_surprise_is_a_fault_with_its_place(text: str | bytes, expected: list[str]) -> None:
    assert faults(text) == expected


def test_reading_goes_on_after_a_fault() -> None:
    document = read("a: &x 1\nb: *x\nc: 1\nc: 2\nd: !!str 4\n")
    assert [fault.line for fault in document.faults] == [1, 2, 4, 5]
    assert document.tree == {"a": "1", "b": "", "c": "1", "d": "4"}


def test_a_billion_laughs_are_never_unfolded() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    document = read("\n".join(lines))
    assert len(document.faults) == 9 + 8 * 9
    assert document.at(("a8",)) == [""] * 9


def test_a_fault_of_a_missing_key_is_placed_at_the_mapping_that_lacks_it() -> None:
    document = read("rules:\n  it:\n    kind: ratio\n")
    assert str(document.fault(("rules", "it", "total"), "is missing")) == "f:2:3: rules.it.total: is missing"


def test_a_file_that_is_not_there_says_so() -> None:
    (fault,) = strict_yaml.read_file(Path("nowhere/rules.yaml")).faults
    assert str(fault) == "nowhere/rules.yaml:1:1: cannot be read: No such file or directory"


@given(st.text(max_size=200) | st.text(alphabet="ab:-?[]{}&*!|>'\"%@`#, \n\t<~", max_size=60))
@settings(deadline=None)
def test_no_text_ever_raises(text: str) -> None:
    document = read(text)
    assert document.faults or document.tree is not None


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_no_bytes_ever_raise(content: bytes) -> None:
    read(content)
