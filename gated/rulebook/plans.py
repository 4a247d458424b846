"""How plans are spelled in a file, and what each becomes in the model."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from gated.model.evidence import BaselineKind
from gated.model.ids import PlanName, RuleName, StageName
from gated.model.plan import BlindAction, InconclusiveAction, OnBlind, Plan, Stage
from gated.model.units import format_duration, parse_share
from gated.rulebook.entry import Entry, Misuse
from gated.rulebook.labels import BaselineLabels, Labels, may_depend_on_version, templates
from gated.rulebook.spelling import (
    Duration,
    LabelName,
    Name,
    PositiveDuration,
    Text,
    TrafficShare,
    choice,
    count,
    duration,
    share,
    spelled,
)

_IDENTICAL = (
    "every label is identical to the workload's, so the new version would be its own baseline; "
    "write {baseline} in one of them, or leave baseline out"
)


class OnBlindEntry(Entry):
    """How long the gate may hold without evidence, and what it does then."""

    hold_for: Duration = spelled("10m")
    """How long blindness is borne."""
    then: Annotated[BlindAction, choice(BlindAction, "an action")] = spelled("rollback")
    """What happens afterwards: go back, or keep holding and call a person (page)."""

    def to_model(self) -> OnBlind:
        """The bound of the model."""
        return OnBlind(self.hold_for, self.then)


class BakeEntry(Entry):
    """How long a stage lasts."""

    min: Duration
    """Never promoted earlier."""
    max: PositiveDuration
    """The planned length: promoted then, unless refuted or short of evidence."""

    @field_validator("max")
    @classmethod
    def _not_shorter(cls, value: float, info: ValidationInfo) -> float:
        shortest = info.data.get("min", 0.0)
        if value < shortest:
            raise ValueError(f"shorter than min ({format_duration(shortest)}); max is at least min")
        return value


class StageEntry(Entry):
    """One step of a rollout."""

    name: Name
    """What the deploy tool calls it; unique in its plan."""
    traffic: TrafficShare
    """The share of traffic the new version gets here. gated moves no traffic, it tells people and tools."""
    bake: BakeEntry
    """How long it lasts."""
    warmup: Duration = spelled("0s")
    """A fresh instance's first seconds, kept out of what version-scoped rules see; the bake begins after them."""
    min_requests: Annotated[int, count(0)] = spelled("0")
    """Requests the new version must have served at this stage before it is promoted; 0 for no such demand."""
    baseline: Annotated[BaselineKind, choice(BaselineKind, "a baseline")] = spelled("beside")
    """What rules that compare compare with here: the old version beside the new one (beside), what the service was like
    before the release (before), or nothing (none). Where no old version is left, before or none."""
    on_inconclusive: Annotated[InconclusiveAction, choice(InconclusiveAction, "an action")] = spelled("hold")
    """What happens at bake.max if nothing was refuted and a sequential rule has not proved its limit kept: wait for the
    proof (hold), or go on without (promote)."""
    on_blind: OnBlindEntry | None = None
    """How blindness is bounded here, where it differs from the plan's own on_blind."""

    def to_stage(self, on_blind: OnBlindEntry) -> Stage:
        """The stage of the model.

        Args:
            on_blind: the plan's bound on blindness, for a stage without its own.
        """
        return Stage(
            name=StageName(self.name),
            traffic=self.traffic,
            bake_min_seconds=self.bake.min,
            bake_max_seconds=self.bake.max,
            warmup_seconds=self.warmup,
            min_requests=self.min_requests,
            on_blind=(self.on_blind or on_blind).to_model(),
            baseline=self.baseline,
            on_inconclusive=self.on_inconclusive,
        )


