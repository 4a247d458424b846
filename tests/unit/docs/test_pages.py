"""The pages of docs/ that follow from the code."""

import re
from enum import Enum

import pytest

from deploy import docs, measured
from gated.model.reading import FailureReason
from gated.model.step import DecisionKind, SignalKind
from gated.model.verdict import Outcome, Verdict
from tests.documents import REPOSITORY

OPERATING, CONCEPTS, FAQ = (
    (REPOSITORY / "docs" / f"{name}.md").read_text() for name in ("operating", "concepts", "faq")
)


def test_the_pages_that_follow_from_the_code_are_current() -> None:
    assert docs.stale() == []


def test_every_promised_metric_is_documented() -> None:
    page = docs.metrics_page()
    promised = """
        gated_build_info gated_stage_verdict gated_rule_value gated_rule_limit gated_rule_outcome gated_rule_samples
        gated_rule_last_evaluation_timestamp_seconds gated_evidence_newest_sample_timestamp_seconds
        gated_decisions_total gated_rollbacks_triggered_total gated_ticks_total gated_ticks_missed_total
        gated_tick_duration_seconds gated_queries_total gated_query_failures_total gated_query_duration_seconds
        gated_deliveries_total gated_outbox_oldest_timestamp_seconds gated_config_last_reload_successful
        gated_detection_seconds
    """.split()
    assert [name for name in promised if f"| `{name}` |" not in page] == []


def test_every_call_is_documented_with_its_statuses() -> None:
    page = docs.api_page()
    assert "### `POST /api/v1/releases/{release}/claim`" in page
    assert page.count("| status | document | when |") == page.count("### `GET ") + page.count("### `POST ")


def test_every_event_of_the_log_is_told() -> None:
    """Those that are logged by name, and those that a failing part of a look is logged as."""
    sources = "".join(path.read_text() for path in (REPOSITORY / "gated").rglob("*.py"))
    events = set(re.findall(r"""(?:_log\.\w+|_guarded)\(\s*"(\w+)\"""", sources))
    assert len(events) > 10
    assert [event for event in sorted(events) if f"`{event}`" not in OPERATING] == []


@pytest.mark.parametrize(
    ("page", "words"),
    [
        pytest.param(OPERATING, SignalKind, id="signals"),
        pytest.param(OPERATING, FailureReason, id="reasons of failures"),
        pytest.param(CONCEPTS, Verdict, id="verdicts"),
        pytest.param(CONCEPTS, DecisionKind, id="decisions"),
    ],
)
def test_every_word_of_a_kind_is_explained(page: str, words: type[Enum]) -> None:
    assert [word.value for word in words if f"`{word.value}`" not in page] == []


def test_outcomes_are_explained_from_best_to_worst() -> None:
    assert ", ".join(f"`{outcome.text}`" for outcome in sorted(Outcome)) in CONCEPTS


@pytest.mark.parametrize(
    ("judge", "effect"), [(judge, of) for judge in ("gated", "gated, as shipped") for of in (3, 10)]
)
def test_the_figures_among_the_questions_are_those_measured(judge: str, effect: float) -> None:
    figure = measured.one("detections", traffic="independent", judge=judge, since_seconds=0.0, effect=effect)
    assert f"{figure['seconds']:.0f} s" in FAQ
