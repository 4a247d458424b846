"""A confidence interval for a rate that holds at every look at once, for people to see.

e bad events of n. The likelihood mixed over all rates, by that at the true rate, is a martingale that starts at 1. By
Ville's inequality it ever reaches 1/alpha with a chance of at most alpha, so rates where it did can be left out [1, 2].
What is left::

    { p :  e ln p + (n - e) ln(1 - p)  >  ln B(a + e, b + n - e) - ln B(a, b) + ln alpha }

with a Beta(a, b) law over rates: an interval around e / n.

What is guaranteed: with independent events, the true rate is in all intervals of a release, at any schedule of looks,
with a chance of at least 1 - alpha. Counts that were divided by a dispersion above 1: an approximation, NOT proved.

[1] Robbins, Statistical methods related to the law of the iterated logarithm, Annals of Mathematical Statistics, 1970.
[2] Howard & Ramdas, Sequential estimation of quantiles with applications to A/B testing and best-arm identification.
"""

import math
from collections.abc import Callable

from gated.model.evidence import Counts

JEFFREYS = (0.5, 0.5)
"""The law over rates that favours none of them: Beta(1/2, 1/2)."""
_NEAREST = 1e-15
"""Ends are sought this far from 0 and from 1."""
_HALVINGS = 10
"""How often the bracket of an end is halved before Newton's steps."""
_STEPS = 30
"""Newton's steps to an end, at most."""
_PRECISION = 1e-15
"""Of an end, relative."""


def confidence_sequence(
    counts: Counts, alpha: float, dispersion: float, prior: tuple[float, float] = JEFFREYS
) -> tuple[float, float]:
    """Both ends of the interval.

    Args:
        counts: all events so far. None at all: (0, 1). None bad: the lower end is 0; all bad: the upper end is 1.
        alpha: chance of an interval without the true rate, ever; 0 < alpha < 1.
        dispersion: variance of the counts over that of independent events; less than 1 counts as 1.
        prior: (a, b), both more than 0.

    Returns:
        (lower, upper), 0 <= lower <= share <= upper <= 1.
    """
    bad = max(min(counts.bad, counts.total), 0.0) / max(dispersion, 1.0)
    good = max(counts.total / max(dispersion, 1.0) - bad, 0.0)
    a, b = prior
    mixture = _log_beta(a + bad, b + good) - _log_beta(a, b)
    smallest = mixture + math.log(alpha)

    def height(rate: float) -> float:
        return bad * math.log(rate) + good * math.log1p(-rate) - smallest

    def slope(rate: float) -> float:
        return bad / rate - good / (1 - rate)

    share = min(max(bad / (bad + good), _NEAREST), 1 - _NEAREST) if bad + good else 0.5
    lower = 0.0 if bad <= 0 else _edge(_NEAREST, share, height, slope)
    upper = 1.0 if good <= 0 else _edge(1 - _NEAREST, share, height, slope)
    return lower, upper


def _edge(outside: float, inside: float, height: Callable[[float], float], slope: Callable[[float], float]) -> float:
    """Where the interval ends, between a point outside of it and one inside; or that point, if it is inside too.

    The log-likelihood is concave, so Newton's steps from outside come closer to the edge without ever passing it; a
    few halvings first bring them to where they are quick.
    """
    if height(outside) >= 0:
        return outside
    for _ in range(_HALVINGS):
        middle = (outside + inside) / 2
        outside, inside = (outside, middle) if height(middle) > 0 else (middle, inside)
    for _ in range(_STEPS):
        step = height(outside) / slope(outside)
        outside -= step
        if abs(step) <= _PRECISION * outside:
            break
    return outside


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
