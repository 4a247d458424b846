"""How rules are spelled in a file, one entry per kind, and what each becomes in the model."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from gated.model.ids import RuleName, SourceName
from gated.model.rule import (
    AlertsRule,
    Limit,
    OnBreach,
    ProbeRule,
    QuantileRule,
    RatioRule,
    Rule,
    Scope,
    Side,
    ValueRule,
)
from gated.promql import syntax
from gated.rulebook.entry import Entry, Misuse
from gated.rulebook.spelling import (
    AlertSelector,
    Duration,
    HistogramSelector,
    LimitShare,
    Name,
    Number,
    PositiveDuration,
    Quantile,
    SecondsOrNumber,
    Selector,
    Text,
    Url,
    ValueQuery,
    choice,
    count,
    spelled,
)

_AnyScope = Annotated[Scope, choice(Scope, "a scope")]


class RuleEntry(Entry):
    """What all kinds of rules share."""

    on_breach: Annotated[OnBreach, choice(OnBreach, "an action")] = spelled("rollback")
    """What a breach does: go back (rollback), do not go on while it lasts (hold), or only say so (warn)."""
    for_: Duration = Field(default=spelled("0s"), alias="for")
    """How long the limit must be passed without interruption before it is a breach."""
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
        return {
            "name": name,
            "on_breach": self.on_breach,
            "for_seconds": self.for_,
            "runbook": self.runbook or "",
        }


class _SourceEntry(RuleEntry):
    """What the rules share that ask a source."""

    scope: _AnyScope = spelled("version")
    """Whose series are looked at: those of the new version, those of the service in all versions, or exactly those
    that the rule selects (global). gated adds the labels of the plan's workload by itself."""
    source: Name = spelled("default")
    """Which source of gated.yaml is asked."""

    def _shared(self, name: RuleName) -> dict[str, Any]:
        return {**super()._shared(name), "scope": self.scope, "source": SourceName(self.source)}


class _SampledEntry(_SourceEntry):
    """What the rules share that read samples."""

    max_sample_age: PositiveDuration = spelled("2m")
    """The age at which the newest sample is no evidence any more. Four missed scrapes of 30s each by default."""

    def _shared(self, name: RuleName) -> dict[str, Any]:
        return {**super()._shared(name), "max_sample_age_seconds": self.max_sample_age}


class RatioEntry(_SampledEntry):
    """A share of events: the failed of all requests, or the good of all requests."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["bad", "above"], "properties": {"good": False, "below": False}},
                {"required": ["good", "below"], "properties": {"bad": False, "above": False}},
            ]
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
    window: PositiveDuration = spelled("1m")
    """Over how long events are counted at each look; two scrapes at the very least."""
    min_samples: Annotated[int, count(1)] = spelled("20")
    """With fewer events in the window nothing is said either way."""

    @classmethod
    def misuses(cls, given: Mapping[str, object]) -> Iterator[Misuse]:
        """A ratio counts either bad events above a limit or good ones below."""
        if "bad" in given and "good" in given:
            yield ("good",), "cannot be used together with bad; write bad, total and above, or good, total and below"
        elif "bad" not in given and "good" not in given:
            yield (), "bad or good is missing; write bad, total and above, or good, total and below"
        else:
            events, side, other = ("bad", "above", "below") if "bad" in given else ("good", "below", "above")
            if other in given:
                yield (other,), f"cannot be used with {events}: {events} events do harm {side} a limit; write {side}"
            elif side not in given:
                yield (), f"{side} is missing: {cls.key_purposes()[side]}"

    def to_rule(self, name: RuleName) -> RatioRule:
        """The rule of the model."""
        side = Side.ABOVE if self.bad is not None else Side.BELOW
        return RatioRule(
            **self._shared(name),
            events=self.bad or self.good or "",
            total=self.total,
            limit=Limit((self.above if side is Side.ABOVE else self.below) or 0.0, side),
            window_seconds=self.window,
            min_samples=self.min_samples,
        )


class QuantileEntry(_SampledEntry):
    """A quantile of a classic histogram, such as the p95 of latency. Judged by counting, never by interpolation."""

    kind: Literal["quantile"]
    """A quantile of a classic histogram."""
    histogram: HistogramSelector
    """The histogram's base name, without _bucket, with matchers if needed."""
    quantile: Quantile
    """Which quantile, for example 0.95."""
    above: SecondsOrNumber
    """The value above which users are harmed: a duration, or a number in the histogram's own unit. A boundary of
    the histogram at this value lets every look decide; one above its last finite boundary cannot be judged."""
    window: PositiveDuration = spelled("1m")
    """Over how long observations are counted at each look; two scrapes at the very least."""
    min_samples: Annotated[int, count(1)] = spelled("20")
    """With fewer observations in the window nothing is said either way."""

    def to_rule(self, name: RuleName) -> QuantileRule:
        """The rule of the model."""
        return QuantileRule(
            **self._shared(name),
            histogram=self.histogram,
            quantile=self.quantile,
            limit=Limit(self.above, Side.ABOVE),
            window_seconds=self.window,
            min_samples=self.min_samples,
        )


