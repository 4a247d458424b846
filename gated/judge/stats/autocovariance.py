"""The part of the noise that lasts from look to look: how strongly a healthy rate drifts, and for how long.

Noise that comes and goes within one look is uncorrelated between looks; drift is not. So the products of excesses
that lie k looks apart, r_t·r_{t+k}, measure nothing but drift. A drift that forgets with time constant τ predicts

    E[r_t · r_{t+k}] = a · p_k · w_t · w_{t+k},    p_k = exp(-k · step / τ),

with a the variance of the relative rate. Least squares over all pairs up to ten minutes apart gives a, and the τ with
the clearest a is taken (a matched filter over a handful of time constants).
"""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

LONGEST_LAG_SECONDS = 600.0
"""Looks further apart say little about drift that matters within a bake, and much about the time of the day."""

DRIFT_SECONDS = (30.0, 75.0, 150.0, 300.0, 600.0, 1800.0)
"""The time constants τ that are tried; those shorter than a look are not. Neighbouring looks hardly show them, and
dividing by what they would show, exp(-step/τ), would turn a whiff of noise into an enormous drift."""


class Noise(NamedTuple):
    """A stretch of history without gaps, look by look.

    Args:
        excesses: r_t, errors beyond those expected.
        scales: w_t, by how much r_t grows when the rate grows by 100 %: the errors expected (or, against other
            instances, the variance of their share).
    """

    excesses: Sequence[float]
    scales: Sequence[float]


class Drift(NamedTuple):
    """What lasts.

    Args:
        variance: a, of the relative rate; negative when neighbouring looks differ more than chance would have it.
        standard_error: of `variance`, if there is no drift at all; positive.
        seconds: τ.
    """

    variance: float
    standard_error: float
    seconds: float

    @property
    def significance(self) -> float:
        """How clearly there is drift: z = a/se."""
        return self.variance / self.standard_error


def lasting(stretches: Sequence[Noise], step_seconds: float, drift_seconds: Sequence[float] = DRIFT_SECONDS) -> Drift:
    """Find the drift in some stretches of history; pairs of looks never reach from one stretch into another.

    Args:
        stretches: of any lengths; those without errors, and none at all, give no drift (variance 0).
        step_seconds: from look to look, positive.
        drift_seconds: time constants to try, at least one.

    Returns:
        The drift with the largest z = a/se; the first of them when several are equal.
    """
    scale = max(1e-9, math.fsum(sum(noise.scales) for noise in stretches))
    squares = math.fsum(sum(r * r for r in noise.excesses) for noise in stretches)
    inflation = max(1.0, squares / scale)
    lags = int(LONGEST_LAG_SECONDS / step_seconds)
    candidates = []
    visible = [seconds for seconds in drift_seconds if seconds >= step_seconds]
    for seconds in visible or drift_seconds[-1:]:
        memory = math.exp(-step_seconds / seconds)
        # D = Σ_k p_k² Σ_t w_t w_{t+k}: the squared regressors.
        information = max(1e-12, sum(_lagged(noise.scales, memory * memory, lags) for noise in stretches))
        variance = sum(_lagged(noise.excesses, memory, lags) for noise in stretches) / information
        candidates.append(Drift(variance, inflation / math.sqrt(information), seconds))
    return max(candidates, key=lambda drift: drift.significance)


def _lagged(values: Sequence[float], memory: float, lags: int) -> float:
    """Σ_{k=1..lags} memory^k Σ_t v_t·v_{t+k}, in one pass backwards through the values.

    `ahead` is what the next looks weigh as seen from look t: Σ_k memory^k v_{t+k}. One look earlier it is one step
    fainter, has one look more at its near end, and has lost the one that is now out of reach.
    """
    out_of_reach = memory ** (lags + 1)
    backwards = values[::-1]
    total = ahead = 0.0
    for value, lost in zip(backwards, itertools.chain(itertools.repeat(0.0, lags), backwards), strict=False):
        total += value * ahead
        ahead = memory * (value + ahead) - out_of_reach * lost
    return total
