"""What a service was like before a release."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given

from gated.judge.stats import past as pasts
from gated.judge.stats.history import Stretch
from gated.model.evidence import Counts, PastRate
from tests.unit.judge.stats.count_strategies import SINGLE_HOURS, STEPS
from tests.unit.judge.stats.golden_history import Shape
from tests.unit.judge.stats.simulated_service import LOOKS_AN_HOUR, STEP_SECONDS, Service, seeded

GOLDEN = json.loads((Path(__file__).parent / "golden" / "past_rate.json").read_text())


def calibrate_past(hours: list[list[Counts]], step_seconds: float) -> PastRate | None:
    return pasts.calibrate_past([Stretch.of(hour) for hour in hours], step_seconds)


def week(service: Service, seed: int, day_factors: tuple[float, ...] = (1.0,) * 8) -> PastRate:
    """What eight hours of one instance teach, each with a factor of its own."""
    random = seeded(seed)
    days = [
        Service(
            requests=service.requests,
            share=service.share * factor,
            cluster=service.cluster,
            drift_sd=service.drift_sd,
            drift_seconds=service.drift_seconds,
        )
        for factor in day_factors
    ]
    hours = [[look or Counts() for look in day.lived(0, LOOKS_AN_HOUR, random)] for day in days]
    past = calibrate_past(hours, STEP_SECONDS)
    assert past is not None
    return past


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: f"seed-{case['shape'][0]}")
def test_it_agrees_with_the_reference(case: dict[str, Any]) -> None:
    hours = [own for own, _ in Shape(*case["shape"]).history()]
    past = pasts.calibrate_past(hours, case["step"])
    assert past is not None
    for name in ("share", "drift_sd", "drift_seconds", "day_sd"):
        assert getattr(past, name) == pytest.approx(case[name], rel=1e-9, abs=1e-9), name


@given(hours=SINGLE_HOURS, step=STEPS)
@example(hours=[[Counts(0, 2)], [Counts(1, 5e-324)]], step=1)
def test_any_history_gives_finite_numbers_in_range(hours: list[list[Counts]], step: float) -> None:
    past = calibrate_past(hours, step)
    if past is None:
        return
    assert 0 < past.share <= 1
    assert 0 <= past.drift_sd < 20
    assert 30 <= past.drift_seconds <= 600
    assert 0 <= past.day_sd < math.inf
    assert 1 <= past.dispersion < math.inf
    assert past.hours > 0


@pytest.mark.parametrize(
    "hours",
    [
        pytest.param([], id="none"),
        pytest.param([[Counts(1, 100)] * 240], id="one hour"),
        pytest.param([[Counts(1, 100)] * 240, [Counts()] * 240, []], id="one hour with traffic"),
    ],
)
def test_one_hour_says_nothing_about_others(hours: list[list[Counts]]) -> None:
    assert calibrate_past(hours, STEP_SECONDS) is None


def test_no_errors_at_all_are_not_a_rate_of_zero() -> None:
    """Else the first error ever would be infinitely worse than the past."""
    past = calibrate_past([[Counts(0, 100)] * 240] * 2, STEP_SECONDS)
    assert past is not None
    assert past.share == 0.5 / 48000
    assert past.day_sd >= 0.5
    assert past.dispersion == 10


def test_hours_without_traffic_do_not_count() -> None:
    hours = [[Counts(look % 3, 100) for look in range(240)]] * 3
    assert calibrate_past([*hours, [Counts()] * 240], STEP_SECONDS) == calibrate_past(hours, STEP_SECONDS)


def test_steady_days_have_little_to_allow_for() -> None:
    past = week(Service(), seed=1)
    assert past.share == pytest.approx(0.01, rel=0.1)
    assert (past.drift_sd, past.dispersion, past.hours) == (0, 1, 8)
    assert past.day_sd < 0.1


def test_days_that_differ_are_allowed_for() -> None:
    past = week(Service(), seed=1, day_factors=(0.6, 0.8, 1.0, 1.2, 1.4, 0.7, 1.0, 1.6))
    assert past.day_sd > 0.3  # the sd of the factors' logarithms is 0.34


def test_drift_within_an_hour_is_told_from_days_and_clusters() -> None:
    past = week(Service(share=0.05, drift_sd=0.4, drift_seconds=150), seed=1)
    assert 0.3 < past.drift_sd < 0.6
    assert 75 <= past.drift_seconds <= 300
    assert past.dispersion < 2


def test_clusters_are_told_from_drift() -> None:
    past = week(Service(share=0.05, cluster=4), seed=1)
    assert past.drift_sd == 0
    assert 6 < past.dispersion < 14
