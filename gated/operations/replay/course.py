"""One rollout under way: what the deploy tool did, what the gate would have said, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from gated.judge import commands
from gated.judge.decide import decide
from gated.judge.present import VALID_LOOKS
from gated.judge.queries import queries_for
from gated.model.ids import Actor, ReleaseId, RuleName, StageName, VerdictId
from gated.model.plan import Policy
from gated.model.reading import Query, Readings
from gated.model.release import Phase, Release, RollbackCause, RuleResult
from gated.model.rule import OnBreach
from gated.model.step import AuditEntry, OutcomeChange, Step
from gated.model.verdict import Outcome, Verdict
from gated.operations.replay.rehearsal import Rehearsal, StageTimes

TOOL = Actor("replay")
"""Who opens, starts and claims in a replay: the deploy tool of the past."""

_AFTERWARDS_SECONDS = 900.0
"""How long it is looked on after a rollback: for whether other rules would have found the same, and when."""

OTHERS = "others"
"""What the instances are called that one of them is compared with."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look saw: enough to draw it.

    Args:
        at: the time of the look.
        stage: the stage that had begun last; empty before the first.
        verdict: its verdict; None while none is given.
        results: what every rule said.
    """

    at: float
    stage: str
    verdict: Verdict | None
    results: tuple[RuleResult, ...]


@dataclass(frozen=True, slots=True)
class Breach:
    """The first breach of a rule that was none before the release.

    Args:
        at: the look that found it, Unix seconds.
        first_harm_at: the first look that saw the limit passed.
        result: what the rule said.
    """

    at: float
    first_harm_at: float
    result: RuleResult


@dataclass(slots=True)
class Course:
    """A rollout as it goes on. The deploy tool does at once what the gate lets it do, but nothing earlier than it did.

    After a rollback because of a rule the looks go on for a while, so that it shows how long the others would have
    taken.

    Args:
        rehearsal: the rollout.
        policy: what it is judged by.
        interval_seconds: how far apart looks are meant to be.
    """

    rehearsal: Rehearsal
    policy: Policy
    interval_seconds: float
    release: Release = field(init=False)
    seen: list[Seen] = field(default_factory=list)
    changes: list[OutcomeChange] = field(default_factory=list)
    audit: list[AuditEntry] = field(default_factory=list)
    breaches: dict[RuleName, Breach] = field(default_factory=dict)

    def __post_init__(self) -> None:
        told = self.rehearsal
        step = commands.open_release(
            identity=ReleaseId(told.key),
            service=told.service,
            environment=told.environment,
            version=told.instance or told.version,
            baseline=OTHERS if told.instance else told.baseline,
            policy=self.policy,
            actor=TOOL,
            now=told.opened_at,
            tainted=told.tainted,
        )
        self._take(step)

    def act(self, now: float) -> None:
        """Do what the deploy tool had done by now."""
        while (due := self._due()) is not None and due[0] <= now:
            at, do = due
            self._take(do(at))

    def questions(self, now: float) -> tuple[Query, ...]:
        """What the gate asks at this look."""
        return queries_for(self.release, self.policy, now=now, interval_seconds=self.interval_seconds)

    def look(self, readings: Readings, now: float) -> None:
        """Judge."""
        step = decide(self.release, self.policy, readings, now=now, interval_seconds=self.interval_seconds)
        self._take(step)
        self.changes += step.outcomes
        for state, result in zip(self.release.rules, self.release.results, strict=True):
            if result.rule not in self.breaches and self._is_breach(result):
                first = now if state.first_past_at is None else state.first_past_at
                self.breaches[result.rule] = Breach(now, first, result)
        current = self.release.current_stage
        verdict = current.verdict.verdict if current is not None and current.verdict is not None else None
        self.seen.append(Seen(now, current.name if current is not None else "", verdict, self.release.results))

    def is_over(self, now: float) -> bool:
        """Whether there is nothing left to see at the next look."""
        if now + self.interval_seconds > self.rehearsal.ends_at or not self.release.phase.is_active:
            return True
        back = self.release.rollback
        if back is None:
            return False
        if back.cause is RollbackCause.BLIND or now >= back.triggered_at + _AFTERWARDS_SECONDS:
            return True
        return all(rule.name in self.breaches for rule in self.policy.rules if rule.on_breach is OnBreach.ROLLBACK)

    def _is_breach(self, result: RuleResult) -> bool:
        """Whether a rule is in breach, or would be: of rules that weigh evidence only the first to go back says so."""
        if result.outcome is Outcome.BREACH:
            return not result.is_pre_existing
        if self.release.rollback is None or result.odds is None or result.odds_limit is None:
            return False
        return result.odds >= result.odds_limit

    def _take(self, step: Step | None) -> None:
        if step is not None:
            self.release = step.release
            self.audit += step.audit

    def _due(self) -> tuple[float, Callable[[float], Step | None]] | None:
        """What the tool does next, and when; None while it waits for the gate, or has nothing left to do."""
        release = self.release
        current, following = release.current_stage, release.next_stage
        if release.phase is Phase.OPEN and following is not None:
            return self._started_at(following.name, release.opened_at), self._start(following.name)
        if release.phase is Phase.BETWEEN and following is not None:
            claimed_at = current.ended_at if current is not None else None
            return self._started_at(following.name, claimed_at or release.opened_at), self._start(following.name)
        if release.phase is not Phase.BAKING or current is None or current.verdict is None:
            return None
        verdict, looked_at = current.verdict, release.evaluated_at
        if verdict.verdict is not Verdict.PROMOTE or looked_at is None:
            return None
        told = self._told(current.name)
        wanted_at = told.promoted_at if told is not None and told.promoted_at is not None else looked_at
        return max(looked_at, wanted_at), self._claim(verdict.id)

    def _started_at(self, name: StageName, earliest: float) -> float:
        told = self._told(name)
        return max(earliest, told.started_at) if told is not None else earliest

    def _told(self, name: StageName) -> StageTimes | None:
        return next((stage for stage in self.rehearsal.stages if stage.name == name), None)

    def _start(self, name: StageName) -> Callable[[float], Step | None]:
        return lambda at: commands.start_stage(self.release, self.policy, name, TOOL, at)

    def _claim(self, verdict: VerdictId) -> Callable[[float], Step | None]:
        validity_seconds = VALID_LOOKS * self.interval_seconds
        return lambda at: commands.claim(self.release, verdict, TOOL, at, validity_seconds)[1]
