"""Everything that must be asked to judge a release at this look."""

from typing import assert_never

from gated.judge.kinds import alerts, probe, quantile, ratio, value
from gated.model.plan import LabelTemplate, Policy
from gated.model.reading import Query
from gated.model.release import Phase, Release
from gated.model.rule import AlertsRule, ProbeRule, QuantileRule, RatioRule, Rule, Scope, ValueRule
from gated.model.selection import Matcher, Workload, literal_pattern


def queries_for(release: Release, policy: Policy) -> tuple[Query, ...]:
    """Every query this look needs, without repetition, in the policy's order."""
    found: dict[Query, None] = {}
    for rule in policy.rules:
        found.update(dict.fromkeys(rule_queries(rule, workload_of(release, policy, rule.scope))))
    return tuple(found)


def rule_queries(rule: Rule, workload: Workload) -> tuple[Query, ...]:
    """What one rule asks."""
    match rule:
        case RatioRule():
            return ratio.queries(rule, workload)
        case QuantileRule():
            return quantile.queries(rule, workload)
        case ValueRule():
            return value.queries(rule, workload)
        case AlertsRule():
            return alerts.queries(rule, workload)
        case ProbeRule():
            return probe.queries(rule, workload)
        case _:
            assert_never(rule)


def workload_of(release: Release, policy: Policy, scope: Scope) -> Workload:
    """The matchers that pick out the release's series, ordered by label name.

    While a rolled back service recovers, the version looked at is the one it went back to.
    """
    templates = policy.plan.workload
    match scope:
        case Scope.GLOBAL:
            return ()
        case Scope.SERVICE:
            templates = tuple(template for template in templates if not template.depends_on_version)
        case Scope.VERSION:
            pass
    return tuple(sorted(_filled(template, release) for template in templates))


def _filled(template: LabelTemplate, release: Release) -> Matcher:
    """Fill in a template. Inside a regular expression the release's own texts stay literal."""
    recovering = release.phase is Phase.RECOVERING and release.baseline
    texts = {
        "service": release.service,
        "environment": release.environment,
        "version": release.baseline if recovering else release.version,
    }
    if template.op.is_pattern:
        texts = {key: literal_pattern(text) for key, text in texts.items()}
    return Matcher(template.name, template.template.format_map(texts), template.op)
