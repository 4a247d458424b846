"""Whatever is counted, the evidence is a number: finite, and never below 0."""

import math
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from gated.judge.stats import health
from gated.judge.stats.interval import confidence_sequence
from gated.judge.stats.one_sample import OneSample, is_excused
from gated.judge.stats.past_baseline import PastBaseline
from gated.judge.stats.two_sample import TwoSample
from gated.model.evidence import Calibration, Counts, PastRate

NUMBERS = st.one_of(
    st.just(0.0),
    st.integers(0, 50).map(float),
    st.floats(0, 1e12),
    st.sampled_from([1.0, 5e-324, 1e-300, 1e-9, 0.5, 1e12, -3.0]),
)
COUNTS = st.builds(Counts, bad=NUMBERS, total=NUMBERS)
SECONDS = st.one_of(st.sampled_from([-5.0, 0.0, 15.0, 1e9]), st.floats(0, 1e5))
SD = st.one_of(st.just(0.0), st.floats(0, 3), st.sampled_from([1e-12, 0.02, 0.0283, 0.1]))
LIMITS = st.one_of(st.floats(0, 1), st.sampled_from([1e-12, 1e-4, 0.02, 0.9, 1 - 1e-12]))
CALIBRATIONS = st.builds(
    Calibration,
    correlation=st.floats(0, 1),
    drift_sd=SD,
    drift_seconds=st.floats(1, 1e4),
    dispersion=st.floats(1, 100),
    can_bet=st.booleans(),
)
PASTS = st.builds(
    PastRate,
    share=st.floats(0, 1),
    drift_sd=SD,
    drift_seconds=st.floats(1, 1e4),
    day_sd=SD,
    dispersion=st.floats(1, 100),
)


def is_evidence(value: float) -> bool:
    return 0 <= value < math.inf


@settings(deadline=None)
@given(CALIBRATIONS, st.floats(0, 10), st.integers(0, 100), st.lists(st.tuples(COUNTS, COUNTS, SECONDS), max_size=8))
def test_against_the_old_version(
    calibration: Calibration, tolerance: float, planned: int, looks: Sequence[tuple[Counts, Counts, float]]
) -> None:
    test = TwoSample(tolerance, planned, calibration)
    process = test.opened()
    for canary, baseline, elapsed_seconds in looks:
        process = test.looked(process, canary, baseline, elapsed_seconds)
        assert is_evidence(process.value)
        assert math.isclose(sum(process.null), 1)


@settings(deadline=None)
@given(LIMITS, st.floats(0, 100), st.integers(0, 100), st.lists(st.tuples(COUNTS, st.booleans()), max_size=8))
def test_against_a_limit(limit: float, dispersion: float, planned: int, looks: Sequence[tuple[Counts, bool]]) -> None:
    test = OneSample(limit, planned, dispersion)
    process = test.opened()
    for counts, excused in looks:
        process = test.looked(process, counts, is_excused=excused)
        assert is_evidence(process.value)
    assert is_excused([counts for counts, _ in looks], limit) in {True, False}


@settings(deadline=None)
@given(PASTS, st.floats(0, 10), st.integers(0, 100), st.lists(st.tuples(COUNTS, SECONDS), max_size=4))
def test_against_the_past(
    past: PastRate, tolerance: float, planned: int, looks: Sequence[tuple[Counts, float]]
) -> None:
    test = PastBaseline(tolerance, planned, past)
    process = test.opened()
    for counts, elapsed_seconds in looks:
        process = test.looked(process, counts, elapsed_seconds)
        assert is_evidence(process.value)


@settings(deadline=None)
@given(LIMITS, COUNTS, st.floats(0, 100))
def test_of_health(limit: float, counts: Counts, dispersion: float) -> None:
    assert is_evidence(health.odds(limit, counts, dispersion))
    assert health.events_needed(limit, counts, dispersion) >= 0


@settings(deadline=None)
@given(COUNTS, st.floats(1e-6, 0.999), st.floats(0, 100))
def test_intervals(counts: Counts, alpha: float, dispersion: float) -> None:
    lower, upper = confidence_sequence(counts, alpha, dispersion)
    assert 0 <= lower <= upper <= 1
