"""Whether early harm is only a cold start: caches to fill, code to compile, connections to open.

A cold start is the worst enemy of a test that may stop at any time: five times the errors for some minutes cross the
line in most releases, and are gone before anybody has looked. It differs from harm in one thing only: it falls.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from gated.judge.stats import history
from gated.judge.stats.history import Instance
from gated.judge.stats.surprise import Surprises
from gated.model.evidence import Calibration, Counts, EarlyLook
from gated.model.reading import Track

FEWEST_STARTS = 10
"""Starts of instances that history must hold before they can say anything about the next one."""

EXCESS_SIGNIFICANCE = 1.5
"""The z beyond which starting instances had more errors than settled ones."""

DOUBLING_SIGNIFICANCE = 3.0
"""The z that twice the errors would have reached; else history is too sparse to say that there was no excess. As
3 = 1.5 + 1.5, a doubling would have been noticed in 14 histories of 15."""

FALL = 0.75
"""To count as not falling, the excess of the later half must be more than this share of the earlier half's."""


class _Half(NamedTuple):
    """How many times worse than it should be the new version was, in one half of its life."""

    ratio: float
    variance: float


def is_not_falling(early: Sequence[EarlyLook], limit: float | None, calibration: Calibration) -> bool:
    """Whether the harm of the new version's first minutes stays: b - 0.75·a > 1 standard error.

    a and b are the excess (ratio - 1) in the earlier and the later half of its life. The ratio is that of the error
    shares of both versions, with relative variance φ(1/e_c + 1/e_b) + s²; or, against a fixed limit, (e/n)/limit with
    φ/e + s². φ is the calibration's dispersion against a limit; against a baseline it is 1 + (e - 1)ρ of the looks.
    A half with less than half an error of a version is read as half an error, so that its uncertainty is finite.

    Args:
        early: the looks of the new version's life so far, in any order; looks that are no counts are left out.
        limit: the largest harmless share of errors, 0 < limit <= 1; None to compare with the baseline.
        calibration: of the rule.

    Returns:
        True only for harm that clearly goes on. False whenever that cannot be told: fewer than two looks, a half
        without traffic, or no error of the new version in its later half.
    """
    looks = sorted((_sane(look) for look in early if math.isfinite(look.at)), key=lambda look: look.at)
    if not looks or (limit is not None and not limit > 0):
        return False
    middle = (looks[0].at + looks[-1].at) / 2
    earlier = [look for look in looks if look.at < middle]
    later = [look for look in looks if look.at >= middle]
    if not any(look.canary.bad for look in later):
        return False
    first, second = (_half(half, limit, calibration) for half in (earlier, later))
    if first is None or second is None:
        return False
    error = math.sqrt(second.variance + FALL**2 * first.variance)
    return (second.ratio - 1) - FALL * (first.ratio - 1) > error


def shows_warm_starts(bad: Sequence[Track], total: Sequence[Track], step_seconds: float) -> bool:
    """Whether history shows enough starts of instances, none of them with a harmless excess of errors.

    Args:
        bad: harmful events per look and instance; an instance that is missing had none.
        total: all events per look and instance.
        step_seconds: from look to look, positive.

    Returns:
        True if at least `FEWEST_STARTS` instances appeared within the history, had in their first five minutes no
        significantly larger share of errors than settled instances at the same time (z <= 1.5, pooled), and twice
        as many errors would have been noticed. Then the new version's first minutes count like any others.
    """
    return starts_warm(history.instances(bad, total), step_seconds)


def starts_warm(everyone: Sequence[Instance], step_seconds: float) -> bool:
    """`shows_warm_starts`, of instances. The excess of each start counts as one number, whatever happened in it."""
    young = history.young_looks(step_seconds)
    newborn = [one for one in everyone if one.born >= young]
    if len(newborn) < FEWEST_STARTS:
        return False
    settled = history.service([_settled(one, young) for one in everyone])
    excesses, scales = [], []
    for one in newborn:
        first = slice(one.born, one.born + young)
        looks = Surprises.of(history.stretch(one, first), history.stretch(settled, first))
        if any(looks.variances):
            excesses.append(sum(looks.excesses))
            scales.append(sum(looks.variances))
    if len(scales) < FEWEST_STARTS:
        return False
    scale = sum(scales)
    mean = sum(excesses) / scale
    # Independent errors vary by `scale`; starts that differ from each other by more say so themselves.
    variance = max(scale, sum((r - mean * w) ** 2 for r, w in zip(excesses, scales, strict=True)))
    error = math.sqrt(variance) / scale
    return mean <= EXCESS_SIGNIFICANCE * error and error * DOUBLING_SIGNIFICANCE <= 1


def _settled(instance: Instance, young: int) -> Instance:
    """The instance without its youth; instances that were there from the first look have none."""
    begin = instance.born + young if instance.born else 0
    blank = [0.0] * min(begin, len(instance.seen))
    return instance._replace(bad=[*blank, *instance.bad[begin:]], total=[*blank, *instance.total[begin:]])


def _half(looks: Sequence[EarlyLook], limit: float | None, calibration: Calibration) -> _Half | None:
    """The ratio in one half, and its variance; None without the traffic it takes."""
    canary = sum((look.canary for look in looks), Counts())
    baseline = sum((look.baseline for look in looks), Counts())
    if not canary.total or (limit is None and not baseline.total):
        return None
    errors = max(canary.bad, 0.5)
    if limit is None:
        usual = max(baseline.bad, 0.5)
        expected = canary.total * usual / baseline.total
        spread = _inflation(looks, calibration.correlation) * (1 / errors + 1 / usual)
    else:
        expected = canary.total * limit
        spread = calibration.dispersion / errors
    ratio = errors / expected
    return _Half(ratio, ratio * ratio * (spread + calibration.drift_sd**2))


def _inflation(looks: Sequence[EarlyLook], correlation: float) -> float:
    """φ = 1 + (e - 1)ρ, the mean over errors; 1 without any."""
    events = [look.canary.bad + look.baseline.bad for look in looks]
    pairs = sum(e * max(0.0, e - 1) for e in events)
    return 1 + correlation * pairs / sum(events) if any(events) else 1.0


def _sane(look: EarlyLook) -> EarlyLook:
    return EarlyLook(look.at, history.sane(look.canary), history.sane(look.baseline))
