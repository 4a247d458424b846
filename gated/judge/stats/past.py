"""What a service was like before a release, for stages that have no old version beside the new one.

Nothing cancels then: the service's whole rate drifts within an hour, and differs from hour to hour and day to day.
Both are measured, over the hour before the release and the same hour of earlier days.
"""

import math
from collections.abc import Sequence

from gated.judge.stats.autocovariance import DRIFT_SECONDS, Drift, Noise, lasting
from gated.judge.stats.dispersion import FEWEST_ERRORS, UNKNOWN, inflation
from gated.judge.stats.history import HOUR_SECONDS, Stretch
from gated.model.evidence import PastRate

FEWEST_HOURS = 2
"""From one hour nobody learns how much hours differ."""

DRIFT_SIGNIFICANCE = 2.0
"""The z beyond which drift within an hour is believed."""

WITHIN_AN_HOUR = DRIFT_SECONDS[:5]
"""What lasts half an hour is told by the hours' differences."""


def calibrate_past(hours: Sequence[Stretch], step_seconds: float) -> PastRate | None:
    """Measure the rate, its drift within an hour, and its differences between hours.

    Args:
        hours: the hour before the release and the same hour of earlier days, all instances together, of
            nearly the same length.
        step_seconds: from look to look, positive.

    Returns:
        Finite numbers, the share positive (no error at all is read as half an error); None with fewer than two hours
        that had traffic.
    """
    sound = [hour for hour in hours if any(hour.total)]
    if len(sound) < FEWEST_HOURS:
        return None
    errors = sum(sum(hour.bad) for hour in sound)
    requests = sum(sum(hour.total) for hour in sound)
    noise = [_noise(hour) for hour in sound]
    drift = lasting(noise, step_seconds, WITHIN_AN_HOUR)
    is_believed = drift.significance > DRIFT_SIGNIFICANCE
    lasts = max(0.0, drift.variance) if is_believed else 0.0
    return PastRate(
        share=min(1.0, max(errors, 0.5) / requests),
        drift_sd=1.1 * math.sqrt(math.log1p(lasts + drift.standard_error)) if is_believed else 0.0,
        drift_seconds=drift.seconds,
        day_sd=_day_sd(sound, drift if is_believed else None, step_seconds),
        dispersion=_fast_dispersion(noise, lasts, errors),
        hours=sum(len(hour.total) for hour in sound) * step_seconds / HOUR_SECONDS,
    )


def _bad(hour: Stretch) -> float:
    """Errors of an hour, and half a one, so that it has a logarithm."""
    return sum(hour.bad) + 0.5


def _share(hour: Stretch) -> float:
    return _bad(hour) / max(1.0, sum(hour.total))


def _noise(hour: Stretch) -> Noise:
    """Errors beyond those that the hour's own share predicts: what hours differ by is no drift."""
    share = _share(hour)
    means = [share * total for total in hour.total]
    return Noise([bad - mean for bad, mean in zip(hour.bad, means, strict=True)], means)


def _day_sd(hours: Sequence[Stretch], drift: Drift | None, step_seconds: float) -> float:
    """How much the logarithm of the rate differs between hours, beyond what counting and drift explain.

    With S² the variance of the hours' logarithms and V the part that is explained,
    sd² = 1.3²·(S² - V)⁺ + S²/m + 1/e: a reserve for a variance known from m hours, the uncertainty of their mean, and
    of the e errors it rests on. V is the mean of 1/e of every hour (Poisson), and the variance of the mean of a
    drift over an hour, ln(1 + a)·2τ/hour.
    """
    logarithms = [math.log(_share(hour)) for hour in hours]
    mean = sum(logarithms) / len(hours)
    variance = sum((x - mean) ** 2 for x in logarithms) / (len(hours) - 1)
    explained = sum(1 / _bad(hour) for hour in hours) / len(hours)
    if drift is not None:
        length_seconds = step_seconds * sum(len(hour.total) for hour in hours) / len(hours)
        explained += math.log1p(max(0.0, drift.variance)) * 2 * drift.seconds / length_seconds
    beyond = max(0.0, variance - explained)
    return math.sqrt(1.3**2 * beyond + variance / len(hours) + 1 / sum(_bad(hour) for hour in hours))


def _fast_dispersion(noise: Sequence[Noise], drift_variance: float, errors: float) -> float:
    """φ of what does not last beyond a look: E[r²] = φμ + aμ²."""
    looks = [look for hour in noise for look in zip(*hour, strict=True)]
    squares = [r * r - drift_variance * mean * mean for r, mean in looks]
    fast = inflation(squares, [mean for _, mean in looks])
    return fast if errors >= FEWEST_ERRORS else max(fast, UNKNOWN)
