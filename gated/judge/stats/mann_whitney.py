"""By how much one sample lies above another, whatever shape the two have.

Mann and Whitney's U counts the pairs (new, old) in which the new value is the higher one; equal values count half. If
the new sample is the old one moved by d, then the new sample moved back by d looks like the old one; so the shifts d
at which U stands close enough to nm/2 are those that agree with the data. The ends of their range are the confidence
interval of the shift, and the median of all differences is Hodges and Lehmann's estimate of it.

    z(d) = (U(d) - nm/2 - sign/2) / sigma(d)                     sign that of U(d) - nm/2: the continuity correction
    sigma(d)^2 = nm/12 · (N + 1 - sum(t^3 - t) / (N (N - 1)))    N = n + m, t the sizes of the groups of equal values

This is R's `wilcox.test(new, old, exact=FALSE, correct=TRUE, conf.int=TRUE)`, which Kayenta's judge transcribes, but
for one thing: z falls in steps, at the differences, and the interval ends exactly at a step. R and Kayenta search for
that place with `uniroot` and are content to be within 1e-4 of it, in whatever unit the data have; where these are
seconds of latency, that is far off.

1. M. Hollander, D. A. Wolfe, E. Chicken, *Nonparametric Statistical Methods* (3rd ed. 2014), sections 4.1 to 4.3.
2. D. F. Bauer, *Constructing Confidence Sets Using Rank Statistics*, JASA 67 (1972), 687-690.

NOT guaranteed: the interval holds for independent values. Successive values of a gauge are not; how far that widens it
is an estimate, and what wanders more slowly than the samples are long cannot be seen in them.
"""

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, median

from gated.model.rule import Direction


@dataclass(frozen=True, slots=True)
class Shift:
    """How far the new sample lies above the old one; negative when it lies below.

    Args:
        estimate: Hodges and Lehmann's: the median of all differences new - old.
        low: the lower end of its confidence interval.
        high: the upper end.
    """

    estimate: float
    low: float
    high: float

    def beyond(self, margin: float) -> Direction | None:
        """Which way the new sample has moved for certain: the whole interval lies beyond the margin. None for neither.

        Args:
            margin: the greatest harmless shift, at least 0.
        """
        if self.low > margin:
            return Direction.INCREASE
        if self.high < -margin:
            return Direction.DECREASE
        return None


class Pairs:
    """Two samples as the differences of all their pairs.

    Args:
        new: n finite values, n >= 1.
        old: m finite values, m >= 1. Time and space taken grow as nm.
    """

    __slots__ = ("differences", "new", "old")

    def __init__(self, new: Sequence[float], old: Sequence[float]) -> None:
        self.new, self.old = sorted(new), sorted(old, reverse=True)
        # Row after row ascends, and `sorted` merges what ascends: nm·log(n) comparisons instead of nm·log(nm).
        self.differences = sorted([x - y for x in self.new for y in self.old])

    def above(self, shift: float) -> float:
        """U: the number of pairs whose difference exceeds a shift, those that equal it counted half."""
        below, up_to = bisect_left(self.differences, shift), bisect_right(self.differences, shift)
        return len(self.differences) - (below + up_to) / 2

    def statistic(self, shift: float) -> float:
        """z: what about a standard normal would be if the samples differed by this shift; falls as the shift grows.

        Returns:
            z, positive if the new sample lies higher than that; 0 if all values are equal after it.
        """
        pairs, size = len(self.differences), len(self.new) + len(self.old)
        excess = self.above(shift) - pairs / 2
        # Equal is what is equal after the subtraction, as it is rounded: so does R, and Kayenta's vectors show it.
        groups = Counter([x - shift for x in self.new] + self.old).values()
        variance = pairs / 12 * (size + 1 - sum([t**3 - t for t in groups if t > 1]) / (size * (size - 1)))
        if not excess or variance <= 0:
            return 0.0
        return (excess - math.copysign(0.5, excess)) / math.sqrt(variance)

    def shift(self, confidence: float, dispersion: float = 1.0) -> Shift:
        """By how much the new sample lies above the old one.

        Args:
            confidence: of the interval, 0 < confidence < 1.
            dispersion: variance of U over that of independent values, at least 1; see `gauges.dispersion`.

        Returns:
            The shift. The interval never leaves the range of the differences: it is all of it where so few values
            exclude nothing, and has no width where all differences are one.
        """
        quantile = NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt(dispersion)
        steps = self.differences
        gaps = range(bisect_left(steps, steps[-1]))  # after every difference but the greatest

        def fallen(gap: int) -> float:
            return -self.statistic((steps[gap] + steps[bisect_right(steps, steps[gap])]) / 2)

        low, high = bisect_left(gaps, -quantile, key=fallen), bisect_right(gaps, quantile, key=fallen)
        return Shift(estimate=median(steps), low=steps[low], high=steps[high])
