"""The odds with one more look's events, and where they stand."""

from dataclasses import replace
from typing import Any

from gated.judge.sequential.counting import Counted
from gated.judge.sequential.setting import Setting, compares
from gated.judge.stats.one_sample import OneSample, is_excused
from gated.judge.stats.past_baseline import PastBaseline
from gated.judge.stats.two_sample import TwoSample
from gated.model.evidence import BaselineKind, Calibration, Counts, EarlyLook, Evidence, Process
from gated.model.rule import Limit, QuantileRule, SequentialRule, Side, WorseThanBaseline

PAST_TOLERANCE = 0.25
"""The least tolerance against a baseline of the past, from which drift does not cancel (measured: facts in
docs/statistics.md)."""

TENFOLD = 10.0
"""A cold start was never seen to be worse than this; what is, is a fault however young the version."""

_RECENT = 4
"""Looks of the baseline that may excuse the present one."""

_EARLY = 40
"""Looks kept of a version's first minutes; of shorter intervals neighbours are joined."""

_DIGITS = 12
"""1 - 0.95 is 0.05 to people, and 0.050000000000000044 to computers."""

_LARGEST_LIMIT = 0.9
"""Beyond it ten times a limit would be no share any more."""


def weighed(rule: SequentialRule, evidence: Evidence, counted: Counted, setting: Setting) -> Evidence:
    """The evidence with one look's events.

    Args:
        rule: the rule.
        evidence: up to the last look that counted; its calibration is known.
        counted: the events since then.
        setting: of this look.
    """
    known, elapsed = _calibration(evidence), setting.now - evidence.counted_until
    canary, baseline = counted.pairs[-1]
    born_at = setting.now if evidence.born_at is None and canary.total else evidence.born_at
    is_early = _is_early(born_at, known, setting)
    of_stage = (canary, baseline, counted.proof) if _is_of_stage(rule, evidence, setting) else (Counts(),) * 3
    tests = _tests(rule, evidence, counted, elapsed, setting, is_early=is_early)
    present = _odds(rule, setting, tests.get("processes", evidence.processes), tests.get("before", evidence.before))
    return replace(
        evidence,
        counted_until=setting.now,
        boundaries=counted.boundaries,
        canary=evidence.canary + of_stage[0],
        baseline=evidence.baseline + of_stage[1],
        proof=evidence.proof + of_stage[2],
        born_at=born_at,
        early=_early(evidence.early, EarlyLook(setting.now, canary, baseline)) if is_early else evidence.early,
        **tests,
        **_lowest(evidence, present, setting.now),
    )


def odds(rule: SequentialRule, evidence: Evidence, setting: Setting) -> float:
    """The evidence against the new version, by this rule alone: at least 0, and 1 when nothing is known.

    A weighted mean of tests is a test: a rule whose plan compares in both ways shares its wealth between them.
    """
    return _odds(rule, setting, evidence.processes, evidence.before)


def _odds(rule: SequentialRule, setting: Setting, processes: tuple[Process, ...], before: Process | None) -> float:
    beside = sum(test.value for test in processes) / len(processes) if processes else 1.0
    if not (compares(rule) and setting.looks_before):
        return beside
    past = before.value if before is not None else 1.0
    return (beside + past) / 2 if setting.looks_beside else past


def is_excused_now(rule: SequentialRule, limit: Limit, evidence: Evidence) -> bool:
    """Whether the baseline is itself past a fixed limit at present."""
    return is_excused(evidence.recent_baseline, harmful_share(rule, limit))


def unexcused_odds(evidence: Evidence) -> float:
    """What the odds would be if the baseline excused nothing."""
    return evidence.unexcused.value if evidence.unexcused is not None else 1.0


def anew(evidence: Evidence, now: float) -> Evidence:
    """The evidence of harm from the beginning; what history taught and what was counted stays."""
    return replace(evidence, processes=(), before=None, unexcused=None, lowest=1.0, lowest_at=now)


def _lowest(evidence: Evidence, present: float, now: float) -> dict[str, Any]:
    """The last time at which the odds were at their lowest, by names in `Evidence`; nothing when it stays.

    Before a fault the odds can only be expected to fall, after it to rise: the last minimum is the usual estimate of
    when it began (Page, *Continuous inspection schemes*, Biometrika 1954).
    """
    if evidence.lowest_at is None or present <= evidence.lowest:
        return {"lowest": present, "lowest_at": now}
    return {}


def is_young(evidence: Evidence, setting: Setting) -> bool:
    """Whether early harm may be a cold start."""
    return _is_early(evidence.born_at, _calibration(evidence), setting)


def dispersion(known: Calibration, setting: Setting) -> float:
    """How much more the new version's counts vary than independent ones: like an instance's, or like the service's.

    What instances do by themselves averages out over many, what they share does not. So with all of the traffic the
    new version varies like the service; with little of it, like one instance.
    """
    shared = max(0.0, known.service_dispersion - known.dispersion)
    return known.dispersion + setting.traffic * shared


def harmful_share(rule: SequentialRule, limit: Limit) -> float:
    """The share of bad events at a fixed limit."""
    if isinstance(rule, QuantileRule):
        return round(1.0 - rule.quantile, _DIGITS)
    return limit.bound if limit.side is Side.ABOVE else round(1.0 - limit.bound, _DIGITS)


