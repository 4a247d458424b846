"""What one look's readings say about a quantile: by counting, never by interpolation."""

import pytest

from gated.judge.assessment import Assessment, Finding
from gated.judge.kinds import quantile
from gated.model.reading import (
    FailureReason,
    QueryFailed,
    Reading,
    Value,
)
from gated.model.rule import QuantileRule
from tests import samples
from tests.judge_story import BLINDNESSES, Blindness, unseen
from tests.unit.judge.kinds.one_look import ABSENT, AT, BLIND_FINDINGS, FRESH, STALE, WORKLOAD, finding_of


def assess_quantile(
    n: float, buckets: tuple[tuple[float, float], ...], newest: Reading = FRESH, rule: QuantileRule | None = None
) -> Assessment:
    """Assess a rule that says p95 <= 800 ms on these counts."""
    rule = rule or samples.quantile_rule()
    counts, age = quantile.queries(rule, WORKLOAD)
    return quantile.assess(rule, WORKLOAD, {counts: Value(n, AT, buckets=buckets), age: newest})


@pytest.mark.parametrize(
    ("buckets", "finding", "value", "code"),
    [
        pytest.param(((0.4, 95), (0.8, 99), (1.6, 100)), Finding.INSIDE, 0.4, "", id="well below the limit"),
        pytest.param(((0.4, 50), (0.8, 95), (1.6, 100)), Finding.INSIDE, 0.8, "", id="at the limit"),
        pytest.param(((0.4, 50), (0.8, 94), (1.6, 100)), Finding.PAST, 1.6, "", id="just past the limit"),
        pytest.param(((0.4, 50), (0.8, 60), (1.6, 63)), Finding.PAST, 1.6, "", id="above every finite bucket"),
        pytest.param(
            ((0.5, 94), (1.0, 96)), Finding.UNSURE, 1.0, "between_buckets", id="between two boundaries it cannot tell"
        ),
        pytest.param(((0.5, 95), (1.0, 100)), Finding.INSIDE, 0.5, "", id="below the lower boundary is certain"),
        pytest.param(((0.5, 0), (1.0, 94)), Finding.PAST, 1.0, "", id="above the upper boundary is certain"),
        pytest.param(((1.0, 100),), Finding.UNSURE, 1.0, "between_buckets", id="no boundary below the limit"),
        pytest.param(((0.8, 95),), Finding.INSIDE, 0.8, "", id="one boundary at the limit decides both ways: inside"),
        pytest.param(((0.8, 94),), Finding.PAST, 0.8, "", id="one boundary at the limit decides both ways: past"),
        pytest.param(
            ((0.4, 95), (0.8000000000000002, 100)), Finding.INSIDE, 0.4, "", id="a boundary one rounding off the limit"
        ),
        pytest.param(((0.4, 97), (0.8, 96), (1.6, 100)), Finding.INSIDE, 0.4, "", id="counts one scrape apart"),
        pytest.param(((0.4, 99), (0.8, 101), (1.6, 101)), Finding.INSIDE, 0.4, "", id="buckets ahead of the count"),
    ],
)
def test_a_quantile_is_judged_by_counting(
    buckets: tuple[tuple[float, float], ...], finding: Finding, value: float, code: str
) -> None:
    found = assess_quantile(100, buckets)
    assert (found.finding, found.value, found.code, found.samples) == (finding, value, code, 100)


@pytest.mark.parametrize(
    ("buckets", "highest"),
    [
        pytest.param(((0.1, 100), (0.5, 100)), "500 ms", id="limit above the last finite boundary"),
        pytest.param((), "none", id="only +Inf"),
    ],
)
@pytest.mark.parametrize("n", [0, 100])
def test_a_limit_above_the_last_bucket_does_not_fit_the_data(
    buckets: tuple[tuple[float, float], ...], highest: str, n: float
) -> None:
    """Such a histogram can never say that the limit was passed; `histogram_quantile` would say it never was."""
    found = assess_quantile(n, buckets)
    assert (found.finding, found.code, found.value) == (Finding.ERROR, "limit_above_last_bucket", None)
    assert f"({highest})" in found.reason


