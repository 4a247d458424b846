"""One look at the sequential rules of a release: first each by itself, then all together.

    The release goes back  iff  sum of w_i · E_i  >=  1 / budget,   with  sum of w_i = 1.

A weighted mean of e-values is an e-value, whatever the dependence between the rules (Vovk & Wang, *E-values:
calibration, combination and applications*, 2021), so the budget holds for all rules and all looks together. The rule
with the largest share w_i · E_i is named as the cause.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gated.judge.assessment import Assessment, Finding
from gated.judge.sequential import counting, history, youth
from gated.judge.sequential.evidence import odds, weighed
from gated.judge.sequential.setting import Setting, compares
from gated.model.evidence import BaselineKind, Evidence
from gated.model.reading import Query, Readings
from gated.model.rule import OnBreach, SequentialRule

LEARNING = "learning"
"""The code of a look that still waits for history; nothing was due yet that could be missed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What one rule knows after this look.

    Args:
        rule: the rule.
        evidence: to be remembered.
        instead: what the look says where its events were not weighed: blind, or nothing to weigh yet. None otherwise.
        query: what was asked.
        sample_age_seconds: of the oldest of the newest samples.
        is_refuted: the version is refuted, and this rule is the cause.
    """

    rule: SequentialRule
    evidence: Evidence
    instead: Assessment | None = None
    query: str = ""
    sample_age_seconds: float | None = None
    is_refuted: bool = False


def queries(rule: SequentialRule, evidence: Evidence | None, setting: Setting) -> tuple[Query, ...]:
    """What a rule asks at this look.

    Args:
        rule: the rule.
        evidence: before this look; None at the first.
        setting: of this look.
    """
    if setting.is_recovering and compares(rule):
        return counting.leftovers(rule, evidence, setting)
    if _impossible(rule, setting) is not None:
        return ()
    asked = [*counting.freshness(rule, setting), *history.questions(rule, evidence, setting)]
    if evidence is not None and _counts_now(rule, evidence, setting):
        asked += counting.questions(rule, evidence, setting)
    return tuple(dict.fromkeys(asked))


def weigh(rule: SequentialRule, evidence: Evidence | None, setting: Setting, readings: Readings) -> Weighed:
    """One look at one rule.

    Args:
        rule: the rule.
        evidence: before this look; None at the first.
        setting: of this look.
        readings: the answers to `queries`.
    """
    look = Weighed(rule=rule, evidence=evidence or Evidence(counted_until=setting.unseen_since))
    if setting.is_recovering and compares(rule):
        return _without(look, counting.traffic_left(rule, evidence, setting, readings), setting)
    impossible = _impossible(rule, setting)
    if impossible is not None:
        return _without(look, impossible, setting)
    learned, unlearned = history.learn(rule, evidence, setting, readings)
    if learned is not look.evidence:
        look = replace(look, evidence=learned)
    if not _has_say(rule, setting):
        nothing = Assessment(finding=Finding.INSIDE, reason="nothing is compared in this stage (baseline: none)")
        return _without(look, nothing, setting)
    if setting.began_at is None:
        waiting = _waiting("not_started", "evidence counts from the first stage on")
        return _without(look, unlearned or waiting, setting)
    if unlearned is not None:
        return replace(look, instead=unlearned)
    age = counting.ages(rule, setting, readings)
    if isinstance(age, Assessment):
        return replace(look, instead=age)
    look = replace(look, sample_age_seconds=age)
    if evidence is None or not history.is_known(rule, evidence, setting):
        return replace(look, instead=_waiting(LEARNING, "learning from history how steady the service is"))
    return _with_events(look, setting, readings)


def _with_events(look: Weighed, setting: Setting, readings: Readings) -> Weighed:
    """A look whose history is known and whose samples are fresh, with the events it brought."""
    rule, evidence = look.rule, look.evidence
    if setting.kind is BaselineKind.BEFORE and compares(rule) and evidence.past is None:
        reason = "there are not two hours of the service's history to compare with"
        return _without(look, Assessment(finding=Finding.NO_DATA, code="no_history", reason=reason), setting)
    if setting.now - evidence.counted_until > counting.LONGEST_SECONDS:
        waiting = _waiting("gap", "nobody looked for more than an hour; counting goes on from here")
        return _without(look, waiting, setting)
    if setting.now < evidence.counted_until:
        waiting = _waiting("clock_set_back", "the clock was set back; counting goes on when it has caught up")
        return replace(look, instead=waiting)
    if not counting.is_due(rule, evidence, setting):
        return look
    counted = counting.count(rule, evidence, setting, readings)
    if counted is None:
        return look
    if isinstance(counted, Assessment):
        return replace(look, instead=counted)
    if evidence.counted_until < setting.warm_at:
        return _without(look, _waiting("warming_up", "the warm-up has just ended"), setting)
    return replace(look, evidence=weighed(rule, evidence, counted, setting), query=counted.query)


def settle(looks: Sequence[Weighed], setting: Setting) -> tuple[list[Weighed], float]:
    """All rules together: who, if anybody, is the cause of going back.

    A rule that does not roll back stands for itself. A crossing that a cold start may explain begins that rule's
    evidence anew; the next largest share is then looked at.

    Args:
        looks: every sequential rule after this look.
        setting: of this look.

    Returns:
        The rules in the same order, and the release's odds.
    """
    settled = list(looks)
    for at, look in enumerate(settled):
        if (
            look.rule.on_breach is not OnBreach.ROLLBACK
            and look.instead is None
            and _share(look, setting) >= (setting.odds_limit)
        ):
            settled[at] = _crossed(look, setting)
    shared = [at for at, look in enumerate(settled) if look.rule.on_breach is OnBreach.ROLLBACK]
    total = sum(_share(settled[at], setting) for at in shared)
    # Each at most once: what a blind rule knows may be enough by itself, however often the others begin anew.
    weighable = [at for at in shared if settled[at].instead is None]
    while weighable and total >= setting.odds_limit:
        cause = max(weighable, key=lambda at: _share(settled[at], setting))
        weighable.remove(cause)
        settled[cause] = _crossed(settled[cause], setting)
        if settled[cause].is_refuted:
            return [_alone(look, setting) for look in settled], total
        total = sum(_share(settled[at], setting) for at in shared)
    return settled, total


def _alone(look: Weighed, setting: Setting) -> Weighed:
    """A rule beside the cause: refuted as well if its own share would have been enough."""
    is_enough = look.instead is None and _share(look, setting) >= setting.odds_limit
    if look.is_refuted or not is_enough or youth.is_excused_by_youth(look.rule, look.evidence, setting):
        return look
    return replace(look, is_refuted=True)


def _share(look: Weighed, setting: Setting) -> float:
    """What a rule contributes to the odds of the release."""
    return setting.weight(look.rule) * odds(look.rule, look.evidence, setting)


def _crossed(look: Weighed, setting: Setting) -> Weighed:
    if youth.is_excused_by_youth(look.rule, look.evidence, setting):
        return replace(look, evidence=youth.suspected(look.evidence, setting))
    return replace(look, is_refuted=True)


def _counts_now(rule: SequentialRule, evidence: Evidence, setting: Setting) -> bool:
    """Whether this look's events are asked for."""
    return (
        setting.began_at is not None
        and _has_say(rule, setting)
        and history.is_known(rule, evidence, setting)
        and counting.is_due(rule, evidence, setting)
        and setting.now - evidence.counted_until <= counting.LONGEST_SECONDS
    )


