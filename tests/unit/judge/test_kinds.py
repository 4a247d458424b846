"""What one look's readings say about one rule, for every way a source can answer."""

from dataclasses import replace

import pytest

from gated.judge.assessment import Assessment, Finding
from gated.judge.kinds import alerts, probe, quantile, ratio, value
from gated.model.reading import (
    FailureReason,
    FiringAlert,
    FiringAlerts,
    NoData,
    NoDataReason,
    Query,
    QueryFailed,
    Reading,
    Value,
)
from gated.model.rule import AlertsRule, Limit, ProbeRule, QuantileRule, RatioRule, Side, ValueRule
from gated.model.selection import Matcher, Workload
from tests import samples
from tests.judge_story import BLINDNESSES, Blindness, unseen

AT = 1_000.0
WORKLOAD: Workload = (Matcher("service", "checkout"), Matcher("version", "v2"))
ABSENT = NoData(NoDataReason.ABSENT)
FRESH = Value(AT - 5.0, AT)
STALE = Value(AT - 121.0, AT)
BLIND_FINDINGS = {Finding.NO_DATA, Finding.ERROR}


def count(number: float, expression: str = "") -> Value:
    """So many events."""
    return Value(number, AT, expression)


def finding_of(reason: Blindness) -> Finding:
    """The finding a blindness must lead to."""
    return Finding.NO_DATA if isinstance(reason, NoDataReason) else Finding.ERROR


# --- ratio ------------------------------------------------------------------------------------------------------


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


# --- quantile ---------------------------------------------------------------------------------------------------


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


# --- value ------------------------------------------------------------------------------------------------------


def assess_value(result: Reading, *newest: Reading, rule: ValueRule | None = None) -> Assessment:
    """Assess a value rule that has one selector for each reading of the newest sample."""
    rule = replace(rule or samples.value_rule(), selectors=tuple(f"s{n}" for n in range(len(newest))))
    return value.assess(rule, WORKLOAD, dict(zip(value.queries(rule, WORKLOAD), (result, *newest), strict=True)))


@pytest.mark.parametrize(
    ("number", "side", "finding"),
    [
        (1.0, Side.BELOW, Finding.INSIDE),
        (0.999, Side.BELOW, Finding.PAST),
        (1.0, Side.ABOVE, Finding.INSIDE),
        (1.001, Side.ABOVE, Finding.PAST),
        (-5.0, Side.ABOVE, Finding.INSIDE),
        (-5.0, Side.BELOW, Finding.PAST),
    ],
    ids=["at the floor", "below the floor", "at the ceiling", "above the ceiling", "far below", "far below the floor"],
)
def test_a_number_is_compared_with_its_limit(number: float, side: Side, finding: Finding) -> None:
    rule = samples.value_rule(limit=Limit(1.0, side))
    found = assess_value(count(number, "the query"), FRESH, rule=rule)
    assert (found.finding, found.value, found.samples, found.query) == (finding, number, None, "the query")
    assert f"harm lies {side.value} 1" in found.reason


def test_a_number_is_as_old_as_its_oldest_ingredient() -> None:
    found = assess_value(count(1), Value(AT - 7, AT), Value(AT - 90, AT), Value(AT - 3, AT))
    assert (found.finding, found.sample_age_seconds) == (Finding.INSIDE, 90.0)


def test_one_old_ingredient_spoils_a_number() -> None:
    found = assess_value(count(1), FRESH, STALE, FRESH)
    assert (found.finding, found.code) == (Finding.NO_DATA, "stale")


def test_a_number_made_of_no_series_has_no_age() -> None:
    """`vector(1)` selects nothing, so there is nothing to be stale."""
    found = assess_value(count(1))
    assert (found.finding, found.sample_age_seconds) == (Finding.INSIDE, None)


@pytest.mark.parametrize("reason", BLINDNESSES)
def test_a_number_that_cannot_be_seen_is_blind(reason: Blindness) -> None:
    assert assess_value(unseen(reason), FRESH).finding is finding_of(reason)
    assert assess_value(count(0), unseen(reason)).finding is finding_of(reason)


# --- alerts -----------------------------------------------------------------------------------------------------


def assess_alerts(*firing: FiringAlert, began_at: float | None = 500.0) -> Assessment:
    """Assess a rule about the WAF's alerts, in a release that began at 500."""
    rule = samples.alerts_rule()
    (query,) = alerts.queries(rule, ())
    return alerts.assess(rule, (), {query: Value(len(firing), AT, "ALERTS", alerts=firing)}, began_at)


def test_no_firing_alert_is_fine() -> None:
    found = assess_alerts()
    assert (found.finding, found.value, found.query) == (Finding.INSIDE, 0.0, "ALERTS")


@pytest.mark.parametrize("reason", BLINDNESSES)
def test_silence_that_proves_nothing_is_not_fine(reason: Blindness) -> None:
    rule = samples.alerts_rule()
    (query,) = alerts.queries(rule, ())
    found = alerts.assess(rule, (), {query: unseen(reason)}, None)
    assert (found.finding, found.code) == (finding_of(reason), reason.value)


