"""How unsteady a healthy service is: agreement with the reference, safety with poor history, and the right answers."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gated.judge.stats import calibration
from gated.judge.stats.history import Stretch
from gated.model.evidence import Calibration, Counts
from gated.model.reading import Track
from tests.unit.judge.stats.count_strategies import NUMBERS, PAIRED_HOURS, SINGLE_HOURS, STEPS
from tests.unit.judge.stats.golden_history import PairedLook, Shape, paired
from tests.unit.judge.stats.simulated_service import LOOKS_AN_HOUR, STEP_SECONDS, Service, poisson, seeded

GOLDEN = json.loads((Path(__file__).parent / "golden" / "calibration.json").read_text())
FLOOR = 0.1
FLOOR_SD = math.sqrt(math.log1p(FLOOR**2))
FOUR_HOURS = 4 * LOOKS_AN_HOUR


def learned(service: Service, seed: int, looks: int = FOUR_HOURS) -> Calibration:
    bad, total = service.tracks(looks, seeded(seed))
    return calibration.learn(bad, total, STEP_SECONDS, FLOOR)


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: f"seed-{case['shape'][0]}")
def test_it_agrees_with_the_reference(case: dict[str, Any]) -> None:
    """The reference knows no bursts; to it, all that lasts is drift."""
    history = Shape(*case["shape"]).history()
    singles = [canary for canary, _ in history]
    got = calibration.calibrate(history, singles, case["step"], case["floor"], tells_bursts=False)
    assert got.correlation == pytest.approx(case["correlation"], rel=1e-9, abs=1e-9)
    assert got.drift_sd == pytest.approx(case["drift_sd"], rel=1e-9, abs=1e-9)
    assert got.drift_seconds == case["drift_seconds"]
    assert got.dispersion == pytest.approx(case["dispersion"], rel=1e-9)


@given(hours=PAIRED_HOURS, singles=SINGLE_HOURS, step=STEPS, floor=st.floats(0, 1))
@example(hours=[[(Counts(1, 4e-156), Counts()), (Counts(20, 20), Counts(0, 1))]] * 2, singles=[], step=3600, floor=0)
def test_any_history_gives_finite_numbers_in_range(
    hours: list[list[PairedLook]], singles: list[list[Counts]], step: float, floor: float
) -> None:
    got = calibration.calibrate([paired(hour) for hour in hours], [Stretch.of(hour) for hour in singles], step, floor)
    assert 0 <= got.correlation <= 1
    assert math.sqrt(math.log1p(floor * floor)) * (1 - 1e-12) <= got.drift_sd < 20
    assert 30 <= got.drift_seconds <= 1800
    assert 1 <= got.dispersion < math.inf
    assert 0 <= got.hours < math.inf
    assert got.note


@given(
    bad=st.lists(st.builds(Track, st.sampled_from("abcd"), st.lists(st.none() | NUMBERS, max_size=30).map(tuple))),
    total=st.lists(st.builds(Track, st.sampled_from("abcd"), st.lists(st.none() | NUMBERS, max_size=30).map(tuple))),
    step=STEPS,
)
def test_any_tracks_can_be_learned_from(bad: list[Track], total: list[Track], step: float) -> None:
    got = calibration.learn(bad, total, step, FLOOR)
    assert 0 <= got.correlation <= 1
    assert FLOOR_SD <= got.drift_sd < 20
    assert 1 <= got.dispersion < math.inf


@pytest.mark.parametrize(
    "hours",
    [
        pytest.param([], id="none"),
        pytest.param([[]], id="an empty hour"),
        pytest.param([[(Counts(5, 100), Counts(40, 900))] * 100], id="less than an hour"),
        pytest.param([[(Counts(0, 100), Counts(0, 900))] * 240], id="no errors"),
        pytest.param([[(Counts(5, 100), Counts())] * 240], id="nobody to compare with"),
        pytest.param([[(Counts(), Counts(40, 900))] * 240], id="a canary without traffic"),
    ],
)
def test_too_little_history_is_as_none(hours: list[list[PairedLook]]) -> None:
    assert calibration.calibrate([paired(hour) for hour in hours], [], STEP_SECONDS, FLOOR) == Calibration()


def test_one_instance_still_teaches_how_errors_cluster() -> None:
    """The tests against a fixed limit need no second instance."""
    got = learned(Service(instances=1), seed=1)
    assert got.dispersion < 2
    assert (got.correlation, got.drift_sd, got.can_bet, got.hours) == (0.5, Calibration().drift_sd, False, 0)
    assert got.note == "4 h of 1 instance: too little to learn from"


def test_instances_that_never_last_an_hour_are_taken_together() -> None:
    def brief(born: int) -> Track:
        return Track(f"pod-{born}", tuple(100.0 if born <= look < born + 60 else None for look in range(FOUR_HOURS)))

    total = [brief(born) for born in range(0, FOUR_HOURS, 30)]
    bad = [Track(track.instance, tuple(n and 1.0 for n in track.counts)) for track in total]
    got = calibration.learn(bad, total, STEP_SECONDS, FLOOR)
    assert (got.correlation, got.dispersion, got.hours) == (0.5, 1, 0)


def test_independent_errors_are_recognised() -> None:
    """Else every service pays for clusters it does not have."""
    for seed in range(6):
        got = learned(Service(), seed)
        assert got.correlation < 0.01
        assert got.drift_sd < 0.13
        assert got.dispersion < 1.5
        assert got.can_bet


def test_clusters_are_recognised_however_dense() -> None:
    """Clusters of four: half of a look's errors come together when there are few, an eighth when there are many."""
    sparse = [learned(Service(cluster=4), seed) for seed in range(2)]
    dense = [learned(Service(cluster=4, share=0.05), seed) for seed in range(2)]
    assert all(0.3 < got.correlation < 0.7 for got in sparse)
    assert all(0.08 < got.correlation < 0.2 for got in dense)
    assert all(6 < got.dispersion < 14 for got in sparse + dense)  # the truth: 2·4 - 1 = 7


