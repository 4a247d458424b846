"""How much more errors vary than independent ones."""

import math

from hypothesis import given

from gated.judge.stats import calibration
from gated.judge.stats import dispersion as dispersions
from gated.judge.stats.dispersion import inflation
from gated.judge.stats.history import Stretch
from gated.model.evidence import Counts
from gated.model.reading import Track
from tests.unit.judge.stats.count_strategies import SINGLE_HOURS
from tests.unit.judge.stats.simulated_service import LOOKS_AN_HOUR, Service, seeded


def dispersion(hours: list[list[Counts]]) -> float:
    return dispersions.dispersion([Stretch.of(hour) for hour in hours])


def hours_of(service: Service, seed: int) -> list[list[Counts]]:
    random = seeded(seed)
    return [[look or Counts() for look in service.lived(n, LOOKS_AN_HOUR, random)] for n in range(service.instances)]


@given(SINGLE_HOURS)
def test_it_is_finite_and_at_least_one(hours: list[list[Counts]]) -> None:
    assert 1 <= dispersion(hours) < math.inf


def test_without_history_much_is_assumed() -> None:
    assert dispersion([]) == dispersion([[]]) == dispersion([[Counts(0, 100)] * 50]) == 10


def test_with_fewer_than_twenty_errors_much_is_assumed() -> None:
    looks = [Counts(look % 20 == 0, 100) for look in range(380)]
    assert dispersion([looks]) == 10
    assert dispersion([looks, looks[:20]]) == 1


def test_independent_errors_need_no_correction() -> None:
    assert sum(dispersion(hours_of(Service(), seed)) for seed in range(6)) / 6 < 1.2


def test_clusters_within_a_look_are_seen() -> None:
    for seed in range(3):
        assert 6 < dispersion(hours_of(Service(cluster=4), seed)) < 14  # the truth: 2·4 - 1 = 7


def test_outages_of_minutes_are_seen_in_long_blocks() -> None:
    """Look by look they are hardly more than chance: every error count there is likely by itself."""
    hour = [Counts(3 if look // 20 % 4 == 0 else 1, 100) for look in range(960)]
    assert dispersion([hour]) > 5
    assert inflation([(look.bad - 1.5) ** 2 for look in hour], [1.5] * len(hour)) == 1


def test_broken_counts_are_looks_without_traffic() -> None:
    looks = [Counts(1, 100)] * 40
    broken = [Counts(math.nan, 5), Counts(1, math.inf), Counts(-3, -5)]
    assert dispersion([looks + broken]) == dispersion([looks])


def test_what_all_instances_share_weighs_more_on_the_whole_service() -> None:
    """Judged by the dispersion of one instance, a version with all the traffic would be proved healthy too easily."""
    looks = [1.0 if (look // 20) % 2 else 5.0 for look in range(240)]
    bad = [Track(f"pod-{at}", tuple(looks)) for at in range(10)]
    total = [Track(f"pod-{at}", (100.0,) * 240) for at in range(10)]
    learned = calibration.learn(bad, total, 15.0, 0.1)
    assert learned.service_dispersion > 5 * learned.dispersion > 5
