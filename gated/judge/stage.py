"""From what the rules say to the verdict of a stage.

    rollback   a rollback rule is in breach and was not before the release, or blindness outlasted its bound
    hold       paused; a hold rule in breach; a pre-existing breach; blind; or the bake is over and the evidence is
               still short of what a promotion needs
    promote    the minimum bake has passed, every blocking rule is fine at this very look, coverage and traffic are
               reached, and either the bake is over or every blocking rule is proved
    pending    otherwise

The first that applies wins, from the top. A sequential rule with a fixed limit is *proved* by the odds for health, one
that compares with a baseline by not being suspicious. A threshold rule is proved when it was inside its limit at every
look for as long as the stage must bake at least, and for as long as its own `for:`.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from gated.model.plan import BlindAction, InconclusiveAction, Policy, Stage
from gated.model.release import Release, RollbackCause, RuleResult, RuleState
from gated.model.rule import OnBreach, Rule, is_sequential
from gated.model.units import format_duration
from gated.model.verdict import Outcome, Verdict

HOLDING_CODES = frozenset({"cold_start", "baseline_breaches"})
"""A sequential rule that has crossed the line for a reason that may not be the new version's fault."""

REQUIRED_COVERAGE = 0.9
"""The share of scheduled evaluations that must have had evidence before a stage is promoted."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """Why a release must go back.

    Args:
        cause: what made it.
        result: the rule in breach; None when the gate was blind for too long.
        reason: the sentence for people.
    """

    cause: RollbackCause
    result: RuleResult | None
    reason: str


def trigger(release: Release, results: tuple[RuleResult, ...], stage: Stage, now: float) -> Trigger | None:
    """Why the release must go back at this look; None when it need not.

    Args:
        release: with `blind_since` as of this look.
        results: this look's results.
        stage: whose bound on blindness applies.
        now: the time of the look.
    """
    breaches = [
        result
        for result in results
        if result.outcome is Outcome.BREACH and result.on_breach is OnBreach.ROLLBACK and not result.is_pre_existing
    ]
    if breaches:
        # A threshold in breach is certain; of sequential rules the one with the largest share of the odds is the cause.
        cause = max(breaches, key=lambda result: math.inf if result.odds is None else result.odds)
        return Trigger(RollbackCause.RULE, cause, f"{cause.rule}: {cause.reason}")
    if is_blind_for_too_long(release, stage, now) and stage.on_blind.then is BlindAction.ROLLBACK:
        waited = format_duration(round(now - (release.blind_since or now)))
        return Trigger(RollbackCause.BLIND, None, f"blind for {waited}: {_listed(_blind(results))}")
    return None


def is_blind_for_too_long(release: Release, stage: Stage, now: float) -> bool:
    """Whether blindness has outlasted the stage's bound."""
    return release.blind_since is not None and now - release.blind_since >= stage.on_blind.hold_for_seconds


def is_blind(results: tuple[RuleResult, ...]) -> bool:
    """Whether any blocking rule had no evidence at this look."""
    return any(_blind(results))


def coverage(rules: tuple[Rule, ...], states: tuple[RuleState, ...]) -> float:
    """The smallest share of scheduled evaluations with evidence among the blocking rules; 0 before the first."""
    blocking = _blocking(rules, states)
    return min((state.evaluated / state.scheduled if state.scheduled else 0.0 for _, state in blocking), default=0.0)


def requests(rules: tuple[Rule, ...], states: tuple[RuleState, ...]) -> float:
    """Requests the new version served at this stage: the largest count any rule of its own series made of them.

    Sequential rules count every request once; where none has a say, overlapping windows give an estimate. So they do
    where only a rule that warns counts them once: it may be blind, and stands in the way of nothing.
    """
    counted = max((_counted(state) for _, state in _blocking(rules, states)), default=0.0)
    return counted or max((max(_counted(state), state.requests) for state in states), default=0.0)


