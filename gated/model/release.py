"""A release and everything the gate remembers about it.

All of this is one value: it is read, a pure function makes the next one, and the store writes it if nobody else
did in between (`revision`). Instants are Unix seconds; `None` stands for "not yet".
"""

import enum
from dataclasses import dataclass, replace

from gated.model.evidence import BaselineKind, Evidence
from gated.model.ids import Actor, PlanName, ReleaseId, RuleName, StageName, VerdictId
from gated.model.rule import OnBreach
from gated.model.units import Unit
from gated.model.verdict import Outcome, Verdict


class Phase(enum.Enum):
    """Where a release stands. Which event leads where is one table in `judge.lifecycle`."""

    OPEN = "open"
    """Registered; no stage has started."""
    BAKING = "baking"
    """A stage is running and undecided."""
    BETWEEN = "between"
    """A stage was promoted, the next has not started; the rules keep watching."""
    ROLLING_BACK = "rolling_back"
    """Rollback was signalled; the deploy tool has not yet reported it done."""
    RECOVERING = "recovering"
    """Rolled back; the service is watched until it is well again."""
    COMPLETED = "completed"
    """The last stage was promoted."""
    ROLLED_BACK = "rolled_back"
    """Rolled back, and the watch over the recovery has ended."""
    ABORTED = "aborted"
    """A person ended it."""
    SUPERSEDED = "superseded"
    """Another version took its place."""

    @property
    def is_active(self) -> bool:
        """Whether the gate still watches it."""
        return self in _ACTIVE

    @property
    def is_undecided(self) -> bool:
        """Whether it may still go forward."""
        return self in _UNDECIDED


_UNDECIDED = frozenset({Phase.OPEN, Phase.BAKING, Phase.BETWEEN})
_ACTIVE = _UNDECIDED | {Phase.ROLLING_BACK, Phase.RECOVERING}


