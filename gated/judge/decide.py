"""One look at one release: the function everything else exists for."""

from dataclasses import replace

from gated.judge import record, stage
from gated.judge.lifecycle import Event, advance
from gated.judge.looking import look_at
from gated.judge.rules import BEARABLE_LOOKS, Look, judge
from gated.judge.trace import traced
from gated.model.errors import NotAllowed
from gated.model.ids import GATE
from gated.model.plan import Policy, Stage
from gated.model.reading import Readings
from gated.model.release import Phase, Release, Rollback, RollbackCause, RuleResult, StageState
from gated.model.rule import OnBreach
from gated.model.step import AuditEntry, Decision, DecisionKind, OutcomeChange, Signal, SignalKind, Step
from gated.model.units import format_duration
from gated.model.verdict import Outcome, Verdict


def decide(release: Release, policy: Policy, readings: Readings, *, now: float, interval_seconds: float) -> Step:
    """Judge a release on this look's readings.

    The same arguments always give the same step: no clock, no I/O, no randomness.

    Args:
        release: an active release.
        policy: the policy it is pinned to.
        readings: the answers to `queries_for` of the same look; what is missing counts as failed.
        now: the time of the look.
        interval_seconds: how far apart looks are meant to be.

    Returns:
        The next state, with everything that must be written with it.

    Raises:
        NotAllowed: the release has ended, or the policy is not the one it is pinned to.
    """
    if not release.phase.is_active:
        raise NotAllowed(f"release {release.id} has ended; there is nothing left to judge")
    if policy.digest != release.policy_digest:
        raise NotAllowed(f"release {release.id} is pinned to policy {release.policy_digest}, not {policy.digest}")
    looked = record.with_next_revision(release, _look(release, policy, readings, now, interval_seconds))
    step = Step(looked, outcomes=_changes(release, looked, now))
    return traced(release, _concluded(step, policy, now), now)


def _concluded(step: Step, policy: Policy, now: float) -> Step:
    """The step with what follows from what the rules say."""
    match step.release.phase:
        case Phase.BAKING | Phase.BETWEEN:
            return _guard(step, policy, now)
        case Phase.RECOVERING:
            return _watch_recovery(step, policy, now)
        case _:
            return step


def _look(release: Release, policy: Policy, readings: Readings, now: float, interval_seconds: float) -> Release:
    """The release with what every rule says at this look."""
    look = _look_at(release, policy, now, interval_seconds)
    seen = look_at(release, policy, readings, now=now, interval_seconds=interval_seconds)
    before: dict[str, RuleResult] = {result.rule: result for result in release.results}
    judged = [
        judge(rule, state, before.get(rule.name), assessment, look)
        for rule, (state, assessment) in zip(policy.rules, seen, strict=True)
    ]
    results = tuple(result for _, result in judged)
    blind_since = _blind_since(release, now, interval_seconds)
    is_blind = stage.is_blind(results)
    return replace(
        release,
        rules=tuple(state for state, _ in judged),
        results=results,
        evaluated_at=now,
        blind_since=blind_since if is_blind else None,
        is_blind_escalated=release.is_blind_escalated and is_blind,
    )


def _blind_since(release: Release, now: float, interval_seconds: float) -> float:
    """Since when the gate is blind, should it be so at this look; time in which nobody looked is taken out."""
    if release.blind_since is None or release.evaluated_at is None:
        return now
    unobserved = max(0.0, now - release.evaluated_at - BEARABLE_LOOKS * interval_seconds)
    return min(release.blind_since + unobserved, now)


def _look_at(release: Release, policy: Policy, now: float, interval_seconds: float) -> Look:
    current = release.current_stage
    if release.phase is not Phase.BAKING or current is None:
        return Look(now=now, interval_seconds=interval_seconds, began_at=release.first_started_at)
    return Look(
        now=now,
        interval_seconds=interval_seconds,
        began_at=release.first_started_at,
        stage_started_at=current.started_at,
        warmup_seconds=policy.stage(current.name).warmup_seconds,
        grace_seconds=policy.plan.discovery_grace_seconds,
    )


def _changes(before: Release, after: Release, now: float) -> tuple[OutcomeChange, ...]:
    known = {result.rule: result for result in before.results}
    at = after.current_stage.name if after.current_stage is not None else ""
    return tuple(
        OutcomeChange(at, now, result)
        for result in after.results
        if result.rule not in known or known[result.rule].outcome is not result.outcome
    )


def _guard(step: Step, policy: Policy, now: float) -> Step:
    """Between the first start and the last claim: go back if need be, else give the running stage its verdict."""
    release = step.release
    current = release.current_stage
    if current is None or current.started_at is None:
        return step
    planned = policy.stage(current.name)
    found = stage.trigger(release, release.results, planned, now)
    if found is not None:
        return _go_back(step, found, now)
    step = _escalated(step, planned, current, now)
    if release.phase is Phase.BETWEEN:
        return step
    # The bake is time of evidence: it begins when the fresh instances are warm.
    warm_at = current.started_at + planned.warmup_seconds
    verdict, reason = stage.assess_stage(step.release, policy, planned, warm_at, now)
    changed = record.with_verdict(current, release, verdict, reason, now)
    if current.verdict is None or current.verdict.verdict is not verdict:
        entry = record.audit(release, GATE, f"verdict_{verdict.value}", reason, now, stage=current.name)
        step = replace(step, audit=(*step.audit, entry))
    return replace(step, release=step.release.with_stage(changed))