def assess_stage(release: Release, policy: Policy, stage: Stage, warm_at: float, now: float) -> tuple[Verdict, str]:
    """The verdict of a running stage that need not go back.

    Args:
        release: with the results and memory of this look.
        policy: the policy it is pinned to.
        stage: the running stage.
        warm_at: when its bake began: at its start, or at the end of its warm-up.
        now: the time of the look.

    Returns:
        The verdict, and the sentence.
    """
    holding = _reasons_to_hold(release)
    if holding:
        return Verdict.HOLD, _listed([*holding, *_what_blindness_leads_to(release, stage, now)])
    elapsed = now - warm_at
    missing = [*_unsettled(release.results), *_shortages(release, policy, stage)]
    if elapsed >= stage.bake_max_seconds:
        if stage.on_inconclusive is InconclusiveAction.PROMOTE:
            missing = [*_unsettled(release.results, but="unproved"), *_shortages(release, policy, stage)]
        if missing:
            return Verdict.HOLD, f"after {format_duration(round(elapsed))} the evidence is short: {_listed(missing)}"
        return Verdict.PROMOTE, _healthy(release, policy, f"at the end of a bake of {_text(stage.bake_max_seconds)}")
    to_proof = _time_to_proof(release, policy, stage, warm_at, now)
    if not missing and to_proof <= 0:
        return Verdict.PROMOTE, _healthy(release, policy, f"at every look for {_text(stage.bake_min_seconds)}")
    if missing and not 0 < to_proof < math.inf:  # what is missing is no matter of time alone
        left = _text(max(1.0, round(stage.bake_max_seconds - elapsed)))
        return Verdict.PENDING, f"no promotion yet, the bake ends in {left}: {_listed(missing)}"
    wait = _text(max(1.0, round(eta_seconds(release, policy, stage, warm_at, now))))
    if missing:
        return Verdict.PENDING, f"no promotion before about {wait}: {_listed(missing)}"
    return Verdict.PENDING, f"healthy so far; to be promoted in about {wait} if it stays so"


def paused(release: Release) -> tuple[Verdict, str]:
    """The verdict of a running stage from the moment it is paused, before the next look."""
    return Verdict.HOLD, _listed(_reasons_to_hold(release))


def eta_seconds(release: Release, policy: Policy, stage: Stage, warm_at: float, now: float) -> float:
    """Seconds until the earliest possible promotion, as far as time alone decides; at least 0.

    Looks without evidence lengthen a stage, beyond its longest bake if need be.
    """
    to_deadline = warm_at + stage.bake_max_seconds - now
    to_proof = _time_to_proof(release, policy, stage, warm_at, now)
    return max(0.0, min(to_deadline, to_proof), _time_to_coverage(release, policy))


def _time_to_coverage(release: Release, policy: Policy) -> float:
    """Seconds until enough of all looks had evidence, if from now on each has; as far apart as they were so far."""
    current = release.current_stage
    wait = 0.0
    for _, state in _blocking(policy.rules, release.rules):
        if current is None or current.started_at is None or state.looked_at is None or not state.scheduled:
            continue
        lacking = (REQUIRED_COVERAGE * state.scheduled - state.evaluated) / (1 - REQUIRED_COVERAGE)
        apart_seconds = (state.looked_at - current.started_at) / state.scheduled
        wait = max(wait, math.ceil(round(lacking, 6)) * apart_seconds)
    return wait


def _time_to_proof(release: Release, policy: Policy, stage: Stage, warm_at: float, now: float) -> float:
    """Seconds until every blocking rule is proved if nothing more happens; at most 0 when all are."""
    wait = warm_at + stage.bake_min_seconds - now
    results = {result.rule: result for result in release.results}
    for rule, state in _blocking(policy.rules, release.rules):
        if is_sequential(rule):
            wait = max(wait, _time_to_odds(results.get(rule.name)))
            continue
        since = now if state.ok_since is None else state.ok_since
        wait = max(wait, since + max(stage.bake_min_seconds, rule.for_seconds) - now)
    return wait


