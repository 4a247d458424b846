"""Everything that must be asked to judge a release at this look."""

from typing import assert_never

from gated.judge.kinds import alerts, burn_rate, distribution, probe, quantile, ratio, value
from gated.judge.sequential import weighing
from gated.judge.sequential.setting import Setting, setting_of
from gated.judge.workloads import workload_of
from gated.model.plan import Policy
from gated.model.reading import Query
from gated.model.release import Release, RuleState
from gated.model.rule import (
    ActivityRule,
    AlertsRule,
    BurnRateRule,
    DistributionRule,
    ProbeRule,
    QuantileRule,
    RatioRule,
    Rule,
    ValueRule,
    is_sequential,
)
from gated.model.selection import Workload


def queries_for(release: Release, policy: Policy, *, now: float, interval_seconds: float) -> tuple[Query, ...]:
    """Every query this look needs, without repetition, in the policy's order.

    Args:
        release: before this look.
        policy: the policy it is pinned to.
        now: the time of the look: sequential rules count up to here.
        interval_seconds: how far apart looks are meant to be.
    """
    setting = setting_of(release, policy, now=now, interval_seconds=interval_seconds)
    found: dict[Query, None] = {}
    for rule, state in zip(policy.rules, release.rules, strict=True):
        found.update(dict.fromkeys(_asked(rule, state, workload_of(release, policy, rule.scope), setting)))
    return tuple(found)


def _asked(rule: Rule, state: RuleState, workload: Workload, setting: Setting) -> tuple[Query, ...]:
    if is_sequential(rule):
        return weighing.queries(rule, state.evidence, setting)
    if isinstance(rule, DistributionRule):
        return distribution.queries(rule, setting.workload, setting.baseline)
    return rule_queries(rule, workload)


def rule_queries(rule: Rule, workload: Workload) -> tuple[Query, ...]:
    """What a rule asks that has no memory of its evidence."""
    match rule:
        case RatioRule():
            return ratio.queries(rule, workload)
        case QuantileRule():
            return quantile.queries(rule, workload)
        case BurnRateRule():
            return burn_rate.queries(rule, workload)
        case ValueRule():
            return value.queries(rule, workload)
        case AlertsRule():
            return alerts.queries(rule, workload)
        case ProbeRule():
            return probe.queries(rule, workload)
        case ActivityRule() | DistributionRule():
            raise AssertionError(f"rules of kind {rule.kind} have a memory of their evidence")
        case _:
            assert_never(rule)