@pytest.mark.parametrize(
    ("began_at", "since", "counted_from"),
    [
        pytest.param(500.0, (700.0,), 700.0, id="one alert"),
        pytest.param(500.0, (700.0, 600.0), 600.0, id="the oldest of the release's own"),
        pytest.param(500.0, (100.0, 600.0), 600.0, id="an older alert does not hide one of the release's own"),
        pytest.param(500.0, (100.0, 200.0), 100.0, id="only alerts from before the release"),
        pytest.param(500.0, (100.0, 500.0), 500.0, id="one that began with the release is its own"),
        pytest.param(None, (100.0, 600.0), 100.0, id="before the release the oldest counts"),
        pytest.param(500.0, (0.0,), None, id="the source does not say"),
        pytest.param(500.0, (600.0, 0.0), None, id="the source says it of some only"),
    ],
)
def test_alerts_count_from_when_they_became_active(
    began_at: float | None, since: tuple[float, ...], counted_from: float | None
) -> None:
    found = assess_alerts(*(FiringAlert(f"Waf{n}", at) for n, at in enumerate(since)), began_at=began_at)
    assert (found.finding, found.value, found.active_since) == (Finding.PAST, len(since), counted_from)


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (1, "firing: A0"),
        (3, "firing: A0, A1, A2"),
        (4, "firing: A0, A1, A2 and 1 more"),
        (9, "firing: A0, A1, A2 and 6 more"),
    ],
)
def test_firing_alerts_are_named_and_the_rest_counted(number: int, sentence: str) -> None:
    assert assess_alerts(*(FiringAlert(f"A{n}", 600.0) for n in range(number))).reason == sentence


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["Waf", "Waf", "Waf"], "firing: Waf (3)"),
        (["High429", "Waf", "Waf", "Waf"], "firing: High429, Waf (3)"),
        (["A", "B", "B", "C", "D", "D", "E"], "firing: A, B (2), C and 3 more"),
    ],
    ids=["one name", "two names", "more than are named"],
)
def test_a_name_of_many_firing_instances_is_told_once(names: list[str], sentence: str) -> None:
    found = assess_alerts(*(FiringAlert(name, 600.0) for name in names))
    assert (found.reason, found.value) == (sentence, len(names))


def test_an_older_instance_does_not_hide_one_of_the_same_name() -> None:
    found = assess_alerts(FiringAlert("Waf", 100.0), FiringAlert("Waf", 600.0), FiringAlert("Waf", 700.0))
    assert found.active_since == 600.0


# --- probe ------------------------------------------------------------------------------------------------------


def assess_probe(reading: Reading, rule: ProbeRule | None = None) -> Assessment:
    """Assess a probe of the login."""
    rule = rule or samples.probe_rule()
    (query,) = probe.queries(rule, WORKLOAD)
    return probe.assess(rule, WORKLOAD, {query: reading})


def test_an_endpoint_that_answers_is_fine_and_one_that_does_not_is_past_its_limit() -> None:
    answers, refuses = assess_probe(Value(1.0, AT, detail="200 in 12 ms")), assess_probe(Value(0.0, AT))
    assert (answers.finding, answers.value, answers.reason) == (Finding.INSIDE, 0.0, "200 in 12 ms")
    assert (refuses.finding, refuses.value, refuses.reason) == (Finding.PAST, 1.0, "the endpoint does not answer")
    assert assess_probe(Value(1.0, AT)).reason == "the endpoint answers"


@pytest.mark.parametrize("reason", BLINDNESSES)
def test_a_probe_that_was_not_made_is_blind(reason: Blindness) -> None:
    assert assess_probe(unseen(reason)).finding is finding_of(reason)


def test_nothing_of_a_release_reaches_a_probe() -> None:
    """Whoever opens a release must not be able to make the gate send requests of their choice."""
    rule = samples.probe_rule()
    assert probe.queries(rule, WORKLOAD) == probe.queries(rule, ())


# --- what is asked ----------------------------------------------------------------------------------------------


def test_every_question_goes_to_the_rules_own_source() -> None:
    source = "thanos"
    asked: list[Query] = [
        *ratio.queries(samples.ratio_rule(source=source), WORKLOAD),
        *quantile.queries(samples.quantile_rule(source=source), WORKLOAD),
        *value.queries(samples.value_rule(source=source), WORKLOAD),
        *alerts.queries(samples.alerts_rule(source=source), WORKLOAD),
        *probe.queries(samples.probe_rule(source=source), WORKLOAD),
    ]
    assert {query.source for query in asked} == {source}


def test_an_alerts_rule_asks_for_its_heartbeat_with_it() -> None:
    rule = AlertsRule(name=samples.ERROR_RATE, match='{alertname="Waf"}', heartbeat='{alertname="Watchdog"}')
    (query,) = alerts.queries(rule, ())
    assert query.measure == FiringAlerts('{alertname="Waf"}', '{alertname="Watchdog"}')
