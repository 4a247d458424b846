"""A test that is cut anywhere goes on as if nothing had happened: restarts, empty looks, one look for many."""

import dataclasses
import json
from collections.abc import Iterator

import pytest

from gated.judge.stats.one_sample import OneSample
from gated.judge.stats.past_baseline import PastBaseline
from gated.judge.stats.start import AT_ONCE
from gated.judge.stats.two_sample import TwoSample
from gated.model.evidence import Calibration, Counts, PastRate, Process
from tests.unit.judge.stats.sequential_runs import STEADY, Release
from tests.unit.judge.stats.simulated_service import seeded

HISTORIES = [
    pytest.param(STEADY, id="steady"),
    pytest.param(Calibration(), id="no history"),
    pytest.param(Calibration(correlation=0.0, drift_sd=0.0, can_bet=True), id="no drift"),
]
SPARSE = Release(errors=0.4, ratio=3.0)
SILENCE = Counts(0, 1000)


def looks_of(release: Release, number: int = 60) -> Iterator[tuple[Counts, Counts]]:
    return release.looks(number, seeded(21))


def restored(process: Process) -> Process:
    """Through a file and back, as a restart does it."""
    saved = json.loads(json.dumps(dataclasses.asdict(process)))
    saved["null"], saved["bets"] = tuple(saved["null"]), tuple(saved["bets"])
    saved["experts"] = tuple(tuple(row) for row in saved["experts"])
    return Process(**saved)


@pytest.mark.parametrize("calibration", HISTORIES)
def test_a_restart_at_every_look_changes_nothing(calibration: Calibration) -> None:
    test = TwoSample(0.1, 40, calibration)
    whole = cut = test.opened()
    for canary, baseline in looks_of(SPARSE):
        whole = test.looked(whole, canary, baseline, 15.0)
        cut = TwoSample(0.1, 40, calibration).looked(restored(cut), canary, baseline, 15.0)
        assert cut == whole


@pytest.mark.parametrize("calibration", HISTORIES)
def test_a_look_that_says_nothing_leaves_the_evidence_as_it_is(calibration: Calibration) -> None:
    test = TwoSample(0.1, 40, calibration)
    process = test.opened()
    for canary, baseline in looks_of(Release(ratio=2.0), 10):
        process = test.looked(process, canary, baseline, 15.0)
        for silent in [(SILENCE, SILENCE), (Counts(3, 100), Counts()), (Counts(), Counts(3, 100))]:
            after = test.looked(process, *silent, 15.0)
            assert after.value == process.value
            assert after.looks == process.looks + 1
            process = after


def test_wealth_is_never_lost_by_waiting() -> None:
    """All that is not at stake is in `idle` and `unmoved`, long after the planned looks as well."""
    test = TwoSample(0.1, 40, STEADY)
    process = test.opened()
    assert (process.idle, process.unmoved) == (1 - AT_ONCE, AT_ONCE)
    for _ in range(40):
        process = test.looked(process, SILENCE, SILENCE, 15.0)
    assert process.idle == pytest.approx(0.05)
    for _ in range(400):
        process = test.looked(process, SILENCE, SILENCE, 15.0)
    assert 0 < process.idle < 1e-5
    assert process.idle + process.unmoved == pytest.approx(1)


def test_a_plan_that_grows_or_shrinks_under_way_pays_no_more_than_there_is() -> None:
    process = TwoSample(0.1, 1000, STEADY).opened()
    for planned in [1000, 1, 1, 1, 1, 5, 0, -3]:
        process = TwoSample(0.1, planned, STEADY).looked(process, SILENCE, SILENCE, 15.0)
        assert 0 <= process.idle <= 1
        assert process.idle + process.unmoved == pytest.approx(1)


@pytest.mark.parametrize("calibration", HISTORIES)
def test_a_pause_is_as_good_as_as_many_empty_looks(calibration: Calibration) -> None:
    """The drift moves with the time that has passed, whoever watched."""
    test = TwoSample(0.1, 10**9, calibration)  # so that hardly any wealth moves in the empty looks
    watched = paused = test.opened()
    for canary, baseline in looks_of(Release(errors=30.0, ratio=1.5), 8):
        for _ in range(7):
            watched = test.looked(watched, SILENCE, SILENCE, 15.0)
        watched = test.looked(watched, canary, baseline, 15.0)
        paused = test.looked(paused, canary, baseline, 8 * 15.0)
        assert watched.value == pytest.approx(paused.value, rel=1e-6)
        assert watched.null == pytest.approx(paused.null, rel=1e-9)


def test_a_longer_pause_forgets_more_of_the_drift() -> None:
    test = TwoSample(0.1, 60, Calibration(correlation=0.0, drift_seconds=300.0))
    process = test.looked(test.opened(), Counts(60, 1000), Counts(300, 9000), 15.0)
    soon, late = (test.looked(process, Counts(1, 1000), Counts(9, 9000), pause) for pause in (15.0, 36000.0))
    fresh = test.looked(test.opened(), Counts(1, 1000), Counts(9, 9000), 15.0)
    assert late.null == pytest.approx(fresh.null, rel=1e-6)
    assert soon.null[-1] > 2 * fresh.null[-1]


def test_against_the_past_a_restart_and_an_empty_look_change_nothing() -> None:
    past = PastRate(share=0.001, drift_sd=0.1, drift_seconds=150.0, day_sd=0.2)
    whole = cut = PastBaseline(0.25, 30, past).opened()
    for canary, _ in looks_of(SPARSE, 30):
        whole = PastBaseline(0.25, 30, past).looked(whole, canary, 15.0)
        cut = PastBaseline(0.25, 30, past).looked(restored(cut), canary, 15.0)
        assert cut == whole
        whole = cut = PastBaseline(0.25, 30, past).looked(whole, Counts(), 15.0)
        assert whole.value == cut.value


def test_against_a_limit_a_restart_an_empty_and_an_excused_look_change_nothing() -> None:
    test = OneSample(0.0005, 30, 2.0)
    whole = cut = test.opened()
    for canary, _ in looks_of(SPARSE):
        whole = test.looked(whole, canary)
        cut = OneSample(0.0005, 30, 2.0).looked(restored(cut), canary)
        assert cut == whole
        assert test.looked(whole, Counts()).value == whole.value
        assert test.looked(whole, Counts(999, 1000), is_excused=True).value == whole.value
