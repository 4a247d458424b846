"""This look's evidence on every rule of a release.

Threshold kinds look at each rule by itself. Sequential rules add the look to what they know, and then speak together:
they share the release's odds.
"""

from dataclasses import replace
from typing import assert_never

from gated.judge.assessment import COLLECTING, Assessment, Finding
from gated.judge.kinds import alerts, burn_rate, distribution, probe, quantile, ratio, value
from gated.judge.sequential.setting import Setting, setting_of
from gated.judge.sequential.standing import assess as stands
from gated.judge.sequential.weighing import settle, weigh
from gated.judge.workloads import workload_of
from gated.model.evidence import BaselineKind
from gated.model.plan import Policy
from gated.model.reading import Readings
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


def look_at(
    release: Release, policy: Policy, readings: Readings, *, now: float, interval_seconds: float
) -> tuple[tuple[RuleState, Assessment], ...]:
    """What every rule remembers, and what this look says about it, in the policy's order.

    Args:
        release: before this look.
        policy: the policy it is pinned to.
        readings: the answers to `queries_for`.
        now: the time of the look.
        interval_seconds: how far apart looks are meant to be.
    """
    setting = setting_of(release, policy, now=now, interval_seconds=interval_seconds)
    rules = list(zip(policy.rules, release.rules, strict=True))
    looks = [weigh(rule, state.evidence, setting, readings) for rule, state in rules if is_sequential(rule)]
    settled, release_odds = settle(looks, setting)
    of_rule = {look.rule.name: look for look in settled}
    seen: list[tuple[RuleState, Assessment]] = []
    for rule, state in rules:
        if is_sequential(rule):
            look = of_rule[rule.name]
            seen.append((replace(state, evidence=look.evidence), stands(look, release_odds, setting)))
        elif isinstance(rule, DistributionRule):
            seen.append(_compared(rule, state, setting, readings))
        else:
            seen.append((state, _assess(rule, release, policy, readings)))
    return tuple(seen)


def _compared(
    rule: DistributionRule, state: RuleState, setting: Setting, readings: Readings
) -> tuple[RuleState, Assessment]:
    if setting.is_recovering or setting.kind is not BaselineKind.BESIDE:
        return state, Assessment(finding=Finding.INSIDE, reason="no old version runs beside this one to compare with")
    if setting.now < setting.warm_at:
        return state, Assessment(finding=Finding.UNSURE, code=COLLECTING, reason="collecting begins after the warm-up")
    looks = max(1, round(rule.window_seconds / setting.interval_seconds))
    assessment, samples = distribution.assess(
        rule, setting.workload, setting.baseline, readings, state.samples, looks_per_window=looks
    )
    return replace(state, samples=samples), assessment


def _assess(rule: Rule, release: Release, policy: Policy, readings: Readings) -> Assessment:
    """What this look says about a rule without memory of its evidence."""
    workload = workload_of(release, policy, rule.scope)
    match rule:
        case RatioRule():
            return ratio.assess(rule, workload, readings)
        case QuantileRule():
            return quantile.assess(rule, workload, readings)
        case BurnRateRule():
            return burn_rate.assess(rule, workload, readings)
        case ValueRule():
            return value.assess(rule, workload, readings)
        case AlertsRule():
            return alerts.assess(rule, workload, readings, release.first_started_at)
        case ProbeRule():
            return probe.assess(rule, workload, readings)
        case ActivityRule() | DistributionRule():
            raise AssertionError(f"rules of kind {rule.kind} have a memory of their evidence")
        case _:
            assert_never(rule)
