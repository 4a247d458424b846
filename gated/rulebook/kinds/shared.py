"""What rules of several kinds have in common."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field
from pydantic.config import JsonDict

from gated.model.ids import RuleName, SourceName
from gated.model.rule import Limit, OnBreach, Rule, Scope, Side, Test, WorseThanBaseline
from gated.rulebook.entry import Entry, Misuse
from gated.rulebook.spelling import Duration, Name, PositiveDuration, Text, Url, choice, count, spelled

AnyScope = Annotated[Scope, choice(Scope, "a scope")]
OfVersion = Annotated[Scope, choice([Scope.VERSION], "the scope of a comparison")]

_NEEDLESS = {
    "for": "its odds grow by themselves until they are beyond doubt",
    "window": "it counts every event once, from look to look",
    "min_samples": "few events move its odds by little",
}
"""The keys that only a threshold has, and why a sequential test does without."""
_BY_TIME = "add test: threshold, which tells by its time what harm was there before the release"
_BEYOND_VERSION = frozenset({Scope.SERVICE.value, Scope.GLOBAL.value})


class RuleEntry(Entry):
    """What all kinds of rules share."""

    on_breach: Annotated[OnBreach, choice(OnBreach, "an action")] = spelled("rollback")
    """What a breach does: go back (rollback), do not go on while it lasts (hold), or only say so (warn)."""
    runbook: Url | None = None
    """Where a person reads what to do about a breach; shown wherever the rule is."""
    description: Text | None = None
    """What the rule is for. Read by people only."""

    def to_rule(self, name: RuleName) -> Rule:
        """The rule of the model.

        Args:
            name: its key in the file.
        """
        raise NotImplementedError

    def _shared(self, name: RuleName) -> dict[str, Any]:
        return {"name": name, "on_breach": self.on_breach, "runbook": self.runbook or ""}


class LastingEntry(RuleEntry):
    """What the rules share that look at their limit anew each time."""

    for_: Duration = Field(default=spelled("0s"), alias="for")
    """How long the limit must be passed without interruption before it is a breach."""

    def _shared(self, name: RuleName) -> dict[str, Any]:
        return {**super()._shared(name), "for_seconds": self.for_}


class SourceEntry(RuleEntry):
    """What the rules share that ask a source."""

    scope: AnyScope = spelled("version")
    """Whose series are looked at: those of the new version, those of the service in all versions, or exactly those
    that the rule selects (global). gated adds the labels of the plan's workload by itself."""
    source: Name = spelled("default")
    """Which source of gated.yaml is asked."""

    def _shared(self, name: RuleName) -> dict[str, Any]:
        return {**super()._shared(name), "scope": self.scope, "source": SourceName(self.source)}


class SampledEntry(SourceEntry):
    """What the rules share that read samples."""

    max_sample_age: PositiveDuration = spelled("2m")
    """The age at which the newest sample is no evidence any more. Four missed scrapes of 30s each by default."""

    def _shared(self, name: RuleName) -> dict[str, Any]:
        return {**super()._shared(name), "max_sample_age_seconds": self.max_sample_age}


class TestedEntry(LastingEntry, SampledEntry):
    """What the rules share that leave a choice of the test."""

    test: Annotated[Test, choice(Test, "a test")] = spelled("sequential")
    """How the rule makes up its mind. sequential adds up the evidence of all looks and goes back when the odds are
    beyond doubt. threshold goes back once the limit was passed at every look for as long as for says."""
    window: PositiveDuration = spelled("1m")
    """With test: threshold, over how long events are counted at each look; two scrapes at the very least."""
    min_samples: Annotated[int, count(1)] = spelled("20")
    """With test: threshold, fewer events in the window than this say nothing either way."""
    for_: Duration = Field(default=spelled("0s"), alias="for")
    """With test: threshold, how long the limit must be passed without interruption before it is a breach."""

    @classmethod
    def misuses(cls, given: Mapping[str, object]) -> Iterator[Misuse]:
        """Each test has its own keys."""
        test = given.get("test", Test.SEQUENTIAL.value)
        if test == Test.THRESHOLD.value and "worse_than_baseline" in given:
            yield ("worse_than_baseline",), "compares with the baseline, which no threshold does; leave test out"
        if test != Test.SEQUENTIAL.value:
            return
        for key, why in _NEEDLESS.items():
            if key in given:
                yield (key,), f"goes with test: threshold; a sequential rule needs no {key}, {why}"
        scope = given.get("scope")
        if isinstance(scope, str) and scope in _BEYOND_VERSION:
            yield ("scope",), f"a sequential test is about the new version alone; {_BY_TIME}"

    def _shared(self, name: RuleName) -> dict[str, Any]:
        own = {"test": self.test, "window_seconds": self.window, "min_samples": self.min_samples}
        return {**super()._shared(name), **own}


KEYS_BY_TEST: JsonDict = {
    "if": {"required": ["test"], "properties": {"test": {"const": Test.THRESHOLD.value}}},
    "then": {"properties": {"worse_than_baseline": False}},
    "else": {"properties": {**dict.fromkeys(_NEEDLESS, False), "scope": {"const": Scope.VERSION.value}}},
}
"""What `TestedEntry.misuses` refuses, in JSON Schema."""


def one_of(*keys: str) -> JsonDict:
    """The JSON Schema of a mapping that has exactly one of some keys."""
    return {"oneOf": [{"required": [key]} for key in keys]}


def not_one_of(given: Mapping[str, object], first: str, second: str, purpose: str) -> Iterator[Misuse]:
    """What is wrong where a mapping has not exactly one of two keys.

    Args:
        given: the mapping as written.
        first: one key.
        second: the other.
        purpose: what they are for.
    """
    if first in given and second in given:
        yield (second,), f"cannot be used together with {first}; write two rules"
    elif first not in given and second not in given:
        yield (), f"{first} or {second} is missing: {purpose}"


def limit(
    *, above: float | None = None, below: float | None = None, worse: float | None = None
) -> Limit | WorseThanBaseline:
    """The line that stands for the one key of three that was written."""
    if above is not None:
        return Limit(above, Side.ABOVE)
    return Limit(below, Side.BELOW) if below is not None else WorseThanBaseline(worse or 0.0)