def known_line(rule: SequentialRule, evidence: Evidence, setting: Setting) -> float | None:
    """The share of bad events from which harm begins, where it does not move with an old version beside the new one."""
    match rule.limit:
        case Limit() as limit:
            return harmful_share(rule, limit)
        case WorseThanBaseline() as limit if setting.kind is BaselineKind.BEFORE and evidence.past is not None:
            return evidence.past.share * (1 + tolerance(rule, limit, setting))
        case WorseThanBaseline():
            return None


def tolerance(rule: SequentialRule, limit: WorseThanBaseline, setting: Setting) -> float:
    """The tolerated increase of the share; a quantile's own tolerance is in its pairs of boundaries already."""
    own = 0.0 if isinstance(rule, QuantileRule) else limit.tolerance
    return max(own, PAST_TOLERANCE) if setting.kind is BaselineKind.BEFORE else own


def _is_of_stage(rule: SequentialRule, evidence: Evidence, setting: Setting) -> bool:
    """Whether a look's events may stand for the running stage.

    A look begins where the last one ended, as a rule less than a step before its stage. After a gap it may reach far
    back: what the version did with less traffic is evidence of harm, and none of health with more.
    """
    began = setting.stage_started_at
    return began is None or began - evidence.counted_until <= setting.step_seconds(rule)


def _tests(
    rule: SequentialRule, evidence: Evidence, counted: Counted, elapsed: float, setting: Setting, *, is_early: bool
) -> dict[str, Any]:
    """The rule's tests after this look, by their names in `Evidence`."""
    known, looks = _calibration(evidence), setting.planned_looks(rule)
    canary, baseline = counted.pairs[-1]
    match rule.limit:
        case Limit() as limit:
            one = OneSample(harmful_share(rule, limit), looks, dispersion(known, setting))
            has_excuse = setting.old is not None
            return _against_limit(one, evidence, canary, baseline, is_early=is_early, has_excuse=has_excuse)
        case WorseThanBaseline() as limit if setting.kind is BaselineKind.BESIDE:
            two = TwoSample(tolerance(rule, limit, setting), looks, known)
            return _beside(two, evidence, counted, elapsed, is_early=is_early)
        case WorseThanBaseline() as limit if evidence.past is not None:
            past = PastBaseline(tolerance(rule, limit, setting), looks, evidence.past)
            return _before(past, evidence, canary, elapsed, is_early=is_early)
        case WorseThanBaseline():
            raise AssertionError("without a past to compare with nothing is weighed")


def _against_limit(
    test: OneSample, evidence: Evidence, canary: Counts, baseline: Counts, *, is_early: bool, has_excuse: bool
) -> dict[str, Any]:
    recent = (*evidence.recent_baseline, baseline)[-_RECENT:]
    process = evidence.processes[0] if evidence.processes else test.opened()
    has_it_too = is_excused(recent, test.limit)
    looked = test.looked(process, canary, is_excused=has_it_too)
    after: dict[str, Any] = {"recent_baseline": recent, "processes": (looked,)}
    if has_excuse:
        shadow = evidence.unexcused or test.opened()
        is_same = shadow == process and not has_it_too  # as it is until the first excuse, so in most releases for good
        after["unexcused"] = looked if is_same else test.looked(shadow, canary)
    if is_early:
        worse = replace(test, limit=min(TENFOLD * test.limit, _LARGEST_LIMIT))
        after["tenfold"] = worse.looked(evidence.tenfold or worse.opened(), canary)
    return after


def _beside(test: TwoSample, evidence: Evidence, counted: Counted, elapsed: float, *, is_early: bool) -> dict[str, Any]:
    processes = evidence.processes or (test.opened(),) * len(counted.pairs)
    looked = tuple(test.looked(process, *pair, elapsed) for process, pair in zip(processes, counted.pairs, strict=True))
    if not is_early:
        return {"processes": looked}
    worse = replace(test, tolerance=TENFOLD * (1 + test.tolerance) - 1)
    process = worse.looked(evidence.tenfold or worse.opened(), *counted.pairs[-1], elapsed)
    return {"processes": looked, "tenfold": process}


def _before(
    test: PastBaseline, evidence: Evidence, canary: Counts, elapsed: float, *, is_early: bool
) -> dict[str, Any]:
    after = {"before": test.looked(evidence.before or test.opened(), canary, elapsed)}
    if is_early:
        worse = replace(test, tolerance=TENFOLD * (1 + test.tolerance) - 1)
        after["tenfold"] = worse.looked(evidence.tenfold or worse.opened(), canary, elapsed)
    return after


def _is_early(born_at: float | None, known: Calibration, setting: Setting) -> bool:
    if born_at is None or known.is_warm_start:
        return False
    return setting.now - born_at < setting.plan.cold_start_seconds


def _early(early: tuple[EarlyLook, ...], look: EarlyLook) -> tuple[EarlyLook, ...]:
    """The first looks with one more; when they are many, two and two become one."""
    joined = (*early, look)
    if len(joined) < _EARLY:
        return joined
    return tuple(
        EarlyLook(second.at, first.canary + second.canary, first.baseline + second.baseline)
        for first, second in zip(joined[::2], joined[1::2], strict=False)
    )


def _calibration(evidence: Evidence) -> Calibration:
    if evidence.calibration is None:
        raise AssertionError("evidence is weighed only once history is known")
    return evidence.calibration
