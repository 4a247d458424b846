"""What figures of a simulation are worth: confidence intervals, and the bound that no test can beat."""

import math
import statistics
from collections.abc import Callable, Sequence


def interval(hits: int, runs: int, alpha: float = 0.05) -> tuple[float, float]:
    """Clopper and Pearson's exact confidence interval of a probability.

    Source: C. J. Clopper and E. S. Pearson, Biometrika 26 (1934).

    Args:
        hits: how often it happened, 0 <= hits <= runs.
        runs: out of how many; for none the interval is (0, 1).
        alpha: the chance to miss the truth, half of it on either side.
    """
    low = 0.0 if hits == 0 else _solve(lambda p: 1.0 - _at_most(hits - 1, runs, p) < alpha / 2.0)
    high = 1.0 if hits >= runs else _solve(lambda p: _at_most(hits, runs, p) > alpha / 2.0)
    return low, high


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """The mean, and half the width of its 95 % confidence interval; NaN for what too few values cannot say."""
    if len(values) < 2:
        return (values[0] if values else math.nan), math.nan
    return statistics.fmean(values), 1.96 * statistics.stdev(values) / math.sqrt(len(values))


def wald_seconds(rate: float, share: float, effect: float, *, alpha: float, tolerance: float, others: float) -> float:
    """How long any test with this alpha needs in the mean, if it knows all but whether there is a fault.

    Wald's bound N >= ln(1/alpha) / KL(fault || null), N errors of both versions; each error falls on the new version
    with a probability that the fault moves.

    Args:
        rate: requests a second on the new version.
        share: of them that fail when all is well.
        effect: how many times as many fail in fact.
        alpha: chance of a false alarm.
        tolerance: relative increase that is still harmless.
        others: requests of the baseline for one of the new version.
    """
    null = (1.0 + tolerance) / (1.0 + tolerance + others)
    fault = effect / (effect + others)
    divergence = fault * math.log(fault / null) + (1.0 - fault) * math.log((1.0 - fault) / (1.0 - null))
    return math.log(1.0 / alpha) / divergence / (rate * share * (effect + others))


def _at_most(hits: int, runs: int, p: float) -> float:
    """The probability of at most so many hits."""
    log_p, log_q = math.log(p), math.log1p(-p)
    whole = math.lgamma(runs + 1)
    return sum(
        math.exp(whole - math.lgamma(k + 1) - math.lgamma(runs - k + 1) + k * log_p + (runs - k) * log_q)
        for k in range(hits + 1)
    )


def _solve(is_below: Callable[[float], bool]) -> float:
    """The probability at which a condition ends to hold, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2.0
        low, high = (middle, high) if is_below(middle) else (low, middle)
    return (low + high) / 2.0
