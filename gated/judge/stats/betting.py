"""Bets that need a mean only, and how much of the wealth is theirs.

The likelihood is the better judge of events whose law is known. A bet asks for less: it stakes a fraction f of its
wealth at fair odds on "more than expected", and is paid q = observed / expected. Its wealth is multiplied by

    1 + f * (q - 1)            the capital process of [1], with a mixture over fixed fractions f

whose mean is at most 1 wherever the mean of q is at most 1, whatever the law of q and whatever happens inside a look.

NOT guaranteed where that mean is above 1 in healthy hours: few errors, clients that stick to an instance, a volume
that is linked to errors. Whether history allows bets is `Calibration.can_bet`.

[1] Waudby-Smith & Ramdas, Estimating means of bounded random variables by betting, arXiv 2010.09686, section 4.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

FRACTIONS = (0.06, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95)
"""Of its wealth, what each bet stakes at every look: small fractions find small faults, large ones find them fast."""
RICHEST = 1e40
"""No expert grows beyond this: evidence enough for any limit, and products of it stay far from overflow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stakes:
    """How the wealth is divided between the two bettors, and how much one look may move it.

    Args:
        likelihood: w_L, the share of the likelihood bettor; the rest is the betting bettor's.
        at_most: no expert multiplies its wealth by more than this in one look.
    """

    likelihood: float
    at_most: float


_INDEPENDENT = Stakes(likelihood=0.85, at_most=math.exp(5.0))
_CLUSTERED = Stakes(likelihood=0.6, at_most=math.exp(3.5))


@cache
def stakes(*, is_clustered: bool, can_bet: bool) -> Stakes:
    """Divide the wealth.

    Args:
        is_clustered: events depend on each other. The likelihood is approximate then, so bets get more of the wealth,
            and one look, which may be one cluster, moves less of it.
        can_bet: the mean of q is known to be at most 1. Otherwise the likelihood bettor has it all.
    """
    divided = _CLUSTERED if is_clustered else _INDEPENDENT
    return divided if can_bet else replace(divided, likelihood=1.0)


def opened() -> tuple[float, ...]:
    """The bets before any wealth was staked."""
    return (0.0,) * len(FRACTIONS)


def updated(bets: Sequence[float], unmoved: float, surprise: float, at_most: float) -> tuple[float, ...]:
    """The wealth of every bet after a look.

    Args:
        bets: wealth before the look.
        unmoved: wealth that is staked in this look for the first time, shared evenly.
        surprise: q = observed / expected, at least 0; its mean is at most 1 while the new version is healthy.
        at_most: how much one look may multiply.
    """
    share = unmoved / len(bets)
    gain = surprise - 1
    return tuple(
        min(RICHEST, (wealth + share) * min(at_most, 1 + fraction * gain))
        for wealth, fraction in zip(bets, FRACTIONS, strict=True)
    )
