"""A reader opens the dashboards, and every panel has something to show."""

import contextlib
from collections.abc import Iterator

import pytest
import requests

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


def test_blind_rules_are_counted_as_they_are_listed(everything: Watched) -> None:
    grafana = everything.seen("overview", {})
    count, listed = (
        grafana.ask(question)
        for question in questions(grafana.dashboard)
        if question.place in {"Now / Blind rules", "Now / Blind rules, with the reason"}
    )
    assert float(count[0]["value"][1]) == len(listed)
    assert {(rule["metric"]["service"], rule["metric"]["reason"]) for rule in listed} <= {
        (dashboards.BLIND, "absent"),
        (dashboards.BLIND, "stale"),
    }


@pytest.mark.parametrize(
    ("service", "turn"),
    [(dashboards.PROMOTED, "Promote"), (dashboards.ROLLED_BACK, "Rollback"), (dashboards.BLIND, "Hold")],
)
def test_a_turn_of_the_verdict_is_marked_once(everything: Watched, service: str, turn: str) -> None:
    grafana = everything.seen("release", {"service": service, "environment": "test"})
    (question,) = (each for each in questions(grafana.dashboard) if (each.kind, each.place) == ("annotation", turn))
    (points,) = (series["values"] for series in grafana.ask(question) if series["metric"]["stage"] == "canary")
    assert len(points) <= 2, "points next to each other are one mark"


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
