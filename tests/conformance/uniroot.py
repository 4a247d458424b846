"""R's `uniroot`, step for step, so that numbers that depend on where it stops can be had again.

R. P. Brent, *Algorithms for Minimization without Derivatives* (1973), chapter 4, as R's `zeroin.c` runs it.
"""

import math
from collections.abc import Callable

_EPSILON = 2.0**-52
"""The spacing of floating point numbers at 1."""


def uniroot(function: Callable[[float], float], low: float, high: float, tolerance: float) -> float:
    """Where a function that falls crosses zero; as `wilcox.test` asks, an end if it does not cross in between.

    Args:
        function: finite from low to high; it may have steps.
        low: one end.
        high: the other.
        tolerance: how far from the crossing the search may stop.
    """
    at_low, at_high = function(low), function(high)
    if at_low <= 0:
        return low
    if at_high >= 0:
        return high
    previous, best, opposite = low, high, low
    at_previous, at_best, at_opposite = at_low, at_high, at_low
    while True:
        last_step = best - previous
        if abs(at_opposite) < abs(at_best):
            previous, best, opposite = best, opposite, best
            at_previous, at_best, at_opposite = at_best, at_opposite, at_best
        shortest = 2 * _EPSILON * abs(best) + tolerance / 2
        half = (opposite - best) / 2
        if abs(half) <= shortest or at_best == 0:
            return best
        step = half
        if abs(last_step) >= shortest and abs(at_previous) > abs(at_best):
            p, q = _interpolated(previous, best, opposite, at_previous, at_best, at_opposite)
            # p / q is trusted only if it stays well inside the bracket and at least halves the step before last.
            if p < 0.75 * (opposite - best) * q - abs(shortest * q) / 2 and p < abs(last_step * q / 2):
                step = p / q
        previous, at_previous = best, at_best
        best += step if abs(step) >= shortest else math.copysign(shortest, step)
        at_best = function(best)
        if at_best * at_opposite > 0:
            opposite, at_opposite = previous, at_previous


def _interpolated(a: float, b: float, c: float, at_a: float, at_b: float, at_c: float) -> tuple[float, float]:
    """The step from b to the crossing as p / q with p >= 0: secant through two points, else inverse quadratic."""
    ratio = at_b / at_a
    if a == c:
        p, q = (c - b) * ratio, 1 - ratio
    else:
        s, t = at_a / at_c, at_b / at_c
        p = ratio * ((c - b) * s * (s - t) - (b - a) * (t - 1))
        q = (s - 1) * (t - 1) * (ratio - 1)
    return (p, -q) if p > 0 else (-p, q)