@dataclass(frozen=True, slots=True)
class RuleState:
    """What one rule must remember from look to look.

    Args:
        rule: whose memory this is.
        past_since: since when the limit is passed without interruption; time nobody observed is taken out.
        past_seen_at: the last look that saw it passed.
        past_looks: how many looks in a row saw it passed.
        first_past_at: the first of these looks, or since when the source itself says so; nothing is taken out.
        was_kept: a look before these saw the limit kept.
        ok_since: since when every look of this stage was inside the limit.
        looked_at: the last look of this stage, with or without evidence.
        scheduled: evaluations that were due in this stage.
        evaluated: those of them that had evidence.
        requests: events of the new version's denominator counted in this stage; 0 for rules of a wider scope.
        evidence: what a sequential rule has learned; None for the others, and before its first look.
        samples: what a distribution rule has collected in its present window: (new version, baseline) per look.
    """

    rule: RuleName
    past_since: float | None = None
    past_seen_at: float | None = None
    past_looks: int = 0
    first_past_at: float | None = None
    was_kept: bool = False
    ok_since: float | None = None
    looked_at: float | None = None
    scheduled: int = 0
    evaluated: int = 0
    requests: float = 0.0
    evidence: Evidence | None = None
    samples: tuple[tuple[float, float], ...] = ()

    def with_nothing_past(self) -> "RuleState":
        """The same memory without that of a passed limit."""
        if self.past_since is None and self.past_seen_at is None and not self.past_looks and self.first_past_at is None:
            return self  # as at most looks
        return replace(self, past_since=None, past_seen_at=None, past_looks=0, first_past_at=None)

    def of_another_version(self, now: float) -> "RuleState":
        """The memory of a rule that looks at other series from now on."""
        evidence = self.evidence.of_another_version(now) if self.evidence is not None else None
        return RuleState(self.rule, evidence=evidence)

    def with_new_stage(self) -> "RuleState":
        """The same memory at the start of a stage: a passed limit is carried over, the counts start anew."""
        evidence = self.evidence.with_new_stage() if self.evidence is not None else None
        return replace(
            self, ok_since=None, looked_at=None, scheduled=0, evaluated=0, requests=0.0, evidence=evidence, samples=()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleResult:
    """What one rule said at the last look, complete enough to be explained without asking again.

    Args:
        rule: which rule.
        outcome: what it says.
        on_breach: what a breach of it does.
        reason: the sentence for people.
        code: a short constant for machines: why it is blind or waiting; empty when it is neither.
        value: the number judged, in `unit`; None when there was none.
        limit: the line, in `unit`; None while nothing is known of the baseline it depends on.
        unit: of value and limit.
        samples: events the value rests on; None where that has no meaning.
        window_seconds: over how long they were counted, 0 for an instant.
        sample_age_seconds: age of the newest sample; None when unknown.
        query: what was asked.
        since: when this outcome began.
        is_pre_existing: the limit was passed before the release began.
        baseline: what the value was compared with; NONE for a fixed limit.
        baseline_value: the baseline's value, in `unit`; None when there was none.
        baseline_samples: events the baseline's value rests on.
        interval: confidence sequence of the value, (low, high); None when there is none.
        odds: a sequential rule's share of the release's odds against this version; None for the others.
        odds_limit: the odds at which the release goes back.
        health_odds: odds for health in this stage; None where health is not proved by odds.
        health_odds_limit: the odds at which health is proved.
        eta_seconds: until health is proved, if it goes on like this; None when nobody can tell.
    """

    rule: RuleName
    outcome: Outcome
    on_breach: OnBreach
    reason: str
    code: str = ""
    value: float | None = None
    limit: float | None
    unit: Unit
    samples: float | None = None
    window_seconds: float = 0.0
    sample_age_seconds: float | None = None
    query: str = ""
    since: float
    is_pre_existing: bool = False
    baseline: BaselineKind = BaselineKind.NONE
    baseline_value: float | None = None
    baseline_samples: float | None = None
    interval: tuple[float, float] | None = None
    odds: float | None = None
    odds_limit: float | None = None
    health_odds: float | None = None
    health_odds_limit: float | None = None
    eta_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class StageVerdict:
    """The verdict of one stage.

    Args:
        id: changes with the verdict and only then; a claim names it.
        verdict: what a poll returns.
        reason: the sentence for people.
        since: when this verdict began.
    """

    id: VerdictId
    verdict: Verdict
    reason: str
    since: float


@dataclass(frozen=True, slots=True)
class Claim:
    """A promote that was taken.

    Args:
        verdict_id: the verdict that was claimed.
        by: who took it.
        at: when.
    """

    verdict_id: VerdictId
    by: Actor
    at: float


@dataclass(frozen=True, slots=True)
class StageState:
    """One stage of a release.

    Args:
        name: as in the plan.
        started_at: when traffic reached it.
        ended_at: when it was decided.
        verdict: the present verdict; None until the first look.
        verdicts: how many verdicts it has had, for their ids.
        claim: who took the promote.
    """

    name: StageName
    started_at: float | None = None
    ended_at: float | None = None
    verdict: StageVerdict | None = None
    verdicts: int = 0
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """A person asked the gate to promote nothing.

    Args:
        by: who.
        at: when.
        reason: why.
    """

    by: Actor
    at: float
    reason: str


class RollbackCause(enum.Enum):
    """What made a release go back; the `reason` label of `gated_decisions_total`."""

    RULE = "rule"
    """A rollback rule was breached."""
    BLIND = "blind"
    """The gate was blind for longer than the stage allows."""
    PERSON = "person"
    """The deploy tool or a person rolled back of their own accord."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """The story of going back.

    Args:
        cause: what made it.
        rule: the rule that triggered it; None unless `cause` is RULE.
        reason: the sentence for people.
        first_harm_at: the first look that saw the limit passed.
        triggered_at: when rollback was signalled.
        reported_at: when the deploy tool said it was done.
        recovered_at: when the service was seen well again.
    """

    cause: RollbackCause
    rule: RuleName | None
    reason: str
    first_harm_at: float
    triggered_at: float
    reported_at: float | None = None
    recovered_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One rollout of one version of one service in one environment along one plan.

    Args:
        id: unique for ever.
        service: what is rolled out.
        environment: where.
        version: which.
        baseline: the version it replaces and goes back to; empty when there is none.
        plan: the plan's name.
        policy_digest: the policy it is pinned to.
        opened_by: who registered it.
        opened_at: when.
        phase: where it stands.
        stages: every stage of its plan, in order.
        rules: the memory of every rule of its policy, in the policy's order.
        results: what every rule said at the last look, in the same order; empty before the first.
        evaluated_at: the last look.
        blind_since: since when a blocking rule has no evidence.
        is_blind_escalated: a person was called because of it.
        pause: present while paused.
        rollback: present once it goes back.
        ended_at: when the gate stopped watching.
        revision: how often it was written; the next write must find this number.
        tainted: stretches of time, (from, to), in which a version ran here that was rolled back: no baseline learns
            from them.
        traced_at: the last look that was kept for charts.
    """

    id: ReleaseId
    service: str
    environment: str
    version: str
    baseline: str
    plan: PlanName
    policy_digest: str
    opened_by: Actor
    opened_at: float
    phase: Phase = Phase.OPEN
    stages: tuple[StageState, ...]
    rules: tuple[RuleState, ...]
    results: tuple[RuleResult, ...] = ()
    evaluated_at: float | None = None
    blind_since: float | None = None
    is_blind_escalated: bool = False
    pause: Pause | None = None
    rollback: Rollback | None = None
    ended_at: float | None = None
    revision: int = 0
    tainted: tuple[tuple[float, float], ...] = ()
    traced_at: float | None = None

    @property
    def first_started_at(self) -> float | None:
        """When the first stage started."""
        return self.stages[0].started_at

    @property
    def current_stage(self) -> StageState | None:
        """The stage started last; None before the first."""
        started = [stage for stage in self.stages if stage.started_at is not None]
        return started[-1] if started else None

    @property
    def next_stage(self) -> StageState | None:
        """The first stage not yet started; None when all were."""
        return next((stage for stage in self.stages if stage.started_at is None), None)

    def with_stage(self, changed: StageState) -> "Release":
        """The release with one of its stages replaced by the one of the same name."""
        return replace(self, stages=tuple(changed if s.name == changed.name else s for s in self.stages))
