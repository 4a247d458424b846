"""Good objects for tests: take one, spoil one field.

    samples.release(version="")                                  # all is well but the version
    samples.next_step(release, phase=Phase.BETWEEN)              # what a decision about `release` could return

Every function returns a complete and consistent object; keyword arguments replace fields of it. The release is
`checkout` going from v1 to v2 in production along the three-stage plan `standard` with six rules, opened at `NOW`.
"""

from dataclasses import replace
from typing import Any

from gated.model.ids import GATE, Actor, PlanName, ReleaseId, RuleName, StageName, VerdictId
from gated.model.plan import LabelTemplate, Plan, Policy, Stage
from gated.model.release import Phase, Release, RuleResult, RuleState, StageState, StageVerdict
from gated.model.rule import AlertsRule, Limit, OnBreach, ProbeRule, QuantileRule, RatioRule, Rule, Side, ValueRule
from gated.model.step import AuditEntry, Decision, DecisionKind, OutcomeChange, Signal, SignalKind, Step
from gated.model.trace import RulePoint, TracePoint
from gated.model.units import Unit
from gated.model.verdict import Outcome, Verdict

NOW = 1_700_000_000.0
"""The instant at which the sample release was opened, Unix seconds."""

RELEASE = ReleaseId("checkout-v2-7f3a")
CANARY = StageName("canary-5")
PIPELINE = Actor("deploy-pipeline")
ERROR_RATE = RuleName("error-rate")

_ERRORS_QUERY = (
    'sum by (service, version) (increase(http_requests_total{code=~"5..",service="checkout",version="v2"}[1m]))'
)


# --- policy -----------------------------------------------------------------------------------------------------


def ratio_rule(**changes: Any) -> RatioRule:
    """A share of failed requests that must stay at or below 2 %."""
    good = RatioRule(
        name=ERROR_RATE,
        events='http_requests_total{code=~"5.."}',
        total="http_requests_total",
        limit=Limit(0.02, Side.ABOVE),
        for_seconds=300.0,
        runbook="https://runbooks.example/error-rate",
    )
    return replace(good, **changes)


def quantile_rule(**changes: Any) -> QuantileRule:
    """A p95 latency that must stay at or below 800 ms."""
    good = QuantileRule(
        name=RuleName("latency-p95"),
        histogram="http_request_duration_seconds",
        quantile=0.95,
        limit=Limit(0.8, Side.ABOVE),
    )
    return replace(good, **changes)


def value_rule(**changes: Any) -> ValueRule:
    """Every target must be up."""
    good = ValueRule(
        name=RuleName("target-down"),
        query="min by (service, version) (up)",
        selectors=("up",),
        limit=Limit(1.0, Side.BELOW),
        for_seconds=120.0,
    )
    return replace(good, **changes)


def alerts_rule(**changes: Any) -> AlertsRule:
    """No alert of the WAF may fire."""
    good = AlertsRule(name=RuleName("waf-alerts"), match='{alertname=~"Waf.*"}', on_breach=OnBreach.HOLD)
    return replace(good, **changes)


def probe_rule(**changes: Any) -> ProbeRule:
    """Login must answer."""
    good = ProbeRule(name=RuleName("login-works"), url="https://gateway.example/api/auth/health")
    return replace(good, **changes)


def rules() -> tuple[Rule, ...]:
    """One rule of every kind, and availability."""
    availability = ratio_rule(
        name=RuleName("availability"),
        events='http_requests_total{code!~"5.."}',
        limit=Limit(0.995, Side.BELOW),
        on_breach=OnBreach.WARN,
    )
    return (ratio_rule(), quantile_rule(), availability, value_rule(), alerts_rule(), probe_rule())


def stage(**changes: Any) -> Stage:
    """The first stage: 5 % of the traffic for 5 to 30 minutes."""
    good = Stage(
        name=CANARY,
        traffic=0.05,
        warmup_seconds=60.0,
        bake_min_seconds=300.0,
        bake_max_seconds=1800.0,
        min_requests=500,
    )
    return replace(good, **changes)


def plan(**changes: Any) -> Plan:
    """Three stages, guarded by the six rules."""
    good = Plan(
        name=PlanName("standard"),
        workload=(LabelTemplate("service", "{service}"), LabelTemplate("version", "{version}")),
        rules=tuple(rule.name for rule in rules()),
        stages=(
            stage(),
            stage(name=StageName("canary-25"), traffic=0.25, bake_min_seconds=900.0, bake_max_seconds=3600.0),
            stage(name=StageName("full"), traffic=1.0, bake_min_seconds=3600.0, bake_max_seconds=7200.0),
        ),
    )
    return replace(good, **changes)


def policy(**changes: Any) -> Policy:
    """The plan with its rules."""
    return replace(Policy(plan=plan(), rules=rules(), digest="sha256:" + "5a" * 32), **changes)


# --- release ----------------------------------------------------------------------------------------------------


