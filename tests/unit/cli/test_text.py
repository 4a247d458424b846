"""What a server says is shown, and does nothing else."""

import json
import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gated.cli import problem, text

EVIL = {
    "escape sequences": ("\x1b[31mred\x1b[0m", "[31mred[0m"),
    "one-byte escape": ("\x9b31mred", "31mred"),
    "bell and title": ("\x1b]0;title\x07x", "]0;titlex"),
    "carriage return": ("good\rbad", "good bad"),
    "new lines": ("one\n::error::two\n", "one ::error::two"),
    "writing backwards": ("\u202egpj.exe", "gpj.exe"),
    "invisible": ("a\u200bb\u2066c", "abc"),
    "half a character": ("a\ud800b", "ab"),
    "plain text of the world": ("0,31 % – größer als 2 % 好", "0,31 % – größer als 2 % 好"),
}


@pytest.mark.parametrize(("said", "shown"), EVIL.values(), ids=EVIL.keys())
def test_texts_are_shown_without_what_steers_a_terminal(said: str, shown: str) -> None:
    assert text.printable(said) == shown


@given(st.text())
def test_every_text_becomes_one_printable_line(said: str) -> None:
    shown = text.printable(said)
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in shown)
    shown.encode()


def test_a_text_of_megabytes_is_cut() -> None:
    assert len(text.printable("x" * 10_000_000)) < 5000


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5))
def test_json_stays_the_same_document_and_steers_nothing(document: object) -> None:
    shown = text.printable_json(json.dumps(document, ensure_ascii=False))
    assert json.loads(shown) == document
    assert not any(127 <= ord(character) < 160 or ord(character) == 0x202E for character in shown)


DURATIONS = {None: "-", 0.0: "0s", 59.6: "1m", 3600.0: "1h", -1.0: "-", math.nan: "-", math.inf: "-", 1e300: "-"}


@pytest.mark.parametrize(("seconds", "shown"), DURATIONS.items())
def test_only_sensible_durations_are_shown(seconds: float | None, shown: str) -> None:
    assert text.duration(seconds) == shown


def test_time_stamps_are_in_utc() -> None:
    at = datetime(2026, 3, 1, 13, 0, 5, 999, tzinfo=timezone(timedelta(hours=1)))
    assert text.instant(at) == "2026-03-01 12:00:05Z"
    assert text.instant(None) == "-"
    assert text.instant(datetime.max.replace(tzinfo=UTC)).startswith("9999-12-31")
    assert text.instant(datetime.max.replace(tzinfo=timezone(-timedelta(hours=5)))).startswith("9999-12-31T")


def test_a_table_is_as_wide_as_it_must_be() -> None:
    assert text.table(("A", "LONG", "C"), [("1", "", "x\ny"), ("333", "2", "z")]) == (
        "A    LONG  C\n1    -     x y\n333  2     z"
    )


PROBLEMS: dict[str, tuple[bytes, str | None]] = {
    "a problem": (
        b'{"error": "conflict", "message": "it is\\u001b[2J gone", "faults": ["a", 1]}',
        "it is[2J gone; a; 1",
    ),
    "without faults": (b'{"error": "x", "message": "y"}', "y"),
    "faults that are none": (b'{"error": "x", "message": "y", "faults": 7}', "y"),
    "another service's": (b'{"detail": "Not Found"}', None),
    "no texts": (b'{"error": 1, "message": 2}', None),
    "a list": (b"[]", None),
    "HTML": (b"<html>", None),
    "not UTF-8": (b"\xff", None),
    "nested without end": (b"[" * 100_000, None),
}


@pytest.mark.parametrize(("body", "said"), PROBLEMS.values(), ids=PROBLEMS.keys())
def test_only_gated_s_own_problems_are_read(body: bytes, said: str | None) -> None:
    found = problem.read(body)
    assert (None if found is None else str(found)) == said