def _time_to_odds(result: RuleResult | None) -> float:
    """Seconds until a sequential rule is proved; infinite when nobody can tell."""
    if result is not None and result.outcome is Outcome.OK:
        return 0.0
    return math.inf if result is None or result.eta_seconds is None else result.eta_seconds


def _reasons_to_hold(release: Release) -> list[str]:
    reasons = []
    if release.pause is not None:
        why = f": {release.pause.reason}" if release.pause.reason else ""
        reasons.append(f"paused by {release.pause.by}{why}")
    for result in release.results:
        if result.outcome is Outcome.BREACH and result.on_breach is not OnBreach.WARN:
            note = " (in breach before the release began)" if result.is_pre_existing else ""
            reasons.append(f"{result.rule}{note}: {result.reason}")
        elif result.code in HOLDING_CODES and result.on_breach is not OnBreach.WARN:
            reasons.append(f"{result.rule}: {result.reason}")
    return reasons + list(_blind(release.results))


def _what_blindness_leads_to(release: Release, stage: Stage, now: float) -> Iterable[str]:
    """When the bound on blindness is reached, and what happens then."""
    if release.blind_since is None or release.is_blind_escalated:
        return
    left = max(0.0, release.blind_since + stage.on_blind.hold_for_seconds - now)
    then = "rollback" if stage.on_blind.then is BlindAction.ROLLBACK else "a person is called"
    yield f"if this lasts, {then} in about {_text(max(1.0, round(left)))}"


def _blind(results: tuple[RuleResult, ...]) -> Iterable[str]:
    """Who sees nothing, and why; rules that give the same reason are named together."""
    unseeing: dict[str, list[str]] = {}
    for result in results:
        if result.on_breach is not OnBreach.WARN and result.outcome.is_blind:
            unseeing.setdefault(result.reason, []).append(result.rule)
    for reason, rules in unseeing.items():
        *others, last = rules
        who = f"{', '.join(others)} and {last} have" if others else f"{last} has"
        yield f"{who} no evidence: {reason}"


def _unsettled(results: tuple[RuleResult, ...], but: str = "") -> Iterable[str]:
    """Blocking rules that cannot be called fine at this look; but not those that wait with this code."""
    return (
        f"{result.rule}: {result.reason}"
        for result in results
        if result.on_breach is not OnBreach.WARN and result.outcome is not Outcome.OK
        if not (but and result.code == but)
    )


def _shortages(release: Release, policy: Policy, stage: Stage) -> Iterable[str]:
    """What the whole stage still lacks for a promotion."""
    covered = coverage(policy.rules, release.rules)
    if covered < REQUIRED_COVERAGE:
        yield f"coverage {covered:.0%} of at least {REQUIRED_COVERAGE:.0%}"
    served = requests(policy.rules, release.rules)
    if served < stage.min_requests:
        yield f"{served:,.0f} of at least {stage.min_requests:,} requests"


def _healthy(release: Release, policy: Policy, how_long: str) -> str:
    count = sum(rule.is_blocking for rule in policy.rules)
    covered = coverage(policy.rules, release.rules)
    noun = "rule was" if count == 1 else "rules were"
    served = requests(policy.rules, release.rules)
    return f"{count} blocking {noun} fine {how_long}; coverage {covered:.0%}, {served:,.0f} requests"


def _counted(state: RuleState) -> float:
    """Requests of this stage that a sequential rule has counted, each once."""
    return state.evidence.canary.total if state.evidence is not None else 0.0


def _blocking(rules: tuple[Rule, ...], states: tuple[RuleState, ...]) -> list[tuple[Rule, RuleState]]:
    return [(rule, state) for rule, state in zip(rules, states, strict=True) if rule.is_blocking]


def _listed(sentences: Iterable[str]) -> str:
    return "; ".join(sentences)


def _text(seconds: float) -> str:
    return format_duration(seconds)