@pytest.mark.parametrize("n", [0.0, 19.0])
def test_too_few_observations_say_nothing(n: float) -> None:
    found = assess_quantile(n, ((0.4, 0.0), (0.8, 0.0)))
    assert (found.finding, found.code, found.samples) == (Finding.UNSURE, "too_few_samples", n)


def test_a_quantile_of_just_enough_observations_is_judged() -> None:
    assert assess_quantile(20.0, ((0.8, 0.0),)).finding is Finding.PAST


def test_a_quantile_of_nothing_is_never_computed() -> None:
    rule = samples.quantile_rule(min_samples=0)
    found = assess_quantile(0.0, ((0.8, 0.0),), rule=rule)
    assert found.code == "too_few_samples"
    assert found.reason.endswith("at least 1 are needed to judge")
    assert assess_quantile(1.0, ((0.8, 0.0),), rule=rule).finding is Finding.PAST


def test_rounding_in_the_share_allowed_blames_nobody() -> None:
    """(1 - 0.9) * 30 is a hair below 3 in floating point; 3 slow of 30 is p90 at the limit, not past it."""
    rule = samples.quantile_rule(quantile=0.9)
    assert assess_quantile(30, ((0.8, 27), (1.6, 30)), rule=rule).finding is Finding.INSIDE
    assert assess_quantile(30, ((0.8, 26), (1.6, 30)), rule=rule).finding is Finding.PAST


@pytest.mark.parametrize(
    ("newest", "code"),
    [
        pytest.param(STALE, "stale", id="old"),
        pytest.param(ABSENT, "stale", id="ended"),
        pytest.param(QueryFailed(FailureReason.TIMEOUT), "timeout", id="age unknown"),
    ],
)
def test_a_histogram_must_be_fresh(newest: Reading, code: str) -> None:
    found = assess_quantile(100, ((0.8, 100),), newest)
    assert found.finding in BLIND_FINDINGS
    assert found.code == code


@pytest.mark.parametrize("reason", BLINDNESSES)
def test_a_histogram_that_cannot_be_seen_is_blind(reason: Blindness) -> None:
    rule = samples.quantile_rule()
    counts, newest = quantile.queries(rule, WORKLOAD)
    found = quantile.assess(rule, WORKLOAD, {counts: unseen(reason), newest: FRESH})
    assert (found.finding, found.code) == (finding_of(reason), reason.value)


@pytest.mark.parametrize(
    ("buckets", "place"),
    [
        pytest.param(((0.4, 100), (0.8, 100)), "at most 400 ms", id="in the first bucket"),
        pytest.param(((0.4, 10), (0.8, 100)), "between 400 ms and 800 ms", id="in a later bucket"),
        pytest.param(((0.4, 10), (0.8, 20)), "above 800 ms", id="in the infinite bucket"),
    ],
)
def test_a_quantile_is_told_as_the_bucket_it_lies_in(buckets: tuple[tuple[float, float], ...], place: str) -> None:
    assert assess_quantile(100, buckets).reason == f"p95 of 100 is {place}; limit 800 ms"


def test_an_undecidable_quantile_says_which_boundary_would_help() -> None:
    found = assess_quantile(100, ((0.5, 0), (1.0, 100)))
    assert found.reason.endswith("which no bucket boundary separates: a boundary at the limit would")


@pytest.mark.parametrize(
    ("histogram", "counter"),
    [
        ("http_request_duration_seconds", "http_request_duration_seconds_count"),
        ('latency{route="/pay"}', 'latency_count{route="/pay"}'),
        ('latency {route="{a}"}', 'latency_count{route="{a}"}'),
    ],
    ids=["bare", "with matchers", "with a space and a brace in a value"],
)
def test_the_age_of_a_histogram_is_the_age_of_its_count(histogram: str, counter: str) -> None:
    rule = samples.quantile_rule(histogram=histogram)
    assert [getattr(query.measure, "selector", "") for query in quantile.queries(rule, WORKLOAD)] == ["", counter]
