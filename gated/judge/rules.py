"""One look at one rule: this look's evidence, and the memory of the looks before.

How long a limit has been passed is read off time stamps, never counted in looks, so that missed ticks, restarts and
changed intervals do not stretch or shrink a `for:`. Time nobody observed does not count towards it.
"""

from dataclasses import dataclass, replace
from typing import assert_never

from gated.judge.assessment import COLLECTING, Assessment, Finding
from gated.judge.sequential.standing import HEALTH_ODDS
from gated.judge.sequential.weighing import LEARNING
from gated.model.reading import NoDataReason
from gated.model.release import RuleResult, RuleState
from gated.model.rule import AlertsRule, BurnRateRule, Limit, ProbeRule, Rule, Scope, look_back_seconds
from gated.model.units import format_duration
from gated.model.verdict import Outcome

BEARABLE_LOOKS = 2.5
"""A gap of so many intervals between two looks is still unbroken watching: one look was missed, and one was late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """When a look happens, within its release.

    Args:
        now: the time of the look.
        interval_seconds: how far apart looks are meant to be.
        began_at: when the release's first stage started; None before.
        stage_started_at: when the running stage started; None when none runs.
        warmup_seconds: the running stage's warm-up.
        grace_seconds: how long the first samples may take to appear.
    """

    now: float
    interval_seconds: float
    began_at: float | None = None
    stage_started_at: float | None = None
    warmup_seconds: float = 0.0
    grace_seconds: float = 0.0


def judge(
    rule: Rule, state: RuleState, before: RuleResult | None, assessment: Assessment, look: Look
) -> tuple[RuleState, RuleResult]:
    """Join this look's evidence with the rule's memory.

    Args:
        rule: the rule.
        state: what it remembers.
        before: what it said at the last look; None at the first.
        assessment: this look's evidence.
        look: when this is.

    Returns:
        What it remembers now, and what it says.
    """
    if _is_warming_up(rule, look):
        after = replace(state.with_nothing_past(), looked_at=look.now)
        wait = _evidence_from(rule, look) - look.now
        outcome, code = Outcome.PENDING, "warming_up"
        reason = f"warming up; evidence counts in {format_duration(max(1.0, round(wait)))} ({assessment.reason})"
    else:
        after = _counted(rule, _held(rule, state, assessment, look), assessment, look)
        outcome, code, reason = _outcome(rule, after, assessment, look)
    result = RuleResult(
        rule=rule.name,
        outcome=outcome,
        on_breach=rule.on_breach,
        reason=reason,
        code=code,
        value=float(after.past_looks) if isinstance(rule, ProbeRule) else assessment.value,
        limit=assessment.limit if assessment.limit is not None else _limit(rule),
        unit=assessment.unit or rule.unit,
        samples=assessment.samples,
        window_seconds=rule.window_seconds if assessment.window_seconds is None else assessment.window_seconds,
        sample_age_seconds=assessment.sample_age_seconds,
        query=assessment.query,
        since=before.since if before is not None and before.outcome is outcome else look.now,
        is_pre_existing=_is_pre_existing(rule, after, look),
        baseline=assessment.baseline,
        baseline_value=assessment.baseline_value,
        baseline_samples=assessment.baseline_samples,
        interval=assessment.interval,
        odds=assessment.odds,
        odds_limit=assessment.odds_limit,
        health_odds=assessment.health_odds,
        health_odds_limit=HEALTH_ODDS if assessment.health_odds is not None else None,
        eta_seconds=assessment.eta_seconds,
    )
    return after, result


def _held(rule: Rule, state: RuleState, assessment: Assessment, look: Look) -> RuleState:
    """For how long the limit has been passed.

    A look without an answer neither ends nor lengthens it: the time since the last look that saw the limit passed
    is taken out, apart from what this look's own window saw of it. A clock that was set back lengthens nothing
    either: what seems to begin after this look begins with it.
    """
    if assessment.finding is Finding.INSIDE:
        kept = state.with_nothing_past()
        return kept if kept.was_kept else replace(kept, was_kept=True)
    if assessment.finding is not Finding.PAST:
        return state
    if assessment.active_since is not None:
        first = since = assessment.active_since
    elif state.first_past_at is None or state.past_since is None or state.past_seen_at is None:
        first = since = look.now
    else:
        observed = max(look_back_seconds(rule), BEARABLE_LOOKS * look.interval_seconds)
        first, since = state.first_past_at, state.past_since + max(0.0, look.now - state.past_seen_at - observed)
    return replace(
        state,
        past_since=min(since, look.now),
        past_seen_at=look.now,
        past_looks=state.past_looks + 1,
        first_past_at=min(first, look.now),
    )


def _counted(rule: Rule, state: RuleState, assessment: Assessment, look: Look) -> RuleState:
    """Coverage, spotlessness and traffic of the running stage."""
    if look.stage_started_at is None or _is_awaited(state, assessment, look):
        return replace(state, looked_at=look.now)
    previous = max(state.looked_at or 0.0, _evidence_from(rule, look))
    gap = max(0.0, look.now - previous)
    has_evidence = assessment.finding in {Finding.INSIDE, Finding.PAST, Finding.OPEN}
    is_unbroken = gap <= max(look_back_seconds(rule), BEARABLE_LOOKS * look.interval_seconds)
    ok_since = state.ok_since if state.ok_since is not None and is_unbroken else look.now
    return replace(
        state,
        ok_since=ok_since if assessment.finding is Finding.INSIDE else None,
        looked_at=look.now,
        scheduled=state.scheduled + max(1, round(gap / look.interval_seconds)),
        evaluated=state.evaluated + has_evidence,
        requests=state.requests + _served(rule, assessment, gap),
    )


def _served(rule: Rule, assessment: Assessment, gap: float) -> float:
    """Requests the new version served since the last look; only its own series can tell.

    Args:
        rule: whose window overlaps the last look's, so that only a part of it is new.
        assessment: with the events in that window.
        gap: seconds since the last look; what lies before the window is not invented.
    """
    window = look_back_seconds(rule)
    if rule.scope is not Scope.VERSION or not window or assessment.samples is None:
        return 0.0
    return assessment.samples * min(1.0, gap / window)


def _outcome(rule: Rule, state: RuleState, assessment: Assessment, look: Look) -> tuple[Outcome, str, str]:
    """What the rule says, the code behind it and the sentence."""
    code, reason = assessment.code, assessment.reason
    match assessment.finding:
        case Finding.INSIDE:
            return Outcome.OK, "", reason
        case Finding.PAST:
            return _past(rule, state, reason, look)
        case Finding.UNSURE | Finding.OPEN:
            return Outcome.PENDING, code, reason
        case Finding.NO_DATA if _is_awaited(state, assessment, look):
            return Outcome.PENDING, "awaiting_first_samples", f"waiting for the first samples ({reason})"
        case Finding.NO_DATA:
            return Outcome.NO_DATA, code, reason
        case Finding.ERROR:
            return Outcome.ERROR, code, f"{reason} (source {rule.source})"
        case _:
            assert_never(assessment.finding)


def _past(rule: Rule, state: RuleState, reason: str, look: Look) -> tuple[Outcome, str, str]:
    """Whether a passed limit is a breach by now."""
    held = look.now - (look.now if state.past_since is None else state.past_since)
    if isinstance(rule, ProbeRule) and state.past_looks < rule.failures:
        return (
            Outcome.PENDING,
            "past_limit",
            f"{reason}; failed {state.past_looks} of {rule.failures} times in a row",
        )
    if held < rule.for_seconds:
        so_far = format_duration(round(held))
        return Outcome.PENDING, "past_limit", f"{reason}; for {so_far} so far, a breach after {_for(rule)}"
    if isinstance(rule, ProbeRule):
        return Outcome.BREACH, "", f"{reason}; failed {state.past_looks} times in a row"
    return Outcome.BREACH, "", f"{reason}; for {format_duration(round(held))}" if rule.for_seconds else reason


def _is_pre_existing(rule: Rule, state: RuleState, look: Look) -> bool:
    """Whether the limit was passed before the release began.

    The new version's own series are always the new version's own fault. What is seen of the whole service or the
    whole source counts from its first look past the limit; unless a look before that saw the limit kept, from the
    beginning of that look's window. Blindness in between must not make old harm look new.
    """
    if rule.scope is Scope.VERSION or state.first_past_at is None:
        return False
    unknown = 0.0 if state.was_kept else look_back_seconds(rule)
    return look.began_at is None or state.first_past_at - unknown < look.began_at


def _is_awaited(state: RuleState, assessment: Assessment, look: Look) -> bool:
    """Whether evidence is still on its way: history, a first full window, or samples through service discovery."""
    if assessment.code in {LEARNING, COLLECTING}:
        return True
    return (
        look.stage_started_at is not None
        and look.now < look.stage_started_at + look.warmup_seconds + look.grace_seconds
        and state.evaluated == 0
        and assessment.finding is Finding.NO_DATA
        and assessment.code in {NoDataReason.ABSENT.value, NoDataReason.STALE.value}
    )


def _is_warming_up(rule: Rule, look: Look) -> bool:
    return look.stage_started_at is not None and look.now < _evidence_from(rule, look)


def _evidence_from(rule: Rule, look: Look) -> float:
    """From when on a look's whole window lies after the warm-up; only fresh instances warm up."""
    start = look.stage_started_at or 0.0
    if rule.scope is not Scope.VERSION or not look.warmup_seconds:
        return start
    return start + look.warmup_seconds + look_back_seconds(rule)


def _limit(rule: Rule) -> float | None:
    """Where the line is when it does not move with a baseline."""
    match rule:
        case AlertsRule():
            return 0.0
        case ProbeRule():
            return float(rule.failures)
        case BurnRateRule():
            return None
        case _:
            return rule.limit.bound if isinstance(rule.limit, Limit) else None


def _for(rule: Rule) -> str:
    return format_duration(rule.for_seconds)