class PlanEntry(Entry):
    """The stages of a rollout, the rules that guard it, and the labels by which its series are found."""

    workload: Labels
    """The Prometheus labels of one version of the service: label to text with {service}, {environment} and
    {version}, or to {regex: …}. At least one must depend on {version}."""
    baseline: BaselineLabels | None = None
    """The labels of the version that the new one is compared with, where they are not those of the workload with the
    baseline's version. Written like workload, also with {baseline}."""
    rules: Annotated[list[Text], Field(min_length=1)]
    """The names of the rules that guard the rollout, in the order people read them."""
    stages: Annotated[list[StageEntry], Field(min_length=1)]
    """The steps, in order. Traffic never decreases."""
    discovery_grace: Duration = spelled("1m")
    """How long a stage waits for the new version's first samples before their absence counts."""
    recovery_watch: Duration = spelled("15m")
    """How long a service that was rolled back is watched for its recovery."""
    false_rollback_budget: Annotated[float, share(above=0, at_most=0.2)] = spelled("1%")
    """The probability with which the sequential rules, all together and however often they look, may roll back a
    release that harms nobody. A release goes back when the odds against it reach 1 / budget: 100 to 1 for 1%."""
    history: Annotated[float, duration(maximum_seconds=7 * 86400)] = spelled("4h")
    """How much history teaches the sequential rules how unsteady a healthy service is; 0s for none. Without any they
    assume the worst, which is as safe and finds harm later."""
    instance_label: LabelName = spelled("instance")
    """The label that tells the instances of a version apart in that history."""
    drift_floor: Annotated[float, share(at_least=0, at_most=1)] = spelled("10%")
    """How far the error rate of a healthy instance is always allowed to wander, as a coefficient of variation: a new
    version may be less steady than its history."""
    cold_start: Duration = spelled("5m")
    """How long a new version is young. Harm that a cold start may explain means hold until then, and counts anew. 0s
    for no such patience."""
    on_blind: OnBlindEntry = Field(default_factory=OnBlindEntry)
    """How blindness is bounded at stages that do not say so themselves."""

    @classmethod
    def misuses(cls, given: Mapping[str, object]) -> Iterator[Misuse]:
        """What only shows when labels, rules or stages are seen together."""
        workload, baseline, rules, stages = (given.get(key) for key in ("workload", "baseline", "rules", "stages"))
        if isinstance(workload, dict) and workload and not any(map(may_depend_on_version, workload.values())):
            yield ("workload",), "no label depends on {version}, so versions cannot be told apart"
        elif isinstance(workload, dict) and isinstance(baseline, dict) and _is_among(baseline, workload):
            yield ("baseline",), _IDENTICAL
        if isinstance(rules, list):
            yield from ((("rules", at), message) for at, message in _repeated(rules))
        if isinstance(stages, list):
            entries = [stage if isinstance(stage, dict) else {} for stage in stages]
            names = [entry.get("name") for entry in entries]
            yield from ((("stages", at, "name"), message) for at, message in _repeated(names))
            yield from _shrinking(entries)

    def to_plan(self, name: PlanName) -> Plan:
        """The plan of the model.

        Args:
            name: its key in the file.
        """
        return Plan(
            name=name,
            workload=templates(self.workload),
            baseline=templates(self.baseline or {}),
            rules=tuple(RuleName(rule) for rule in self.rules),
            stages=tuple(stage.to_stage(self.on_blind) for stage in self.stages),
            discovery_grace_seconds=self.discovery_grace,
            recovery_watch_seconds=self.recovery_watch,
            false_rollback_budget=self.false_rollback_budget,
            drift_floor=self.drift_floor,
            history_seconds=self.history,
            instance_label=self.instance_label,
            cold_start_seconds=self.cold_start,
        )


def _is_among(labels: Mapping[str, object], others: Mapping[str, object]) -> bool:
    """Whether labels are all among others, so that they pick out the same series and perhaps more."""
    return bool(labels) and labels.items() <= others.items()


def _repeated(names: Iterable[object]) -> Iterator[tuple[int, str]]:
    seen: set[str] = set()
    for at, name in enumerate(names):
        if not isinstance(name, str) or not name:
            continue
        if name in seen:
            yield at, f"{name} is already listed above; name each once"
        seen.add(name)


def _shrinking(stages: Iterable[dict[str, Any]]) -> Iterator[Misuse]:
    most, named = 0.0, ""
    for at, stage in enumerate(stages):
        try:
            traffic = parse_share(stage["traffic"])
        except (KeyError, TypeError, ValueError):
            continue
        if traffic < most:
            yield ("stages", at, "traffic"), f"less than the {named} of an earlier stage; traffic never decreases"
        else:
            most, named = traffic, stage["traffic"]