@pytest.mark.parametrize("seconds", [300.0, 1800.0])
def test_drift_is_measured(seconds: float) -> None:
    for seed in range(3):
        got = learned(Service(drift_sd=0.3, drift_seconds=seconds), seed)
        assert 0.27 < got.drift_sd < 0.45  # never much below the truth, which is 0.3
        assert seconds / 2 <= got.drift_seconds <= seconds * 2


def test_drift_below_the_floor_is_the_floor() -> None:
    got = learned(Service(drift_sd=0.02, share=0.05), seed=1)
    assert (got.drift_sd, got.drift_seconds) == (FLOOR_SD, 300)


def test_bursts_of_single_instances_are_told_from_drift() -> None:
    """An instance that is sick for a minute now and then, and has eight times the errors, is no drifting one."""
    random = seeded(5)

    def errors() -> tuple[float, ...]:
        found, is_sick = [], False
        for _ in range(FOUR_HOURS):
            is_sick = random.random() < (0.75 if is_sick else 0.01)
            found.append(float(poisson(80.0 if is_sick else 10.0, random)))
        return tuple(found)

    bad = [Track(f"pod-{number}", errors()) for number in range(10)]
    total = [Track(track.instance, (1000.0,) * FOUR_HOURS) for track in bad]
    got = calibration.learn(bad, total, STEP_SECONDS, FLOOR)
    assert 8 < math.exp(got.burst_size) < 30
    assert 0.02 < got.burst_share < 0.1  # the truth: 0.01 / 0.26
    hours = calibration.pseudo_canaries(bad, total, STEP_SECONDS)
    all_of_it = calibration.calibrate(hours, [], STEP_SECONDS, FLOOR, tells_bursts=False)
    assert all_of_it.burst_size == 0
    assert got.drift_sd < 0.8 * all_of_it.drift_sd
    assert "bursts up to" in got.note


def test_one_odd_instance_is_seen() -> None:
    """The new version may be scheduled where it runs."""
    for seed in range(3):
        got = learned(Service(factors={3: 1.5}), seed)
        assert got.drift_sd > 0.15
        assert got.drift_seconds == 1800


def test_a_short_history_widens_the_drift() -> None:
    service = Service(drift_sd=0.3, instances=2)
    bad, total = service.tracks(FOUR_HOURS, seeded(1))
    hours = calibration.pseudo_canaries(bad, total, STEP_SECONDS)
    narrow = calibration.calibrate(hours * 10, [], STEP_SECONDS, 0)
    wide = calibration.calibrate(hours, [], STEP_SECONDS, 0)
    assert wide.drift_sd > narrow.drift_sd


def test_few_errors_leave_clusters_possible_and_forbid_bets() -> None:
    got = learned(Service(share=0.000003), seed=3)
    assert got.correlation >= 0.3
    assert not got.can_bet
    assert got.dispersion >= 10


def test_bets_are_forbidden_where_they_would_have_paid() -> None:
    """Few errors in the looks that hit the canary, many in the others: shares are equal, yet (e_c/e)/θ averages 5."""
    alternating = [
        (Counts(2, 100), Counts(0, 900)) if look % 2 else (Counts(0, 100), Counts(18, 900)) for look in range(240)
    ]
    assert not calibration.calibrate([paired(alternating)], [], STEP_SECONDS, FLOOR).can_bet
    fair = [(Counts(1, 100), Counts(9, 900))] * 240
    assert calibration.calibrate([paired(fair)], [], STEP_SECONDS, FLOOR).can_bet


def test_activity_in_long_blocks_does_not_blow_up_the_drift() -> None:
    """A drift shorter than a look cannot be seen between looks; looking for it finds enormous ones in plain noise."""
    service = Service(requests=3000, share=0.001)
    for seed in range(8):
        bad, total = service.tracks(48, seeded(seed))
        assert calibration.learn(bad, total, 300.0, FLOOR).drift_sd < 0.5


@pytest.mark.parametrize(
    ("service", "note"),
    [
        pytest.param(
            Service(),
            "4 h of 9 instances: errors come one by one, "
            "no instance drifts by more than the 10 % that are always allowed",
            id="steady",
        ),
        pytest.param(
            Service(cluster=4, drift_sd=0.5, share=0.03),
            "4 h of 9 instances: errors come in clusters, one instance drifts by about 42 %, with bursts up to ×2.5",
            id="unsteady",
        ),
    ],
)
def test_the_note_tells_operators_what_was_found(service: Service, note: str) -> None:
    assert learned(service, seed=1).note == note


def test_hours_are_those_of_the_history() -> None:
    assert learned(Service(), seed=1).hours == 4


def test_the_floor_also_holds_for_what_is_assumed() -> None:
    assert calibration.with_drift_floor(Calibration(), 0.1) == Calibration()
    assert calibration.with_drift_floor(Calibration(), 0.5).drift_sd == math.sqrt(math.log1p(0.25))
