"""The published shapes: what the API returns and the command line prints as JSON.

These are promises to others. Keys may be added; none is renamed or removed within a major version.
"""

from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from gated.model.evidence import BaselineKind
from gated.model.plan import BlindAction, InconclusiveAction
from gated.model.release import Phase, RollbackCause
from gated.model.rule import OnBreach, Test
from gated.model.step import AuditEntry, DecisionKind, OutcomeChange
from gated.model.units import Unit
from gated.model.verdict import Verdict


class Document(BaseModel):
    """A shape others rely on."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


Instant = Annotated[datetime, Field(description="RFC 3339, UTC")]


def instant(at: float) -> datetime:
    """Unix seconds as the aware time stamp documents carry."""
    return datetime.fromtimestamp(at, UTC)


def instant_or_none(at: float | None) -> datetime | None:
    """The same of what may not have happened yet."""
    return None if at is None else instant(at)


class RuleDocument(Document):
    """What one rule said at the last look."""

    rule: str
    outcome: str = Field(examples=["ok", "pending", "no_data", "error", "breach"])
    on_breach: OnBreach
    reason: str
    """One sentence for people."""
    code: str
    """Why it waits or is blind, as a constant; empty otherwise."""
    value: float | None
    """The number judged, in `unit`; null when there was none."""
    limit: float | None
    """The line, in `unit`; null while nothing is known of the baseline it moves with."""
    unit: Unit
    samples: float | None
    """Events the value rests on."""
    window: str
    """Over how long they were counted."""
    sample_age_seconds: float | None
    """Age of the newest sample."""
    query: str
    """What was asked."""
    since: Instant
    """When this outcome began."""
    pre_existing: bool
    """The limit was passed before the release began."""
    runbook: str
    baseline: BaselineKind = BaselineKind.NONE
    """What the value is compared with: the old version beside it, the time before the release, or nothing."""
    baseline_value: float | None = None
    baseline_samples: float | None = None
    interval: tuple[float, float] | None = None
    """A confidence interval of the value that holds at every look."""
    evidence: float | None = None
    """A sequential rule's share of the odds against this version; they begin at 1 for all rules together."""
    evidence_limit: float | None = None
    """The odds at which the release goes back."""
    health_evidence: float | None = None
    """The odds for health in this stage, where health is proved by odds."""
    health_evidence_limit: float | None = None
    """The odds at which health is proved."""
    eta_seconds: float | None = None
    """Until health is proved, if it goes on like this; null when nobody can tell."""


class WorstRuleDocument(Document):
    """The rule that says the worst of a release: what somebody with a hundred releases in view must see of each."""

    rule: str
    outcome: str = Field(examples=["ok", "pending", "no_data", "error", "breach"])
    on_breach: OnBreach
    reason: str
    """One sentence for people."""
    value: float | None
    limit: float | None
    unit: Unit
    evidence: float | None
    """As in RuleDocument."""
    evidence_limit: float | None


class VerdictDocument(Document):
    """The verdict of one stage. Advance only on `promote`, before `valid_until`, after a successful claim."""

    release: str
    service: str
    environment: str
    version: str
    baseline: str
    stage: str
    phase: Phase
    verdict: Verdict
    verdict_id: str
    """What a claim must name; changes with the verdict and only then."""
    reason: str
    since: Instant | None
    evaluated_at: Instant | None
    valid_until: Instant | None
    """Not to be acted upon afterwards; null when nothing is left to expire."""
    final: bool
    """Nothing will change any more; waiting is useless."""
    claimed_by: str | None
    claimed_at: Instant | None
    coverage: float
    """Share of the stage's scheduled evaluations that had evidence."""
    requests: float
    """Requests the new version served at this stage."""
    min_requests: int
    traffic: float
    """Share of traffic this stage is meant to have."""
    eta_seconds: float | None
    """Seconds to the earliest possible promotion; null when there is none to wait for."""
    policy_digest: str
    rules: tuple[RuleDocument, ...]


class StageDocument(Document):
    """One stage of a release."""

    stage: str
    traffic: float
    started_at: Instant | None
    ended_at: Instant | None
    verdict: Verdict
    verdict_id: str
    reason: str
    claimed_by: str | None
    since: Instant | None = None
    """When the verdict began."""
    eta_seconds: float | None = None
    """Seconds to the earliest possible promotion; null when there is none to wait for."""


