"""Faults are found, and the larger the sooner."""

import pytest

from gated.judge.stats.one_sample import OneSample, is_excused
from gated.judge.stats.past_baseline import PastBaseline
from gated.judge.stats.two_sample import TwoSample
from gated.model.evidence import Calibration, Counts, PastRate
from tests.unit.judge.stats.sequential_runs import INDEPENDENT, STEADY, Release, odds_over_time
from tests.unit.judge.stats.simulated_service import seeded

ALPHA = 0.01
RUNS = 40


def delays(calibration: Calibration, release: Release, looks: int) -> list[float]:
    """Looks from the beginning of the fault until the release goes back, of each run; infinite when never."""
    test, random = TwoSample(0.1, 120, calibration), seeded(31)
    found = []
    for _ in range(RUNS):
        odds = enumerate(odds_over_time(test, release.looks(looks, random)), start=1)
        found.append(next((look - release.since for look, value in odds if value >= 1 / ALPHA), float("inf")))
    return found


def middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


@pytest.mark.parametrize(
    ("calibration", "release", "within", "typically"),
    [
        pytest.param(INDEPENDENT, Release(ratio=5), 20, 5, id="from the start"),
        pytest.param(INDEPENDENT, Release(ratio=5, since=40), 30, 9, id="in the middle of the release"),
        pytest.param(STEADY, Release(ratio=5, drift_sd=0.1), 20, 6, id="beside the drift of any service"),
        pytest.param(STEADY, Release(ratio=10, errors=30), 4, 2, id="large and busy"),
        pytest.param(Calibration(), Release(ratio=5, errors=60), 40, 25, id="without any history"),
    ],
)
def test_a_worse_version_goes_back(calibration: Calibration, release: Release, within: int, typically: int) -> None:
    found = delays(calibration, release, release.since + within)
    assert max(found) <= within
    assert middle(found) <= typically


def test_larger_faults_are_found_sooner() -> None:
    by_size = [middle(delays(STEADY, Release(ratio=ratio), 100)) for ratio in (3, 5, 10)]
    assert by_size == sorted(by_size, reverse=True)
    assert len(set(by_size)) == 3


def test_a_better_version_gains_no_evidence_against_it() -> None:
    assert max(odds_over_time(TwoSample(0.1, 60, STEADY), Release(ratio=0.3).looks(60, seeded(32)))) < 2


def test_one_look_alone_never_exceeds_a_budget_of_one_per_cent() -> None:
    """Whatever it shows: a burst in a single look may be anything."""
    awful = Counts(1e6, 1e6)
    for calibration in (INDEPENDENT, STEADY, Calibration()):
        test = TwoSample(0.0, 60, calibration)
        assert test.looked(test.opened(), awful, Counts(1, 1e6), 15.0).value < 1 / ALPHA
    for dispersion in (1.0, 5.0):
        limited = OneSample(0.01, 60, dispersion)
        assert limited.looked(limited.opened(), awful).value < 1 / ALPHA


def test_a_limit_that_is_broken_fivefold_is_found() -> None:
    test, random = OneSample(limit=0.001, planned_looks=60, dispersion=1.0), seeded(33)
    for _ in range(RUNS):
        process = test.opened()
        for canary, _ in Release(errors=9, ratio=5).looks(12, random):
            process = test.looked(process, canary)
        assert process.value >= 1 / ALPHA


@pytest.mark.parametrize("limit", [0.85, 0.95, 0.999], ids=str)
def test_a_high_limit_can_be_broken_and_kept(limit: float) -> None:
    """Of an availability, say: that all instances are down has to be found, that some are up forgiven."""
    test = OneSample(limit, planned_looks=60, dispersion=1.0)
    broken = kept = test.opened()
    for _ in range(60):
        broken = test.looked(broken, Counts(500, 500))
        kept = test.looked(kept, Counts(500 * limit * 0.9, 500))
    assert broken.value >= 1 / ALPHA
    assert kept.value < 1


@pytest.mark.parametrize("limit", [-1.0, 0.0, 1.0, 7.0], ids=str)
def test_a_limit_outside_of_what_a_rate_can_be_is_the_nearest_inside(limit: float) -> None:
    test = OneSample(limit, planned_looks=60, dispersion=1.0)
    bad = good = test.opened()
    for _ in range(10):
        bad, good = test.looked(bad, Counts(5, 10)), test.looked(good, Counts(0, 10))
    assert (bad.value >= 1 / ALPHA) == (limit <= 0)
    assert good.value <= 1


def test_ten_times_the_rate_of_the_past_is_found() -> None:
    past = PastRate(share=0.001, drift_sd=0.1, drift_seconds=150.0, day_sd=0.2)
    test, random = PastBaseline(0.25, 60, past), seeded(34)
    for _ in range(10):
        process = test.opened()
        for canary, _ in Release(errors=9, ratio=10).looks(15, random):
            process = test.looked(process, canary, 15.0)
        assert process.value >= 1 / ALPHA


CALM, HOT, MILD = Counts(1, 100), Counts(9, 100), Counts(4, 100)


@pytest.mark.parametrize(
    ("recent", "expected"),
    [
        pytest.param([], False, id="nothing is known"),
        pytest.param([Counts()], False, id="no traffic"),
        pytest.param([CALM] * 4, False, id="below the limit"),
        pytest.param([CALM, CALM, CALM, HOT], True, id="the last look is clearly above"),
        pytest.param([HOT, CALM, CALM, CALM], False, id="an old look was"),
        pytest.param([MILD], False, id="above, but not clearly"),
        pytest.param([MILD] * 4, True, id="four together are clearly above"),
        pytest.param([HOT, HOT, CALM, CALM, CALM, CALM], False, id="only the last four matter"),
    ],
)
def test_a_look_is_excused_when_the_old_version_is_above_the_limit_itself(recent: list[Counts], expected: bool) -> None:
    assert is_excused(recent, limit=0.02) is expected