def release(**changes: Any) -> Release:
    """A release just opened: no stage has started, nothing was looked at; its first revision."""
    good = Release(
        id=RELEASE,
        service="checkout",
        environment="production",
        version="v2",
        baseline="v1",
        plan=plan().name,
        policy_digest=policy().digest,
        opened_by=PIPELINE,
        opened_at=NOW,
        stages=tuple(StageState(stage.name) for stage in plan().stages),
        rules=tuple(RuleState(rule.name) for rule in rules()),
        revision=1,
    )
    return replace(good, **changes)


def baking_release(**changes: Any) -> Release:
    """A release ten minutes into its first stage, looked at 40 times; every rule is fine."""
    started_at, looked_at = NOW + 30.0, NOW + 630.0
    first, *rest = release().stages
    baking = StageState(first.name, started_at=started_at, verdict=stage_verdict(since=started_at), verdicts=1)
    state = {"ok_since": started_at + 60.0, "looked_at": looked_at, "scheduled": 40, "evaluated": 39}
    good = release(
        phase=Phase.BAKING,
        stages=(baking, *rest),
        rules=tuple(rule_state(rule=rule.name, requests=18_233.0, **state) for rule in rules()),
        results=tuple(rule_result(rule=rule.name, on_breach=rule.on_breach, unit=rule.unit) for rule in rules()),
        evaluated_at=looked_at,
        revision=42,
    )
    return replace(good, **changes)


def rule_state(**changes: Any) -> RuleState:
    """A rule's memory before the first look."""
    return replace(RuleState(ERROR_RATE), **changes)


def rule_result(**changes: Any) -> RuleResult:
    """A rule that is fine, with all its evidence."""
    good = RuleResult(
        rule=ERROR_RATE,
        outcome=Outcome.OK,
        on_breach=OnBreach.ROLLBACK,
        reason="0.31 % of 18,233 requests failed; limit 2 %",
        value=0.0031,
        limit=0.02,
        unit=Unit.RATIO,
        samples=18_233.0,
        window_seconds=60.0,
        sample_age_seconds=9.2,
        query=_ERRORS_QUERY,
        since=NOW + 90.0,
    )
    return replace(good, **changes)


def stage_verdict(**changes: Any) -> StageVerdict:
    """A stage that waits."""
    good = StageVerdict(
        id=VerdictId(f"{RELEASE}:{CANARY}:1"),
        verdict=Verdict.PENDING,
        reason="every rule is fine; canary-5 bakes for 20 more minutes",
        since=NOW + 30.0,
    )
    return replace(good, **changes)


# --- steps and what they record ---------------------------------------------------------------------------------


def decision(**changes: Any) -> Decision:
    """The first stage was promoted."""
    good = Decision(
        release=RELEASE,
        stage=CANARY,
        kind=DecisionKind.PROMOTED,
        cause="evidence",
        reason="every rule stayed inside its limit for 30 minutes",
        actor=PIPELINE,
        at=NOW + 1830.0,
        results=(rule_result(),),
    )
    return replace(good, **changes)


def outcome_change(**changes: Any) -> OutcomeChange:
    """A rule began to be fine."""
    return replace(OutcomeChange(stage=CANARY, at=NOW + 90.0, result=rule_result()), **changes)


def trace_point(**changes: Any) -> TracePoint:
    """A look as charts keep it."""
    point = RulePoint(Outcome.OK, value=0.003, limit=0.02, low=0.001, high=0.007, odds=0.04)
    return TracePoint(**{"at": NOW, "stage": CANARY, "verdict": Verdict.PENDING, "rules": (point,), **changes})


def signal(**changes: Any) -> Signal:
    """The release was opened."""
    good = Signal(
        id=f"{RELEASE}:1:release_opened",
        kind=SignalKind.RELEASE_OPENED,
        release=RELEASE,
        stage="",
        rule="",
        reason="deploy-pipeline opened checkout v2 in production",
        at=NOW,
    )
    return replace(good, **changes)


def audit_entry(**changes: Any) -> AuditEntry:
    """The pipeline opened the release."""
    good = AuditEntry(
        at=NOW,
        actor=PIPELINE,
        action="release_opened",
        release=RELEASE,
        stage="",
        detail="checkout v2 in production along standard",
    )
    return replace(good, **changes)


def opening_step(opened: Release | None = None, **changes: Any) -> Step:
    """What opening a release returns: the release, its audit entry and its signal."""
    opened = opened or release()
    good = Step(
        release=opened,
        signals=(signal(id=f"{opened.id}:1:release_opened", release=opened.id, at=opened.opened_at),),
        audit=(audit_entry(release=opened.id, at=opened.opened_at),),
    )
    return replace(good, **changes)


def tick_step(**changes: Any) -> Step:
    """What a look at a baking release returns when one rule changed its mind."""
    good = Step(
        release=baking_release(),
        outcomes=(outcome_change(),),
        audit=(audit_entry(actor=GATE, action="verdict_changed", stage=CANARY, detail="pending"),),
    )
    return replace(good, **changes)


def next_step(previous: Release, **changes: Any) -> Step:
    """A step that changes fields of a release and records nothing else."""
    return Step(release=replace(previous, revision=previous.revision + 1, **changes))
