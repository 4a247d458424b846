"""Wald's likelihood ratio between two rates of bad events, in logarithms.

e bad events among n are (r^e) ((1 - rT) / (1 - T))^(n - e) times as likely at the rate rT as at the rate T [1]. Events
that come in clusters say less than their number, so the ratio is tempered: it is raised to the power 1/phi.

[1] Wald, Sequential tests of statistical hypotheses, Annals of Mathematical Statistics 16, 1945.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gated.model.evidence import Counts

_NEAREST = 1e-9
"""A limit is kept this far from 0 and from 1, where likelihood ratios exist."""


@dataclass(frozen=True, slots=True)
class Score:
    """What every event adds to the logarithm of the ratio.

    Args:
        per_bad: of a bad event.
        per_good: of a good one.
    """

    per_bad: float
    per_good: float

    @classmethod
    def between(cls, limit: float, ratio: float, dispersion: float) -> "Score":
        """The score of the rate r T against the rate T.

        Args:
            limit: T, 0 < limit < 1.
            ratio: r, 0 < ratio < 1/limit.
            dispersion: phi; less than 1 counts as 1.
        """
        phi = max(dispersion, 1.0)
        return cls(math.log(ratio) / phi, (math.log1p(-ratio * limit) - math.log1p(-limit)) / phi)


def log_ratios(scores: Sequence[Score], counts: Counts) -> list[float]:
    """The logarithm of the ratio for these events, by each of the scores.

    More bad events than events count as all of them, fewer than none as none.
    """
    bad = min(max(counts.bad, 0.0), counts.total)
    good = counts.total - bad
    return [bad * score.per_bad + good * score.per_good for score in scores]


def inside(limit: float) -> float:
    """The limit, or the nearest one for which likelihood ratios exist."""
    return min(max(limit, _NEAREST), 1 - _NEAREST)
