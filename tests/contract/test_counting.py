"""Events, observations and their histories, counted exactly: one suite for the fake and for a real Prometheus."""

from __future__ import annotations

import itertools
import math
import random
from typing import TYPE_CHECKING

import pytest

from gated.model.reading import (
    CountHistory,
    Events,
    FailureReason,
    NoData,
    NoDataReason,
    Observations,
    Query,
    QueryFailed,
    Reading,
    Value,
)
from gated.model.selection import Matcher
from gated.promql.render import BRIDGE_SECONDS
from gated.sources.reader import Sources
from tests.counted import HOUR, SOURCE, T0, Story, World, X, ends, histogram, steady, total
from tests.fakes.pods import Fleet, rolling

if TYPE_CHECKING:
    pass


@pytest.mark.parametrize("step", [15.0, 7.003, 61.4999, 300.0], ids=lambda step: f"every {step} s")
def test_looks_that_meet_add_up_to_the_truth(story: Story, step: float) -> None:
    samples = steady(3.7, T0 - HOUR, T0 + HOUR)
    story.series(samples)
    looks = ends(step, T0 + HOUR, T0 + 0.0005)
    seen = {at: value for at, value in samples if at <= round(looks[-1], 3)}
    before = [value for at, value in samples if at <= round(looks[0], 3)][-1]
    counts = story.counted(looks)
    assert total(counts) == list(seen.values())[-1] - before
    assert all(count is None or count == int(count) for count in counts)


def test_looks_of_any_length_meet_at_the_millisecond(story: Story) -> None:
    """A sample at the very end of a look is counted by that look and by no other."""
    story.series([(T0 + 15 * number, 10.0 * number) for number in range(-10, 41)])
    chance = random.Random(7)  # noqa: S311  # a simulation, repeatable on purpose
    looks = [T0]
    while looks[-1] < T0 + 600:
        looks.append(min(T0 + 600, looks[-1] + chance.choice([0.001, 14.999, 15, 15.001, 37.5, chance.uniform(1, 60)])))
    assert total(story.counted(looks)) == 400


def test_many_seeds_of_pods_that_restart_die_and_are_born(counted: World) -> None:
    for seed in range(3):
        fleet = Fleet(rolling(T0, T0 + HOUR, random.Random(seed)), seed, errors_per_hour=40)  # noqa: S311
        story = counted.story()
        for key, samples in fleet.series.items():
            labels = dict(key)
            story.series(samples, instance=labels["instance"], code=labels["code"])
        looks = ends(15.0, T0 + HOUR)
        for code in ("200", "500"):
            truth = fleet.truth(code, T0, T0 + HOUR)
            found = total(story.counted(looks, f'{X}{{code="{code}"}}'))
            assert abs(found - truth) <= max(2, 0.05 * truth), (seed, code)


def test_a_counter_that_begins_with_three_had_three_events(story: Story) -> None:
    story.series(steady(1, T0 - HOUR, T0 + HOUR))
    story.series([(at, 3.0) for at, _ in steady(0, T0 + 600, T0 + HOUR)], code="500")
    counts = story.counted(ends(15.0, T0 + HOUR), f'{X}{{code="500"}}')
    assert [count for count in counts if count] == [3.0]
    assert counts[0] is None


def test_a_new_process_counts_from_nothing(story: Story) -> None:
    story.series([*steady(2, T0 - HOUR, T0 + 600), *steady(2, T0 + 620, T0 + 1200)])
    old = steady(2, T0 - HOUR, T0 + 600)
    before = [value for at, value in old if at <= T0][-1]
    found = total(story.counted(ends(15.0, T0 + 1200)))
    assert found == old[-1][1] - before + steady(2, T0 + 620, T0 + 1200)[-1][1]


@pytest.mark.parametrize("seconds", [60.0, 600.0, BRIDGE_SECONDS - 60], ids=lambda seconds: f"{seconds:.0f} s")
def test_what_a_process_did_out_of_sight_counts_once_it_is_back(story: Story, seconds: float) -> None:
    samples = [each for each in steady(2, T0 - HOUR, T0 + HOUR) if not T0 + 600 < each[0] < T0 + 600 + seconds]
    story.series(samples)
    before = [value for at, value in samples if at <= T0][-1]
    counts = story.counted(ends(15.0, T0 + HOUR))
    assert total(counts) == samples[-1][1] - before
    assert counts.count(None) >= seconds / 15 - 1


def test_what_was_out_of_sight_for_longer_than_that_counts_as_new(story: Story) -> None:
    """A known limit: there is nothing left in view that it could be subtracted from."""
    gone = BRIDGE_SECONDS + 60
    samples = [each for each in steady(2, T0 - HOUR, T0 + HOUR) if not T0 + 600 < each[0] < T0 + 600 + gone]
    story.series(samples)
    story.series(steady(1, T0 - HOUR, T0 + HOUR), instance="b:80")
    looks = ends(15.0, T0 + HOUR)
    back = next(value for at, value in samples if at > T0 + 600)
    assert max(count for count in story.counted(looks) if count is not None) >= back


def test_whatever_is_gone_is_absent(story: Story) -> None:
    story.series(steady(2, T0 - HOUR, T0))
    reading = story.read(Events(X, T0 + 30, T0 + 45))
    assert isinstance(reading, NoData)
    assert reading.reason is NoDataReason.ABSENT


def test_a_process_that_fails_no_request_shows_no_failures(story: Story) -> None:
    story.series(steady(2, T0 - HOUR, T0 + 60))
    reading = story.read(Events(f'{X}{{code=~"5.."}}', T0, T0 + 45))
    assert isinstance(reading, NoData)
    assert reading.reason is NoDataReason.ABSENT
    assert story.value(Events(X, T0, T0 + 45)).number == 90


def test_what_sinks_below_nothing_is_no_counter(story: Story) -> None:
    story.series([(T0 + 15, -2.0)])
    reading = story.read(Events(X, T0, T0 + 30))
    assert isinstance(reading, QueryFailed)
    assert reading.reason is FailureReason.BAD_QUERY


def test_a_stretch_without_any_time_in_it_cannot_be_asked_for(story: Story) -> None:
    reading = story.read(Events(X, T0, T0 + 0.0001))
    assert isinstance(reading, QueryFailed)
    assert reading.reason is FailureReason.BAD_QUERY


def test_the_answer_says_up_to_when_it_counts_and_how(story: Story) -> None:
    story.series(steady(2, T0 - HOUR, T0 + HOUR))
    reading = story.value(Events(X, T0, T0 + 30.0006), settle_seconds=2.5)
    assert reading.evaluated_at == pytest.approx(T0 + 27.501, abs=1e-6)
    series = f'{X}{{service="{story.service}"}}'
    assert reading.expression == (
        f"sum by (service) ((last_over_time({series}[30s1ms]) - last_over_time({series}[30m] offset 30s1ms)) >= 0"
        f" or last_over_time({series}[30s1ms]))"
    )


def test_releases_share_one_request_for_the_same_stretch(counted: World) -> None:
    stories = [counted.story() for _ in range(3)]
    for number, story in enumerate(stories, start=1):
        story.series(steady(number, T0 - HOUR, T0 + HOUR))
    queries = [story.query(Events(X, T0, T0 + 60)) for story in stories]
    with Sources([counted.settings()]) as sources:
        look = sources.read(queries, counted.now())
    assert len(look.reports) == 2, "one for the data, one for the server's clock"
    assert [round(_value(look.readings[query]).number / 60) for query in queries] == [1, 2, 3]


def test_a_sample_that_comes_late_is_lost_unless_it_has_time_to_settle(counted: World) -> None:
    hasty, patient = counted.story(), counted.story()
    found = {hasty: 0.0, patient: 0.0}
    for number in range(12):
        at = T0 + 15 * number
        # The look is at `at`; the sample of one second ago arrives after it.
        for story, settle in ((hasty, 0.0), (patient, 5.0)):
            reading = story.read(Events(X, at - 15, at), settle)
            found[story] += reading.number if isinstance(reading, Value) else 0.0
            story.series([(at - 1, 10.0 * number)])
    assert found == {hasty: 0.0, patient: 100.0}


def test_counts_up_to_a_time_the_server_has_not_reached_are_refused(story: Story) -> None:
    now = story.world.now()
    story.series([(now - 20, 1.0), (now - 5, 2.0)])
    reading = story.read(Events(X, now - 15, now + 3), settle_seconds=1.0)
    assert isinstance(reading, QueryFailed)
    assert reading.reason is FailureReason.CLOCK_SKEW
    assert "settle" in reading.detail
    assert story.value(Events(X, now - 15, now + 3), settle_seconds=5.0).number == 1


def test_observations_are_counted_by_their_bounds(story: Story) -> None:
    histogram(story, "a:80", {"0.1": 2, "1": 4, "+Inf": 5})
    histogram(story, "b:80", {"0.1": 1, "1.0": 3, "+Inf": 3}, begin=T0 + 100)
    looks = ends(60.0, T0 + 600)
    readings = [story.value(Observations("latency_seconds", *pair)) for pair in itertools.pairwise(looks)]
    assert all([bound for bound, _ in reading.buckets] == [0.1, 1.0] for reading in readings)
    assert sum(reading.number for reading in readings) == pytest.approx(5 * 600 + 3 * 500, abs=3 * 15)
    slow = sum(reading.number - reading.buckets[-1][1] for reading in readings)
    assert slow == pytest.approx(600, abs=15)


