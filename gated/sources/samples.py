"""From the samples of one answer to the readings of the queries it answers. Pure: samples in, readings out."""

import itertools
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gated.model.reading import (
    Buckets,
    Events,
    FailureReason,
    FiringAlert,
    FiringAlerts,
    Measure,
    NoData,
    NoDataReason,
    Observations,
    Query,
    QueryFailed,
    Reading,
    Value,
)
from gated.sources.errors import brief
from gated.sources.grouping import Identity, Request


@dataclass(frozen=True, slots=True)
class Sample:
    """One element of an answer.

    Args:
        labels: the labels of the series.
        number: its value, NaN and infinities included; NaN for a native histogram.
        at: the time of evaluation, Unix seconds.
        is_histogram: whether it is a native histogram, which is no number at all.
    """

    labels: Mapping[str, str]
    number: float
    at: float
    is_histogram: bool = False


def hand_out(request: Request, samples: Sequence[Sample]) -> dict[Query, Reading]:
    """Give each query of a request what belongs to its workload.

    Args:
        request: what was asked, and for whom.
        samples: what came back. Those of workloads that nobody asked for are left out: asking for `a` of version 1
            and `b` of version 2 also brings `a` of version 2.

    Returns:
        A reading for every query of the request. Without any firing alert it is `NoData` of reason `ABSENT`: what
        silence means is for the caller to find out.
    """
    of_workload: defaultdict[Identity, list[Sample]] = defaultdict(list)
    for sample in samples:
        of_workload[request.identity(sample.labels)].append(sample)
    return {
        query: reading(request.measure, expression, of_workload.get(identity, []))
        for identity, (query, expression) in request.asked.items()
    }


def reading(measure: Measure, expression: str, samples: Sequence[Sample]) -> Reading:
    """The answer to a question about one workload.

    Args:
        measure: the question; anything but a history or a probe.
        expression: how it was asked.
        samples: all that belongs to the workload.
    """
    if not samples:
        return NoData(NoDataReason.ABSENT, "no series matched", expression)
    if any(sample.is_histogram for sample in samples):
        why = "a native histogram where a number is due; ask for its count or a quantile"
        return QueryFailed(FailureReason.AMBIGUOUS, why, expression)
    for sample in samples:
        if not math.isfinite(sample.number):
            return _not_finite(sample.number, expression)
    if len({frozenset(sample.labels.items()) for sample in samples}) < len(samples):
        return QueryFailed(FailureReason.AMBIGUOUS, "the same series twice", expression)
    if isinstance(measure, Events | Observations) and any(sample.number < 0 for sample in samples):
        return QueryFailed(FailureReason.BAD_QUERY, "a negative count, so this is no counter", expression)
    match measure:
        case Buckets() | Observations():
            return _buckets(expression, samples)
        case FiringAlerts():
            return _alerts(expression, samples)
        case _:
            return _number(expression, samples)


def _not_finite(number: float, expression: str) -> NoData:
    if math.isnan(number):
        return NoData(NoDataReason.NOT_A_NUMBER, "the result is NaN, as 0/0 is", expression)
    return NoData(NoDataReason.INFINITE, f"the result is {'+' if number > 0 else '-'}Inf", expression)


def _number(expression: str, samples: Sequence[Sample]) -> Reading:
    if len(samples) > 1:
        why = f"{len(samples)} series where one is due{_differing(samples)}"
        return QueryFailed(
            FailureReason.AMBIGUOUS, brief(f"{why}; wrap the expression in max(), min() or avg()"), expression
        )
    (sample,) = samples
    return Value(sample.number, sample.at, expression)


def _differing(samples: Sequence[Sample]) -> str:
    """Which labels tell the series apart."""
    names = sorted({name for sample in samples for name in sample.labels})
    differing = [name for name in names if len({sample.labels.get(name) for sample in samples}) > 1]
    return f", which differ in {', '.join(differing)}" if differing else ""


def _alerts(expression: str, samples: Sequence[Sample]) -> Value:
    """Every instance of every alert: one from before a release must not stand for one that began since."""
    instances = sorted((sample.labels.get("alertname", ""), sample.number) for sample in samples)
    alerts = tuple(FiringAlert(name, active_since) for name, active_since in instances)
    return Value(float(len(alerts)), samples[0].at, expression, alerts=alerts)


def _buckets(expression: str, samples: Sequence[Sample]) -> Reading:
    """Cumulative counts by ascending bound.

    The same bound comes twice when instances spell it differently (`1` and `1.0`): they are different instances, so
    their counts add up. Buckets scraped a moment apart may sink by a hair from one bound to the next; a cumulative
    count does not, so each is raised to the largest before it.
    """
    counts: defaultdict[float, float] = defaultdict(float)
    for sample in samples:
        bound = _bound(sample)
        if math.isnan(bound):
            return QueryFailed(FailureReason.NOT_PROMETHEUS, "a bucket whose le is no number", expression)
        counts[bound] += sample.number
    if math.inf not in counts:
        why = 'no bucket of le="+Inf", so the number of observations is unknown'
        return NoData(NoDataReason.ABSENT, why, expression)
    bounds = sorted(counts)
    rising = itertools.accumulate((counts[bound] for bound in bounds), max)
    *finite, (_, total) = zip(bounds, rising, strict=True)
    return Value(total, samples[0].at, expression, buckets=tuple(finite))


def _bound(sample: Sample) -> float:
    try:
        return float(sample.labels.get("le", ""))
    except ValueError:
        return math.nan
