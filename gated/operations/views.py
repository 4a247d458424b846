"""What can be read of releases. Reads the store, shows what may be believed now, and changes nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from gated.judge.present import Shown, show
from gated.judge.trace import with_gaps
from gated.model.errors import NotFound
from gated.model.ids import ReleaseId, StageName
from gated.model.plan import Plan, Policy, Rulebook, Stage
from gated.model.release import Release, Rollback, RuleResult, StageState
from gated.model.rule import (
    ActivityRule,
    AlertsRule,
    BurnRateRule,
    DistributionRule,
    Limit,
    ProbeRule,
    QuantileRule,
    RatioRule,
    Rule,
    Test,
    ValueRule,
    WorseThanBaseline,
    is_sequential,
)
from gated.model.units import format_duration
from gated.model.verdict import Outcome
from gated.operations.documents import (
    AuditDocument,
    DecisionDocument,
    LoadedRuleDocument,
    OutcomeDocument,
    PauseDocument,
    PlanDocument,
    PlannedStageDocument,
    ReleaseDocument,
    ReleaseHistory,
    ReleasePage,
    RollbackDocument,
    RulebookDocument,
    RuleDocument,
    StageDocument,
    VerdictDocument,
    WorstRuleDocument,
    instant,
    instant_or_none,
)
from gated.operations.drawing import Drawing, Pen, draw
from gated.operations.gate import Gate
from gated.store.records import Filter

_AUDIT_ENTRIES = 1000
"""The latest that a release's history shows; a release that flaps for days has hundreds."""


@dataclass(frozen=True, slots=True)
class Present:
    """A verdict as of now, with the state it was read from.

    Args:
        document: what is published.
        revision: the state's revision; with the verdict's id it makes the ETag.
    """

    document: VerdictDocument
    revision: int


def verdict(gate: Gate, identity: ReleaseId, stage: StageName | None, now: float) -> Present:
    """The verdict of a stage; without a name, of the one started last, or the first.

    Raises:
        NotFound: there is no such release or stage.
    """
    release = gate.store.release(identity)
    policy = gate.policy_of(release)
    name = stage or (release.current_stage or release.stages[0]).name
    return Present(verdict_document(gate, release, policy, name, now), release.revision)


def verdict_document(gate: Gate, release: Release, policy: Policy, name: StageName, now: float) -> VerdictDocument:
    """The published verdict of one stage of a release that was read already."""
    planned = policy.stage(name)
    shown = show(release, policy, name, now, gate.validity_seconds)
    return VerdictDocument(
        release=release.id,
        service=release.service,
        environment=release.environment,
        version=release.version,
        baseline=release.baseline,
        stage=name,
        phase=release.phase,
        verdict=shown.verdict,
        verdict_id=shown.id,
        reason=shown.reason,
        since=instant_or_none(shown.since),
        evaluated_at=instant_or_none(shown.evaluated_at),
        valid_until=instant_or_none(shown.valid_until),
        final=shown.is_final,
        claimed_by=shown.claim.by if shown.claim else None,
        claimed_at=instant_or_none(shown.claim.at if shown.claim else None),
        coverage=round(shown.coverage, 4),
        requests=round(shown.requests),
        min_requests=planned.min_requests,
        traffic=planned.traffic,
        eta_seconds=shown.eta_seconds,
        policy_digest=release.policy_digest,
        rules=_rules(release.results, policy),
    )


def release(gate: Gate, identity: ReleaseId, now: float) -> ReleaseHistory:
    """One release with everything that happened to it.

    Raises:
        NotFound: there is no such release.
    """
    found = gate.store.release(identity)
    policy = gate.policy_of(found)
    return ReleaseHistory(
        **release_document(gate, found, now).model_dump(),
        rules=_rules(found.results, policy),
        decisions=tuple(
            DecisionDocument(
                stage=decision.stage,
                decision=decision.kind,
                cause=decision.cause,
                reason=decision.reason,
                actor=decision.actor,
                at=instant(decision.at),
                rules=_rules(decision.results, policy),
            )
            for decision in gate.store.decisions(identity)
        ),
        history=tuple(map(OutcomeDocument.of, gate.store.history(identity))),
        audit=tuple(
            AuditDocument.of(record.entry) for record in reversed(gate.store.audit(identity, limit=_AUDIT_ENTRIES))
        ),
    )


