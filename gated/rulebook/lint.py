"""What is allowed and probably not meant. Every warning says what to do instead.

A warning has to earn its place: it is given only where the rule or plan, as written, will surprise its author.
"""

import math
from collections.abc import Iterator

from gated.judge.assessment import fixed
from gated.judge.sequential.evidence import harmful_share
from gated.judge.sequential.standing import HEALTH_ODDS
from gated.judge.stats import health
from gated.model.evidence import BaselineKind, Counts
from gated.model.plan import InconclusiveAction, Plan, Stage
from gated.model.rule import (
    BurnRateRule,
    DistributionRule,
    Limit,
    OnBreach,
    QuantileRule,
    RatioRule,
    Rule,
    Scope,
    ValueRule,
    is_sequential,
    look_back_seconds,
)
from gated.model.units import format_duration
from gated.rulebook.crosscheck import compares, guarding
from gated.rulebook.document import TOP
from gated.rulebook.fault import Fault, Severity
from gated.rulebook.found import Collected, Found

_ROUNDING = 1e-9
"""Relative slack for shares that went through decimal text."""


def lint(found: Collected) -> Iterator[Fault]:
    """Every warning about rules and plans that have no faults of their own."""
    if found.rules and not found.plans:
        yield from _no_plan(found)
    used = {name for plan in found.plans.values() for name in plan.document.items(*plan.path, "rules")}
    for name, rule in found.rules.items():
        if found.plans and name not in used:
            yield rule.warning((), "no plan uses this rule; add it to a plan, or remove it")
        if rule.meaning is not None:
            yield from _hasty(rule, rule.meaning)
    for plan in found.plans.values():
        rules = guarding(plan, found)
        if plan.meaning is not None and rules is not None:
            meanings = [rule.meaning for rule in rules if rule.meaning]
            yield from _unfinished_stages(plan, plan.meaning, meanings)
            yield from _lonely_stages(plan, plan.meaning, meanings)
            yield from _unproved_stages(plan, plan.meaning, meanings)


def _no_plan(found: Collected) -> Iterator[Fault]:
    for document in found.documents[:1]:
        message = "there is no plan in these files, so no release can be opened; add one under plans"
        yield Fault(document.file, TOP.line, TOP.column, "", message, Severity.WARNING)


def _hasty(found: Found[Rule], rule: Rule) -> Iterator[Fault]:
    """Rules that go back on too little."""
    if rule.on_breach is not OnBreach.ROLLBACK or is_sequential(rule):
        return
    if isinstance(rule, RatioRule | QuantileRule | ValueRule):
        yield from _soon(found, rule)
    if isinstance(rule, RatioRule | QuantileRule | BurnRateRule):
        yield from _on_one_event(found, rule)


def _soon(found: Found[Rule], rule: RatioRule | QuantileRule | ValueRule) -> Iterator[Fault]:
    if not rule.for_seconds and not found.has("for"):
        yield found.warning(
            (), "without for, a single look past the limit rolls back; give it some minutes, or write for: 0s if meant"
        )
    elif 0 < rule.for_seconds < rule.window_seconds:
        window = format_duration(rule.window_seconds)
        yield found.warning(
            ("for",),
            f"one short burst stays in the window for {window}, so this asks for nothing more; write at least {window}",
        )


def _on_one_event(found: Found[Rule], rule: RatioRule | QuantileRule | BurnRateRule) -> Iterator[Fault]:
    needed = _samples_needed(rule)
    if isinstance(rule, BurnRateRule):
        longest, name = max(window.short_seconds for window in rule.windows), "short window"
    else:
        longest, name = rule.window_seconds, "window"
    if rule.min_samples < needed and rule.for_seconds <= longest:
        noun = "observation" if isinstance(rule, QuantileRule) else "event"
        yield found.warning(
            ("min_samples",),
            f"a single {noun} among {rule.min_samples} passes the limit; write min_samples: {needed}, "
            f"or for: longer than the {name}",
        )


def _samples_needed(rule: RatioRule | QuantileRule | BurnRateRule) -> int:
    """The fewest samples among which one alone does not pass the limit."""
    if isinstance(rule, BurnRateRule):
        allowed = min(window.factor for window in rule.windows) * (1 - rule.objective)
    else:
        allowed = harmful_share(rule, fixed(rule.limit))
    return math.ceil(1 / allowed * (1 - _ROUNDING))


def _unfinished_stages(found: Found[Plan], plan: Plan, rules: list[Rule]) -> Iterator[Fault]:
    """Stages whose bake ends before a rule that would roll back can do so."""
    able = [rule for rule in rules if rule.on_breach is OnBreach.ROLLBACK]
    if not able:
        return
    for at, stage in enumerate(plan.stages):
        slowest = max(able, key=lambda rule: _time_to_breach(rule, stage))
        needed = _time_to_breach(slowest, stage)
        if needed > stage.bake_max_seconds:
            yield found.warning(
                ("stages", at, "bake", "max"),
                f"the bake is over before {slowest.name} can be in breach, {format_duration(needed)} after it begins; "
                f"write at least {format_duration(needed)}",
            )


def _time_to_breach(rule: Rule, stage: Stage) -> float:
    """Seconds from the start of the bake until a fault that was there from the start is a breach.

    The bake begins with the end of the warm-up, the evidence of a version's rule a window later. Of a sequential rule
    nobody can say how long it takes; its evidence goes on from stage to stage.
    """
    if isinstance(rule, DistributionRule):
        return rule.window_seconds + rule.for_seconds if stage.baseline is BaselineKind.BESIDE else 0.0
    unseen = look_back_seconds(rule) if rule.scope is Scope.VERSION and stage.warmup_seconds else 0.0
    return unseen + rule.for_seconds


def _lonely_stages(found: Found[Plan], plan: Plan, rules: list[Rule]) -> Iterator[Fault]:
    """Stages that compare with an old version that is gone by then."""
    comparing = [rule.name for rule in rules if compares(rule) and rule.is_blocking]
    for at, stage in enumerate(plan.stages):
        if comparing and stage.traffic >= 1 and stage.baseline is BaselineKind.BESIDE:
            yield found.warning(
                ("stages", at, "traffic"),
                f"no old version is left beside all traffic, so {comparing[0]} will have no evidence; "
                "write baseline: before or baseline: none",
            )


def _unproved_stages(found: Found[Plan], plan: Plan, rules: list[Rule]) -> Iterator[Fault]:
    """Stages whose min_requests are too few to prove that a sequential rule keeps its limit."""
    needed, slowest = max(
        ((_requests_to_proof(rule), rule.name) for rule in rules if rule.is_blocking), default=(0, "")
    )
    for at, stage in enumerate(plan.stages):
        if 0 < stage.min_requests < needed and stage.on_inconclusive is InconclusiveAction.HOLD:
            yield found.warning(
                ("stages", at, "min_requests"),
                f"{slowest} takes {needed:,} requests to be proved healthy even without a single failure, so this asks "
                f"for nothing more; write at least {needed}, or on_inconclusive: promote",
            )


def _requests_to_proof(rule: Rule) -> int:
    """The fewest requests that prove a sequential rule's fixed limit kept; 0 where that is not asked for."""
    if not is_sequential(rule) or not isinstance(rule.limit, Limit):
        return 0
    return math.ceil(health.events_needed(harmful_share(rule, rule.limit), Counts(), 1.0, HEALTH_ODDS))
