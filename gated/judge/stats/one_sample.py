"""The new version against a fixed limit.

Hypothesis H0: the rate p of bad events is at most the limit T. Experts bet that it is r T, for the same sizes r of a
fault as in `two_sample`. Their wealth is multiplied by the tempered likelihood ratio of e bad events among n [1]

    [r^e * ((1 - rT) / (1 - T))^(n - e)]^(1/phi)                     phi: dispersion of the counts, from history

whose mean is at most 1 where p <= T. Bets are paid q = (e / n) / T. There is no drift: a limit does not wander.

An outage that hits old and new version alike is nobody's fault. A look in which the old version is itself clearly above
the limit is excused: it says nothing, like a look without events.

What is guaranteed, for P(E ever reaches 1/alpha) <= alpha while H0 holds [2]: with independent events (phi = 1) exact,
at any schedule of looks. Excuses drop looks by what the old version did, which does no harm unless the new version does
better in exactly those. phi > 1: measured, NOT proved.

[1] Wald, Sequential tests of statistical hypotheses, Annals of Mathematical Statistics 16, 1945.
[2] Ville, Étude critique de la notion de collectif, 1939.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from gated.judge.stats import betting, likelihood, start
from gated.judge.stats.wald import Score, inside, log_ratios
from gated.model.evidence import Counts, Process

HIGHEST_RATE = 0.9
"""No expert bets on a higher rate, else one good event would ruin it. Limits above 0.8: on the middle to 1 instead."""
_FAINTEST, _LOUDEST = -300.0, 300.0
"""The logarithm of a look's factor stays within these, far from underflow and overflow."""


@dataclass(frozen=True, slots=True)
class OneSample:
    """The test of one rule of one release. Cheap to make.

    Args:
        limit: T, the rate of bad events at which users are harmed, 0 < limit < 1; others count as the nearest inside.
        planned_looks: how many looks the release is expected to have.
        dispersion: phi, variance of the counts over that of independent events; at least 1.
    """

    limit: float
    planned_looks: int
    dispersion: float

    def opened(self) -> Process:
        """The test before its first look."""
        return start.opened((1.0,), ((0.0,),) * len(likelihood.RATIOS), betting.opened())

    def looked(self, process: Process, counts: Counts, *, is_excused: bool = False) -> Process:
        """The test after one more look. A look without events, or an excused one, leaves the evidence as it is.

        Args:
            process: the test before the look.
            counts: events of the new version since the look before.
            is_excused: the old version was itself above the limit, see the function of this name.
        """
        if counts.total <= 0 or is_excused:
            return start.waited(process, self.planned_looks, elapsed_seconds=0.0)
        limit = inside(self.limit)
        stakes = betting.stakes(is_clustered=self.dispersion > 1, can_bet=True)
        logs = log_ratios(_scores(limit, self.dispersion), counts)
        factors = [min(math.exp(max(_FAINTEST, min(log, _LOUDEST))), stakes.at_most) for log in logs]
        experts = tuple(
            (min((wealth + process.unmoved * weight) * factor, betting.RICHEST),)
            for (wealth,), weight, factor in zip(process.experts, likelihood.WEIGHTS, factors, strict=True)
        )
        surprise = min(max(counts.share, 0.0), 1.0) / limit
        bets = betting.updated(process.bets, process.unmoved, surprise, stakes.at_most)
        return start.settled(process, self.planned_looks, process.null, experts, bets, stakes.likelihood)


def is_excused(recent: Sequence[Counts], limit: float) -> bool:
    """Whether the old version is itself clearly above the limit, in its last look or its last four together.

    Clearly is: by two standard deviations of a Poisson count at the limit.

    Args:
        recent: counts of the old version in its last looks, newest last; only the last four matter. None: not excused.
        limit: T.
    """
    blocks = (sum(recent[-1:], Counts()), sum(recent[-4:], Counts()))
    return any(
        block.total > 0 and block.bad > block.total * limit + 2 * math.sqrt(block.total * limit) for block in blocks
    )


@lru_cache(maxsize=2048)
def _scores(limit: float, dispersion: float) -> tuple[Score, ...]:
    highest = max(HIGHEST_RATE, (1 + limit) / 2) / limit
    return tuple(Score.between(limit, min(ratio, highest), dispersion) for ratio in likelihood.RATIOS)
