"""Short excesses of errors that healthy instances have now and then, learned from pseudo-canaries.

A drift goes up as often as down, and its third moment is small. A burst is rare, short and large: an instance that is
in bursts of relative size B for a share q of the time has, of its relative excess x = e_c/m - 1 with m the errors that
the others' rate predicts,

    E[x_t x_{t+1}] = q B^2 s        E[x_t x_{t+1} x_{t+2}] = q B^3 s^2        s: chance that a burst goes on

as long as q is small. Neighbouring looks are multiplied and not one with itself, so clusters within a look add nothing.
The quotient of the two, B s, is how large bursts are, weighted with their harm; the first divided by its square is q.
A log-normal drift of cv c gives about 3c^2 for B instead, which is far below 1 for every drift that is called harmless.

NOT guaranteed: that bursts of another release are as large, as long and as rare as those in history.
"""

import math
from collections.abc import Sequence
from operator import mul

from gated.judge.stats.autocovariance import Drift, Noise
from gated.judge.stats.drift import Bursts

SMALLEST = 0.5
"""Relative size from which on an excess is a burst; below it, drift is the better name."""
SIGNIFICANCE = 4.0
"""The z of the third moment from which on bursts are believed."""
RESERVE = 2.5
"""The largest burst that is allowed for is so many times as large as the typical one."""
LEAST_LOOKS = 4
"""A burst lasts so many looks at least, in the mean; short time constants are measured badly."""
LONGEST_SECONDS = 300.0
"""What lasts longer is a drift."""
LARGEST_SHARE = 0.3
"""Of the time in bursts; what happens more often is a drift."""
SMALLEST_SHARE = 0.002
"""Of the time in bursts, where there are any: one in twenty hours was seen by luck, and is not known to be rarer."""
LARGEST = 50.0
"""Relative size; beyond it the lattice would be too coarse to tell anything else apart."""


def bursts(stretches: Sequence[Noise], lasts: Drift, step_seconds: float) -> Bursts | None:
    """Find the bursts in some stretches of history.

    Args:
        stretches: of any lengths.
        lasts: the drift that was found in them, and is believed.
        step_seconds: from look to look, positive.

    Returns:
        None where there is no sign of them.
    """
    looks = sum(len(noise.scales) for noise in stretches)
    typical = math.fsum(sum(noise.scales) for noise in stretches) / max(1, looks)
    if lasts.seconds > LONGEST_SECONDS or not typical > 0:
        return None
    even = [_evened(noise, typical) for noise in stretches]
    pairs, pair_scale = _moment(even, 2)
    triples, triple_scale = _moment(even, 3)
    if not (pairs > 0 and pair_scale > 0 and triple_scale > 0):
        return None
    variance = pairs / pair_scale
    size = triples / triple_scale / variance
    # By chance alone: independent errors have a variance of their mean, and products the product of those.
    if triples < SIGNIFICANCE * math.sqrt(triple_scale) or not size >= SMALLEST:
        return None
    size = min(size, LARGEST)
    return Bursts(
        size=math.log1p(RESERVE * size),
        seconds=max(lasts.seconds, LEAST_LOOKS * step_seconds),
        share=min(max(variance / size**2, SMALLEST_SHARE), LARGEST_SHARE),
    )


def calmed(noise: Noise, found: Bursts) -> Noise:
    """A stretch of history without its bursts: excesses beyond half of a typical burst and noise are cut off."""
    half = math.expm1(found.size) / RESERVE / 2
    return Noise(
        [min(r, w * half + 2 * math.sqrt(w)) for r, w in zip(noise.excesses, noise.scales, strict=True)], noise.scales
    )


def _evened(noise: Noise, typical: float) -> Noise:
    """Looks with more errors than usual count like usual ones: otherwise one shared outage would drown all bursts."""
    by = [typical / max(w, typical) for w in noise.scales]
    return Noise(list(map(mul, noise.excesses, by)), list(map(mul, noise.scales, by)))


def _moment(stretches: Sequence[Noise], looks: int) -> tuple[float, float]:
    """Products of neighbouring excesses, and of their scales, summed."""
    return (
        sum(_neighbours(noise.excesses, looks) for noise in stretches),
        sum(_neighbours(noise.scales, looks) for noise in stretches),
    )


def _neighbours(values: Sequence[float], number: int) -> float:
    """Products of so many values that follow each other, summed."""
    products = values
    for behind in range(1, number):
        products = list(map(mul, products, values[behind:]))
    return sum(products)
