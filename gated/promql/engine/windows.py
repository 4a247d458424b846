"""Functions over the samples of a range."""

import itertools
import math
import operator
from collections.abc import Callable, Mapping, Sequence

from gated.promql.engine.series import Window

OverRange = Callable[[Window, int, int], float | None]
"""The samples, the start and the end of a range to one number; None for no element at all. Times in milliseconds."""

_NEAR = 1.1
"""A sample closer to the edge of a window than so many gaps between samples speaks for the time up to the edge."""


def increase(window: Window, start: int, end: int) -> float | None:
    """As `extrapolatedRate` of Prometheus 2.42 does it for counters."""
    times, values = window
    if len(times) < 2:  # noqa: PLR2004 -- a difference takes two
        return None
    grown = values[-1] - values[0]
    grown += sum(before for before, after in itertools.pairwise(values) if after < before)
    sampled = (times[-1] - times[0]) / 1000
    between = sampled / (len(times) - 1)
    to_start, to_end = (times[0] - start) / 1000, (end - times[-1]) / 1000
    if grown > 0 and values[0] >= 0:
        # A counter is never negative: it began no earlier than where the line through its samples meets zero.
        to_start = min(to_start, sampled * (values[0] / grown))
    covered = sampled
    covered += to_start if to_start < between * _NEAR else between / 2
    covered += to_end if to_end < between * _NEAR else between / 2
    return grown * (covered / sampled)


def rate(window: Window, start: int, end: int) -> float | None:
    """The increase per second."""
    grown = increase(window, start, end)
    return None if grown is None else grown / ((end - start) / 1000)


def mean(values: Sequence[float]) -> float:
    """The mean of at least one number."""
    return math.fsum(values) / len(values)


def _over_time(summary: Callable[[Sequence[float]], float]) -> OverRange:
    return lambda window, _start, _end: float(summary(window[1])) if window[1] else None


OVER_RANGE: Mapping[str, OverRange] = {
    "rate": rate,
    "increase": increase,
    "avg_over_time": _over_time(mean),
    "min_over_time": _over_time(min),
    "max_over_time": _over_time(max),
    "sum_over_time": _over_time(math.fsum),
    "count_over_time": _over_time(len),
    "last_over_time": _over_time(operator.itemgetter(-1)),
}
"""By PromQL's names."""
