"""What is asked of the past, once, before the first evidence is weighed; and what it teaches.

Until it has answered nothing is counted, and nothing is lost: the first look that counts begins where the release
began. A history that cannot be had costs speed, not safety: then the service is assumed to be as unsteady as any.
"""

import itertools
from dataclasses import replace
from functools import lru_cache

from gated.judge.assessment import Assessment, Finding, blind, reading_of
from gated.judge.sequential.counting import Boundaries, around, counts_good, no_boundary, total_of
from gated.judge.sequential.setting import Setting, compares
from gated.judge.stats import calibration, past
from gated.judge.stats.history import instances, stretch
from gated.model.evidence import BaselineKind, Calibration, Evidence, PastRate
from gated.model.reading import (
    CountHistory,
    NoDataReason,
    Observations,
    Query,
    QueryFailed,
    Reading,
    Readings,
    Track,
    Value,
)
from gated.model.rule import Limit, QuantileRule, RatioRule, SequentialRule
from gated.model.selection import Workload
from gated.model.units import format_quantity

ATTEMPTS = 4
"""Looks at which history is asked for. A minute by default; a source that is away for longer has no history to give."""

_HOUR = 3600.0
_DAY = 86400.0
_DAYS = 7
"""How many earlier days are looked at, at the same hour: a week has every kind of day once."""

_learned = lru_cache(maxsize=4)(calibration.learn)
"""Rules about the same events, one with a limit and one against the baseline, say, learn the same; and the rules of a
release come one after the other. A history takes 20 ms to learn from, and some megabytes if it is of many instances."""


def is_known(rule: SequentialRule, evidence: Evidence, setting: Setting) -> bool:
    """Whether everything that history can teach has been learned, or was given up."""
    has_past = not (compares(rule) and _lacks_past(evidence, setting)) or evidence.unanswered >= ATTEMPTS
    return evidence.calibration is not None and has_past


def questions(rule: SequentialRule, evidence: Evidence | None, setting: Setting) -> tuple[Query, ...]:
    """What is asked of the past at this look: nothing, once all is known.

    Args:
        rule: the rule.
        evidence: before this look; None at the first.
        setting: of this look.
    """
    evidence = evidence or Evidence(counted_until=setting.unseen_since)
    if is_known(rule, evidence, setting):
        return ()
    if isinstance(rule, QuantileRule) and not evidence.boundaries:
        return _layout(rule, setting, evidence.counted_until)
    asked: list[Query] = []
    if evidence.calibration is None:
        asked += _instances(rule, evidence, setting)
    if _needs_past(rule, setting) and evidence.past is None:
        for span in spans(_until(evidence, setting), setting.tainted):
            asked += _hour(rule, evidence, setting, span)
    return tuple(asked)


def learn(
    rule: SequentialRule, evidence: Evidence | None, setting: Setting, readings: Readings
) -> tuple[Evidence, Assessment | None]:
    """What this look's history teaches.

    Args:
        rule: the rule.
        evidence: before this look; None at the first.
        setting: of this look.
        readings: the answers to `questions`.

    Returns:
        The evidence with what was learned; and why the rule cannot be judged, if it cannot. What happens while the
        source gives no answer is counted later; what happens while nothing can be learned from its answer is left out.
    """
    asked = questions(rule, evidence, setting)
    evidence = evidence or Evidence(counted_until=setting.unseen_since)
    if is_known(rule, evidence, setting):
        return evidence, None
    answers = [reading_of(readings, query) for query in asked]
    failed = next((answer for answer in answers if isinstance(answer, QueryFailed)), None)
    has_layout = not isinstance(rule, QuantileRule) or bool(evidence.boundaries)
    if failed is not None:
        tried = replace(evidence, unanswered=evidence.unanswered + 1)
        if tried.unanswered < ATTEMPTS:
            return tried, None
        if compares(rule) and (not has_layout or evidence.calibration is not None):
            return evidence, blind(failed)  # without it there is nothing to compare, so it is asked for again
        return _given_up(rule, evidence, setting, blind(failed).reason), None
    if isinstance(rule, QuantileRule) and not has_layout:
        return _with_boundaries(rule, evidence, setting, answers[0])
    if evidence.calibration is None:
        evidence = replace(evidence, calibration=_calibration(rule, evidence, setting, readings))
    if _needs_past(rule, setting) and evidence.past is None:
        past = _past(rule, evidence, setting, readings)
        evidence = replace(evidence, past=past, unanswered=evidence.unanswered if past else ATTEMPTS)
    return evidence, None


