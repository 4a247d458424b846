"""How many more errors one version had than its share of the traffic predicts, and how uncertain that is.

Of e errors on both sides of a look, a version that served the share θ of the requests should have had eθ, give or
take: given e, the errors of the one side are binomial. Whatever hits both sides alike is in e, and cancels.
"""

from typing import NamedTuple

from gated.judge.stats.history import Stretch


class Surprise(NamedTuple):
    """One look at two versions, or at one instance and all the others.

    Args:
        bad: e_c, errors of the version in question.
        events: e, errors of both.
        share: θ, its share of the requests; 0 when there were none at all.
        excess: r = e_c - eθ, its errors beyond its share.
        variance: w = eθ(1 - θ), the variance of the excess if errors are independent; 0 without errors, and where
            only one side had traffic: such a look says nothing.
    """

    bad: float
    events: float
    share: float
    excess: float
    variance: float


def surprises(canary: Stretch, others: Stretch) -> list[Surprise]:
    """Compare one side with the other, look by look; no tolerance, δ = 0.

    Args:
        canary: the side in question.
        others: the other, at the same looks.
    """
    looks = []
    for bad, total, bad_there, total_there in zip(*canary, *others, strict=True):
        events = bad + bad_there
        share = total / max(total + total_there, 1.0)
        looks.append(Surprise(bad, events, share, bad - events * share, events * share * (1 - share)))
    return looks
