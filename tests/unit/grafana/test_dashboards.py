"""The dashboards as files: written from the Python, well laid out, and silent about nothing that gated exports."""

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gated.model.release import Phase
from gated.model.verdict import Outcome, Verdict
from gated.signals.metrics import Metrics, families
from grafana import files, words
from grafana.questions import panels, questions

_MADE = files.dashboards()
_GRAFANA = Path(files.__file__).parent
_CHOSEN = {"type": "prometheus", "uid": "${datasource}"}
_NOT_SHOWN = {
    "process_virtual_memory_bytes": "addresses that the process has reserved; how much they hold, resident memory says",
}
"""Metrics without a panel, with the reason."""
every_dashboard = pytest.mark.parametrize("name", _MADE)


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in a document."""
    if isinstance(node, dict):
        yield node
    if isinstance(node, dict | list):
        for inner in node.values() if isinstance(node, dict) else node:
            yield from _nodes(inner)


def _exported() -> set[str]:
    """Every metric's name as Prometheus has it, without the endings of a histogram's series."""
    exported = [*Metrics().registry.collect(), *families()]  # the process' own are among them, on Linux
    return {f"{each.name}_total" if each.type == "counter" else each.name for each in exported}


def _asked() -> Counter[str]:
    texts = [question.text for made in _MADE.values() for question in questions(made)]
    names = re.findall(r"(?<!\$)\b(?:gated|process)_[a-z_]+", " ".join(texts))
    return Counter(re.sub(r"_(bucket|sum|count)$", "", name) for name in names)


def test_the_files_are_what_the_python_says() -> None:
    assert files.stale() == []


def test_every_question_was_measured_and_none_is_left_over() -> None:
    """`python -m tests.acceptance.dashboards` counts anew."""
    asked = [question.name for made in _MADE.values() for question in questions(made)]
    assert sorted(json.loads(files.COUNTS.read_text())) == sorted(asked)


def test_no_other_file_is_given_to_grafana() -> None:
    assert {path.stem for path in files.FOLDER.iterdir()} == set(_MADE)


def test_addresses_of_dashboards_never_change() -> None:
    """Bookmarks, links in chats and other dashboards rest on them."""
    assert {name: made["uid"] for name, made in _MADE.items()} == {
        "overview": "gated-overview",
        "release": "gated-release",
        "itself": "gated-itself",
    }


@every_dashboard
def test_every_panel_says_what_it_shows_and_in_what_unit(name: str) -> None:
    for _, panel in panels(_MADE[name]):
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]


@every_dashboard
def test_panels_have_numbers_of_their_own(name: str) -> None:
    numbers = Counter(panel["id"] for panel in _MADE[name]["panels"])
    assert [number for number, count in numbers.items() if count > 1] == []
    for _, panel in panels(_MADE[name]):
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters), panel["title"]


@every_dashboard
def test_panels_lie_side_by_side_on_24_columns_without_gaps(name: str) -> None:
    taken: Counter[tuple[int, int]] = Counter()
    for panel in _MADE[name]["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        taken.update(itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])))
    assert max(taken.values()) == 1, "two panels overlap"
    rows = [panel["gridPos"]["y"] for panel in _MADE[name]["panels"] if panel["type"] == "row"]
    assert rows == sorted(set(rows))
    height = max(y for _, y in taken) + 1
    assert [place for place in itertools.product(range(24), range(height)) if place not in taken] == []


@every_dashboard
def test_the_reader_chooses_the_data_source(name: str) -> None:
    first = _MADE[name]["templating"]["list"][0]
    assert (first["type"], first["name"], first["query"]) == ("datasource", "datasource", "prometheus")
    named = [node["datasource"] for node in _nodes(_MADE[name]) if "datasource" in node]
    assert len(named) > 20
    assert [source for source in named if source != _CHOSEN] == []


@every_dashboard
def test_every_variable_that_is_used_exists(name: str) -> None:
    made = _MADE[name]
    known = {variable["name"] for variable in made["templating"]["list"]}
    built_in = {"__rate_interval", "__interval", "__range", "__data", "__field", "__url_time_range", "__all"}
    used = {bare or braced for bare, braced in re.findall(r"\$([a-z_]+)|\$\{([a-z_]+)", json.dumps(made))}
    assert used <= known | built_in
    assert {"datasource", "service", "environment", "gated_url"} <= known


@every_dashboard
def test_every_dashboard_leads_to_the_others_with_choice_and_time(name: str) -> None:
    links = {link["url"]: link for link in _MADE[name]["links"]}
    others = {f"/d/{made['uid']}" for other, made in _MADE.items() if other != name}
    assert others <= set(links)
    assert all(links[url]["keepTime"] and links[url]["includeVars"] for url in others)
    assert any(url.startswith("${gated_url:raw}/") for url in links), "the status page"
    assert "/alerting/list?search=Gated" in links


def test_service_and_environment_are_several_or_all_on_the_overview() -> None:
    by_name = {variable["name"]: variable for variable in _MADE["overview"]["templating"]["list"]}
    for name in ("service", "environment"):
        assert (by_name[name]["multi"], by_name[name]["includeAll"], by_name[name]["hide"]) == (True, True, 0)


def test_links_of_a_dashboard_do_not_follow_the_address_it_was_opened_with() -> None:
    """Whoever passes on a link to a dashboard must not decide where links on it lead."""
    for made in _MADE.values():
        (gated_url,) = (variable for variable in made["templating"]["list"] if variable["name"] == "gated_url")
        assert gated_url["skipUrlSync"] is True


def test_every_metric_is_shown_somewhere() -> None:
    assert sorted(_exported() - set(_asked())) == sorted(_NOT_SHOWN)


def test_metrics_that_every_process_has_are_asked_of_gated_alone() -> None:
    """A Prometheus has them of each of its jobs, and the reader has not chosen among those."""
    for made in _MADE.values():
        for question in questions(made):
            if "process_" in question.text:
                assert "and on (job, instance) gated_build_info{" in question.text, question.name


def test_every_metric_that_is_asked_for_exists() -> None:
    assert sorted(set(_asked()) - _exported()) == []


def test_a_rule_s_value_is_never_shown_without_its_unit() -> None:
    """A share, a duration and a count have nothing to do on one axis."""
    for made in _MADE.values():
        for question in questions(made):
            if "gated_rule_value" in question.text or "gated_rule_limit{" in question.text:
                assert "gated_rule_info{unit=~" in question.text, question.name


def test_every_word_of_the_gate_has_a_number_and_a_colour() -> None:
    assert {word.text for word in words.VERDICTS} == {verdict.value for verdict in Verdict}
    assert [(word.text, word.number) for word in words.OUTCOMES] == [(each.text, each.value) for each in Outcome]
    ended = {phase.value for phase in Phase if not phase.is_active}
    assert {word.text for word in words.ENDED} == ended - {Phase.SUPERSEDED.value}
    assert set(words.PHASE_COLORS) == {phase for phase in Phase if phase.is_active}


def test_a_verdict_has_one_colour_on_all_dashboards() -> None:
    verdicts = {word.text for word in words.VERDICTS}
    results = [node for made in _MADE.values() for node in _nodes(made) if {"text", "color"} <= set(node)]
    colours = {(node["text"], node["color"]) for node in results if node["text"] in verdicts}
    assert colours == {("promote", "green"), ("pending", "blue"), ("hold", "orange"), ("rollback", "red")}


def test_what_provisions_grafana_is_what_the_readme_says() -> None:
    readme = (_GRAFANA / "README.md").read_text()
    (provider,) = yaml.safe_load((_GRAFANA / "provisioning/dashboards/gated.yaml").read_text())["providers"]
    assert f"{provider['options']['path']}/" in readme
    (source,) = yaml.safe_load((_GRAFANA / "provisioning/datasources/prometheus.yaml").read_text())["datasources"]
    assert source["type"] == _CHOSEN["type"]
    assert source["url"] == "${PROMETHEUS_URL}"
    assert "`PROMETHEUS_URL`" in readme
