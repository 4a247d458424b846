"""A healthy version is rolled back at most as often as promised, however often and however oddly one looks."""

import math
from collections.abc import Iterator
from random import Random

import pytest

from gated.judge.stats import health
from gated.judge.stats.interval import confidence_sequence
from gated.judge.stats.one_sample import OneSample
from gated.judge.stats.two_sample import TwoSample
from gated.model.evidence import Calibration, Counts
from tests.unit.judge.stats.sequential_runs import (
    INDEPENDENT,
    STEADY,
    Release,
    is_promise_kept,
    odds_over_time,
)
from tests.unit.judge.stats.simulated_service import STEP_SECONDS, poisson, seeded

ALPHAS = (0.2, 0.05, 0.01)
"""A chance of 1 % alone is not much of a test: with 400 runs it forgives a rate of 3 %."""


def assert_promise_is_kept(highest_odds: list[float]) -> None:
    for alpha in ALPHAS:
        crossings = sum(odds >= 1 / alpha for odds in highest_odds)
        assert is_promise_kept(crossings, len(highest_odds), alpha), f"{crossings} of {len(highest_odds)} at {alpha}"


def test_at_exactly_the_tolerated_ratio() -> None:
    test, random = TwoSample(0.1, 60, INDEPENDENT), seeded(11)
    release = Release(ratio=1.1)
    assert_promise_is_kept([max(odds_over_time(test, release.looks(60, random))) for _ in range(400)])


def test_beyond_the_planned_looks() -> None:
    test, random = TwoSample(0.1, 10, INDEPENDENT), seeded(12)
    release = Release(ratio=1.1, errors=3.0)
    assert_promise_is_kept([max(odds_over_time(test, release.looks(60, random))) for _ in range(300)])


def test_under_log_normal_drift() -> None:
    test, random = TwoSample(0.1, 60, STEADY), seeded(13)
    release = Release(ratio=1.1, errors=20.0, drift_sd=STEADY.drift_sd)
    assert_promise_is_kept([max(odds_over_time(test, release.looks(60, random))) for _ in range(200)])


def test_without_history_in_spite_of_drift_and_clusters() -> None:
    """The defaults have to be safe where nothing is known."""
    test, random = TwoSample(0.1, 60, Calibration()), seeded(14)
    release = Release(ratio=1.1, errors=20.0, drift_sd=0.29)
    twins = [
        max(odds_over_time(test, ((canary + canary, old + old) for canary, old in release.looks(60, random))))
        for _ in range(150)
    ]
    assert_promise_is_kept(twins)


def test_in_outages_and_ramps_that_hit_both() -> None:
    test, random = TwoSample(0.1, 60, INDEPENDENT), seeded(15)

    def looks() -> Iterator[tuple[Counts, Counts]]:
        for look in range(60):
            outage = 10 if 20 <= look < 26 else 1
            share = 0.01 if look < 30 else 0.5
            yield (
                Counts(poisson(6 * outage * share * 1.1, random), 9000 * share),
                Counts(poisson(6 * outage * (1 - share), random), 9000 * (1 - share)),
            )

    assert_promise_is_kept([max(odds_over_time(test, looks())) for _ in range(300)])


def irregular(release: Release, number: int, random: Random) -> Iterator[tuple[Counts, Counts, float]]:
    """The looks of a release by a gate that misses some, pauses, and is given another interval in the middle."""
    canary, old, elapsed_seconds = Counts(), Counts(), 0.0
    for look, (new_events, old_events) in enumerate(release.looks(number, random)):
        if 20 <= look < 26:  # paused: what happens now is never counted
            elapsed_seconds += STEP_SECONDS
            continue
        canary, old, elapsed_seconds = canary + new_events, old + old_events, elapsed_seconds + STEP_SECONDS
        is_due = random.random() < 0.7 if look < 40 else look % 4 == 3
        if is_due:
            yield canary, old, elapsed_seconds
            canary, old, elapsed_seconds = Counts(), Counts(), 0.0


@pytest.mark.parametrize("calibration", [INDEPENDENT, STEADY], ids=["alike", "drifting"])
def test_with_missed_looks_pauses_and_another_interval(calibration: Calibration) -> None:
    test, random = TwoSample(0.1, 60, calibration), seeded(16)
    release = Release(ratio=1.1, drift_sd=calibration.drift_sd)
    highest = []
    for _ in range(250):
        process, odds = test.opened(), 0.0
        for canary, old, elapsed_seconds in irregular(release, 60, random):
            process = test.looked(process, canary, old, elapsed_seconds)
            odds = max(odds, process.value)
        highest.append(odds)
    assert_promise_is_kept(highest)


def at_rate(rate: float, events: int, looks: int, random: Random) -> Iterator[Counts]:
    return (Counts(sum(random.random() < rate for _ in range(events)), events) for _ in range(looks))


def test_at_exactly_the_limit() -> None:
    test, random = OneSample(limit=0.05, planned_looks=60, dispersion=1.0), seeded(17)
    highest = []
    for _ in range(300):
        process, odds = test.opened(), 0.0
        for counts in at_rate(0.05, 40, 60, random):
            process = test.looked(process, counts)
            odds = max(odds, process.value)
        highest.append(odds)
    assert_promise_is_kept(highest)


def test_health_is_not_proved_at_exactly_the_limit() -> None:
    random, highest = seeded(18), []
    for _ in range(300):
        so_far, odds = Counts(), 0.0
        for counts in at_rate(0.05, 40, 60, random):
            so_far += counts
            odds = max(odds, health.odds(0.05, so_far, dispersion=1.0))
        highest.append(odds)
    assert_promise_is_kept(highest)


def test_the_interval_holds_the_rate_at_all_looks_at_once() -> None:
    random, misses, alpha = seeded(19), 0, 0.1
    for _ in range(120):
        so_far, is_missed = Counts(), False
        for counts in at_rate(0.05, 40, 30, random):
            so_far += counts
            lower, upper = confidence_sequence(so_far, alpha, dispersion=1.0)
            is_missed |= not lower <= 0.05 <= upper
        misses += is_missed
    assert is_promise_kept(misses, 120, alpha)


def test_the_promise_itself_is_strict_enough_to_fail() -> None:
    assert is_promise_kept(4, 400, 0.01)
    assert not is_promise_kept(14, 400, 0.01)
    assert math.isclose(1 / ALPHAS[-1], 100)
