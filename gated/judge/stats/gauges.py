"""What is looked at beside the ranks when two samples of a gauge are compared."""

from collections.abc import Sequence
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