def drawing(gate: Gate, identity: ReleaseId) -> Drawing | None:
    """What every rule judged over time; None before the first look.

    Raises:
        NotFound: there is no such release.
    """
    return drawing_of(gate, gate.store.release(identity))


def drawing_of(gate: Gate, found: Release) -> Drawing | None:
    """The same of a release that was read already."""
    pens = [Pen(result.rule, result.unit, result.odds_limit) for result in found.results]
    trace = with_gaps(gate.store.trace(found.id), found.opened_at, gate.validity_seconds)
    return draw(tuple(trace), pens)


def release_document(gate: Gate, found: Release, now: float) -> ReleaseDocument:
    """One release that was read already."""
    policy = gate.policy_of(found)
    return ReleaseDocument(
        release=found.id,
        service=found.service,
        environment=found.environment,
        version=found.version,
        baseline=found.baseline,
        plan=found.plan,
        policy_digest=found.policy_digest,
        phase=found.phase,
        active=found.phase.is_active,
        current_stage=found.current_stage.name if found.current_stage else None,
        next_stage=found.next_stage.name if found.next_stage else None,
        opened_by=found.opened_by,
        opened_at=instant(found.opened_at),
        evaluated_at=instant_or_none(found.evaluated_at),
        ended_at=instant_or_none(found.ended_at),
        paused=PauseDocument(by=found.pause.by, at=instant(found.pause.at), reason=found.pause.reason)
        if found.pause
        else None,
        rollback=_rollback(found, found.rollback) if found.rollback else None,
        stages=tuple(
            _stage(state, policy.stage(state.name), show(found, policy, state.name, now, gate.validity_seconds))
            for state in found.stages
        ),
        stale_at=instant(found.evaluated_at + gate.validity_seconds)
        if found.phase.is_active and found.evaluated_at is not None
        else None,
        worst_rule=_worst(found.results),
    )


def rulebook(loaded: Rulebook) -> RulebookDocument:
    """The rules and plans as loaded now."""
    return RulebookDocument(
        rules=tuple(_loaded(rule) for _, rule in sorted(loaded.rules.items())),
        plans=tuple(_plan(policy.plan, policy.digest) for _, policy in sorted(loaded.policies.items())),
    )


def find(  # noqa: PLR0913 -- each is one filter of the published call
    gate: Gate,
    now: float,
    *,
    service: str | None = None,
    environment: str | None = None,
    version: str | None = None,
    active: bool | None = None,
    limit: int = 50,
    cursor: str = "",
) -> ReleasePage:
    """Releases, newest first.

    Raises:
        InvalidInput: `cursor` is not the `next` of an earlier page.
    """
    wanted = Filter(service=service, environment=environment, version=version, is_active=active)
    page = gate.store.releases(wanted, limit=limit, after=cursor)
    return ReleasePage(
        releases=tuple(release_document(gate, found, now) for found in page.releases), next=page.next_cursor
    )


def find_release(gate: Gate, service: str, environment: str, version: str) -> ReleaseId:
    """The latest release of a version of a service in an environment.

    Raises:
        NotFound: there is none.
    """
    page = gate.store.releases(Filter(service=service, environment=environment, version=version), limit=1)
    if not page.releases:
        raise NotFound(f"no release of {service} {version} in {environment} is known")
    return page.releases[0].id


def _stage(state: StageState, planned: Stage, shown: Shown) -> StageDocument:
    return StageDocument(
        stage=state.name,
        traffic=planned.traffic,
        started_at=instant_or_none(state.started_at),
        ended_at=instant_or_none(state.ended_at),
        verdict=shown.verdict,
        verdict_id=shown.id,
        reason=shown.reason,
        claimed_by=state.claim.by if state.claim else None,
        since=instant_or_none(shown.since),
        eta_seconds=shown.eta_seconds,
    )


def _worst(results: Iterable[RuleResult]) -> WorstRuleDocument | None:
    worst = max(results, key=_badness, default=None)
    if worst is None:
        return None
    return WorstRuleDocument(
        rule=worst.rule,
        outcome=worst.outcome.text,
        on_breach=worst.on_breach,
        reason=worst.reason,
        value=worst.value,
        limit=worst.limit,
        unit=worst.unit,
        evidence=_rounded(worst.odds),
        evidence_limit=_rounded(worst.odds_limit),
    )


def _badness(result: RuleResult) -> tuple[bool, Outcome, float]:
    """What makes one rule worse than another."""
    share = result.odds / result.odds_limit if result.odds is not None and result.odds_limit else 0.0
    return not result.is_pre_existing, result.outcome, share


