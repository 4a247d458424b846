"""A reader opens the dashboards, and every panel has something to show."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from gated.daemon.clock import SystemClock
from grafana import files
from grafana.questions import questions
from tests.acceptance import dashboards, watched
from tests.acceptance.dashboards import EXTERNAL_URL, Watched

pytestmark = pytest.mark.timeout(240)
"""All servers, and releases in every state: a quarter of a minute, unless the machine is busy."""


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with dashboards.gate_with_every_state(tmp_path_factory.mktemp("dashboards")) as running:
        yield running


def test_every_question_of_every_dashboard_has_an_answer(everything: Watched) -> None:
    """Panels, variables and annotations alike: an empty one cannot be told from a broken one."""
    counts = dashboards.measured(everything)
    assert len(counts) > 70
    assert [question.name for question, count in counts.items() if count == 0] == []


def test_every_label_that_a_legend_or_a_column_shows_is_in_the_answer(everything: Watched) -> None:
    """Grafana shows nothing in its place, and says nothing."""
    wrong: set[tuple[str, ...]] = set()
    for name in files.dashboards():
        chosen = {"service": dashboards.BLIND, "environment": "test"} if name == "release" else {}
        grafana = everything.seen(name, chosen)
        for question in questions(grafana.dashboard):
            for series in grafana.ask(question) if question.kind != "variable" else ():
                lacking = set(question.labels) - set(series["metric"])
                unlisted = set(question.columns) ^ set(series["metric"]) if question.columns else set()
                if lacking | unlisted:
                    wrong.add((question.name, *lacking, *unlisted))
    assert wrong == set()


def numbers_of(everything: Watched) -> dict[str, list[float]]:
    """What the single numbers of the overview are now."""
    grafana = everything.seen("overview", {})
    return {
        question.place: sorted(round(float(series["value"][1]), 1) for series in grafana.ask(question))
        for question in questions(grafana.dashboard)
        if question.is_instant and question.place in EXPECTED
    }


EXPECTED = {
    "Now / Promote": [0],
    "Now / Pending": [1],
    "Now / Hold": [1],
    "Now / Rollback": [0],
    "Now / Gates": [1, 2, 3, 3, 4],  # an aborted release shows hold
    "How releases end / Change-failure rate": [0.3],
    "How releases end / How releases ended": [1, 1, 1],
}
"""Five releases: one promoted to the end, one rolled back, one aborted, one blind, one baking."""


def test_the_numbers_are_those_of_what_happened(everything: Watched) -> None:
    """On a busy machine a gate misses an evaluation now and then, and says hold meanwhile."""
    with contextlib.suppress(AssertionError):
        watched.await_true(lambda: numbers_of(everything) == EXPECTED, dashboards.PATIENCE_SECONDS)
    assert numbers_of(everything) == EXPECTED


def answers(everything: Watched, dashboard: str, place: str, service: str = "") -> list[dict[str, Any]]:
    """What a panel shows now."""
    grafana = everything.seen(dashboard, {"service": service, "environment": "test"} if service else {})
    return [
        series
        for question in questions(grafana.dashboard)
        if question.place == place
        for series in grafana.ask(question)
    ]


def test_blind_stages_are_counted_as_they_are_listed(everything: Watched) -> None:
    listed = answers(everything, "overview", "Now / Blind stages, since when and why")
    (count,) = answers(everything, "overview", "Now / Blind stages")
    assert {(each["metric"]["service"], each["metric"]["stage"]) for each in listed} == {(dashboards.BLIND, "canary")}
    assert float(count["value"][1]) == 1
    assert {each["metric"]["rule"] for each in listed} >= {"error-rate", "target-down"}
    assert {each["metric"]["reason"] for each in listed} <= {"absent", "stale"}
    assert all(0 < float(each["value"][1]) < SystemClock().now() - everything.since for each in listed)


def test_a_stage_that_sees_is_blind_for_no_time(everything: Watched) -> None:
    (blind,) = answers(everything, "release", "Where it stands / Blind for", dashboards.BLIND)
    (seeing,) = answers(everything, "release", "Where it stands / Blind for", dashboards.PROMOTED)
    assert float(blind["value"][1]) > 0
    assert float(seeing["value"][1]) == 0


def test_a_rollback_is_listed_with_its_cause_and_whether_it_helped(everything: Watched) -> None:
    """Going back did not help here: the fake service fails on."""
    (listed,) = answers(everything, "overview", "Now / Last rollbacks")
    where = {"service": dashboards.ROLLED_BACK, "environment": "test"}
    what = {"version": "v2", "baseline": "v1", "cause": "rule", "rule": "error-rate", "well_again": "no"}
    assert listed["metric"] == {**where, **what}
    assert 0 < float(listed["value"][1]) < SystemClock().now() - everything.since
    (of_one,) = answers(everything, "release", "Where it stands / Last rollbacks", dashboards.ROLLED_BACK)
    assert of_one["metric"] == what


def test_the_store_and_the_interval_are_what_they_are(everything: Watched) -> None:
    (store,) = answers(everything, "itself", "Is it well / Store")
    assert float(store["value"][1]) == 2, "reads, writes"
    *_, interval = answers(everything, "itself", "Looking / How long an evaluation took")
    assert {float(value) for _, value in interval["values"]} == {2.0}


@pytest.mark.parametrize(
    ("service", "turn"),
    [(dashboards.PROMOTED, "Promote"), (dashboards.BLIND, "Hold")],
)
def test_a_turn_of_the_verdict_is_marked_once(everything: Watched, service: str, turn: str) -> None:
    grafana = everything.seen("release", {"service": service, "environment": "test"})
    (question,) = (each for each in questions(grafana.dashboard) if (each.kind, each.place) == ("annotation", turn))
    (points,) = (series["values"] for series in grafana.ask(question) if series["metric"]["stage"] == "canary")
    assert len(points) <= 2, "points next to each other are one mark"


def test_a_rollback_is_marked_once_whatever_its_plan_has_of_stages(everything: Watched) -> None:
    grafana = everything.seen("release", {"service": dashboards.ROLLED_BACK, "environment": "test"})
    (question,) = (each for each in questions(grafana.dashboard) if each.place == "Rollback")
    (mark,) = grafana.ask(question)
    assert mark["metric"] == {"version": "v2", "cause": "rule", "rule": "error-rate"}
    assert len(mark["values"]) <= 2, "points next to each other are one mark"


def test_what_did_not_turn_is_not_marked(everything: Watched) -> None:
    grafana = everything.seen("release", {"service": dashboards.BAKING, "environment": "test"})
    assert [
        mark for each in questions(grafana.dashboard) if each.kind == "annotation" for mark in grafana.ask(each)
    ] == []


def test_the_status_page_of_the_release_is_one_link_away(everything: Watched) -> None:
    """Without a doubled slash, though the settings' address ends with one."""
    grafana = everything.seen("release", {"service": dashboards.BLIND, "environment": "test"})
    (page,) = (link["url"] for link in grafana.dashboard["links"] if link["title"] == "Status page")
    address = grafana.link(page)
    assert address == f"{EXTERNAL_URL}/?service=payments&environment=test"
    answer = requests.get(address.replace(EXTERNAL_URL, everything.gated.url), timeout=10)
    assert answer.status_code == requests.codes.ok
    assert dashboards.BLIND in answer.text
    assert dashboards.PROMOTED not in answer.text
