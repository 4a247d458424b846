"""History as eyes: at every look of the past the answers that the sources gave then."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from gated.model.ids import RuleName, SourceName
from gated.model.reading import (
    Buckets,
    CountHistory,
    Events,
    FiringAlerts,
    HttpProbe,
    Increase,
    Instant,
    Measure,
    Newest,
    NoData,
    NoDataReason,
    Observations,
    Query,
    QueryFailed,
    Reading,
    Value,
)
from gated.model.selection import Matcher, MatchOp
from gated.sources import recording
from gated.sources.history import History
from gated.sources.reader import Sources
from gated.sources.settings import Identity, SourceKind, SourceSettings
from tests.counted import HOUR, SOURCE, T0, Story, World, X, fake_world, histogram, steady, total
from tests.fakes.lies import Lie
from tests.fakes.pods import Fleet, rolling
from tests.fakes.prometheus import FakePrometheus

if TYPE_CHECKING:
    from collections.abc import Iterator

STEP = 15.0
SETTLE = 5.0


class Clock:
    """A time that tests move."""

    now = T0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fake(clock: Clock) -> Iterator[FakePrometheus]:
    with FakePrometheus(lambda: clock.now, external_labels={"cluster": "prod-eu"}) as server:
        yield server


def history_of(world: World, start: float = T0) -> History:
    return History([world.settings(SETTLE)], start=start, step_seconds=STEP)


def pods(story: Story, seed: int) -> Fleet:
    """An hour of pods that restart, die and are born."""
    fleet = Fleet(rolling(T0, T0 + HOUR, random.Random(seed)), seed, errors_per_hour=40)  # noqa: S311
    for key, samples in fleet.series.items():
        labels = dict(key)
        story.series(samples, instance=labels["instance"], code=labels["code"])
    return fleet


def number(reading: Reading) -> object:
    """What of an answer does not depend on how it was asked."""
    if isinstance(reading, Value):
        return reading.number, reading.buckets, reading.alerts, reading.tracks, round(reading.evaluated_at, 3)
    return reading.reason


def test_every_look_is_read_as_it_was_then(fake: FakePrometheus, clock: Clock) -> None:
    story = fake_world(fake).story()
    pods(story, 1)
    histogram(story, "a:80", {"0.1": 2, "1": 4, "+Inf": 5}, begin=T0 + 600)
    fake.alert_rule("WafQuiet")
    fake.recorded("ALERTS", [(T0 + 900, 1.0)], alertname="WafBlocked", alertstate="firing", service=story.service)
    fake.recorded("ALERTS_FOR_STATE", [(T0 + 900, T0 + 880)], alertname="WafBlocked", service=story.service)
    settings = SourceSettings(SOURCE, fake.url, settle_seconds=SETTLE)
    with Sources([settings]) as sources, History([settings], start=T0, step_seconds=STEP) as history:
        for look in range(1, 121):
            now = T0 + look * STEP
            measures: list[Measure] = [
                Events(f'{X}{{code="500"}}', now - STEP, now),
                Events(X, now - STEP, now),
                Observations("latency_seconds", now - STEP, now),
                Increase(X, 60.0),
                Buckets("latency_seconds", 60.0),
                Instant(f"max({X})"),
                Instant(X),
                Newest(X),
                FiringAlerts('{alertname=~"Waf.*"}'),
                FiringAlerts('{alertname="Unknown"}'),
                CountHistory(X, None, "instance", now - 20 * STEP, now, STEP),
            ]
            queries = [story.query(measure) for measure in measures]
            clock.now = now
            then = sources.read(queries, now).readings
            clock.now = T0 + 12 * HOUR
            seen = history.read(queries, now).readings
            for query in queries:
                assert number(seen[query]) == number(then[query]), (look, query.measure)
    assert history.requests < 30


def test_the_events_of_past_looks_are_those_of_live_ones(counted: World) -> None:
    stories = [counted.story() for _ in range(3)]
    for seed, story in enumerate(stories):
        pods(story, seed)
    with Sources([counted.settings(SETTLE)]) as sources, history_of(counted) as history:
        for look in range(1, 240, 7):
            now = T0 + look * STEP
            queries = [
                story.query(Events(selector, now - STEP, now))
                for story in stories
                for selector in (X, f'{X}{{code="500"}}')
            ]
            live = sources.read(queries, counted.now()).readings
            past = history.read(queries, now).readings
            assert [number(past[query]) for query in queries] == [number(live[query]) for query in queries]
        assert history.requests == 2, "one for each selector, for all services and looks"


def test_a_look_that_counts_from_further_back_is_a_sum(story: Story) -> None:
    pods(story, 3)
    with history_of(story.world) as history, Sources([story.world.settings(SETTLE)]) as sources:
        for since in (T0 + 600, T0 - 1200):
            query = story.query(Events(X, since, T0 + 900))
            live = sources.read([query], story.world.now()).readings[query]
            past = history.read([query], T0 + 900).readings[query]
            assert isinstance(live, Value)
            assert isinstance(past, Value)
            # A restart within a long look costs it what was counted before; look by look nothing is lost.
            assert live.number <= past.number <= live.number + 100


def test_what_began_between_two_looks_is_counted_from_there(story: Story) -> None:
    """A release begins when it begins. Counted from the nearest look, its first scrape would be counted or not."""
    pods(story, 3)
    histogram(story, "a:80", {"0.1": 2, "1": 4, "+Inf": 5})
    with history_of(story.world) as history, Sources([story.world.settings(SETTLE)]) as sources:
        for began in (T0 + 901.234, T0 + 907.5, T0 + 913.999):
            measures: list[Measure] = [
                Events(X, began, T0 + 930),
                Observations("latency_seconds", began, T0 + 930),
                CountHistory(X, None, "instance", began - 600, began, STEP),
            ]
            for query in map(story.query, measures):
                live = sources.read([query], story.world.now()).readings[query]
                assert number(history.read([query], T0 + 930).readings[query]) == number(live)


def test_looks_and_histories_reach_over_what_is_loaded_at_once(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "_CHUNK_SECONDS", 300.0)
    story.series(steady(2, T0 - HOUR, T0 + HOUR))
    story.series(steady(1, T0 - HOUR, T0 + HOUR), instance="b:80")
    with history_of(story.world) as history:
        query = story.query(Events(X, T0 + 240, T0 + 630))
        reading = history.read([query], T0 + 630).readings[query]
        assert isinstance(reading, Value)
        assert reading.number == pytest.approx(3 * 390, abs=45)
        query = story.query(CountHistory(X, None, "instance", T0 - 705, T0 + 615, STEP))
        reading = history.read([query], T0 + 630).readings[query]
        assert isinstance(reading, Value)
        assert [track.instance for track in reading.tracks] == ["a:80", "b:80"]
        assert [len(track.counts) for track in reading.tracks] == [88, 88]
        assert [total(track.counts) for track in reading.tracks] == pytest.approx([2 * 1320, 1320], abs=45)


def test_a_history_of_other_looks_is_asked_for_itself(story: Story) -> None:
    story.series(steady(2, T0 - HOUR, T0 + HOUR))
    measure = CountHistory(X, None, "instance", T0 - 600, T0 + 600, 300.0)
    with history_of(story.world) as history:
        query = story.query(measure)
        reading = history.read([query], T0 + 607).readings[query]
    assert number(reading) == number(story.read(measure, SETTLE))


def test_a_workload_that_comes_later_is_loaded_alone(story: Story) -> None:
    story.series(steady(2, T0 - HOUR, T0 + HOUR))
    other = story.world.story()
    other.series(steady(1, T0 - HOUR, T0 + HOUR))
    with history_of(story.world) as history:
        history.read([story.query(Increase(X, 60))], T0 + 60)
        assert history.requests == 1
        queries = [story.query(Increase(X, 60)), other.query(Increase(X, 60))]
        look = history.read(queries, T0 + 75)
        assert history.requests == 2
        assert story.service not in look.reports[0].expression
        for now in (T0 + 90, T0 + 600):
            assert history.read(queries, now).reports == ()


def test_the_newest_samples_of_hours_of_looks_take_several_requests(story: Story) -> None:
    story.series(steady(2, T0 - HOUR, T0 + HOUR))
    query = story.query(Newest(X))
    with history_of(story.world) as history:
        for now in (T0, T0 + 600, T0 + HOUR - STEP):
            newest = history.read([query], now).readings[query]
            assert isinstance(newest, Value)
            assert newest.number == pytest.approx(now - STEP / 2, abs=STEP / 2)
        assert history.requests == 12, "six hours of looks, half an hour each"


def test_one_process_and_every_history_are_read_off_what_all_did(story: Story) -> None:
    """A replay asks for all instances, for one of them, and for the past of each: loaded once, they say the same."""
    fleet = pods(story, 3)
    histogram(story, "a:80", {"0.1": 2, "1": 4, "+Inf": 5})
    histogram(story, "b:80", {"0.1": 1, "1": 1, "+Inf": 1})
    instance = dict(next(iter(fleet.series)))["instance"]
    now, since = T0 + 1800, T0 + 1800 - STEP
    wanted: list[tuple[Measure, tuple[Matcher, ...]]] = [
        (Events(X, since, now), ()),
        (Events(X, since, now), (Matcher("instance", instance),)),
        (Events(X, since, now), (Matcher("instance", "nobody"),)),
        (Observations("latency_seconds", since, now), ()),
        (Observations("latency_seconds", since, now), (Matcher("instance", "b:80"),)),
        (CountHistory(X, None, "instance", now - 40 * STEP, now, STEP), ()),
        (CountHistory(X, None, "", now - 40 * STEP, now, STEP), ()),
        (CountHistory(X, None, "instance", now - 40 * STEP, now, STEP), (Matcher("instance", instance),)),
    ]
    queries = [Query(SOURCE, measure, tuple(sorted([*story.workload, *more]))) for measure, more in wanted]
    with history_of(story.world) as history, Sources([story.world.settings(SETTLE)]) as sources:
        together = history.read(queries, now).readings
        assert history.requests == 2, "one for the counter, one for the histogram"
        for query in queries:
            assert number(together[query]) == number(sources.read([query], story.world.now()).readings[query])
            with history_of(story.world) as alone:
                assert together[query] == alone.read([query], now).readings[query]
    assert isinstance(together[queries[2]], NoData)


def test_one_process_alone_is_asked_for_alone(story: Story) -> None:
    """What thousands of others did is not loaded for it."""
    story.series(steady(2, T0 - HOUR, T0 + HOUR))
    query = Query(SOURCE, Events(X, T0 + 45, T0 + 60), tuple(sorted([*story.workload, Matcher("instance", "a:80")])))
    with history_of(story.world) as history:
        (report,) = history.read([query], T0 + 60).reports
    assert 'instance=~"a:80"' in report.expression or 'instance="a:80"' in report.expression


def test_a_workload_found_by_a_pattern_is_read_as_well(story: Story) -> None:
    story.series(steady(2, T0 - HOUR, T0 + HOUR))
    workload = (Matcher("service", f"{story.service}|nobody", MatchOp.REGEX),)
    query = Query(SOURCE, Events(X, T0 + 45, T0 + 60), workload)
    with history_of(story.world) as history:
        reading = history.read([query], T0 + 60).readings[query]
    assert isinstance(reading, Value)
    assert reading.number == 30


def test_what_is_not_used_is_forgotten_and_asked_for_again(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "_CHUNK_SECONDS", 300.0)
    monkeypatch.setattr(recording, "_MOST_CELLS", 50)
    story.series(steady(2, T0 - HOUR, T0 + HOUR))
    query = story.query(Increase(X, 60))
    with history_of(story.world) as history:
        for now, requests in ((T0, 1), (T0 + 15, 1), (T0 + 300, 2), (T0 + 600, 3), (T0 + 615, 3), (T0, 4)):
            assert isinstance(history.read([query], now).readings[query], Value)
            assert history.requests == requests


@pytest.mark.parametrize("lie", [Lie.SERVER_ERROR, Lie.WRONG_SERVER, Lie.WARNINGS, Lie.DUPLICATES])
def test_a_source_that_does_not_answer_is_not_asked_at_every_look(fake: FakePrometheus, lie: Lie) -> None:
    fake_world(fake).story().series(steady(2, T0 - HOUR, T0 + HOUR))
    expect = Identity({"cluster": "prod-eu"})
    settings = SourceSettings(SOURCE, fake.url, expect=expect)
    query = Query(SOURCE, Events(X, T0, T0 + STEP))
    fake.lie(lie)
    with History([settings], start=T0, step_seconds=STEP) as history:
        readings = [history.read([query], T0 + look * STEP).readings[query] for look in range(3)]
        assert history.requests <= 2
    assert all(isinstance(reading, QueryFailed) for reading in readings)


def test_what_is_too_much_for_a_server_is_asked_for_in_parts(fake: FakePrometheus, clock: Clock) -> None:
    clock.now = T0 + 12 * HOUR
    fake_world(fake).story().series(steady(2, T0 - HOUR, T0 + 6 * HOUR))
    query = Query(SOURCE, Increase(X, 60.0))
    settings = SourceSettings(SOURCE, fake.url, max_bytes=20_000)
    with History([settings], start=T0, step_seconds=STEP) as history:
        reading = history.read([query], T0 + 60).readings[query]
    assert isinstance(reading, Value)
    assert reading.number == pytest.approx(120, rel=0.05)


def test_what_nobody_recorded_has_no_history() -> None:
    probe = Query(SOURCE, HttpProbe(RuleName("login"), "http://127.0.0.1:1/", 200, 1.0))
    unknown = Query(SourceName("elsewhere"), Instant("up"))
    alertmanager = Query(SourceName("alerts"), FiringAlerts('{alertname="a"}'))
    settings = SourceSettings(SourceName("alerts"), "http://127.0.0.1:1", SourceKind.ALERTMANAGER)
    with History([settings], start=T0, step_seconds=STEP) as history:
        readings = history.read([probe, unknown, alertmanager], T0).readings
    assert {type(reading) for reading in readings.values()} == {QueryFailed}
    assert history.requests == 0


def test_silence_in_the_past_counts_if_a_rule_of_today_could_have_spoken(fake: FakePrometheus, clock: Clock) -> None:
    clock.now = T0 + 12 * HOUR
    fake.alert_rule("WafQuiet")
    fake.recorded("ALERTS", [(T0 + 60 * each, 1.0) for each in range(10)], alertname="Watchdog", alertstate="firing")
    measures = {
        FiringAlerts('{alertname="WafQuiet"}'): None,
        FiringAlerts('{alertname="WafQuiet"}', heartbeat='{alertname="Watchdog"}'): None,
        FiringAlerts('{alertname="NoSuch"}'): NoDataReason.NO_ALERT_RULE,
        FiringAlerts('{alertname="WafQuiet"}', heartbeat='{alertname="Dead"}'): NoDataReason.NO_HEARTBEAT,
    }
    with History([SourceSettings(SOURCE, fake.url)], start=T0, step_seconds=STEP) as history:
        for look in (1, 2, 10):
            for measure, reason in measures.items():
                query = Query(SOURCE, measure)
                reading = history.read([query], T0 + look * STEP).readings[query]
                if reason is None:
                    assert isinstance(reading, Value)
                    assert reading.number == 0
                else:
                    assert isinstance(reading, NoData)
                    assert reading.reason is reason