def _has_say(rule: SequentialRule, setting: Setting) -> bool:
    """Whether the rule is asked at all in this stage."""
    return not (compares(rule) and setting.kind is BaselineKind.NONE)


def _impossible(rule: SequentialRule, setting: Setting) -> Assessment | None:
    """Why a rule has nothing to compare with, whatever the sources answer; None when it has."""
    if not compares(rule):
        return None
    match setting.kind:
        case BaselineKind.BESIDE if setting.baseline is None:
            reason = "the release names no baseline to compare with"
            return Assessment(finding=Finding.NO_DATA, code="no_baseline", reason=reason)
        case BaselineKind.BEFORE if not setting.service:
            reason = "no label of the plan picks out the service, so its past cannot be asked for"
            return Assessment(finding=Finding.ERROR, code="no_service_label", reason=reason)
        case BaselineKind.BESIDE if setting.baseline == setting.workload:
            reason = "the labels of the baseline pick out the same series as those of the new version"
            return Assessment(finding=Finding.ERROR, code="same_series", reason=reason)
        case _:
            return None


def _without(look: Weighed, instead: Assessment, setting: Setting) -> Weighed:
    """The look without what happened up to now: it is never counted, nor counted again if the clock was set back."""
    left_out_until = max(look.evidence.counted_until, setting.now)
    return replace(look, evidence=replace(look.evidence, counted_until=left_out_until), instead=instead)


def _waiting(code: str, reason: str) -> Assessment:
    return Assessment(finding=Finding.UNSURE, code=code, reason=reason)
