"""What one look's readings say about a share of events."""

import pytest

from gated.judge.assessment import Assessment, Finding
from gated.judge.kinds import ratio
from gated.model.reading import (
    NoDataReason,
    Reading,
    Value,
)
from gated.model.rule import Limit, RatioRule, Side
from tests import samples
from tests.judge_story import BLINDNESSES, Blindness, unseen
from tests.unit.judge.kinds.one_look import ABSENT, AT, FRESH, STALE, WORKLOAD, count, finding_of


def assess_ratio(
    events: Reading | None, total: Reading | None, newest: Reading | None = FRESH, rule: RatioRule | None = None
) -> Assessment:
    """Assess a ratio rule on these three readings; None for one that never came."""
    rule = rule or samples.ratio_rule()
    answers = zip(ratio.queries(rule, WORKLOAD), (events, total, newest), strict=True)
    return ratio.assess(rule, WORKLOAD, {query: reading for query, reading in answers if reading is not None})


BELOW = samples.ratio_rule(limit=Limit(0.995, Side.BELOW))


@pytest.mark.parametrize(
    ("rule", "events", "finding", "share"),
    [
        pytest.param(None, count(0), Finding.INSIDE, 0.0, id="no errors"),
        pytest.param(None, count(20), Finding.INSIDE, 0.02, id="at the limit is harmless"),
        pytest.param(None, count(20.01), Finding.PAST, 0.02001, id="just past the limit"),
        pytest.param(None, count(1000), Finding.PAST, 1.0, id="all errors"),
        pytest.param(None, count(1001), Finding.PAST, 1.0, id="more errors than requests count as all"),
        pytest.param(None, ABSENT, Finding.INSIDE, 0.0, id="no error series is no errors"),
        pytest.param(BELOW, count(1000), Finding.INSIDE, 1.0, id="all good"),
        pytest.param(BELOW, count(995), Finding.INSIDE, 0.995, id="good share at the limit"),
        pytest.param(BELOW, count(994), Finding.PAST, 0.994, id="good share below the limit"),
        pytest.param(BELOW, count(1002), Finding.INSIDE, 1.0, id="more good than all counts as all"),
        pytest.param(BELOW, ABSENT, Finding.PAST, 0.0, id="no good series beside traffic is no good"),
    ],
)
def test_a_share_is_compared_with_its_limit(
    rule: RatioRule | None, events: Reading, finding: Finding, share: float
) -> None:
    found = assess_ratio(events, count(1000), rule=rule)
    assert found.value == pytest.approx(share)
    assert (found.finding, found.code, found.samples, found.sample_age_seconds) == (finding, "", 1000.0, 5.0)


@pytest.mark.parametrize("requests", [0.0, 0.4, 19.9])
def test_too_few_requests_say_nothing_however_many_failed(requests: float) -> None:
    found = assess_ratio(count(requests), count(requests))
    assert (found.finding, found.code, found.value, found.samples) == (
        Finding.UNSURE,
        "too_few_samples",
        None,
        requests,
    )
    assert "at least 20 are needed" in found.reason


def test_a_share_of_just_enough_requests_is_judged() -> None:
    assert assess_ratio(count(1), count(20)).finding is Finding.PAST


def test_a_share_of_no_requests_is_never_computed() -> None:
    """Even a rule that asks for no samples needs one: 0/0 is no share."""
    rule = samples.ratio_rule(min_samples=0)
    found = assess_ratio(count(0), count(0), rule=rule)
    assert (found.finding, found.code) == (Finding.UNSURE, "too_few_samples")
    assert found.reason.endswith("at least 1 are needed to judge")
    assert assess_ratio(count(1), count(1), rule=rule).finding is Finding.PAST


@pytest.mark.parametrize("reason", BLINDNESSES)
def test_a_total_that_cannot_be_judged_is_blind_whatever_else_was_seen(reason: Blindness) -> None:
    found = assess_ratio(count(0), unseen(reason))
    assert (found.finding, found.code, found.value) == (finding_of(reason), reason.value, None)


@pytest.mark.parametrize("reason", [reason for reason in BLINDNESSES if reason is not NoDataReason.ABSENT])
def test_a_numerator_that_cannot_be_judged_is_not_zero(reason: Blindness) -> None:
    """Only the absence of series means no events; a failed question means nothing."""
    found = assess_ratio(unseen(reason), count(1000))
    assert (found.finding, found.code, found.value) == (finding_of(reason), reason.value, None)


@pytest.mark.parametrize("reason", BLINDNESSES)
def test_counts_of_unknown_age_are_no_evidence(reason: Blindness) -> None:
    """A series without a newest sample has ended: its last counts still fill the window, and are old."""
    found = assess_ratio(count(0), count(1000), unseen(reason))
    assert found.finding is finding_of(reason)
    assert found.code == ("stale" if reason is NoDataReason.ABSENT else reason.value)


def test_old_counts_are_no_evidence() -> None:
    found = assess_ratio(count(500), count(1000), STALE)
    assert (found.finding, found.code) == (Finding.NO_DATA, "stale")
    assert "the newest sample is 121 s old; at most 120 s count" in found.reason


def test_a_sample_of_exactly_the_greatest_age_counts() -> None:
    assert assess_ratio(count(0), count(1000), Value(AT - 120.0, AT)).finding is Finding.INSIDE


def test_a_sample_from_the_future_has_no_age() -> None:
    """The target's clock runs ahead of the source's; that makes it no older than new."""
    assert assess_ratio(count(0), count(1000), Value(AT + 3.0, AT)).sample_age_seconds == 0.0


@pytest.mark.parametrize("missing", ["events", "total", "newest"])
def test_a_question_without_any_answer_is_an_error_never_zero(missing: str) -> None:
    """Events are the dangerous one: an unanswered question must not pass for a service without errors."""
    answers = {"events": count(0), "total": count(1000), "newest": FRESH, missing: None}
    found = assess_ratio(answers["events"], answers["total"], answers["newest"])
    assert (found.finding, found.code) == (Finding.ERROR, "unreachable")


def test_a_share_is_told_with_its_samples_and_its_limit() -> None:
    above = assess_ratio(count(57), count(18_233))
    below = assess_ratio(count(18_000), count(18_233), rule=BELOW)
    assert above.reason == "0.313 % of 18,233 were bad; limit 2 %"
    assert below.reason == "98.7 % of 18,233 were good; at least 99.5 % must be"


def test_a_share_names_both_its_questions() -> None:
    found = assess_ratio(count(1, "sum(bad)"), count(1000, "sum(all)"))
    assert found.query == "sum(bad) / sum(all)"
