"""How comparisons of gauges are spelled."""

from typing import Annotated, Literal

from gated.model.ids import RuleName
from gated.model.rule import Direction, DistributionRule, WorseThanBaseline
from gated.promql import syntax
from gated.rulebook.kinds.shared import LastingEntry, OfVersion, SampledEntry
from gated.rulebook.spelling import (
    Flag,
    LimitShare,
    PositiveDuration,
    Tolerance,
    ValueQuery,
    choice,
    count,
    number,
    spelled,
)


class DistributionEntry(LastingEntry, SampledEntry):
    """A gauge, such as memory, compared with the baseline's over one window after another, as Kayenta does."""

    kind: Literal["distribution"]
    """A gauge against the baseline's."""
    query: ValueQuery
    """An expression of type instant vector that yields one number per version. gated groups its aggregations by the
    labels of the workload."""
    worse_than_baseline: Tolerance
    """By how much the gauge may lie beyond the baseline's before users are harmed, as a part of the baseline's mean."""
    direction: Annotated[Direction, choice(Direction, "a direction")] = spelled("increase")
    """Which way is harm."""
    confidence: LimitShare = spelled("98%")
    """How sure the interval of the shift is: the whole interval must lie beyond what is tolerated."""
    effect: Annotated[float, number(at_least=1)] = spelled("1")
    """From how many times the baseline's mean on a shift matters at all, however sure it is."""
    window: PositiveDuration = spelled("15m")
    """How long values are collected for one judgement, one at each look; the next judgement needs new ones."""
    min_samples: Annotated[int, count(1)] = spelled("15")
    """How many looks a window has at least, however short it is."""
    drop_outliers: Flag = spelled("false")
    """Whether single values far outside the others are left out."""
    scope: OfVersion = spelled("version")
    """A comparison is about the new version."""

    def to_rule(self, name: RuleName) -> DistributionRule:
        """The rule of the model."""
        return DistributionRule(
            **self._shared(name),
            query=self.query,
            selectors=syntax.selectors(self.query),
            limit=WorseThanBaseline(self.worse_than_baseline),
            direction=self.direction,
            confidence=self.confidence,
            effect=self.effect,
            window_seconds=self.window,
            min_samples=self.min_samples,
            drop_outliers=self.drop_outliers,
        )