class ValueEntry(_SampledEntry):
    """Any PromQL that yields one number per version."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["above"]}, {"required": ["below"]}]})

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
        if "above" in given and "below" in given:
            yield ("below",), "cannot be used together with above; write two rules"
        elif "above" not in given and "below" not in given:
            yield (), "above or below is missing: on which side of which number users are harmed"

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


class AlertsEntry(_SourceEntry):
    """Firing alerts of Prometheus or of an Alertmanager. One that fires is past the limit."""

    kind: Literal["alerts"]
    """Firing alerts."""
    match: AlertSelector
    """Which alerts, as a selector without a name: '{alertname=~"Waf.*"}'. Silences do not hide them in Prometheus."""
    heartbeat: AlertSelector | None = None
    """An alert that always fires, such as '{alertname="Watchdog"}'. While it does not, silence proves nothing."""
    scope: _AnyScope = spelled("global")
    """Whose alerts count: all that match (global), or those that carry the labels of the service or the version."""

    def to_rule(self, name: RuleName) -> AlertsRule:
        """The rule of the model."""
        return AlertsRule(**self._shared(name), match=self.match, heartbeat=self.heartbeat or "")


class Expectation(Entry):
    """What an endpoint must answer."""

    status: Annotated[int, count(100, 599)] = spelled("200")
    """The HTTP status that counts. Redirects are not followed."""
    within: PositiveDuration = spelled("2s")
    """How long the whole answer may take."""
    body_contains: Text | None = None
    """Text that the body must contain."""


class ProbeEntry(RuleEntry):
    """An HTTP endpoint that must answer a GET."""

    kind: Literal["probe"]
    """An HTTP endpoint that must answer."""
    url: Url
    """The address, http or https, fixed: it never depends on a release."""
    expect: Expectation = Field(default_factory=Expectation)
    """What it must answer."""
    failures: Annotated[int, count(1)] = spelled("3")
    """How many failures in a row are a breach; one probe is made at each evaluation."""
    scope: Annotated[Scope, choice([Scope.GLOBAL], "the scope of a probe")] = spelled("global")
    """A probe asks one address for everybody."""

    def to_rule(self, name: RuleName) -> ProbeRule:
        """The rule of the model."""
        return ProbeRule(
            **self._shared(name),
            url=self.url,
            status=self.expect.status,
            within_seconds=self.expect.within,
            body_contains=self.expect.body_contains or "",
            failures=self.failures,
        )


AnyRuleEntry = Annotated[
    RatioEntry | QuantileEntry | ValueEntry | AlertsEntry | ProbeEntry, Field(discriminator="kind")
]

KINDS: Mapping[str, type[RuleEntry]] = {
    "ratio": RatioEntry,
    "quantile": QuantileEntry,
    "value": ValueEntry,
    "alerts": AlertsEntry,
    "probe": ProbeEntry,
}
"""The entry of each kind, by the word after `kind:`."""