class PauseDocument(Document):
    """A pause."""

    by: str
    at: Instant
    reason: str


class RollbackDocument(Document):
    """The story of going back."""

    cause: RollbackCause
    rule: str | None
    reason: str
    first_harm_at: Instant
    triggered_at: Instant
    reported_at: Instant | None
    recovered_at: Instant | None
    seconds_to_detect: float
    seconds_to_act: float | None
    seconds_to_recover: float | None
    target_version: str
    """The version to go back to."""


class ReleaseDocument(Document):
    """One release."""

    release: str
    service: str
    environment: str
    version: str
    baseline: str
    plan: str
    policy_digest: str
    phase: Phase
    active: bool
    current_stage: str | None
    next_stage: str | None
    opened_by: str
    opened_at: Instant
    evaluated_at: Instant | None
    ended_at: Instant | None
    paused: PauseDocument | None
    rollback: RollbackDocument | None
    stages: tuple[StageDocument, ...]
    stale_at: Instant | None = None
    """From when on the last look is too old to be believed; null before the first look, and once the release ended."""
    worst_rule: WorstRuleDocument | None = None
    """By outcome, then by evidence; a limit that was passed before the release began comes last."""


class DecisionDocument(Document):
    """The one recorded end of a stage, with what every rule said then."""

    stage: str
    decision: DecisionKind
    cause: str
    reason: str
    actor: str
    at: Instant
    rules: tuple[RuleDocument, ...]


class OutcomeDocument(Document):
    """A rule that began to say something else."""

    at: Instant
    stage: str
    rule: str
    outcome: str
    value: float | None
    reason: str

    @classmethod
    def of(cls, change: OutcomeChange) -> Self:
        """One entry of a release's history."""
        result = change.result
        return cls(
            at=instant(change.at),
            stage=change.stage,
            rule=result.rule,
            outcome=result.outcome.text,
            value=result.value,
            reason=result.reason,
        )


class AuditDocument(Document):
    """Who did what."""

    at: Instant
    actor: str
    action: str
    stage: str
    detail: str

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        """One entry of a release's audit."""
        return cls(at=instant(entry.at), actor=entry.actor, action=entry.action, stage=entry.stage, detail=entry.detail)


class ReleaseHistory(ReleaseDocument):
    """One release with everything that happened to it."""

    rules: tuple[RuleDocument, ...]
    decisions: tuple[DecisionDocument, ...]
    history: tuple[OutcomeDocument, ...]
    audit: tuple[AuditDocument, ...]


class ReleasePage(Document):
    """Some releases, newest first."""

    releases: tuple[ReleaseDocument, ...]
    next: str
    """Hand it back as `cursor` for the rest; empty at the end."""


class PlanDocument(Document):
    """One plan as loaded now; running releases keep the one they were opened with."""

    plan: str
    policy_digest: str
    rules: tuple[str, ...]
    false_rollback_budget: float
    stages: tuple["PlannedStageDocument", ...]


class PlannedStageDocument(Document):
    """One stage of a plan."""

    stage: str
    traffic: float
    warmup_seconds: float
    bake_min_seconds: float
    bake_max_seconds: float
    min_requests: int
    on_blind_hold_for_seconds: float
    on_blind_then: BlindAction
    baseline: BaselineKind
    on_inconclusive: InconclusiveAction


class LoadedRuleDocument(Document):
    """One rule as loaded now."""

    rule: str
    kind: str
    test: Test
    on_breach: OnBreach
    limit: float | None
    """The fixed line; null for one that moves with a baseline."""
    worse_than_baseline: float | None
    """The tolerated increase over the baseline; null for a fixed line."""
    unit: Unit
    for_seconds: float
    scope: str
    source: str
    asks: tuple[str, ...]
    """The PromQL or address as written in the rule file."""
    runbook: str


class RulebookDocument(Document):
    """The rules and plans as loaded now."""

    rules: tuple[LoadedRuleDocument, ...]
    plans: tuple[PlanDocument, ...]