def spans(until: float, tainted: tuple[tuple[float, float], ...]) -> list[tuple[float, float]]:
    """The hour before the release, and the same hour of earlier days, newest first; without any that is tainted."""
    hours = [(until - _HOUR, until), *((until - day * _DAY, until - day * _DAY + _HOUR) for day in range(1, _DAYS + 1))]
    return [hour for hour in hours if not any(begin < hour[1] and hour[0] < end for begin, end in tainted)]


def _needs_past(rule: SequentialRule, setting: Setting) -> bool:
    return compares(rule) and setting.looks_before


def _lacks_past(evidence: Evidence, setting: Setting) -> bool:
    """Whether the running stage compares with a past that is not known."""
    return setting.kind is BaselineKind.BEFORE and evidence.past is None


def _until(evidence: Evidence, setting: Setting) -> float:
    """Where the past ends: where counting begins, and never later than the release itself."""
    return evidence.counted_until if setting.began_at is None else min(evidence.counted_until, setting.began_at)


def _layout(rule: QuantileRule, setting: Setting, until: float) -> tuple[Query, ...]:
    """The buckets of the hour before the release; of the old version, for the new one has none yet."""
    whose = setting.service if setting.baseline is None or not setting.looks_beside else setting.baseline
    return (Query(rule.source, Observations(rule.histogram, until - _HOUR, until), whose),)


def _instances(rule: SequentialRule, evidence: Evidence, setting: Setting) -> tuple[Query, ...]:
    """The history of the service instance by instance: the total, and what was counted of it.

    Of all its versions where they can be asked for together: the present one may be hours old, and how unsteady
    instances are is the service's nature rather than a version's.
    """
    until, whose = _until(evidence, setting), setting.service or setting.baseline
    if not whose or not setting.plan.history_seconds:
        return ()
    whole = (until - setting.plan.history_seconds, until)
    return _counts(rule, evidence, setting.step_seconds(rule), whose, whole, setting.plan.instance_label)


def _hour(rule: SequentialRule, evidence: Evidence, setting: Setting, span: tuple[float, float]) -> tuple[Query, ...]:
    """One hour of the service's history, all versions and instances together."""
    return _counts(rule, evidence, setting.step_seconds(rule), setting.service, span, "")


def _counts(
    rule: SequentialRule, evidence: Evidence, step: float, workload: Workload, span: tuple[float, float], by: str
) -> tuple[Query, ...]:
    if isinstance(rule, QuantileRule):
        counted, at_most = rule.histogram, evidence.boundaries[-1][0]
    else:
        counted, at_most = rule.events, None
    selectors: tuple[tuple[str, float | None], ...] = ((total_of(rule), None), (counted, at_most))
    return tuple(
        Query(rule.source, CountHistory(selector, at_most, by, *span, step), workload)
        for selector, at_most in selectors
    )


def _calibration(rule: SequentialRule, evidence: Evidence, setting: Setting, readings: Readings) -> Calibration:
    """How unsteady the old version was, from its instances."""
    asked = _instances(rule, evidence, setting)
    if not asked:
        return _assumed(setting, "no history was asked for")
    total, counted = (_tracks(reading_of(readings, query)) for query in asked)
    total = tuple(_untainted(track, evidence, setting, rule) for track in total)
    bad = _harmful(rule, total, counted)
    return _learned(bad, total, setting.step_seconds(rule), setting.plan.drift_floor)


def _past(rule: SequentialRule, evidence: Evidence, setting: Setting, readings: Readings) -> PastRate | None:
    """What the service was like before the release."""
    hours = []
    for span in spans(_until(evidence, setting), setting.tainted):
        asked = _hour(rule, evidence, setting, span)
        total, counted = (_tracks(reading_of(readings, query)) for query in asked)
        bad = _harmful(rule, total, counted)
        hours += [stretch(whole, slice(None)) for whole in instances(bad, total)]
    return past.calibrate_past(hours, setting.step_seconds(rule))


def _untainted(track: Track, evidence: Evidence, setting: Setting, rule: SequentialRule) -> Track:
    """An instance without the looks at which a version ran that was rolled back later."""
    if not setting.tainted:
        return track
    step, since = setting.step_seconds(rule), _until(evidence, setting) - setting.plan.history_seconds

    def is_tainted(look: int) -> bool:
        end = since + (look + 1) * step
        return any(begin < end and end - step < until for begin, until in setting.tainted)

    return Track(track.instance, tuple(None if is_tainted(at) else n for at, n in enumerate(track.counts)))


