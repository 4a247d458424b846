"""How shares of events are spelled."""

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import ConfigDict

from gated.model.ids import RuleName
from gated.model.rule import RatioRule
from gated.rulebook.entry import Misuse
from gated.rulebook.kinds.shared import KEYS_BY_TEST, TestedEntry, limit, not_one_of, one_of
from gated.rulebook.spelling import LimitShare, Selector, Tolerance


class RatioEntry(TestedEntry):
    """A share of events: the failed of all requests, or the good of all requests."""

    model_config = ConfigDict(
        json_schema_extra={
            **KEYS_BY_TEST,
            **one_of("above", "below", "worse_than_baseline"),
            "anyOf": [
                {"required": ["bad"], "properties": {"good": False, "below": False}},
                {"required": ["good"], "properties": {"bad": False, "above": False}},
            ],
        }
    )

    kind: Literal["ratio"]
    """A share of events."""
    bad: Selector | None = None
    """A counter of harmful events; goes with above. No series beside a live total means that none happened."""
    good: Selector | None = None
    """A counter of harmless events; goes with below."""
    total: Selector
    """A counter of all events. No series means that nothing is known."""
    above: LimitShare | None = None
    """The share of bad events above which users are harmed."""
    below: LimitShare | None = None
    """The share of good events below which users are harmed."""
    worse_than_baseline: Tolerance | None = None
    """Instead of above or below: by how much the share of bad events may exceed the baseline's before users are harmed,
    as a part of it. With 10%, 1.1% against 1% is still harmless."""

    @classmethod
    def misuses(cls, given: Mapping[str, object]) -> Iterator[Misuse]:
        """A ratio counts either bad events or good ones, and has one limit."""
        yield from super().misuses(given)
        if "bad" in given and "good" in given:
            yield ("good",), "cannot be used together with bad; write bad, total and above, or good, total and below"
        elif "bad" not in given and "good" not in given:
            yield (), "bad or good is missing; write bad, total and above, or good, total and below"
        else:
            events, side, other = ("bad", "above", "below") if "bad" in given else ("good", "below", "above")
            if other in given:
                yield (other,), f"cannot be used with {events}: {events} events do harm {side} a limit; write {side}"
            else:
                yield from not_one_of(given, side, "worse_than_baseline", cls.key_purposes()[side])

    def to_rule(self, name: RuleName) -> RatioRule:
        """The rule of the model."""
        return RatioRule(
            **self._shared(name),
            events=self.bad or self.good or "",
            total=self.total,
            limit=limit(above=self.above, below=self.below, worse=self.worse_than_baseline),
            is_good=self.good is not None,
        )