def _rollback(found: Release, rollback: Rollback) -> RollbackDocument:
    reported, recovered = rollback.reported_at, rollback.recovered_at
    return RollbackDocument(
        cause=rollback.cause,
        rule=rollback.rule,
        reason=rollback.reason,
        first_harm_at=instant(rollback.first_harm_at),
        triggered_at=instant(rollback.triggered_at),
        reported_at=instant_or_none(reported),
        recovered_at=instant_or_none(recovered),
        seconds_to_detect=rollback.triggered_at - rollback.first_harm_at,
        seconds_to_act=None if reported is None else reported - rollback.triggered_at,
        seconds_to_recover=None if recovered is None or reported is None else recovered - reported,
        target_version=found.baseline,
    )


def _rules(results: Iterable[RuleResult], policy: Policy) -> tuple[RuleDocument, ...]:
    runbooks = {rule.name: rule.runbook for rule in policy.rules}
    return tuple(
        RuleDocument(
            rule=result.rule,
            outcome=result.outcome.text,
            on_breach=result.on_breach,
            reason=result.reason,
            code=result.code,
            value=result.value,
            limit=result.limit,
            unit=result.unit,
            samples=result.samples,
            window=format_duration(result.window_seconds),
            sample_age_seconds=result.sample_age_seconds,
            query=result.query,
            since=instant(result.since),
            pre_existing=result.is_pre_existing,
            runbook=runbooks.get(result.rule, ""),
            baseline=result.baseline,
            baseline_value=result.baseline_value,
            baseline_samples=result.baseline_samples,
            interval=result.interval,
            evidence=_rounded(result.odds),
            evidence_limit=_rounded(result.odds_limit),
            health_evidence=_rounded(result.health_odds),
            health_evidence_limit=_rounded(result.health_odds_limit),
            eta_seconds=result.eta_seconds,
        )
        for result in results
    )


def _plan(plan: Plan, digest: str) -> PlanDocument:
    return PlanDocument(
        plan=plan.name,
        policy_digest=digest,
        rules=plan.rules,
        false_rollback_budget=plan.false_rollback_budget,
        stages=tuple(
            PlannedStageDocument(
                stage=stage.name,
                traffic=stage.traffic,
                warmup_seconds=stage.warmup_seconds,
                bake_min_seconds=stage.bake_min_seconds,
                bake_max_seconds=stage.bake_max_seconds,
                min_requests=stage.min_requests,
                on_blind_hold_for_seconds=stage.on_blind.hold_for_seconds,
                on_blind_then=stage.on_blind.then,
                baseline=stage.baseline,
                on_inconclusive=stage.on_inconclusive,
            )
            for stage in plan.stages
        ),
    )


def _loaded(rule: Rule) -> LoadedRuleDocument:
    asks, line = _asks(rule)
    return LoadedRuleDocument(
        rule=rule.name,
        kind=rule.kind,
        test=Test.SEQUENTIAL if is_sequential(rule) else Test.THRESHOLD,
        on_breach=rule.on_breach,
        limit=line.bound if isinstance(line, Limit) else line if isinstance(line, float) else None,
        worse_than_baseline=line.tolerance if isinstance(line, WorseThanBaseline) else None,
        unit=rule.unit,
        for_seconds=rule.for_seconds,
        scope=rule.scope.value,
        source=rule.source,
        asks=asks,
        runbook=rule.runbook,
    )


def _asks(rule: Rule) -> tuple[tuple[str, ...], Limit | WorseThanBaseline | float]:
    """What a rule asks, as it stands in its file, and where its line is."""
    match rule:
        case RatioRule():
            return (rule.events, rule.total), rule.limit
        case QuantileRule():
            return (rule.histogram,), rule.limit
        case ActivityRule():
            return (rule.events, rule.exposure), rule.limit
        case DistributionRule() | ValueRule():
            return (rule.query,), rule.limit
        case BurnRateRule():
            return (rule.events, rule.total), min(window.factor for window in rule.windows)
        case AlertsRule():
            return (rule.match,), 0.0
        case ProbeRule():
            return (rule.url,), float(rule.failures)
        case _:
            assert_never(rule)


def _rounded(odds: float | None) -> float | None:
    """Odds to four significant digits: they have no more."""
    return None if odds is None else float(f"{odds:.4g}")
