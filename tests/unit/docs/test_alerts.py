"""The shipped alerts, their runbooks and their unit tests belong together, and what they name exists."""

import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

from deploy import alerts, docs
from gated.cli.main import main
from gated.model.reading import FailureReason, NoDataReason
from gated.promql import syntax
from grafana import files

ROOT = Path(__file__).parents[3]
ALERTS = alerts.shipped()
PAGES = sorted(alerts.RUNBOOKS.glob("*.md"))
RUNBOOKS = [page for page in PAGES if page.name != "index.md"]
DASHBOARDS = list(files.dashboards().values())
DOCUMENTS = [*PAGES, ROOT / "docs" / "alerts.md"]
CASES = [test for file in alerts.FOLDER.glob("*.test.yaml") for test in yaml.safe_load(file.read_text())["tests"]]
OF_THE_PROCESS = {"process_start_time_seconds", "process_resident_memory_bytes", "process_cpu_seconds_total"}


def name(thing: alerts.Alert | Path) -> str:
    """A case's id."""
    return thing.name


def fenced(page: Path, language: str) -> list[str]:
    """The lines of all blocks in a language, continued lines joined, comments left out."""
    blocks = re.findall(rf"^ *```{language}\n(.*?)^ *```", page.read_text(), re.DOTALL | re.MULTILINE)
    return [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.strip()]


@pytest.mark.parametrize("alert", ALERTS, ids=name)
def test_an_alert_says_how_urgent_it_is_what_is_wrong_and_where_to_read_on(alert: alerts.Alert) -> None:
    assert alert.labels["severity"] in {"page", "ticket"}
    assert set(alert.annotations) == {"summary", "description", "runbook_url"}
    assert "{{ $labels." in alert.annotations["summary"] or "{{ with $labels." in alert.annotations["summary"]
    assert alert.annotations["runbook_url"] == f"{alerts.RUNBOOK_BASE}/{alert.name}"


def test_every_alert_has_its_page_and_every_page_its_alert() -> None:
    assert [page.stem for page in RUNBOOKS] == sorted(alert.name for alert in ALERTS)


@pytest.mark.parametrize("page", RUNBOOKS, ids=name)
def test_a_page_says_what_it_means_what_it_does_how_to_look_and_what_to_do(page: Path) -> None:
    text = page.read_text()
    assert text.startswith(f"# {page.stem}\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Meaning", "Impact", "Diagnosis", "Mitigation"]
    assert fenced(page, "promql") != []


@pytest.mark.parametrize("page", RUNBOOKS, ids=name)
def test_a_page_names_dashboards_and_panels_that_exist(page: Path) -> None:
    (text,) = re.findall(r"^In Grafana: (.*?)\.\n\n", page.read_text(), re.MULTILINE | re.DOTALL)
    for part in " ".join(text.split()).split("; "):
        ((title, uid, named),) = re.findall(r"^\*\*(.+)\*\* \(`/d/(.+)`\), (.+)$", part)
        (dashboard,) = (each for each in DASHBOARDS if each["uid"] == uid)
        assert dashboard["title"] == title
        panels = re.findall(r"\*([^*]+)\*", named)
        assert panels != []
        assert set(panels) <= {panel["title"] for panel in dashboard["panels"]}


@pytest.mark.parametrize("alert", ALERTS, ids=name)
def test_an_alert_has_a_case_that_fires_and_one_that_is_silent(alert: alerts.Alert) -> None:
    expected = [
        check["exp_alerts"] for case in CASES for check in case["alert_rule_test"] if check["alertname"] == alert.name
    ]
    assert any(expected), "no case fires"
    assert not all(expected), "no case is silent"


@pytest.mark.parametrize("page", DOCUMENTS, ids=name)
def test_promql_in_a_page_parses(page: Path) -> None:
    for line in fenced(page, "promql"):
        syntax.parse(line)


def test_every_metric_in_rules_and_pages_is_exported() -> None:
    known = set(re.findall(r"^\| `(\w+)` \|", docs.metrics_page(), re.MULTILINE)) | OF_THE_PROCESS
    text = "\n".join([alerts.RULES.read_text(), *(line for page in PAGES for line in fenced(page, "promql"))])
    named = set(re.findall(r"\b(?:gated|process)_\w+", text))
    assert {metric for metric in named if re.sub(r"_(sum|count)$", "", metric) not in known} == set()


def commands(page: Path) -> list[str]:
    """Every gated command line in the shell blocks of a page."""
    parts = (part.strip() for line in fenced(page, "sh") for part in re.split(r"&&|\|", line))
    return [part for part in parts if part.startswith("gated ")]


@pytest.mark.parametrize("page", [page for page in DOCUMENTS if commands(page)], ids=name)
def test_every_command_in_a_page_can_be_typed_as_it_stands(page: Path) -> None:
    for line in commands(page):
        command, words = found(line)
        given, left, _ = command.make_parser(click.Context(command)).parse_args(words)
        assert left == [], line
        missing = [option.name for option in command.params if option.required and given.get(option.name or "") is None]
        assert missing == [], line


@pytest.mark.parametrize("page", DOCUMENTS, ids=name)
def test_every_command_that_a_sentence_names_exists_with_its_options(page: Path) -> None:
    for line in re.findall(r"(?<!`)`(gated [^`\n]+)`", page.read_text()):
        command, words = found(line)
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, line


def found(line: str) -> tuple[click.Command, list[str]]:
    """The command that a line calls, and the words left for it."""
    command: click.Command = main
    words = shlex.split(line, comments=True)[1:]
    while isinstance(command, click.Group) and words:
        inner = command.get_command(click.Context(command), words.pop(0))
        assert inner is not None, line
        command = inner
    return command, words


def test_every_log_line_that_a_page_looks_for_is_written() -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "gated").rglob("*.py"))
    sought = {
        event
        for page in RUNBOOKS
        for line in fenced(page, "sh")
        for pattern in re.findall(r"\| grep (?:-E )?('[^']*'|\w+)", line)
        for event in re.findall(r"[a-z_]+", pattern)
    }
    assert len(sought) >= 9
    assert {event for event in sought if f'"{event}"' not in source} == set()


def test_the_page_about_blindness_knows_every_reason_of_a_source() -> None:
    page = (alerts.RUNBOOKS / "GatedStageBlind.md").read_text()
    assert [reason for reason in (*FailureReason, *NoDataReason) if f"`{reason.value}`" not in page] == []


@pytest.mark.parametrize("page", DOCUMENTS, ids=name)
def test_every_linked_page_exists(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []
