"""The other gates do what their documents say, on traffic without any chance in it."""

import itertools
from collections.abc import Iterator

import pytest

from gated.model.evidence import Counts
from tests.bench.judge import peers
from tests.bench.judge.series import Series
from tests.bench.judge.traffic import LOOKS, Look

LIMIT = 0.02


def steady(*stretches: tuple[int, float]) -> Series[Look]:
    """(looks, share of the canary's requests that fail) one after the other; one in a hundred of the baseline's."""

    def looks() -> Iterator[Look]:
        for length, share in (*stretches, (LOOKS, stretches[-1][1])):
            yield from itertools.repeat((Counts(1000 * share, 1000.0), Counts(90.0, 9000.0)), length)

    return Series(looks())


@pytest.mark.parametrize("name", peers.PEERS)
def test_nobody_rolls_back_a_canary_that_is_like_the_baseline(name: str) -> None:
    assert peers.PEERS[name](steady((LOOKS, 0.01)), LIMIT) is None


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        pytest.param("threshold", 15, id="a threshold at the first look"),
        pytest.param("Argo", 240, id="Argo at the fourth failure, as three are allowed"),
        pytest.param("Flagger", 360, id="Flagger on the check after the fifth that failed"),
        pytest.param("for: 5m", 360, id="an alert five minutes after its first evaluation"),
        pytest.param("Kayenta", 900, id="Kayenta at its first judgement"),
    ],
)
def test_ten_times_the_errors_are_found_after(name: str, seconds: int) -> None:
    alarm = peers.PEERS[name](steady((LOOKS, 0.1)), LIMIT)
    assert alarm is not None
    assert (alarm + 1) * 15 == seconds


def test_failures_that_lie_apart_add_up_for_argo_and_flagger_only() -> None:
    minute_of_every_ten = steady(*[(4, 0.05), (36, 0.0)] * 6)
    assert peers.argo(minute_of_every_ten, LIMIT) == 30 * 4 + 3
    assert peers.flagger(minute_of_every_ten, LIMIT) == 40 * 4 + 7
    assert peers.alert(minute_of_every_ten, LIMIT) is None


def test_sequential_tests_need_an_excess_on_the_canary() -> None:
    better = steady((LOOKS, 0.0))
    assert peers.multinomial(better, LIMIT) is None
    assert peers.mean_difference(better, LIMIT) is None
    worse = steady((LOOKS, 0.03))
    assert peers.multinomial(worse, LIMIT) is not None
    assert peers.mean_difference(worse, LIMIT) is not None
