"""How quantiles of histograms are spelled."""

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import ConfigDict

from gated.model.ids import RuleName
from gated.model.rule import QuantileRule
from gated.rulebook.entry import Misuse
from gated.rulebook.kinds.shared import KEYS_BY_TEST, TestedEntry, limit, not_one_of, one_of
from gated.rulebook.spelling import HistogramSelector, Quantile, SecondsOrNumber, Tolerance


class QuantileEntry(TestedEntry):
    """A quantile of a classic histogram, such as the p95 of latency. Judged by counting, never by interpolation."""

    model_config = ConfigDict(json_schema_extra={**KEYS_BY_TEST, **one_of("above", "worse_than_baseline")})

    kind: Literal["quantile"]
    """A quantile of a classic histogram."""
    histogram: HistogramSelector
    """The histogram's base name, without _bucket, with matchers if needed."""
    quantile: Quantile
    """Which quantile, for example 0.95."""
    above: SecondsOrNumber | None = None
    """The value above which users are harmed: a duration, or a number in the histogram's own unit. A boundary of
    the histogram at this value lets every look decide; one above its last finite boundary cannot be judged."""
    worse_than_baseline: Tolerance | None = None
    """Instead of above: by how much the quantile may exceed the baseline's before users are harmed, as a part of it.
    With 50%, 300ms against 200ms is still harmless."""

    @classmethod
    def misuses(cls, given: Mapping[str, object]) -> Iterator[Misuse]:
        """A quantile has one limit."""
        yield from super().misuses(given)
        yield from not_one_of(given, "above", "worse_than_baseline", cls.key_purposes()["above"])

    def to_rule(self, name: RuleName) -> QuantileRule:
        """The rule of the model."""
        return QuantileRule(
            **self._shared(name),
            histogram=self.histogram,
            quantile=self.quantile,
            limit=limit(above=self.above, worse=self.worse_than_baseline),
        )
