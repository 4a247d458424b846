"""Whether early harm is only a cold start."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gated.judge.stats import calibration
from gated.judge.stats.cold_start import is_not_falling, shows_warm_starts
from gated.model.evidence import Calibration, Counts, EarlyLook
from gated.model.reading import Track
from tests.unit.judge.stats.count_strategies import COUNTS, NUMBERS, STEPS
from tests.unit.judge.stats.simulated_service import LOOKS_AN_HOUR, STEP_SECONDS, Service, seeded

STEADY = Calibration(correlation=0.0, drift_sd=0.1, dispersion=1.0)
BASELINE = Counts(90, 9000)


def life(*shares: float, requests: float = 1000, baseline: Counts = BASELINE) -> list[EarlyLook]:
    """A look for every share of errors of the new version."""
    return [EarlyLook(100 + 15.0 * n, Counts(share * requests, requests), baseline) for n, share in enumerate(shares)]


def starts(seed: int, number: int = 12, cold: float = 1.0, share: float = 0.01) -> bool:
    """Whether history shows warm starts, of a service to which instances are added."""
    service = Service(
        instances=number + 8, births={n: 100 + 60 * n for n in range(number)}, requests=60, cold=cold, share=share
    )
    bad, total = service.tracks(4 * LOOKS_AN_HOUR, seeded(seed))
    return shows_warm_starts(bad, total, STEP_SECONDS)


@pytest.mark.parametrize("limit", [None, 0.01], ids=["baseline", "limit"])
def test_harm_that_stays_is_not_falling(limit: float | None) -> None:
    assert is_not_falling(life(*[0.1] * 8), limit, STEADY)


@pytest.mark.parametrize("limit", [None, 0.01], ids=["baseline", "limit"])
def test_harm_that_decays_is_falling(limit: float | None) -> None:
    assert not is_not_falling(life(0.2, 0.16, 0.12, 0.1, 0.06, 0.04, 0.03, 0.02), limit, STEADY)


@pytest.mark.parametrize("limit", [None, 0.01], ids=["baseline", "limit"])
def test_harm_that_begins_late_is_not_falling(limit: float | None) -> None:
    assert is_not_falling(life(0, 0, 0, 0, 0.1, 0.1, 0.1, 0.1), limit, STEADY)


@pytest.mark.parametrize(
    "early",
    [
        pytest.param([], id="no look"),
        pytest.param(life(0.1), id="one look"),
        pytest.param(life(0.1, 0.1, 0, 0), id="no error of late"),
        pytest.param(life(0, 0, 0, 0), id="no error at all"),
        pytest.param(life(0.1, 0.1, requests=0), id="no traffic"),
        pytest.param(life(0.1, 0.1, baseline=Counts()), id="no traffic on the baseline"),
        pytest.param(life(0.02, 0.02, requests=50), id="too few errors"),
    ],
)
def test_what_cannot_be_told_is_not_called_staying(early: list[EarlyLook]) -> None:
    assert not is_not_falling(early, None, STEADY)


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan")])
def test_a_limit_that_is_none_is_never_passed(limit: float) -> None:
    assert not is_not_falling(life(*[0.1] * 8), limit, STEADY)


def test_a_baseline_without_errors_counts_as_half_an_error() -> None:
    assert is_not_falling(life(*[0.1] * 8, baseline=Counts(0, 1e6)), None, STEADY) is False
    assert is_not_falling(life(*[0] * 4, *[0.1] * 4, baseline=Counts(0, 1e6)), None, STEADY) is False
    assert is_not_falling(life(*[0] * 4, *[0.1] * 4, baseline=Counts(1, 1e6)), None, STEADY)


def test_clusters_and_drift_make_it_harder_to_tell() -> None:
    early = life(*[0.1] * 8)
    assert is_not_falling(early, None, STEADY)
    assert not is_not_falling(early, None, Calibration(correlation=0.5, drift_sd=0.1))
    assert not is_not_falling(early, None, Calibration(correlation=0.0, drift_sd=0.5))
    assert is_not_falling(early, 0.01, STEADY)
    assert not is_not_falling(early, 0.01, Calibration(drift_sd=0.1, dispersion=10))


def test_halves_are_of_time_not_of_looks() -> None:
    """A look that was missed makes the next one longer; the halves stay halves."""
    early = life(0.2, 0.18, 0.15, 0.12, 0.03)
    late = EarlyLook(100 + 15.0 * 16, Counts(30, 1000), BASELINE)
    assert not is_not_falling([*early[:4], late], None, STEADY)
    assert is_not_falling(list(reversed(life(*[0.1] * 8))), None, STEADY)


@given(
    early=st.lists(st.builds(EarlyLook, at=NUMBERS, canary=COUNTS, baseline=COUNTS), max_size=12),
    limit=st.none() | NUMBERS,
)
def test_any_life_can_be_asked(early: list[EarlyLook], limit: float | None) -> None:
    assert is_not_falling(early, limit, Calibration()) in {True, False}


def test_warm_starts_are_recognised() -> None:
    """Most of them: of healthy histories z > 1.5 turns one in fifteen down."""
    assert sum(starts(seed) for seed in range(8)) >= 6


def test_cold_starts_are_recognised() -> None:
    assert not any(starts(seed, cold=5) for seed in range(4))
    assert not any(starts(seed, cold=3) for seed in range(4))


def test_few_starts_say_nothing() -> None:
    assert not any(starts(seed, number=9) for seed in range(3))


def test_starts_almost_without_errors_say_nothing() -> None:
    """No excess was seen, for no excess could have been."""
    assert not any(starts(seed, share=0.0002) for seed in range(3))


def test_starts_that_only_meet_other_starts_say_nothing() -> None:
    """All instances were replaced at once: there was no settled one to compare with."""
    old = [Track(f"old-{n}", (*(100.0,) * 300, *(None,) * 300)) for n in range(12)]
    new = [Track(f"new-{n}", (*(None,) * 300, *(100.0,) * 300)) for n in range(12)]
    bad = [Track(track.instance, tuple(n and 1.0 for n in track.counts)) for track in (*old, *new)]
    assert not shows_warm_starts(bad, [*old, *new], STEP_SECONDS)


def test_what_was_there_from_the_beginning_is_no_start() -> None:
    total = [Track(f"pod-{n}", (*(None,) * 10, *(100.0,) * 600)) for n in range(30)]
    bad = [Track(track.instance, tuple(n and 1.0 for n in track.counts)) for track in total]
    assert not shows_warm_starts(bad, total, STEP_SECONDS)


@given(
    total=st.lists(st.builds(Track, st.text(max_size=2), st.lists(st.none() | NUMBERS, max_size=9).map(tuple))),
    step=STEPS,
)
def test_any_tracks_can_be_asked(total: list[Track], step: float) -> None:
    assert shows_warm_starts(total, total, step) in {True, False}


def test_what_is_learned_includes_how_instances_start() -> None:
    births = {n: 100 + 60 * n for n in range(12)}
    for cold in (1.0, 5.0):
        service = Service(instances=20, births=births, requests=60, cold=cold)
        bad, total = service.tracks(4 * LOOKS_AN_HOUR, seeded(4))
        assert calibration.learn(bad, total, STEP_SECONDS, 0.1).is_warm_start is (cold == 1)
