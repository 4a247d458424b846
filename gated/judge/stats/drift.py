"""The harmless drift of one instance's error rate, as a small hidden chain.

A healthy instance is not exactly like its peers. Its rate is exp(z) times theirs, and z wanders: a warmer cache, a
noisier machine, a heavier share of clients. Taking z for a fault would roll back healthy releases, so what is tested
is "worse than drift alone can explain".

z is modelled by coins [1]: n coins lie on a table, every coin is turned over now and then independently of the others,
and z is the number of heads, centred and scaled. This is a stationary chain of n + 1 states with a binomial (nearly
normal) law, whose autocorrelation falls off exactly like that of an AR(1) process. No drift at all is no coins.

Coins hardly ever fall all at once, but some services have bursts: an instance is sick for a minute and well again.
Where history shows such (`bursts`), z = drift + burst, and the burst is a chain of its own: it is 0 most of the time,
begins at a constant rate with a size out of a few, and ends, or changes its size, at constant rates. With l the rate
of beginnings, m of ends, c of changes, q = l / (l + m) the share of the time in bursts, and t the time that passed::

    P(on | off) = q (1 - exp(-(l + m) t)),    P(on | on) = q + (1 - q) exp(-(l + m) t)
    P(size j | size i) = [i = j] exp(-(m + c) t) + (P(on | on) - exp(-(m + c) t)) / number of sizes

because after any event at all the size is a fresh one. These matrices compose as those of the coins do.

[1] Kopecky & Suen, Finite state Markov-chain approximations to highly persistent processes, Review of Economic
    Dynamics 13, 2010 (Rouwenhorst's method).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import mul

COINS = 8
"""Of the drift itself: 9 states, from -2.8 to 2.8 standard deviations."""
DAY_COINS = 4
"""Of the day effect, by which one hour or day differs from another: 5 states, from -2 to 2 standard deviations."""
DAY_SECONDS = 3600.0
"""How long a day effect lasts. One that never changed would be learned once, and a change of it taken for a fault."""

BURST_SIZES = 3
"""So many sizes has a burst, all equally likely."""
STEPS_APART = 5
"""Steps of the drift between the sizes of bursts: close enough for drift to fill the gaps."""

Columns = tuple[tuple[float, ...], ...]
"""A transition matrix by columns: for every state, the chances to come to it from each state."""


@dataclass(frozen=True, slots=True)
class Bursts:
    """Short excesses of errors of a healthy instance.

    Args:
        size: logarithm of the factor of the largest that has to be covered; positive.
        seconds: how long one lasts in the mean, positive.
        share: of the time that is spent in bursts, between 0 and 1.
    """

    size: float
    seconds: float
    share: float

    @property
    def law(self) -> tuple[float, ...]:
        """The chance of no burst, and of each size, when nothing is known."""
        return (1 - self.share, *[self.share / BURST_SIZES] * BURST_SIZES)


@dataclass(frozen=True, slots=True, eq=False)  # compared by identity, because `drift` makes each of them once
class Drift:
    """What a healthy instance may do. States run over the drift first, then over the day effect or the bursts.

    Args:
        levels: logarithm of the harmless factor, by state.
        law: the chance of each state when nothing is known; sums to 1.
        step: distance between neighbours, on which the sizes of faults are laid out; 0 when there is no drift.
        stride: how many states it takes to go one step.
        coins: of the drift.
        day_coins: of the day effect.
        seconds: how long a drift lasts: its autocorrelation falls to 1/e.
        bursts: on top of it; None for a service without.
    """

    levels: tuple[float, ...]
    law: tuple[float, ...]
    step: float
    stride: int
    coins: int
    day_coins: int
    seconds: float
    bursts: Bursts | None = None

    def moved(self, rows: Iterable[Sequence[float]], elapsed_seconds: float) -> Iterable[Sequence[float]]:
        """What becomes of weights over the states while time passes; the sum of each row stays.

        Args:
            rows: weights by state, not necessarily summing to 1.
            elapsed_seconds: how long; negative counts as 0.
        """
        # Tenths of a second make intervals that jitter share one matrix; no drift is fast enough to notice.
        elapsed = max(round(elapsed_seconds, 1), 0.0)
        if self.coins:
            columns = transition(self.coins, math.exp(-elapsed / self.seconds))
            rows = [_drifted(row, columns) for row in rows]
        if self.day_coins:
            columns = transition(self.day_coins, math.exp(-elapsed / DAY_SECONDS))
            rows = [_changed_days(row, columns) for row in rows]
        if self.bursts:
            columns = burst_transition(self.bursts, elapsed)
            rows = [_changed_days(row, columns) for row in rows]
        return rows


@lru_cache(maxsize=2048)  # one per history of a release in flight; most of them have the least drift assumed
def drift(sd: float, seconds: float, day_sd: float = 0.0) -> Drift:
    """The drift of an instance.

    Args:
        sd: standard deviation of z within an hour; 0 or less: none. Meant for at most 3.
        seconds: how long a drift lasts, more than 0.
        day_sd: standard deviation of the day effect; 0 or less: none.
    """
    coins, day_coins = COINS if sd > 0 else 0, DAY_COINS if day_sd > 0 else 0
    # The middle is s^2/2 below 0 because a log-normal factor exp(z) has mean 1 then: drift does no harm on average.
    within = [sd * x - sd * sd / 2 for x in _heads(coins)] if coins else [0.0]
    days = [day_sd * x for x in _heads(day_coins)]
    step = 2 * day_sd / math.sqrt(DAY_COINS) if day_coins else 2 * max(sd, 0.0) / math.sqrt(COINS)
    return Drift(
        levels=tuple(day + z for day in days for z in within),
        law=tuple(p * q for p in _fair(day_coins) for q in _fair(coins)),
        step=step,
        stride=len(within) if day_coins else 1,
        coins=coins,
        day_coins=day_coins,
        seconds=seconds,
    )


@lru_cache(maxsize=2048)
def bursting(sd: float, seconds: float, bursts: Bursts) -> Drift:
    """The drift of an instance that has bursts as well, but no day effect.

    Args:
        sd: standard deviation of the drift; made larger where its lattice is too narrow to fill the gaps between sizes.
        seconds: how long a drift lasts, more than 0.
        bursts: what they are like. They only add: the factor has a mean above 1, which is on the safe side.
    """
    calm = drift(max(sd, bursts.size / (BURST_SIZES * STEPS_APART) * math.sqrt(COINS) / 2), seconds)
    sizes = [size * STEPS_APART * calm.step for size in range(BURST_SIZES + 1)]
    return replace(
        calm,
        levels=tuple(size + z for size in sizes for z in calm.levels),
        law=tuple(p * q for p in bursts.law for q in calm.law),
        bursts=bursts,
    )


@lru_cache(maxsize=1024)
def burst_transition(bursts: Bursts, elapsed_seconds: float) -> Columns:
    """The chances to go from no burst, or one of some size, to any other; see the formulas above.

    Args:
        bursts: what they are like.
        elapsed_seconds: at least 0.
    """
    ends = elapsed_seconds / bursts.seconds  # m t; sizes change as often, so c = m
    forgotten = math.exp(-ends / (1 - bursts.share))  # (l + m) t, because l = m q / (1 - q)
    begun, lasting = bursts.share * (1 - forgotten), bursts.share + (1 - bursts.share) * forgotten
    same = math.exp(-2 * ends)
    fresh = (lasting - same) / BURST_SIZES
    sizes = range(BURST_SIZES)
    rows = [
        [1 - begun, *[begun / BURST_SIZES] * BURST_SIZES],
        *([1 - lasting, *(fresh + same * (other == size) for other in sizes)] for size in sizes),
    ]
    return tuple(zip(*rows, strict=True))


@lru_cache(maxsize=1024)
def transition(coins: int, correlation: float) -> Columns:
    """The chances to go from any number of heads to any other.

    Matrices of one family compose: transition(r) after transition(s) is transition(r * s), so one long pause and many
    short ones come to the same.

    Args:
        coins: how many.
        correlation: of the number of heads before and after, 0 <= correlation <= 1.
    """
    stay, turn = (1 + correlation) / 2, (1 - correlation) / 2
    rows = []
    for heads in range(coins + 1):
        law = [1.0]  # of the number of heads afterwards, one coin after another
        for p in [stay] * heads + [turn] * (coins - heads):  # that it shows heads
            law = [tails * (1 - p) + more * p for tails, more in zip([*law, 0], [0, *law], strict=True)]
        rows.append(law)
    return tuple(zip(*rows, strict=True))


def _heads(coins: int) -> list[float]:
    """The number of heads, centred and scaled to a standard deviation of 1 (no coins: one state, 0)."""
    return [(2 * heads - coins) / math.sqrt(max(coins, 1)) for heads in range(coins + 1)]


def _fair(coins: int) -> list[float]:
    return [math.comb(coins, heads) / 2**coins for heads in range(coins + 1)]


def _drifted(row: Sequence[float], columns: Columns) -> list[float]:
    size = len(columns)
    days = [row[start : start + size] for start in range(0, len(row), size)]
    return [sum(map(mul, day, column)) for day in days for column in columns]


def _changed_days(row: Sequence[float], columns: Columns) -> list[float]:
    size = len(row) // len(columns)
    strands = [row[state::size] for state in range(size)]  # one state of the drift, over all days
    return [sum(map(mul, strand, column)) for column in columns for strand in strands]
