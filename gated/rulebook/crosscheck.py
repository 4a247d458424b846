"""What is wrong only when rules, plans and sources are seen together."""

from collections.abc import Collection, Iterator, Mapping

from gated.model.errors import InvalidInput
from gated.model.evidence import BaselineKind
from gated.model.ids import SourceName
from gated.model.plan import LabelTemplate, Plan
from gated.model.rule import (
    ActivityRule,
    BurnRateRule,
    DistributionRule,
    ProbeRule,
    QuantileRule,
    RatioRule,
    Rule,
    Scope,
    ValueRule,
    WorseThanBaseline,
    is_sequential,
)
from gated.model.selection import MatchOp
from gated.promql import syntax
from gated.rulebook.fault import Fault
from gated.rulebook.found import Collected, Found
from gated.rulebook.spelling import listed, suggest

_SELECTING_KEYS = ("bad", "good", "total", "histogram", "events", "exposure", "query", "match")
"""The keys of a rule whose PromQL gets the workload's labels."""


def check(found: Collected, answers: Mapping[SourceName, Collection[str]] | None) -> Iterator[Fault]:
    """Every fault between rules, plans and sources.

    Args:
        found: rules and plans; those with faults of their own are left out where their meaning is needed.
        answers: the configured sources and the kinds of rules each can answer; None when they are not known.
    """
    for plan in found.plans.values():
        if found.is_whole:
            yield from _unknown_rules(plan, found)
        rules = guarding(plan, found)
        if plan.meaning is not None and rules is not None:
            meanings = [rule.meaning for rule in rules if rule.meaning]
            yield from _without_effect(plan, plan.meaning, meanings)
            yield from _nothing_to_compare_with(plan, plan.meaning, meanings)
    for rule in found.rules.values():
        if rule.meaning is None:
            continue
        users = [
            plan.meaning for plan in found.plans.values() if plan.meaning and rule.meaning.name in plan.meaning.rules
        ]
        yield from _workload_faults(rule, rule.meaning, users)
        if answers is not None and not isinstance(rule.meaning, ProbeRule):
            yield from _source_faults(rule, rule.meaning, answers)


def guarding(plan: Found[Plan], found: Collected) -> list[Found[Rule]] | None:
    """The rules of a plan, or None when the plan or one of them has faults."""
    if plan.meaning is None:
        return None
    rules = [found.rules.get(name) for name in plan.meaning.rules]
    good = [rule for rule in rules if rule is not None and rule.meaning is not None]
    return good if len(good) == len(rules) else None


def compares(rule: Rule) -> bool:
    """Whether a rule's line moves with the baseline."""
    kinds = RatioRule | QuantileRule | ActivityRule | DistributionRule
    return isinstance(rule, kinds) and isinstance(rule.limit, WorseThanBaseline)


def _unknown_rules(plan: Found[Plan], found: Collected) -> Iterator[Fault]:
    for at, name in enumerate(plan.document.items(*plan.path, "rules")):
        if isinstance(name, str) and name and name not in found.rules:
            message = f"there is no rule {name!r}{suggest(name, found.rules)}; there is: {listed(found.rules)}"
            yield plan.error(("rules", at), message)


def _without_effect(plan: Found[Plan], meaning: Plan, rules: list[Rule]) -> Iterator[Fault]:
    blocking = [rule for rule in rules if rule.is_blocking]
    if not blocking:
        yield plan.error(
            ("rules",), "every rule only warns, so nothing stands in the way of a promotion; add a rule that rolls back"
        )
    counting = RatioRule | QuantileRule | ActivityRule | BurnRateRule
    if any(isinstance(rule, counting) and rule.scope is Scope.VERSION for rule in blocking):
        return
    for at, stage in enumerate(meaning.stages):
        if stage.min_requests:
            yield plan.error(
                ("stages", at, "min_requests"),
                "nothing counts requests; the plan needs a ratio, quantile, activity or burn_rate rule with "
                "scope: version that blocks",
            )


