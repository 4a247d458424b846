"""How plans are spelled in a file, and what each becomes in the model."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator

from gated.model.errors import InvalidInput
from gated.model.ids import PlanName, RuleName, StageName
from gated.model.plan import BlindAction, LabelTemplate, OnBlind, Plan, Stage
from gated.model.selection import MatchOp
from gated.model.units import format_duration, parse_share
from gated.promql import printer, syntax
from gated.rulebook.entry import Entry, Misuse
from gated.rulebook.spelling import (
    Duration,
    LabelName,
    Name,
    PositiveDuration,
    Spelling,
    Text,
    TrafficShare,
    choice,
    count,
    spelled,
    suggest,
)

PLACEHOLDERS = ("service", "environment", "version")
"""What a label of the workload may follow from."""
_BRACES = re.compile(r"(?P<quantifier>\{\d+(?:,\d*)?\})|\{(?P<placeholder>[^{}]*)\}|(?P<stray>[{}])")


def _template(*, is_regex: bool) -> Spelling:
    """Text with placeholders, read into what `str.format` fills in: braces that are meant literally are doubled."""

    def write_brace(found: re.Match[str]) -> str:
        if found["placeholder"] in PLACEHOLDERS:
            return found[0]
        if is_regex and found["quantifier"]:
            return f"{{{found[0]}}}"
        hint = suggest(found["placeholder"] or "", PLACEHOLDERS)
        allowed = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        raise ValueError(f"{found[0]} is not a placeholder{hint}; allowed: {allowed}")

    def read(text: str) -> str:
        template = _BRACES.sub(write_brace, text)
        if is_regex:
            example = template.format_map(dict.fromkeys(PLACEHOLDERS, "x"))
            try:
                syntax.check_selector(f"up{{label=~{printer.quoted(example)}}}")
            except InvalidInput as error:
                raise ValueError(f"{text!r} is not a regular expression that Prometheus understands (RE2)") from error
        return template

    word = "a regular expression with placeholders" if is_regex else "text with placeholders"
    return Spelling(word, read, {"type": "string", "minLength": 1})


class RegexEntry(Entry):
    """A label that can only be recognised by a pattern; costs one query per release instead of one for all."""

    regex: Annotated[str, _template(is_regex=True)]
    """A regular expression (RE2, matching the whole value); what is filled in stays literal."""


def _form(given: object) -> str:
    return "<regex>" if isinstance(given, dict) else "<text>"


_LabelText = Annotated[
    Annotated[str, _template(is_regex=False), Tag("<text>")] | Annotated[RegexEntry, Tag("<regex>")],
    Discriminator(_form),
]


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
        )


class PlanEntry(Entry):
    """The stages of a rollout, the rules that guard it, and the labels by which its series are found."""

    workload: Annotated[dict[LabelName, _LabelText], Field(min_length=1)]
    """The Prometheus labels of one version of the service: label to text with {service}, {environment} and
    {version}, or to {regex: …}. At least one must depend on {version}."""
    rules: Annotated[list[Text], Field(min_length=1)]
    """The names of the rules that guard the rollout, in the order people read them."""
    stages: Annotated[list[StageEntry], Field(min_length=1)]
    """The steps, in order. Traffic never decreases."""
    discovery_grace: Duration = spelled("1m")
    """How long a stage waits for the new version's first samples before their absence counts."""
    recovery_watch: Duration = spelled("15m")
    """How long a service that was rolled back is watched for its recovery."""
    on_blind: OnBlindEntry = Field(default_factory=OnBlindEntry)
    """How blindness is bounded at stages that do not say so themselves."""

    @classmethod
    def misuses(cls, given: Mapping[str, object]) -> Iterator[Misuse]:
        """What only shows when labels, rules or stages are seen together."""
        workload, rules, stages = (given.get(key) for key in ("workload", "rules", "stages"))
        if isinstance(workload, dict) and workload and not any(map(_may_depend_on_version, workload.values())):
            yield ("workload",), "no label depends on {version}, so versions cannot be told apart"
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
            workload=tuple(_label(*each) for each in sorted(self.workload.items())),
            rules=tuple(RuleName(rule) for rule in self.rules),
            stages=tuple(stage.to_stage(self.on_blind) for stage in self.stages),
            discovery_grace_seconds=self.discovery_grace,
            recovery_watch_seconds=self.recovery_watch,
        )


def _label(name: str, template: str | RegexEntry) -> LabelTemplate:
    if isinstance(template, RegexEntry):
        return LabelTemplate(name, template.regex, MatchOp.REGEX)
    return LabelTemplate(name, template)


def _may_depend_on_version(given: object) -> bool:
    """Whether a label does, or is too faulty for anybody to say that it does not."""
    text = given.get("regex") if isinstance(given, dict) else given
    if not isinstance(text, str):
        return True
    placeholders = {found["placeholder"] for found in _BRACES.finditer(text)}
    return not placeholders <= {*PLACEHOLDERS, None} or "version" in placeholders


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
