"""What has to be known of two samples of a gauge before they are compared."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, quantiles


def mean_ratio(new: Sequence[float], old: Sequence[float]) -> float | None:
    """How many times the old mean the new mean is.

    Args:
        new: finite values, at least one.
        old: finite values, at least one.

    Returns:
        The ratio; None when the old mean is not positive, for then no multiple of it says how much.
    """
    mean = fmean(old)
    return fmean(new) / mean if mean > 0 else None


def is_outlier(values: Sequence[float], factor: float) -> list[bool]:
    """Which values lie far outside the middle half: J. W. Tukey, *Exploratory Data Analysis* (1977), section 2D.

    Args:
        values: finite values, of any number.
        factor: how many interquartile ranges beyond the quartiles are still inside, positive.

    Returns:
        One answer for each value. Nothing is an outlier among fewer than two.
    """
    if len(values) <= 1:
        return [False] * len(values)
    lower, _, upper = quantiles(values, n=4, method="inclusive")
    reach = factor * (upper - lower)
    return [value < lower - reach or value > upper + reach for value in values]


def without_outliers(values: Sequence[float]) -> list[float]:
    """The values without those that are far outside and rare: more than three ranges away, in the outer percent.

    As Kayenta's judge does it. Being rare is asked for as well because a gauge that mostly stands still has no
    interquartile range, and everything else would be far outside of it.

    Args:
        values: finite values, of any number.
    """
    if len(values) <= 1:
        return list(values)
    first, *_, last = quantiles(values, n=100, method="inclusive")
    far = is_outlier(values, factor=3.0)
    return [value for value, is_far in zip(values, far, strict=True) if not is_far or first <= value <= last]


def dispersion(*samples: Sequence[float]) -> float:
    """By how much successive values depend on each other: the variance of a mean of them over that of independent ones.

    As of a first-order autoregression, (1 + r)/(1 - r), with r the correlation of neighbours in all samples together:
    of their ranks, so that one spike does not make steady values look independent. Estimates of r fall short by about
    (1 + 4r)/n: M. G. Kendall, *Note on Bias in the Estimation of Autocorrelation*, Biometrika 41 (1954), 403-404.

    Args:
        samples: finite values in order of time, as many in each.

    Returns:
        At least 1, which it is for values that never change; less than their number. What wanders more slowly than the
        samples are long cannot be seen in them.
    """
    neighbours, variance = 0.0, 0.0
    for sample in samples:
        ordered = sorted(sample)
        ranks = [bisect_left(ordered, value) + bisect_right(ordered, value) - len(sample) for value in sample]
        neighbours += sum(a * b for a, b in pairwise(ranks))
        variance += sum(rank * rank for rank in ranks)
    if not variance:
        return 1.0
    n = min(map(len, samples))
    r = neighbours / variance
    r = min(max(0.0, r + (1 + 4 * r) / n), 1 - 2 / n)
    return (1 + r) / (1 - r)
