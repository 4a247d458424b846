"""How many more errors one version had than its share of the traffic predicts, and how uncertain that is.

Of e errors on both sides of a look, a version that served the share θ of the requests should have had eθ, give or
take: given e, the errors of the one side are binomial. Whatever hits both sides alike is in e, and cancels.
"""

from collections.abc import Sequence
from itertools import chain
from operator import add, mul, sub
from typing import NamedTuple, Self

from gated.judge.stats.history import Stretch


class Surprises(NamedTuple):
    """Looks at two versions, or at one instance and all the others: numbers side by side, one for each look.

    Args:
        bad: e_c, errors of the version in question.
        events: e, errors of both.
        shares: θ, its share of the requests; 0 when there were none at all.
        excesses: r = e_c - eθ, its errors beyond its share.
        variances: w = eθ(1 - θ), the variance of the excess if errors are independent; 0 without errors, and where
            only one side had traffic: such a look says nothing.
    """

    bad: Sequence[float]
    events: Sequence[float]
    shares: Sequence[float]
    excesses: Sequence[float]
    variances: Sequence[float]

    @classmethod
    def of(cls, canary: Stretch, others: Stretch) -> Self:
        """Compare one side with the other at the same looks; no tolerance, δ = 0."""
        events = list(map(add, canary.bad, others.bad))
        shares = [own / max(own + rest, 1.0) for own, rest in zip(canary.total, others.total, strict=True)]
        expected = list(map(mul, events, shares))
        excesses = list(map(sub, canary.bad, expected))
        variances = [mean * (1 - share) for mean, share in zip(expected, shares, strict=True)]
        return cls(canary.bad, events, shares, excesses, variances)

    @classmethod
    def joined(cls, stretches: Sequence[Self]) -> Self:
        """One stretch after the other; none at all is no looks."""
        columns = zip(*stretches, strict=True)
        return cls(*(list(chain.from_iterable(column)) for column in columns)) if stretches else cls(*((),) * 5)
