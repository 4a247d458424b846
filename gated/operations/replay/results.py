"""What came of a rollout that was played again: as it is kept in the state file, and published as JSON."""

import enum
from collections.abc import Sequence

from gated.model.evidence import Calibration
from gated.model.release import Release, RollbackCause, RuleState, StageState
from gated.model.rule import OnBreach
from gated.model.trace import RulePoint, TracePoint
from gated.model.verdict import Outcome
from gated.operations.documents import AuditDocument, Document, Instant, OutcomeDocument, instant, instant_or_none
from gated.operations.drawing import Drawing, Pen, draw
from gated.operations.replay.course import Course, Seen
from gated.operations.replay.rehearsal import Rehearsal


class Ending(enum.Enum):
    """How a rollout ended in the replay."""

    COMPLETED = "completed"
    """Every stage was promoted."""
    ROLLED_BACK = "rolled_back"
    """A rule, or blindness, would have made it go back."""
    UNFINISHED = "unfinished"
    """Neither, when there was nothing more to look at."""


class LearnedDocument(Document):
    """What a sequential rule had learned from the time before the release."""

    hours: float
    correlation: float
    drift_sd: float
    drift_seconds: float
    dispersion: float
    note: str


class ReplayedRule(Document):
    """What one rule said over a whole rollout."""

    rule: str
    on_breach: OnBreach
    looks: int
    """Looks with evidence."""
    blind_looks: int
    """Looks without."""
    held: bool
    """The rollout was neither promoted nor rolled back, and this rule was not fine when it ended."""
    breached_at: Instant | None
    """Its first breach that was no breach before the release; null when there was none."""
    seconds_to_breach: float | None
    """From the onset, when one is known, else from the first look that saw harm, to the breach. Negative: a breach
    before the onset."""
    reason: str
    """Its sentence at the breach; at the last look when there was none."""
    peak_odds: float | None
    """The largest odds against the new version; null for rules without odds."""
    odds_limit: float | None
    learned: LearnedDocument | None


class ReplayedStage(Document):
    """When a stage was, in the replay and in truth."""

    stage: str
    started_at: Instant | None
    promoted_at: Instant | None
    really_started_at: Instant | None


class ReplayedRollback(Document):
    """Why and when it would have gone back."""

    cause: RollbackCause
    rule: str | None
    reason: str
    stage: str
    first_harm_at: Instant
    triggered_at: Instant
    seconds_to_trigger: float
    """From the onset, when one is known, else from the first look that saw harm."""


class Replayed(Document):
    """One rollout that was played again."""

    key: str
    service: str
    environment: str
    version: str
    baseline: str
    plan: str
    made_up: bool
    """There was no rollout: what ran anyway was taken for a new version."""
    instance: str
    """The instance that was taken for it; empty when it was all of them."""
    opened_at: Instant
    ended_at: Instant
    onset_at: Instant | None
    ending: Ending
    looks: int
    rollback: ReplayedRollback | None
    stages: tuple[ReplayedStage, ...]
    rules: tuple[ReplayedRule, ...]
    audit: tuple[AuditDocument, ...]
    """Empty, like the two below, for made-up rollouts in which nothing happened."""
    history: tuple[OutcomeDocument, ...]
    drawing: Drawing | None


def result_of(course: Course) -> Replayed:
    """What came of a course that is over."""
    told, release = course.rehearsal, course.release
    ended_at = course.seen[-1].at if course.seen else told.opened_at
    is_detailed = not told.is_made_up or release.rollback is not None
    return Replayed(
        key=told.key,
        service=told.service,
        environment=told.environment,
        version=told.version,
        baseline=told.baseline,
        plan=told.plan,
        made_up=told.is_made_up,
        instance=told.instance,
        opened_at=instant(told.opened_at),
        ended_at=instant(ended_at),
        onset_at=instant_or_none(told.onset_at),
        ending=_ending(release),
        looks=len(course.seen),
        rollback=_rollback(told, release),
        stages=tuple(_stage(told, state) for state in release.stages),
        rules=tuple(_rule(course, at, state) for at, state in enumerate(release.rules)),
        audit=tuple(map(AuditDocument.of, course.audit)) if is_detailed else (),
        history=tuple(map(OutcomeDocument.of, course.changes)) if is_detailed else (),
        drawing=_drawing(course.seen) if is_detailed else None,
    )


