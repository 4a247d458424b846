"""From samples to readings."""

import math

import pytest

from gated.model.ids import DEFAULT_SOURCE
from gated.model.reading import (
    Buckets,
    FailureReason,
    FiringAlert,
    FiringAlerts,
    Increase,
    Measure,
    NoData,
    NoDataReason,
    Query,
    QueryFailed,
    Reading,
    Value,
)
from gated.model.selection import Matcher
from gated.sources.grouping import Asked, Identity, Request
from gated.sources.samples import Sample, hand_out

AT = 1_700_000_000.0
LATENCY = Buckets("latency_seconds", 60.0)
SEEN = Increase("seen_total", 60.0)


def sample(number: float, **labels: str) -> Sample:
    return Sample(labels, number, AT)


def reading(measure: Measure, *samples: Sample) -> Reading:
    query = Query(DEFAULT_SOURCE, measure)
    return hand_out(Request(measure, "sent", (), {(): Asked(query, "asked")}), samples)[query]


def test_one_sample_is_the_value() -> None:
    assert reading(SEEN, sample(7)) == Value(7, AT, "asked")


def test_each_workload_gets_what_is_its_own() -> None:
    queries = {
        version: Query(DEFAULT_SOURCE, SEEN, (Matcher("version", version),)) for version in ("v1", "v2", "v3", "")
    }
    asked: dict[Identity, Asked] = {(version,): Asked(query, "asked") for version, query in queries.items()}
    readings = hand_out(
        Request(SEEN, "sent", ("version",), asked),
        [sample(1, version="v1"), sample(2, version="v2"), sample(9, version="of nobody"), sample(4)],
    )
    assert [readings[query] for query in queries.values()] == [
        Value(1, AT, "asked"),
        Value(2, AT, "asked"),
        NoData(NoDataReason.ABSENT, "no series matched", "asked"),
        Value(4, AT, "asked"),
    ]


@pytest.mark.parametrize(
    "measure", [SEEN, LATENCY, FiringAlerts('{alertname="Waf"}')], ids=["number", "buckets", "alerts"]
)
@pytest.mark.parametrize(
    ("number", "reason"),
    [(math.nan, NoDataReason.NOT_A_NUMBER), (math.inf, NoDataReason.INFINITE), (-math.inf, NoDataReason.INFINITE)],
)
def test_no_value_is_ever_nan_or_infinite(measure: Measure, number: float, reason: NoDataReason) -> None:
    answer = reading(measure, sample(1, le="+Inf", alertname="a"), sample(number, le="1", alertname="b"))
    assert isinstance(answer, NoData)
    assert answer.reason is reason


@pytest.mark.parametrize(
    "measure", [SEEN, LATENCY, FiringAlerts('{alertname="Waf"}')], ids=["number", "buckets", "alerts"]
)
def test_a_native_histogram_is_no_number(measure: Measure) -> None:
    answer = reading(measure, Sample({"le": "1"}, math.nan, AT, is_histogram=True))
    assert isinstance(answer, QueryFailed)
    assert answer.reason is FailureReason.AMBIGUOUS
    assert "native histogram" in answer.detail


@pytest.mark.parametrize(
    "measure", [SEEN, LATENCY, FiringAlerts('{alertname="Waf"}')], ids=["number", "buckets", "alerts"]
)
def test_the_same_series_twice_is_ambiguous(measure: Measure) -> None:
    """No server may answer so; added up, one that does would double every count."""
    answer = reading(measure, sample(1, le="+Inf"), sample(1, le="+Inf"))
    assert isinstance(answer, QueryFailed)
    assert answer.reason is FailureReason.AMBIGUOUS


def test_several_series_are_never_reduced_to_one() -> None:
    answer = reading(SEEN, sample(1, pod="a", zone="x"), sample(1, pod="b", zone="x"), sample(1, pod="c"))
    assert answer == QueryFailed(
        FailureReason.AMBIGUOUS,
        "3 series where one is due, which differ in pod, zone; wrap the expression in max(), min() or avg()",
        "asked",
    )


def buckets(*pairs: tuple[str, float]) -> Reading:
    return reading(LATENCY, *(sample(count, le=le) for le, count in pairs))


def test_buckets_are_ordered_by_bound_and_the_last_is_the_total() -> None:
    answer = buckets(("+Inf", 9), ("10", 8), ("0.5", 3), ("2", 5))
    assert answer == Value(9, AT, "asked", buckets=((0.5, 3), (2.0, 5), (10.0, 8)))


def test_a_bound_that_is_spelled_in_two_ways_is_one_bound() -> None:
    answer = buckets(("1", 3), ("1.0", 4), ("1e0", 1), ("+Inf", 9))
    assert isinstance(answer, Value)
    assert answer.buckets == ((1.0, 8.0),)


def test_a_cumulative_count_never_sinks() -> None:
    """Buckets are scraped one after the other, so a later one may lack an observation of an earlier one."""
    answer = buckets(("1", 5), ("2", 4.9), ("3", 5.2), ("+Inf", 5.1))
    assert answer == Value(5.2, AT, "asked", buckets=((1.0, 5), (2.0, 5), (3.0, 5.2)))


def test_a_histogram_without_a_total_is_no_data() -> None:
    answer = buckets(("1", 5), ("2", 7))
    assert isinstance(answer, NoData)
    assert answer.reason is NoDataReason.ABSENT
    assert "+Inf" in answer.detail


@pytest.mark.parametrize("le", ["", "fast", "NaN"])
def test_a_bucket_without_a_bound_is_a_failure(le: str) -> None:
    answer = buckets((le, 1), ("+Inf", 2))
    assert isinstance(answer, QueryFailed)
    assert answer.reason is FailureReason.NOT_PROMETHEUS


def test_a_histogram_of_one_bucket_has_no_finite_bound() -> None:
    assert buckets(("+Inf", 2)) == Value(2, AT, "asked")


def test_every_instance_of_an_alert_counts_from_its_own_beginning() -> None:
    alerts = FiringAlerts('{alertname=~"Waf.*"}')
    answer = reading(
        alerts,
        sample(AT - 5, alertname="WafB", instance="a"),
        sample(AT - 9, alertname="WafB", instance="b"),
        sample(AT - 5, alertname="WafB", instance="c"),
        sample(AT - 7, alertname="WafA"),
        sample(0, alertname="WafB", alertstate="firing", instance="d"),
    )
    b = (FiringAlert("WafB", since) for since in (0, AT - 9, AT - 5, AT - 5))
    assert answer == Value(5, AT, "asked", alerts=(FiringAlert("WafA", AT - 7), *b))


def test_each_workload_gets_its_own_instances_of_an_alert() -> None:
    alerts = FiringAlerts('{alertname="Waf"}')
    queries = [Query(DEFAULT_SOURCE, alerts, (Matcher("version", version),)) for version in ("v1", "v2")]
    asked: dict[Identity, Asked] = {(query.workload[0].value,): Asked(query, "asked") for query in queries}
    readings = hand_out(
        Request(alerts, "sent", ("version",), asked),
        [
            sample(AT - 9, alertname="Waf", version="v1", instance="a"),
            sample(AT - 5, alertname="Waf", version="v1", instance="b"),
            sample(AT - 7, alertname="Waf", version="v2", instance="a"),
        ],
    )
    assert [readings[query] for query in queries] == [
        Value(2, AT, "asked", alerts=(FiringAlert("Waf", AT - 9), FiringAlert("Waf", AT - 5))),
        Value(1, AT, "asked", alerts=(FiringAlert("Waf", AT - 7),)),
    ]
