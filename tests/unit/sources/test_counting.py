"""From what counters showed to the events between two looks."""

import math

import pytest

from gated.model.reading import CountHistory, FailureReason, NoData, NoDataReason, QueryFailed, Value
from gated.promql.render import BRIDGE_SECONDS
from gated.sources import counting
from gated.sources.grid import Grid, Line

N = None
PAST = CountHistory("requests_total", None, "instance", 0.0, 60.0, 15.0)
LOOKS = Grid.of_looks(0.0, 60.0, 15.0)
BEFORE = counting.bridge(15.0)


@pytest.mark.parametrize(
    ("values", "events"),
    [
        ([], []),
        ([5.0], [5.0]),
        ([5.0, 7.0, 7.0, 12.0], [5.0, 2.0, 0.0, 5.0]),
        ([5.0, 7.0, 3.0, 4.0], [5.0, 2.0, 3.0, 1.0]),
        ([N, N, 3.0, 3.0], [N, N, 3.0, 0.0]),
        ([5.0, N, N, 9.0], [5.0, N, N, 4.0]),
        ([5.0, N, N, N, 9.0], [5.0, N, N, N, 9.0]),
        ([5.0, N, N, 2.0, N], [5.0, N, N, 2.0, N]),
    ],
    ids=[
        "nothing",
        "one value",
        "growing",
        "beginning anew",
        "new",
        "out of sight",
        "out of sight for too long",
        "anew out of sight",
    ],
)
def test_a_line_grows_begins_anew_or_is_new(values: list[float | None], events: list[float | None]) -> None:
    assert counting.events(values, looks=2) == events


def test_a_line_may_be_missing_as_long_as_for_the_expression_of_a_look() -> None:
    assert counting.bridge(15.0) == BRIDGE_SECONDS / 15
    assert counting.bridge(7.0) * 7 >= BRIDGE_SECONDS


def test_processes_are_subtracted_one_by_one_and_summed_by_group() -> None:
    lines = [
        Line({"pod": "a", "instance": "a:80"}, [100.0, 110.0, 5.0]),
        Line({"pod": "a", "instance": "a:81"}, [10.0, N, 12.0]),
        Line({"pod": "b", "instance": "b:80"}, [N, N, 7.0]),
        Line({"pod": "gone", "instance": "c:80"}, [7.0, N, N]),
    ]
    assert counting.together(counting.of_processes(lines, 1), ("pod",)) == [
        Line({"pod": "a"}, [10.0, 5.0 + 2.0]),
        Line({"pod": "b"}, [N, 7.0]),
    ]
    assert counting.together(counting.of_processes(lines, 1), ()) == [Line({}, [10.0, 14.0])]


def test_a_history_is_a_track_for_every_instance() -> None:
    before = [N] * BEFORE
    lines = [
        Line({"instance": "b:80", "job": "x"}, [*before[1:], 10.0, 11.0, 12.0, N, 14.0]),
        Line({"instance": "a:80", "job": "x"}, [*before, N, N, 3.0, 4.0]),
    ]
    reading = counting.history(PAST, "asked", LOOKS, lines)
    assert isinstance(reading, Value)
    assert [(track.instance, track.counts) for track in reading.tracks] == [
        ("a:80", (N, N, 3.0, 1.0)),
        ("b:80", (1.0, 1.0, N, 2.0)),
    ]
    assert reading.number == 8
    assert reading.evaluated_at == 60.0
    assert reading.expression == "asked"


def test_a_history_of_nobody_is_absent() -> None:
    only_before = Line({"instance": "a:80"}, [1.0] * BEFORE + [N] * 4)
    for lines in ([], [only_before]):
        reading = counting.history(PAST, "asked", LOOKS, lines)
        assert reading == NoData(NoDataReason.ABSENT, "no series matched", "asked")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_no_count_is_ever_nan_or_infinite(value: float) -> None:
    lines = [Line({"instance": "a:80"}, [N] * BEFORE + [1.0, value, 2.0, 3.0])]
    reading = counting.history(PAST, "asked", LOOKS, lines)
    assert isinstance(reading, NoData)
    assert reading.reason is NoDataReason.NOT_A_NUMBER


def test_a_native_histogram_is_no_counter() -> None:
    lines = [Line({"instance": "a:80"}, [N] * (BEFORE + 4), is_histogram=True)]
    reading = counting.history(PAST, "asked", LOOKS, lines)
    assert isinstance(reading, QueryFailed)
    assert reading.reason is FailureReason.AMBIGUOUS