def _harmful(rule: SequentialRule, total: tuple[Track, ...], counted: tuple[Track, ...]) -> tuple[Track, ...]:
    """Tracks of harmful events: what was counted, or all the others where the harmless were counted."""
    if not isinstance(rule, QuantileRule) and not (isinstance(rule, RatioRule) and counts_good(rule)):
        return counted
    harmless = {track.instance: track.counts for track in counted}
    return tuple(
        Track(
            track.instance,
            tuple(
                None if n is None else max(0.0, n - (good or 0.0))
                for n, good in itertools.zip_longest(track.counts, harmless.get(track.instance, ()))
            ),
        )
        for track in total
    )


def _tracks(reading: Reading) -> tuple[Track, ...]:
    return reading.tracks if isinstance(reading, Value) else ()


def _with_boundaries(
    rule: QuantileRule, evidence: Evidence, setting: Setting, layout: Reading
) -> tuple[Evidence, Assessment | None]:
    """Which boundaries are counted at: fixed before the evidence, so that the evidence cannot choose them."""
    without = replace(evidence, counted_until=max(evidence.counted_until, setting.now))
    if not isinstance(layout, Value) or not layout.number or not layout.buckets:
        if isinstance(rule.limit, Limit):
            return _given_up(rule, evidence, setting, "the histogram is new"), None
        reason = "the histogram of the baseline counted nothing in the hour before the release"
        return without, Assessment(finding=Finding.NO_DATA, code=NoDataReason.ABSENT.value, reason=reason)
    bounds = [bound for bound, _ in layout.buckets]
    if isinstance(rule.limit, Limit):
        upper, _ = around(rule.limit.bound, bounds)
        if upper is None:
            return without, no_boundary(rule, bounds)
        return replace(evidence, boundaries=((upper, upper),), unanswered=0), None
    pairs = bracket(rule.quantile, rule.limit.tolerance, layout.buckets, layout.number)
    if not pairs:
        reason = (
            f"{1 + rule.limit.tolerance:g} times the baseline's p{rule.quantile * 100:g} lies above the histogram's"
            f" last finite bucket ({format_quantity(bounds[-1], rule.unit)}); nothing above it can be counted"
        )
        return without, Assessment(finding=Finding.ERROR, code="baseline_above_last_bucket", reason=reason)
    return replace(evidence, boundaries=pairs, unanswered=0), None


def bracket(quantile: float, tolerance: float, buckets: tuple[tuple[float, float], ...], total: float) -> Boundaries:
    """The boundaries on both sides of the baseline's quantile, each with the new version's to compare it with.

    If the new version is at most (1 + d) times as slow, then P(new > (1 + d) b) <= P(old > b) for every b. Counting
    the new version at the smallest boundary c >= (1 + d) b keeps that true, whatever lies between two boundaries.

    Args:
        quantile: which one.
        tolerance: the d above.
        buckets: (boundary, cumulative count) of the baseline, ascending.
        total: all of its observations, at least 1.

    Returns:
        At most two pairs (b, c); none when every c lies above the last boundary.
    """
    bounds = [bound for bound, _ in buckets]
    needed = quantile * total
    at = next((index for index, (_, count) in enumerate(buckets) if count >= needed), len(buckets))
    pairs = []
    for index in (at - 1, at):
        if 0 <= index < len(bounds) and bounds[index] > 0:
            upper, _ = around(bounds[index] * (1 + tolerance), bounds)
            if upper is not None:
                pairs.append((bounds[index], upper))
    return tuple(pairs)


def _given_up(rule: SequentialRule, evidence: Evidence, setting: Setting, why: str) -> Evidence:
    """Go on without knowing how unsteady the service is; a past to compare with is then asked for by itself."""
    boundaries = evidence.boundaries
    if isinstance(rule, QuantileRule) and isinstance(rule.limit, Limit) and not boundaries:
        boundaries = ((rule.limit.bound, rule.limit.bound),)
    known = _assumed(setting, f"without history: {why}")
    return replace(evidence, calibration=known, boundaries=boundaries, unanswered=0)


def _assumed(setting: Setting, note: str) -> Calibration:
    """What is assumed of a service without history, at least as unsteady as the plan's floor."""
    return replace(calibration.calibrate((), (), setting.interval_seconds, setting.plan.drift_floor), note=note)
