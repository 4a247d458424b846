"""One step of a release: the next state and everything that must be written with it, in one transaction."""

import enum
from dataclasses import dataclass

from gated.model.ids import Actor, ReleaseId, RuleName, StageName
from gated.model.release import Release, RuleResult
from gated.model.trace import TracePoint


class DecisionKind(enum.Enum):
    """How a stage ended. Exactly one per (release, stage)."""

    PROMOTED = "promoted"
    """Its promote was claimed."""
    ROLLED_BACK = "rolled_back"
    """Rollback was signalled, or done by the deploy tool itself."""
    ABORTED = "aborted"
    """A person ended the release."""
    SUPERSEDED = "superseded"
    """Another version took the release's place."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The one recorded end of a stage, with all it rests on.

    Args:
        release: of which release.
        stage: of which stage; for a rollback between two stages, the one that was due next.
        kind: how it ended.
        cause: short constant: `evidence`, `rule`, `blind` or `person`.
        reason: the sentence for people.
        actor: who.
        at: when.
        results: what every rule said then.
    """

    release: ReleaseId
    stage: StageName
    kind: DecisionKind
    cause: str
    reason: str
    actor: Actor
    at: float
    results: tuple[RuleResult, ...]


@dataclass(frozen=True, slots=True)
class OutcomeChange:
    """A rule began to say something else; the history of a release is made of these.

    Args:
        stage: the stage it happened at; empty before the first.
        at: when.
        result: what it says now.
    """

    stage: str
    at: float
    result: RuleResult


class SignalKind(enum.Enum):
    """What is told to the outside world."""

    RELEASE_OPENED = "release_opened"
    STAGE_STARTED = "stage_started"
    STAGE_PROMOTED = "stage_promoted"
    RELEASE_COMPLETED = "release_completed"
    ROLLBACK_TRIGGERED = "rollback_triggered"
    ROLLED_BACK = "rolled_back"
    RECOVERED = "recovered"
    NOT_RECOVERED = "not_recovered"
    STAGE_BLIND = "stage_blind"
    RELEASE_ABORTED = "release_aborted"
    RELEASE_SUPERSEDED = "release_superseded"


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing to be told, at least once and always under the same id.

    Args:
        id: constant for ever: release, revision and kind.
        kind: what happened.
        release: to which release.
        stage: at which stage; empty where that has no meaning.
        rule: because of which rule; empty where that has no meaning.
        reason: the sentence for people.
        at: when.
    """

    id: str
    kind: SignalKind
    release: ReleaseId
    stage: str
    rule: str
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what.

    Args:
        at: when.
        actor: who.
        action: a constant in snake_case, past tense: `stage_started`.
        release: to which release.
        stage: at which stage; empty where that has no meaning.
        detail: the sentence for people.
    """

    at: float
    actor: Actor
    action: str
    release: ReleaseId
    stage: str
    detail: str


@dataclass(frozen=True, slots=True)
class Step:
    """The result of a decision: what is next, and what must be recorded with it.

    Args:
        release: the next state; its revision is one more than the state it was made from.
        decisions: stages that ended.
        outcomes: rules that changed their mind.
        signals: what the world must hear.
        audit: who did what.
        trace: what is kept of a look for charts; at most one.
        triggered_rule: the rule that triggered a rollback in this step, for the metrics; None otherwise.
    """

    release: Release
    decisions: tuple[Decision, ...] = ()
    outcomes: tuple[OutcomeChange, ...] = ()
    signals: tuple[Signal, ...] = ()
    audit: tuple[AuditEntry, ...] = ()
    trace: tuple[TracePoint, ...] = ()
    triggered_rule: RuleName | None = None
