"""Every block of code in the documentation is checked as what it is. What can be run, the tests of its page run."""

from pathlib import Path

import pytest

from tests import document_kinds, documents


@pytest.mark.parametrize("page", documents.pages(), ids=lambda page: page.relative_to(documents.REPOSITORY).as_posix())
def test_every_block_of_a_page_is_what_it_says(page: Path) -> None:
    assert [fault for block in documents.blocks(page) for fault in document_kinds.faults(block)] == []


def test_there_are_blocks_to_check() -> None:
    languages = [block.language for page in documents.pages() for block in documents.blocks(page)]
    assert len(languages) >= 80
    assert {"console", "python", "sh", "text", "yaml"} <= set(languages)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("```\nx\n```", "nobody checks a block without a language", id="no language"),
        pytest.param("```cobol\nx\n```", "nobody checks cobol", id="a language that nobody checks"),
        pytest.param("<!-- check: riddle -->\n```yaml\nx: 1\n```", "nobody checks riddle", id="no such kind"),
        pytest.param("```yaml\nx: [\n```", "no YAML", id="no YAML"),
        pytest.param("```yaml\nx: 1\n```", "nobody knows what this YAML is", id="YAML of no kind"),
        pytest.param("```yaml\nversion: 1\nrules: {a: {kind: ratoi}}\n```", "ratoi", id="a rule of no kind"),
        pytest.param("```yaml\nrules: [rules/]\nsorces: {}\n```", "sorces", id="an unknown setting"),
        pytest.param("```yaml\ncases: [{nam: x}]\n```", "nam", id="an unknown key of a case"),
        pytest.param("```yaml\n- {alert: A, expr: 'sum('}\n```", "sum(", id="an alert that does not parse"),
        pytest.param("```promql\nrate(x[5m]\n```", "test:1", id="PromQL that does not parse"),
        pytest.param("```promql\nup\nsum(\n```", "sum(", id="a second expression that does not parse"),
        pytest.param("```yaml\nstore: {ulr: x}\n```", "ulr", id="an unknown key in a part of the configuration"),
        pytest.param("```sh\nif true; then\n```", "unexpected end of file", id="shell that does not parse"),
        pytest.param("```sh\ngated wiat x\n```", "no command 'gated wiat x'", id="no such command"),
        pytest.param("```sh\ngated wait x --stage a --tiemout 3m\n```", "--tiemout", id="no such option"),
        pytest.param("```sh\ngated wait x\n```", "stage is missing", id="a missing option"),
        pytest.param("```sh\ngated wait x --stage a --timeout soon\n```", "timeout", id="an impossible value"),
        pytest.param("```sh\ngated stage start x\n```", "STAGE is missing", id="a missing argument"),
        pytest.param("```sh\ngated release show a b\n```", "too many arguments", id="too many arguments"),
        pytest.param("```sh\nr=$(gated release start) || exit\n```", "service is missing", id="inside a substitution"),
        pytest.param("```sh\ntrue && gated weit 2>log | cat\n```", "no command 'gated weit'", id="among others"),
        pytest.param("```sh\nmake demonstration\n```", "no make demonstration", id="no such word of make"),
        pytest.param("```console\n$ gated chekc\n```", "no command", id="typed at a prompt"),
        pytest.param("```console\ngated check\n```", "nothing is typed here", id="a session without a prompt"),
        pytest.param("```json\n{x}\n```", "Expecting", id="no JSON"),
        pytest.param("```python\ndef\n```", "invalid syntax", id="no Python"),
        pytest.param("```toml\nx = \n```", "Invalid value", id="no TOML"),
        pytest.param("```ini\nx\n```", "no section", id="no unit of systemd"),
        pytest.param("```nginx\nserver { listen 80 }\n```", "semicolon", id="an open directive of nginx"),
        pytest.param("```nginx\nserver {\n```", "not closed", id="an open block of nginx"),
        pytest.param(
            "<!-- check: faulty-rules -->\n```yaml\nversion: 1\n```", "has no fault", id="a fault that is none"
        ),
    ],
)
def test_a_fault_is_found(text: str, fault: str) -> None:
    (block,) = documents.read_blocks(text, "test")
    found = document_kinds.faults(block)
    assert fault in " ".join(found), found
    assert all(each.startswith(block.place) for each in found)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('gated wait "$release" --stage "$stage" || code=$?', id="variables"),
        pytest.param("systemctl restart gated", id="the name of a unit"),
        pytest.param("gated serve --config gated.yaml 2>gated.log &", id="a redirection"),
        pytest.param("if ! GATED_ACTOR=x gated release list --active; then exit; fi", id="after a keyword"),
        pytest.param("gated --help; gated wait --help", id="help"),
    ],
)
def test_what_is_right_has_no_fault(text: str) -> None:
    assert list(document_kinds.of_shell(text)) == []


@pytest.mark.parametrize(
    ("values", "faults"),
    [
        pytest.param({"ingress": {"annotations": {"a": "b"}}}, [], id="what is the reader's"),
        pytest.param({"ingress": {"hots": "x"}}, ["the chart has no value ingress.hots"], id="an unknown value"),
        pytest.param({"image": {"tag": "x"}}, ["image holds no values of its own"], id="another shape"),
    ],
)
def test_values_of_a_chart_are_those_it_knows(values: dict[str, object], faults: list[str]) -> None:
    defaults = {"image": "gated", "ingress": {"host": "", "annotations": {"c": "d"}}}
    assert list(document_kinds.of_values(values, defaults)) == faults


def test_a_block_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="test:2: a block without end"):
        list(documents.read_blocks("text\n```sh\nls\n", "test"))
