"""How other PromQL is spelled."""

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import ConfigDict

from gated.model.ids import RuleName
from gated.model.rule import Limit, Side, ValueRule
from gated.promql import syntax
from gated.rulebook.entry import Misuse
from gated.rulebook.kinds.shared import LastingEntry, SampledEntry, not_one_of, one_of
from gated.rulebook.spelling import Number, ValueQuery


class ValueEntry(LastingEntry, SampledEntry):
    """Any PromQL that yields one number per version."""

    model_config = ConfigDict(json_schema_extra=one_of("above", "below"))

    kind: Literal["value"]
    """Any PromQL that yields one number."""
    query: ValueQuery
    """An expression of type instant vector. gated groups its aggregations by the labels of the workload."""
    above: Number | None = None
    """The number above which users are harmed."""
    below: Number | None = None
    """The number below which users are harmed; one of above and below."""

    @classmethod
    def misuses(cls, given: Mapping[str, object]) -> Iterator[Misuse]:
        """Harm lies on one side."""
        yield from not_one_of(given, "above", "below", "on which side of which number users are harmed")

    def to_rule(self, name: RuleName) -> ValueRule:
        """The rule of the model."""
        limit = Limit(self.below or 0.0, Side.BELOW) if self.above is None else Limit(self.above, Side.ABOVE)
        return ValueRule(
            **self._shared(name),
            query=self.query,
            selectors=syntax.selectors(self.query),
            limit=limit,
            window_seconds=syntax.look_back_seconds(self.query),
        )
