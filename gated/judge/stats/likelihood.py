"""Experts that bet on a size of the fault, each against harmless drift alone.

An expert says: "the new version fails r times as often, on top of whatever drift does". Its wealth is the likelihood
ratio of that against "drift alone", so the question asked is how much better a fault predicts the data than drift.
Neither is known at a time: both are averages over the hidden drift z, kept by the forward filter of a hidden Markov
chain. With A_j the weights over z of expert j, A_0 those of drift alone (the null), P what time does to z and l(eta)
the log-likelihood of the look at a log-ratio eta::

    A_j(z)  <-  (A_j P)(z) * exp(l(ln r_j + z)) / N,     N = sum over z of (A_0 P)(z) * exp(l(z)),     r_0 = 1

The wealth of expert j is the sum of its A_j. Dividing all by N keeps A_0 a law and turns likelihoods into ratios, as in
Wald's sequential test with a mixture over alternatives [1, 2].

Sizes of faults are laid on the lattice of the drift: ln r is a whole number of its steps. Between the lattice points an
expert would explain every look better than any drift can, by filling the gaps of the grid, and grow on healthy data.

[1] Lindon & Malek, Anytime-valid inference for multinomial count data, NeurIPS 2022, arXiv 2011.03567.
[2] Lindon, Sanden & Shirikian, Rapid regression detection in software deployments through sequential testing, KDD 2022,
    arXiv 2205.14762.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import add, mul

from gated.judge.stats.betting import RICHEST
from gated.judge.stats.drift import Drift
from gated.model.evidence import Process

RATIOS = (1.3, 1.8, 2.7, 4.5, 10.0)
"""Sizes of faults that are bet on: how many times as many errors as tolerated."""
WEIGHTS = (0.26, 0.24, 0.22, 0.17, 0.11)
"""Of the wealth, what each size gets; sums to 1. Small faults need the most data, so they get the most."""
_FINEST_STEP = 0.02
"""Where drift is so small that its lattice is finer than this, the gaps are too narrow to matter."""
_FAINTEST = -300.0
"""Log-likelihoods this far below the largest count as equally impossible; exp of it is far from underflow."""

Row = Sequence[float]
"""Weights over the states of the drift."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Every log-ratio at which the likelihood of a look is needed, once each.

    Args:
        log_ratios: eta = ln r + z, of all experts and states together.
        ratios: exp(eta).
        null: where the states of drift alone stand in it.
        experts: where the states of each expert stand.
    """

    log_ratios: tuple[float, ...]
    ratios: tuple[float, ...]
    null: slice
    experts: tuple[slice, ...]


@lru_cache(maxsize=2048)
def grid(drift: Drift) -> Grid:
    """Lay the sizes of faults out on the lattice of the drift, where experts share most of their points."""
    size, logs = len(drift.levels), [math.log(ratio) for ratio in RATIOS]
    if drift.step > _FINEST_STEP:
        steps = [0, *(max(1, round(log / drift.step)) for log in logs)]
        shifts, starts = [k * drift.step for k in steps], [k * drift.stride for k in steps]
        if drift.bursts:  # several states have the same level: nothing to share
            starts = [k * size for k in range(len(steps))]
    else:
        shifts, starts = [0.0, *logs], [k * size for k in range(len(logs) + 1)]
    points = {
        start + state: shift + level
        for start, shift in zip(starts, shifts, strict=True)
        for state, level in enumerate(drift.levels)
    }
    places = {point: place for place, point in enumerate(sorted(points))}
    null, *experts = (slice(places[start], places[start] + size) for start in starts)
    log_ratios = tuple(points[point] for point in sorted(points))
    return Grid(log_ratios, tuple(math.exp(eta) for eta in log_ratios), null, tuple(experts))


def opened(drift: Drift) -> tuple[tuple[float, ...], ...]:
    """The experts before any wealth was staked."""
    return ((0.0,) * len(drift.law),) * len(RATIOS)


def arrived(process: Process, drift: Drift, elapsed_seconds: float) -> tuple[Row, Sequence[Row]]:
    """Drift alone and the experts at the moment of a look, before they have seen its events.

    Args:
        process: the test before the look.
        drift: what a healthy instance may do.
        elapsed_seconds: since the look before.

    Returns:
        The law of drift alone, and for every expert its weights, with all wealth that was paid out since.
    """
    null, *experts = drift.moved((process.null, *process.experts), process.unmoved_seconds + elapsed_seconds)
    if process.unmoved:
        # A new stake knows about the drift what the null knows, since without a fault they are the same.
        stakes = [process.unmoved * weight for weight in WEIGHTS]
        experts = [list(map(add, row, [stake * p for p in null])) for row, stake in zip(experts, stakes, strict=True)]
    return null, experts


def updated(
    null: Row, experts: Sequence[Row], grid: Grid, log_likelihoods: Sequence[float], at_most: float
) -> tuple[tuple[float, ...], tuple[tuple[float, ...], ...]]:
    """Drift alone and the experts after they have seen the events of a look.

    Args:
        null: the law of drift alone, before.
        experts: weights of every expert, before.
        grid: which log-likelihood belongs to which expert and state.
        log_likelihoods: of the look, at each of `grid.log_ratios`, up to a constant; finite.
        at_most: how much one look may multiply the wealth of an expert. Cutting wealth never harms the guarantee.
    """
    likeliest = max(log_likelihoods)
    logs = [log - likeliest for log in log_likelihoods]
    if min(logs) < _FAINTEST:
        logs = [max(log, _FAINTEST) for log in logs]
    likelihoods = list(map(math.exp, logs))
    null = list(map(mul, null, likelihoods[grid.null]))
    normal = sum(null)  # at least exp(_FAINTEST), because the null summed to 1
    after = []
    for before, place in zip(experts, grid.experts, strict=True):
        row = list(map(mul, before, likelihoods[place]))
        wealth, limit = sum(row) / normal, min(at_most * sum(before), RICHEST)
        scale = limit / wealth / normal if wealth > limit else 1 / normal
        after.append(tuple([weight * scale for weight in row]))
    return tuple([weight / normal for weight in null]), tuple(after)