def _ending(release: Release) -> Ending:
    if release.rollback is not None:
        return Ending.ROLLED_BACK
    return Ending.UNFINISHED if release.phase.is_active else Ending.COMPLETED


def _rollback(told: Rehearsal, release: Release) -> ReplayedRollback | None:
    back = release.rollback
    if back is None:
        return None
    # The stage that ended with the rollback: between two stages the one due next.
    ended = next(stage for stage in release.stages if stage.ended_at == back.triggered_at and stage.claim is None)
    return ReplayedRollback(
        cause=back.cause,
        rule=back.rule,
        reason=back.reason,
        stage=ended.name,
        first_harm_at=instant(back.first_harm_at),
        triggered_at=instant(back.triggered_at),
        seconds_to_trigger=back.triggered_at - _begin(told, back.first_harm_at),
    )


def _begin(told: Rehearsal, first_harm_at: float) -> float:
    """From when on a detection is timed."""
    return first_harm_at if told.onset_at is None else told.onset_at


def _stage(told: Rehearsal, state: StageState) -> ReplayedStage:
    times = next((times for times in told.stages if times.name == state.name), None)
    return ReplayedStage(
        stage=state.name,
        started_at=instant_or_none(state.started_at),
        promoted_at=instant_or_none(state.claim.at if state.claim is not None else None),
        really_started_at=instant_or_none(times.started_at if times is not None else None),
    )


def _rule(course: Course, index: int, state: RuleState) -> ReplayedRule:
    results = [seen.results[index] for seen in course.seen]
    rule = course.policy.rules[index]
    breach = course.breaches.get(rule.name)
    odds = [result.odds for result in results if result.odds is not None]
    learned = state.evidence.calibration if state.evidence is not None else None
    last = breach.result if breach is not None else results[-1] if results else None
    return ReplayedRule(
        rule=rule.name,
        on_breach=rule.on_breach,
        looks=sum(not result.outcome.is_blind for result in results),
        blind_looks=sum(result.outcome.is_blind for result in results),
        held=rule.is_blocking
        and _ending(course.release) is Ending.UNFINISHED
        and bool(results)
        and results[-1].outcome is not Outcome.OK,
        breached_at=instant_or_none(breach.at if breach is not None else None),
        seconds_to_breach=breach.at - _begin(course.rehearsal, breach.first_harm_at) if breach is not None else None,
        reason=last.reason if last is not None else "",
        peak_odds=_short(max(odds)) if odds else None,
        odds_limit=next((result.odds_limit for result in results if result.odds_limit is not None), None),
        learned=_learned(learned) if learned is not None else None,
    )


def _learned(calibration: Calibration) -> LearnedDocument:
    return LearnedDocument(
        hours=calibration.hours,
        correlation=_short(calibration.correlation),
        drift_sd=_short(calibration.drift_sd),
        drift_seconds=calibration.drift_seconds,
        dispersion=_short(calibration.dispersion),
        note=calibration.note,
    )


def _drawing(seen: Sequence[Seen]) -> Drawing | None:
    if not seen:
        return None
    trace = [TracePoint(each.at, each.stage, each.verdict, tuple(map(RulePoint.of, each.results))) for each in seen]
    return draw(trace, [_pen(seen, index) for index in range(len(seen[0].results))])


def _pen(seen: Sequence[Seen], index: int) -> Pen:
    results = [each.results[index] for each in seen]
    odds_limit = next((result.odds_limit for result in results if result.odds_limit is not None), None)
    return Pen(results[0].rule, results[-1].unit, odds_limit)


def _short(number: float) -> float:
    """Six significant digits: a plot shows three."""
    return float(f"{number:.6g}")
