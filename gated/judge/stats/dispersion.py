"""How much more error counts vary than independent errors would: φ, the price of clusters.

Errors come in clusters: a client retries, a dependency hiccups. Counts then vary φ times as much as a binomial's, and
a test that takes every error for a witness of its own is deceived. Tests without a baseline divide their log-odds by φ.
"""

import math
from collections.abc import Sequence

from gated.judge.stats.history import Stretch

BLOCKS = (1, 4, 20)
"""Looks that are taken together: clusters within a look, within a minute, within five minutes."""

FEWEST_ERRORS = 20
"""With fewer errors nobody can tell whether they come in clusters."""

UNKNOWN = 10.0
"""What is assumed then, and without any history: safe, and slow."""


def dispersion(hours: Sequence[Stretch]) -> float:
    """The largest inflation over blocks of 1, 4 and 20 looks (variance-to-mean ratio, with its uncertainty on top).

    Args:
        hours: stretches of history of single instances, or of the service; any number, of any length.

    Returns:
        φ >= 1, finite; exactly 1 where independent errors explain what was seen; at least `UNKNOWN` with fewer than
        `FEWEST_ERRORS` errors.
    """
    bad = sum(sum(hour.bad) for hour in hours)
    total = sum(sum(hour.total) for hour in hours)
    share = bad / max(total, 1.0)
    largest = max(_of_blocks(hours, share, length) for length in BLOCKS)
    return largest if bad >= FEWEST_ERRORS else max(largest, UNKNOWN)


def _of_blocks(series: Sequence[Stretch], share: float, length: int) -> float:
    """The inflation of blocks of some looks; what is left at the end of a stretch is left out."""
    squares, means = [], []
    for hour in series:
        begins = range(0, len(hour.bad) - length + 1, length)
        for bad, total in zip(_blocks(hour.bad, begins), _blocks(hour.total, begins), strict=True):
            mean = share * total
            means.append(mean)
            squares.append((bad - mean) ** 2)
    return inflation(squares, means)


def _blocks(column: Sequence[float], begins: range) -> Sequence[float]:
    if begins.step == 1:
        return column
    return [sum(column[begin : begin + begins.step]) for begin in begins]


def inflation(squares: Sequence[float], means: Sequence[float]) -> float:
    """φ from squared deviations and the means they would have if errors were independent.

    f = Σ squares / Σ means, with the standard error se of a ratio of sums. An f that could be chance (below 1.1, or
    within one se of 1) counts as 1; from one se to two the answer is phased in; beyond it is 1.25·(f + se), so that
    a history that happened to be calm does not make the test bold.

    Args:
        squares: of every look or block, less what is known to have another cause.
        means: of the same looks, not negative; all zero, or none, gives 1.

    Returns:
        φ >= 1.
    """
    expected = max(1e-9, sum(means))
    ratio = sum(squares) / expected
    if ratio <= 1.1:  # noqa: PLR2004 -- see above
        return 1.0
    error = math.sqrt(sum((square - ratio * mean) ** 2 for square, mean in zip(squares, means, strict=True))) / expected
    certainty = min(1.0, max(0.0, (ratio - 1) / max(error, 1e-12) - 1))
    return 1 + certainty * (1.25 * (ratio + error) - 1)
