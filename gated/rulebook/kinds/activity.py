"""How rare events that come in bursts are spelled."""

from typing import Annotated, Literal

from gated.model.ids import RuleName
from gated.model.rule import ActivityRule, WorseThanBaseline
from gated.rulebook.kinds.shared import OfVersion, SampledEntry
from gated.rulebook.spelling import Selector, Tolerance, duration, spelled


class ActivityEntry(SampledEntry):
    """Rare events that come in bursts, such as blocked requests, compared with the baseline in blocks of time."""

    kind: Literal["activity"]
    """Rare events in bursts, against the baseline."""
    events: Selector
    """A counter of the events. No series beside a live exposure means that none happened."""
    exposure: Selector
    """A counter of what they are measured against, such as requests. No series means that nothing is known."""
    worse_than_baseline: Tolerance
    """By how much more often than on the baseline they may happen before users are harmed, as a part of that. With
    100%, twice as often is still harmless."""
    block: Annotated[float, duration(positive=True, maximum_seconds=1800)] = spelled("5m")
    """How long a block is. Events within one may all have the same cause; the longer the block, the later a breach."""
    scope: OfVersion = spelled("version")
    """A comparison is about the new version."""

    def to_rule(self, name: RuleName) -> ActivityRule:
        """The rule of the model."""
        return ActivityRule(
            **self._shared(name),
            events=self.events,
            exposure=self.exposure,
            limit=WorseThanBaseline(self.worse_than_baseline),
            block_seconds=self.block,
        )