def _escalated(step: Step, planned: Stage, current: StageState, now: float) -> Step:
    """Call a person, once per blindness, when it has outlasted its bound and the plan says not to go back."""
    release = step.release
    if release.is_blind_escalated or not stage.is_blind_for_too_long(release, planned, now):
        return step
    waited = format_duration(round(now - (release.blind_since or now)))
    reason = f"blind for {waited} at {current.name}; the plan says to hold and call a person"
    return replace(
        step,
        release=replace(release, is_blind_escalated=True),
        signals=(*step.signals, record.signal(release, SignalKind.STAGE_BLIND, reason, now, stage=current.name)),
        audit=(*step.audit, record.audit(release, GATE, "stage_blind", reason, now, stage=current.name)),
    )


def _go_back(step: Step, found: stage.Trigger, now: float) -> Step:
    """Latch the rollback. Between two stages it is the stage due next that ends, for the last one is decided."""
    release = step.release
    due = release.next_stage if release.phase is Phase.BETWEEN else release.current_stage
    if due is None:
        raise AssertionError("a release between stages has a next stage, and one that bakes has a current one")
    rule = found.result.rule if found.result is not None else None
    state = next((state for state in release.rules if state.rule == rule), None)
    first_harm_at = now if state is None or state.first_past_at is None else state.first_past_at
    ended = replace(record.with_verdict(due, release, Verdict.ROLLBACK, found.reason, now), ended_at=now)
    rollback = Rollback(
        cause=found.cause, rule=rule, reason=found.reason, first_harm_at=first_harm_at, triggered_at=now
    )
    after = replace(release.with_stage(ended), phase=advance(release.phase, Event.TRIGGER), rollback=rollback)
    decision: Decision = record.decision(
        after, due.name, DecisionKind.ROLLED_BACK, found.cause.value, found.reason, GATE, now
    )
    signal: Signal = record.signal(
        after, SignalKind.ROLLBACK_TRIGGERED, found.reason, now, stage=due.name, rule=rule or ""
    )
    entry: AuditEntry = record.audit(after, GATE, "rollback_triggered", found.reason, now, stage=due.name)
    return replace(
        step,
        release=after,
        decisions=(*step.decisions, decision),
        signals=(*step.signals, signal),
        audit=(*step.audit, entry),
        triggered_rule=rule,
    )


def _watch_recovery(step: Step, policy: Policy, now: float) -> Step:
    """After the rollback: end the watch when the service is well again, or when it has lasted long enough."""
    release = step.release
    rollback = release.rollback
    if rollback is None or rollback.reported_at is None:
        raise AssertionError("a release that recovers has reported its rollback")
    if _is_well(release, rollback):
        waited = format_duration(round(max(0.0, now - rollback.reported_at)))
        reason = f"well again {waited} after the rollback was done"
        kind, recovered_at = SignalKind.RECOVERED, now
    elif now - rollback.reported_at >= policy.plan.recovery_watch_seconds:
        waited = format_duration(policy.plan.recovery_watch_seconds)
        reason = f"not seen well again within {waited} after the rollback was done"
        kind, recovered_at = SignalKind.NOT_RECOVERED, None
    else:
        return step
    after = replace(
        release,
        phase=advance(release.phase, Event.END_WATCH),
        rollback=replace(rollback, recovered_at=recovered_at),
        ended_at=now,
    )
    return replace(
        step,
        release=after,
        signals=(*step.signals, record.signal(after, kind, reason, now)),
        audit=(*step.audit, record.audit(after, GATE, kind.value, reason, now)),
    )


def _is_well(release: Release, rollback: Rollback) -> bool:
    """Whether the gate sees the service, and no harm to it but what was there before the release.

    Rules that only warn have no say.

    What triggered the rollback must be seen to be fine on the version gone back to; after a rollback for another
    reason, every rule must be seen. Without a version to go back to the series end with the harm, and only a
    question that failed leaves a doubt.
    """
    blocking = [
        (state, result)
        for state, result in zip(release.rules, release.results, strict=True)
        if result.on_breach is not OnBreach.WARN
    ]
    if any(state.past_since is not None and not result.is_pre_existing for state, result in blocking):
        return False
    if not release.baseline:
        return not any(result.outcome is Outcome.ERROR for _, result in blocking)
    fine = {result.rule for _, result in blocking if result.outcome is Outcome.OK}
    if rollback.cause is RollbackCause.RULE:
        return rollback.rule in fine
    return bool(fine) and not stage.is_blind(release.results)
