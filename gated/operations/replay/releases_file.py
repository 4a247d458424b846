"""Past rollouts as people write them down: a strict YAML file.

version: 1
releases:
  - service: checkout
    environment: production
    version: 2.4.0
    baseline: 2.3.1
    plan: standard
    stages:
      - {name: canary-5, started: 2026-11-01T10:00:00Z}
      - {name: canary-25, started: 2026-11-01T10:30:00Z}
    onset: 2026-11-01T10:34:00Z
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from pydantic import Field

from gated.model.ids import PlanName, StageName
from gated.model.plan import Plan, Policy
from gated.operations.releases import NAME
from gated.operations.replay.instants import parse_instant
from gated.operations.replay.rehearsal import Rehearsal, StageTimes, followed_until
from gated.rulebook import strict_yaml
from gated.rulebook.document import Document
from gated.rulebook.entry import Entry, bind
from gated.rulebook.fault import Fault
from gated.rulebook.spelling import Name, Spelling, suggest


def _read_version(text: str) -> int:
    if text != "1":
        raise ValueError(f"{text!r} is not a version of this format; write version: 1")
    return 1


def _read_name(text: str) -> str:
    if re.fullmatch(NAME, text) is None:
        raise ValueError(f"{text!r} is not a name: at most 128 letters, digits and ._+:@/-")
    return text


_Instant = Annotated[
    float, Spelling("an instant", parse_instant, {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}"})
]
_Called = Annotated[str, Spelling("a name", _read_name, {"type": "string", "pattern": f"^{NAME}$"})]


class StageTimesEntry(Entry):
    """When a stage was."""

    name: Name
    """A stage of the plan."""
    started: _Instant
    """When traffic reached it."""
    promoted: _Instant | None = None
    """When its promote was taken. Without it: as soon as the gate would have given one."""


class ReleaseEntry(Entry):
    """One rollout of the past."""

    service: _Called
    """What was rolled out."""
    version: _Called
    """Which version."""
    plan: Name
    """The plan that it is judged by."""
    environment: _Called = Field(default="production")
    """Where."""
    baseline: _Called | None = None
    """The version it replaced. Without it, rules that compare have nothing to compare with."""
    stages: Annotated[list[StageTimesEntry], Field(min_length=1)]
    """The stages whose times are known: the first ones of the plan, in order. The others begin as soon as the one
    before would have been promoted."""
    onset: _Instant | None = None
    """When a known fault began: how long it took to be found is counted from here."""
    until: _Instant | None = None
    """How far to look. Without it: until the plan is over."""


class ReleasesFile(Entry):
    """Rollouts of the past, to be replayed."""

    version: Annotated[int, Spelling("the version of this format", _read_version, {"enum": [1, "1"]})]
    """The version of this format: 1."""
    releases: Annotated[list[ReleaseEntry], Field(min_length=1)]
    """The rollouts."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of the file.

    Args:
        rehearsals: what it says; empty when there is any fault.
        faults: in reading order.
    """

    rehearsals: tuple[Rehearsal, ...]
    faults: tuple[Fault, ...]


def load(path: Path, policies: Mapping[PlanName, Policy], interval_seconds: float, now: float) -> Loaded:
    """Read the file. Never raises for what is in it.

    Args:
        path: the file.
        policies: the plans there are.
        interval_seconds: between two looks.
        now: nothing is looked for later than this, Unix seconds.
    """
    document = strict_yaml.read_file(path)
    file, faults = bind(document, (), ReleasesFile)
    faults += document.faults
    rehearsals = []
    for at, entry in enumerate(file.releases if file is not None else ()):
        policy = policies.get(PlanName(entry.plan))
        if policy is None:
            known = ", ".join(sorted(policies)) or "none"
            message = f"there is no plan {entry.plan!r}{suggest(entry.plan, policies)}; there is {known}"
            faults.append(document.fault(("releases", at, "plan"), message))
            continue
        faults += _of_stages(document, at, entry, policy.plan, now)
        rehearsals.append(_rehearsal(entry, policy.plan, interval_seconds, now))
    faults += _twice(document, rehearsals)
    in_order = tuple(sorted(dict.fromkeys(faults), key=lambda fault: fault.position))
    return Loaded(() if in_order else tuple(_untainted(each, rehearsals) for each in rehearsals), in_order)


def _rehearsal(entry: ReleaseEntry, plan: Plan, interval_seconds: float, now: float) -> Rehearsal:
    stages = tuple(StageTimes(StageName(stage.name), stage.started, stage.promoted) for stage in entry.stages)
    until = entry.until if entry.until is not None else followed_until(plan, stages, interval_seconds)
    return Rehearsal(
        service=entry.service,
        environment=entry.environment,
        version=entry.version,
        baseline=entry.baseline or "",
        plan=plan.name,
        opened_at=stages[0].started_at,
        stages=stages,
        ends_at=min(until, now),
        onset_at=entry.onset,
    )


def _untainted(rehearsal: Rehearsal, others: list[Rehearsal]) -> Rehearsal:
    """The same; nothing is learned from the time of releases of the service that had a fault."""
    spans = tuple(
        (other.opened_at, other.ends_at)
        for other in others
        if other.onset_at is not None
        and other != rehearsal
        and (other.service, other.environment) == (rehearsal.service, rehearsal.environment)
    )
    return replace(rehearsal, tainted=spans)


def _of_stages(document: Document, at: int, entry: ReleaseEntry, plan: Plan, now: float) -> Iterator[Fault]:
    """The stages named must be the plan's first ones, one after the other."""
    begun = float("-inf")
    for number, stage in enumerate(entry.stages):
        path = ("releases", at, "stages", number)
        wanted = plan.stages[number].name if number < len(plan.stages) else None
        if stage.name != wanted:
            due = f"{wanted} is due here" if wanted else "the plan has no more"
            stages = ", ".join(each.name for each in plan.stages)
            yield document.fault((*path, "name"), f"{due}; the stages of {plan.name} are, in order: {stages}")
            return
        if stage.started < begun:
            yield document.fault((*path, "started"), "before the end of the stage above")
        if stage.promoted is not None and stage.promoted < stage.started:
            yield document.fault((*path, "promoted"), "before it started")
        begun = stage.promoted or stage.started
        if begun >= now:
            yield document.fault((*path, "started"), "in the future")
    if entry.until is not None and entry.until <= entry.stages[0].started:
        yield document.fault(("releases", at, "until"), "not after the start of the first stage")


def _twice(document: Document, rehearsals: list[Rehearsal]) -> Iterator[Fault]:
    seen: set[str] = set()
    for at, rehearsal in enumerate(rehearsals):
        if rehearsal.key in seen:
            yield document.fault(("releases", at), "the same release stands above", at_key=True)
        seen.add(rehearsal.key)