def _nothing_to_compare_with(plan: Found[Plan], meaning: Plan, rules: list[Rule]) -> Iterator[Fault]:
    """Rules that compare, in plans without a baseline they could use."""
    kinds = {stage.baseline for stage in meaning.stages}
    for at, rule in enumerate(rules):
        if not compares(rule):
            continue
        if isinstance(rule, DistributionRule) and BaselineKind.BESIDE not in kinds:
            message = "compares with an old version beside the new one, but no stage has baseline: beside"
            yield plan.error(("rules", at), message)
        elif kinds == {BaselineKind.NONE}:
            yield plan.error(("rules", at), "compares with the baseline, but every stage has baseline: none")
    if not any(compares(rule) and is_sequential(rule) for rule in rules) or _narrowing(meaning, Scope.SERVICE):
        return
    for at, stage in enumerate(meaning.stages):
        if stage.baseline is BaselineKind.BEFORE:
            yield plan.error(
                ("stages", at, "baseline"),
                "every label of the workload depends on {version}, so nothing says what the service was like before; "
                "give the plan a label of the service, or write baseline: none",
            )


def _workload_faults(rule: Found[Rule], meaning: Rule, users: list[Plan]) -> Iterator[Fault]:
    """What goes wrong once gated adds the labels of the plans' workloads to a rule."""
    if meaning.scope is Scope.GLOBAL:
        return
    for plan in users:
        if not _narrowing(plan, meaning.scope):
            yield rule.error(
                ("scope",),
                f"every label of plan {plan.name} depends on {{version}}, so none is left for scope: service; "
                "give the plan a label of the service, or write scope: global",
            )
            return
    workload = {label.name: plan for plan in reversed(users) for label in _added(plan, meaning)}
    for key in _SELECTING_KEYS:
        text = rule.document.at((*rule.path, key))
        if not isinstance(text, str):
            continue
        for label in sorted(syntax.labels_matched(text) & workload.keys()):
            plan = workload[label]
            yield rule.error(
                (key,),
                f"plan {plan.name} adds {label} by itself, so it must not be matched here{_way_out(meaning)}",
            )
    if isinstance(meaning, ValueRule | DistributionRule):
        yield from _not_narrowable(rule, meaning, users)


def _not_narrowable(rule: Found[Rule], meaning: ValueRule | DistributionRule, users: list[Plan]) -> Iterator[Fault]:
    for plan in users:
        asked_for = [_narrowing(plan, meaning.scope), plan.baseline if _asks_baseline(meaning) else ()]
        for labels in asked_for:
            if any(label.op is not MatchOp.EQUAL for label in labels):
                # Asked for one release at a time, the answer needs no labels to be handed out by.
                continue
            try:
                syntax.check_narrowable(meaning.query, [label.name for label in labels])
            except InvalidInput as error:
                yield rule.error(("query",), f"{error}{_way_out(meaning)}")
                return


def _narrowing(plan: Plan, scope: Scope) -> tuple[LabelTemplate, ...]:
    """The labels that a plan adds to a rule of a scope that is not global."""
    return tuple(label for label in plan.workload if scope is Scope.VERSION or not label.depends_on_version)


def _added(plan: Plan, rule: Rule) -> tuple[LabelTemplate, ...]:
    """The labels that only a plan may match in a rule that is not global."""
    return (*plan.workload, *(plan.baseline if _asks_baseline(rule) else ()))


def _asks_baseline(rule: Rule) -> bool:
    """Whether a rule looks at the baseline too; a sequential limit does, as what breaks both is no fault of the new."""
    return is_sequential(rule) or isinstance(rule, DistributionRule)


def _way_out(rule: Rule) -> str:
    """What else can be done about a rule that does not fit the labels of its plans."""
    return "" if _asks_baseline(rule) else "; or write scope: global"


def _source_faults(rule: Found[Rule], meaning: Rule, answers: Mapping[SourceName, Collection[str]]) -> Iterator[Fault]:
    source = meaning.source
    if source not in answers:
        message = f"there is no source {source!r}{suggest(source, answers)}; there is: {listed(answers)}"
        yield rule.error(("source",), message)
    elif meaning.kind not in answers[source]:
        able = " and ".join(sorted(answers[source]))
        yield rule.error(("source",), f"the source {source} answers {able} rules only, not {meaning.kind} rules")
