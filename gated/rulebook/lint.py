"""What is allowed and probably not meant. Every warning says what to do instead.

A warning has to earn its place: it is given only where the rule or plan, as written, will surprise its author.
"""

from collections.abc import Iterator

from gated.model.plan import Plan, Stage
from gated.model.rule import OnBreach, QuantileRule, RatioRule, Rule, Scope, Side, ValueRule
from gated.model.units import format_duration
from gated.rulebook.crosscheck import guarding
from gated.rulebook.document import TOP
from gated.rulebook.fault import Fault, Severity
from gated.rulebook.found import Collected, Found

_ROUNDING = 1e-9
"""Relative slack for shares that went through decimal text."""


def lint(found: Collected) -> Iterator[Fault]:
    """Every warning about rules and plans that have no faults of their own."""
    if not found.plans:
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
            yield from _unfinished_stages(plan, plan.meaning, [rule.meaning for rule in rules if rule.meaning])


def _no_plan(found: Collected) -> Iterator[Fault]:
    for document in found.documents[:1]:
        message = "there is no plan in these files, so no release can be opened; add one under plans"
        yield Fault(document.file, TOP.line, TOP.column, "", message, Severity.WARNING)


def _hasty(found: Found[Rule], rule: Rule) -> Iterator[Fault]:
    """Rules that go back on too little."""
    if rule.on_breach is not OnBreach.ROLLBACK or not isinstance(rule, RatioRule | QuantileRule | ValueRule):
        return
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
    if isinstance(rule, ValueRule) or rule.for_seconds > rule.window_seconds:
        return
    needed = _samples_needed(rule)
    if rule.min_samples < needed:
        noun = "event" if isinstance(rule, RatioRule) else "observation"
        yield found.warning(
            ("min_samples",),
            f"a single {noun} among {rule.min_samples} passes the limit; write min_samples: {needed}, "
            f"or for: longer than the window",
        )


def _samples_needed(rule: RatioRule | QuantileRule) -> int:
    """The fewest samples among which one alone does not pass the limit."""
    if isinstance(rule, QuantileRule):
        allowed = 1 - rule.quantile
    else:
        allowed = rule.limit.bound if rule.limit.side is Side.ABOVE else 1 - rule.limit.bound
    return -int(-(1 / allowed) * (1 - _ROUNDING) // 1)


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

    The bake begins with the end of the warm-up, the evidence of a version's rule a window later.
    """
    unseen = rule.window_seconds if rule.scope is Scope.VERSION and stage.warmup_seconds else 0.0
    return unseen + rule.for_seconds
