"""What is printed beside the figures of the benches: intervals, bounds, and reproducible alarms."""

import itertools
import math

import pytest

from tests.bench.judge import figures, simulation
from tests.bench.judge.series import Series
from tests.bench.judge.simulation import Batch, Scenario, Watched
from tests.bench.judge.traffic import INDEPENDENT, Cell
from tests.bench.judge.verdicts import detections, false_rollbacks, short


@pytest.mark.parametrize(
    ("hits", "runs", "low", "high"),
    [
        pytest.param(0, 100, 0.0, 0.036217, id="none"),
        pytest.param(5, 100, 0.016432, 0.112835, id="some"),
        pytest.param(100, 100, 0.963783, 1.0, id="all"),
        pytest.param(0, 0, 0.0, 1.0, id="nothing tried"),
    ],
)
def test_the_interval_is_clopper_and_pearsons(hits: int, runs: int, low: float, high: float) -> None:
    """Values of R's `binom.test`."""
    assert figures.interval(hits, runs) == pytest.approx((low, high), abs=1e-6)


def test_the_mean_of_too_few_has_no_error() -> None:
    assert math.isnan(figures.mean_and_error([])[0])
    assert figures.mean_and_error([3.0])[0] == 3.0
    assert figures.mean_and_error([1.0, 2.0, 3.0]) == pytest.approx((2.0, 1.96 / math.sqrt(3)))


def test_walds_bound_of_the_known_case() -> None:
    """100 requests a second, 0.1 % fail, now 0.3 %, beside nine times as much traffic: 49 s."""
    seconds = figures.wald_seconds(100.0, 0.001, 3.0, alpha=0.01, tolerance=0.1, others=9.0)
    assert seconds == pytest.approx(48.9, abs=0.1)


def test_a_series_is_made_once_and_only_as_far_as_needed() -> None:
    numbers = itertools.count()
    series = Series(numbers)
    assert (series[2], series[0]) == (2, 0)
    assert next(numbers) == 3


CELLS = (Cell(1.0, 0.02), Cell(10.0, 0.02))


def test_false_rollbacks_name_the_worst_cell() -> None:
    watched = [
        Watched("calm", CELLS[0], Scenario(), "judge", [None, None, 3, None]),
        Watched("calm", CELLS[1], Scenario(), "judge", [None, 9, 3, None]),
    ]
    (row,) = false_rollbacks(watched)
    assert (row.mean.hits, row.mean.runs, row.worst.percent, row.worst_cell) == (3, 8, 50.0, "10/s 2.00%")


def test_delays_count_from_the_fault_and_leave_early_alarms_out() -> None:
    (row,) = detections([Watched("calm", CELLS[0], Scenario(3.0, 80), "judge", [79, 80, 83, None])])
    assert (row.early, row.missed.hits, row.missed.runs) == (1, 1, 3)
    assert row.seconds == (15.0 + 60.0) / 2
    assert row.capped_seconds == (15.0 + 60.0 + 2400.0) / 3


def test_a_batch_says_the_same_again() -> None:
    batch = Batch(INDEPENDENT.name, CELLS[0], 0, (Scenario(5.0),), 2, (("gated", 1), ("Argo", 2)), seed=7)
    first = simulation.watch(batch)
    assert first == simulation.watch(batch)
    assert [(one.judge, len(one.alarms)) for one in first] == [("gated", 2), ("Argo", 1)]
    assert simulation.merged([first, first])[0].alarms == first[0].alarms * 2


@pytest.mark.parametrize(("percent", "text"), [(0.0, "0"), (0.034, "0.03"), (4.26, "4.3"), (99.96, "100")])
def test_percentages_have_as_many_digits_as_they_are_worth(percent: float, text: str) -> None:
    assert short(percent) == text
