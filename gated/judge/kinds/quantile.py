"""Quantiles of histograms, judged by counting.

"The q-quantile is above T" means "more than 1 - q of the observations are above T". A histogram can only count at
its bucket boundaries, so the two directions use the two boundaries around T:

    harm is certain      iff  n - count(le = the smallest boundary >= T)  >  (1 - q) n
    harmless is certain  iff  n - count(le = the largest boundary <= T)  <=  (1 - q) n

Between the two the histogram cannot tell, and says so. Nothing is interpolated: `histogram_quantile` would invent
a position inside the bucket, and saturates at the last finite boundary.
"""

import math

from gated.judge.assessment import Assessment, Finding, blind, fixed, reading_of, sample_age
from gated.model.reading import Buckets, Newest, Query, Readings, Value
from gated.model.rule import QuantileRule
from gated.model.selection import Workload
from gated.model.units import format_quantity

_ROUNDING = 1e-9
"""Relative slack for comparing boundaries and counts that went through decimal text."""


def queries(rule: QuantileRule, workload: Workload) -> tuple[Query, Query]:
    """The bucket counts, and the time of the newest sample."""
    return (
        Query(rule.source, Buckets(rule.histogram, rule.window_seconds), workload),
        Query(rule.source, Newest(_count_series(rule.histogram)), workload),
    )


def assess(rule: QuantileRule, workload: Workload, readings: Readings) -> Assessment:
    """Compare the count of slow observations with what the quantile allows."""
    counts, newest = (reading_of(readings, query) for query in queries(rule, workload))
    if not isinstance(counts, Value):
        return blind(counts)
    age = sample_age(newest, rule.max_sample_age_seconds)
    if isinstance(age, Assessment):
        return age
    n, limit = counts.number, fixed(rule.limit).bound
    finding, code, reason = Finding.UNSURE, "", ""
    value: float | None = None
    last = counts.buckets[-1][0] if counts.buckets else -math.inf
    if limit > last * (1 + _ROUNDING):
        finding, code = Finding.ERROR, "limit_above_last_bucket"
        highest = format_quantity(last, rule.unit) if counts.buckets else "none"
        reason = (
            f"the limit {format_quantity(limit, rule.unit)} lies above the histogram's last finite bucket"
            f" ({highest}); nothing above it can be counted"
        )
    elif n < max(rule.min_samples, 1):
        code = "too_few_samples"
        reason = f"{n:,.0f} observations in the window; at least {max(rule.min_samples, 1)} are needed to judge"
    else:
        finding, value, reason = _compare(rule, counts.buckets, n)
        code = "between_buckets" if finding is Finding.UNSURE else ""
    return Assessment(
        finding=finding,
        code=code,
        reason=reason,
        value=value,
        samples=n,
        sample_age_seconds=age,
        query=counts.expression,
    )


def _compare(rule: QuantileRule, buckets: tuple[tuple[float, float], ...], n: float) -> tuple[Finding, float, str]:
    """Place the quantile against the limit.

    Args:
        rule: with a limit not above the last boundary.
        buckets: (boundary, cumulative count), ascending, not empty.
        n: all observations, at least 1.

    Returns:
        The finding, the smallest boundary the quantile is certainly not above (the last finite one when there is
        none), and the sentence.
    """
    limit, allowed = fixed(rule.limit).bound, (1 - rule.quantile) * n * (1 + _ROUNDING)
    within_upper = next(count for bound, count in buckets if bound >= limit * (1 - _ROUNDING))
    within_lower = max((count for bound, count in buckets if bound <= limit * (1 + _ROUNDING)), default=0.0)
    if n - within_upper > allowed:
        finding = Finding.PAST
    elif n - within_lower <= allowed:
        finding = Finding.INSIDE
    else:
        finding = Finding.UNSURE

    needed = rule.quantile * n * (1 - _ROUNDING)
    above = 0.0
    for bound, count in buckets:
        if count >= needed:
            place = f"at most {format_quantity(bound, rule.unit)}"
            if above:
                place = f"between {format_quantity(above, rule.unit)} and {format_quantity(bound, rule.unit)}"
            value = bound
            break
        above = bound
    else:
        value, place = above, f"above {format_quantity(above, rule.unit)}"
    sentence = f"p{rule.quantile * 100:g} of {n:,.0f} is {place}; limit {format_quantity(limit, rule.unit)}"
    if finding is Finding.UNSURE:
        sentence += ", which no bucket boundary separates: a boundary at the limit would"
    return finding, value, sentence


def _count_series(histogram: str) -> str:
    """The selector of the histogram's `_count` series: `h{a="b"}` becomes `h_count{a="b"}`."""
    name, brace, matchers = histogram.partition("{")
    return f"{name.strip()}_count{brace}{matchers}"