def test_a_history_says_what_every_look_would_have_said(counted: World) -> None:
    story = counted.story()
    fleet = Fleet(rolling(T0, T0 + HOUR, random.Random(5)), 5, errors_per_hour=40)  # noqa: S311
    for key, samples in fleet.series.items():
        labels = dict(key)
        story.series(samples, instance=labels["instance"], code=labels["code"])
    reading = story.value(CountHistory(X, None, "instance", T0, T0 + HOUR, 15.0), settle_seconds=2.0)
    assert [track.instance for track in reading.tracks] == ["a:8080", "b:8080", "dying:8080", "newborn:8080"]
    looks = ends(15.0, T0 + HOUR)
    with Sources([counted.settings(2.0)]) as sources:
        for track in reading.tracks:
            assert len(track.counts) == 240
            queries = [
                Query(SOURCE, Events(X, *pair), (Matcher("instance", track.instance), *story.workload))
                for pair in itertools.pairwise(looks)
            ]
            readings = sources.read(queries, counted.now()).readings
            counts = [_number(readings[query]) for query in queries]
            assert list(track.counts) == counts
    assert reading.number == total([count for track in reading.tracks for count in track.counts])


def test_a_history_of_all_instances_together(story: Story) -> None:
    story.series(steady(1, T0 - HOUR, T0 + HOUR))
    story.series(steady(2, T0 + 300, T0 + HOUR), instance="b:80")
    reading = story.value(CountHistory(X, None, "", T0, T0 + 600, 60.0))
    (track,) = reading.tracks
    assert track.instance == ""
    assert total(track.counts[:4]) == pytest.approx(240, abs=15)
    assert total(track.counts[5:]) == pytest.approx(900, abs=45)


def test_a_history_of_observations_up_to_a_bound_however_it_is_spelled(story: Story) -> None:
    for number, le in enumerate(["1", "1.0", "1e+00", "1.0E0", "10", "0.1", "+Inf"]):
        histogram(story, f"{number}:80", {le: 1})
    reading = story.value(CountHistory("latency_seconds", 1.0, "instance", T0, T0 + 600, 60.0))
    assert [track.instance for track in reading.tracks] == ["0:80", "1:80", "2:80", "3:80"]
    reading = story.value(CountHistory("latency_seconds", math.inf, "instance", T0, T0 + 600, 60.0))
    assert [track.instance for track in reading.tracks] == ["6:80"]


def test_a_history_knows_where_there_was_nothing(story: Story) -> None:
    story.series([each for each in steady(1, T0 - HOUR, T0 + HOUR) if not T0 + 120 < each[0] < T0 + 240])
    (track,) = story.value(CountHistory(X, None, "instance", T0, T0 + 360, 60.0)).tracks
    assert [count is None for count in track.counts] == [False, False, True, True, False, False]
    assert track.counts[4] == pytest.approx(180, abs=15), "what happened unseen is counted when it is seen"


def test_a_history_of_nobody_is_absent(story: Story) -> None:
    reading = story.read(CountHistory(X, None, "instance", T0, T0 + 600, 60.0))
    assert isinstance(reading, NoData)
    assert reading.reason is NoDataReason.ABSENT


def test_a_history_longer_than_one_answer_may_be_comes_in_pieces(story: Story) -> None:
    story.series(steady(1, T0 - HOUR, T0 + 3 * HOUR + 1300))
    reading = story.value(CountHistory(X, None, "", T0, T0 + 12_000, 1.0))
    (track,) = reading.tracks
    assert len(track.counts) == 12_000
    assert reading.number == pytest.approx(12_000, abs=15)


def test_each_workload_has_a_history_of_its_own_request(counted: World) -> None:
    stories = [counted.story() for _ in range(3)]
    for story in stories:
        story.series(steady(1, T0 - HOUR, T0 + HOUR))
    queries = [story.query(CountHistory(X, None, "", T0, T0 + 600, 60.0)) for story in stories]
    with Sources([counted.settings()]) as sources:
        look = sources.read(queries, counted.now())
    assert len(look.reports) == 1 + 3
    assert all(_value(look.readings[query]).number == pytest.approx(600, abs=15) for query in queries)


def _value(reading: Reading) -> Value:
    assert isinstance(reading, Value), reading
    return reading


def _number(reading: Reading) -> float | None:
    assert not isinstance(reading, QueryFailed), reading
    return reading.number if isinstance(reading, Value) else None
