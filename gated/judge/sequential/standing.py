"""Where a rule stands after a look: refuted, proved, suspicious, or open; with the numbers to show it."""

import math
from dataclasses import replace
from typing import Any

from gated.judge.assessment import Assessment, Finding
from gated.judge.sequential import youth
from gated.judge.sequential.evidence import dispersion, harmful_share, is_excused_now, odds, tolerance, unexcused_odds
from gated.judge.sequential.sentence import baseline_share, facts, in_odds, in_words, shown, shows_good
from gated.judge.sequential.setting import Setting, compares
from gated.judge.sequential.weighing import Weighed
from gated.judge.stats import health
from gated.judge.stats.interval import confidence_sequence
from gated.model.evidence import BaselineKind, Calibration, Evidence
from gated.model.rule import Limit, SequentialRule
from gated.model.units import Unit

HEALTH_ODDS = 20.0
"""Odds at which health is proved: a version at its limit is called healthy in at most one stage of twenty."""

SUSPICION = 10.0
"""Odds of a rule by itself from which nothing is promoted although nothing is proved: "strong" on Jeffreys' scale."""

_INTERVAL_ALPHA = 0.01
"""The displayed interval is wrong at any look of a stage with at most this probability."""


def assess(look: Weighed, release_odds: float, setting: Setting) -> Assessment:
    """What a look says.

    Args:
        look: a rule after all rules were settled.
        release_odds: the odds of all rules together.
        setting: of this look.
    """
    rule, evidence = look.rule, look.evidence
    share = setting.weight(rule) * odds(rule, evidence, setting)
    common: dict[str, Any] = {
        "odds": share,
        "odds_limit": setting.odds_limit,
        "sample_age_seconds": look.sample_age_seconds,
        "baseline": setting.kind if compares(rule) else BaselineKind.NONE,
        "unit": Unit.RATIO,
        "limit": _limit(rule, evidence, setting),
        "window_seconds": setting.window_seconds,
    }
    if look.instead is not None:
        return replace(look.instead, **common)
    if not evidence.canary.total and not look.is_refuted:
        nothing = Assessment(finding=Finding.OPEN, code="no_traffic", reason="nothing was served in this stage yet")
        return replace(nothing, query=look.query, **common)
    finding, code, verdict, eta = _standing(look, release_odds, share, setting)
    return Assessment(
        finding=finding,
        code=code,
        reason=f"{facts(rule, evidence, setting)}; {verdict}",
        query=look.query,
        active_since=evidence.lowest_at if finding is Finding.PAST else None,
        eta_seconds=eta,
        health_odds=_health_odds(rule, evidence, setting),
        **common,
        **_numbers(rule, evidence, setting),
    )


def _standing(
    look: Weighed, release_odds: float, share: float, setting: Setting
) -> tuple[Finding, str, str, float | None]:
    """The finding, its code, the half of the sentence that says so, and how long until health is proved."""
    rule, evidence = look.rule, look.evidence
    limit = in_odds(setting.odds_limit)
    if look.is_refuted:
        together = ""
        if share < setting.odds_limit:
            together = f" ({in_odds(release_odds)} with the other rules)"
        return Finding.PAST, "", f"odds {in_odds(share)}{together} that this is no accident, limit {limit}", None
    if youth.is_suspected(evidence, setting):
        young_until = (evidence.born_at or setting.now) + setting.plan.cold_start_seconds
        wait = in_words(young_until - setting.now)
        reason = f"crossed the line while young, which may be a cold start; watching for {wait} more"
        return Finding.OPEN, "cold_start", reason, None
    if isinstance(rule.limit, Limit) and setting.weight(rule) * unexcused_odds(evidence) >= setting.odds_limit > share:
        breaches = "breaches too" if is_excused_now(rule, rule.limit, evidence) else "breached at the same time"
        reason = f"the baseline {setting.baseline_name} {breaches}, so this is not the new version's fault alone"
        return Finding.OPEN, "baseline_breaches", reason, None
    alone = odds(rule, evidence, setting)
    if alone >= SUSPICION:
        reason = f"odds {in_odds(share)} that this is no accident, limit {limit}; too suspicious to promote"
        return Finding.OPEN, "suspicious", reason, None
    if not isinstance(rule.limit, Limit):
        if setting.kind is BaselineKind.BESIDE and not evidence.baseline.total:
            reason = f"{setting.baseline_name} served nothing in this stage yet, so there is nothing to compare with"
            return Finding.OPEN, "no_baseline_traffic", reason, None
        return Finding.INSIDE, "", f"no evidence of harm, odds {in_odds(share)}, limit {limit}", 0.0
    proof = _health_odds(rule, evidence, setting) or 0.0
    if proof >= HEALTH_ODDS:
        return Finding.INSIDE, "", f"proved healthy, odds {in_odds(proof)}", 0.0
    eta = _eta_seconds(rule, rule.limit, evidence, setting)
    if eta is None:
        return (
            Finding.OPEN,
            "unproved",
            f"not proved yet, odds for health {in_odds(proof)} of {in_odds(HEALTH_ODDS)}",
            None,
        )
    wait = in_words(eta)
    reason = f"not proved yet, odds for health {in_odds(proof)} of {in_odds(HEALTH_ODDS)}; about {wait} more"
    return Finding.OPEN, "unproved", reason, eta


def _numbers(rule: SequentialRule, evidence: Evidence, setting: Setting) -> dict[str, Any]:
    """Value, samples and interval of what was counted in this stage."""
    known = evidence.calibration or Calibration()
    low, high = confidence_sequence(evidence.canary, _INTERVAL_ALPHA, dispersion(known, setting))
    seen = baseline_share(rule, evidence, setting)
    good = shows_good(rule)
    return {
        "value": shown(evidence.canary.share, good=good),
        "samples": evidence.canary.total,
        "interval": (1 - high, 1 - low) if good else (low, high),
        "baseline_value": None if seen is None else shown(seen, good=good),
        "baseline_samples": evidence.baseline.total
        if setting.kind is BaselineKind.BESIDE and seen is not None
        else None,
    }


def _limit(rule: SequentialRule, evidence: Evidence, setting: Setting) -> float | None:
    """The line, as a share like the value; None while nothing is known of the baseline it depends on."""
    if isinstance(rule.limit, Limit):
        return shown(harmful_share(rule, rule.limit), good=shows_good(rule))
    seen = baseline_share(rule, evidence, setting)
    if seen is None:
        return None
    return shown(seen * (1 + tolerance(rule, rule.limit, setting)), good=shows_good(rule))


def _health_odds(rule: SequentialRule, evidence: Evidence, setting: Setting) -> float | None:
    if not isinstance(rule.limit, Limit):
        return None
    known = evidence.calibration or Calibration()
    return health.odds(harmful_share(rule, rule.limit), evidence.proof, dispersion(known, setting))


def _eta_seconds(rule: SequentialRule, limit: Limit, evidence: Evidence, setting: Setting) -> float | None:
    """How long until health is proved at this rate of events; None when it will not be."""
    elapsed, served = setting.window_seconds, evidence.proof.total
    if not elapsed or not served:
        return None
    known = evidence.calibration or Calibration()
    needed = health.events_needed(harmful_share(rule, limit), evidence.proof, dispersion(known, setting), HEALTH_ODDS)
    return needed * elapsed / served if math.isfinite(needed) else None
