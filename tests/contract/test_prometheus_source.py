"""What a Prometheus answers, read by gated: one suite for the fake that other tests trust and for a real server."""

from __future__ import annotations

import itertools
import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import requests

from deploy.local.servers import Prometheus, backfill
from gated.model.ids import SourceName
from gated.model.reading import (
    Buckets,
    FailureReason,
    FiringAlerts,
    Increase,
    Instant,
    Measure,
    Newest,
    NoData,
    NoDataReason,
    Query,
    QueryFailed,
    Reading,
    Value,
)
from gated.model.selection import Matcher, MatchOp, Workload
from gated.sources.reader import Sources
from gated.sources.settings import Identity, SourceSettings
from tests.fakes.prometheus import FakePrometheus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gated.sources.look import Look

SOURCE = SourceName("default")
CHECKOUT_V2 = (Matcher("service", "checkout"), Matcher("version", "v2"))
CHECKOUT_V1 = (Matcher("service", "checkout"), Matcher("version", "v1"))
CART_V2 = (Matcher("service", "cart"), Matcher("version", "v2"))
ODD_VERSION = (Matcher("service", "odd"), Matcher("version", 'v1.0+b(1)|"\\'))

AGE_SECONDS, STEP_SECONDS = 600, 5


@dataclass(frozen=True)
class History:
    """A series that grew steadily for the last ten minutes.

    Args:
        name: of its metric.
        labels: its labels.
        per_second: how fast; 0 for a gauge.
        start: where from.
        falls_to_zero_after: seconds after which it starts again at 0, as a restarted process does.
    """

    name: str
    labels: Mapping[str, str]
    per_second: float = 0.0
    start: float = 0.0
    falls_to_zero_after: float = float(2 * AGE_SECONDS)

    def samples(self, now: float) -> list[tuple[float, float]]:
        """(time, value), the newest at `now`."""
        return [
            (now - AGE_SECONDS + age, self.start + self.per_second * (age % self.falls_to_zero_after))
            for age in range(0, AGE_SECONDS + 1, STEP_SECONDS)
        ]


def _latency(instance: str, le: str, per_second: float) -> History:
    labels = {"service": "checkout", "version": "v2", "instance": instance, "le": le}
    return History("latency_seconds_bucket", labels, per_second)


HISTORY = [
    History("requests_total", {"service": "checkout", "version": "v2", "code": "200"}, 10),
    History("requests_total", {"service": "checkout", "version": "v2", "code": "500"}, 0.5),
    History("requests_total", {"service": "checkout", "version": "v1", "code": "200"}, 40),
    History("requests_total", {"service": "cart", "version": "v2", "code": "200"}, 20),
    History("requests_total", {"service": "odd", "version": 'v1.0+b(1)|"\\', "code": "200"}, 3),
    History("restarts_total", {"service": "checkout", "version": "v2"}, 2, falls_to_zero_after=450),
    History("memory_bytes", {"service": "checkout", "version": "v2", "instance": "a"}, start=1e9),
    History("memory_bytes", {"service": "checkout", "version": "v2", "instance": "b"}, start=3e9),
    History("idle_total", {"service": "checkout", "version": "v2"}, start=7),
    _latency("a", "0.1", 2), _latency("a", "1", 4), _latency("a", "+Inf", 5),
    _latency("b", "0.1", 1), _latency("b", "1.0", 3), _latency("b", "+Inf", 3),
]  # fmt: skip


@dataclass(frozen=True)
class World:
    """A server of that history, four alerting rules and two firing alerts, one of them of two instances.

    Args:
        url: its address.
        now: returns the present time.
    """

    url: str
    now: Callable[[], float]

    def look(self, *queries: Query, expect: Identity | None = None, skew_seconds: float = 0.0) -> Look:
        """Read queries, with a clock of ours that is ahead of the server's."""
        with Sources([SourceSettings(SOURCE, self.url, expect=expect or Identity())]) as sources:
            return sources.read(queries, self.now() + skew_seconds)

    def read(self, measure: Measure, workload: Workload = CHECKOUT_V2, expect: Identity | None = None) -> Reading:
        """Read one query."""
        query = Query(SOURCE, measure, workload)
        return self.look(query, expect=expect).readings[query]

    def value(self, measure: Measure, workload: Workload = CHECKOUT_V2) -> Value:
        """Read one query that has a value."""
        reading = self.read(measure, workload)
        assert isinstance(reading, Value), reading
        return reading


@pytest.fixture(scope="module", params=["fake", "prometheus"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    if request.param == "fake":
        yield from _fake_world()
    else:
        yield from _real_world(tmp_path_factory)


def _fake_world() -> Iterator[World]:
    now = 1_700_000_000.0
    with FakePrometheus(lambda: now, external_labels={"cluster": "prod-eu"}) as fake:
        for series in HISTORY:
            fake.recorded(series.name, series.samples(now), **series.labels)
        fake.alert_rule("WafQuiet")
        fake.alert_rule("WafBroken", health="err")
        fake.alert("Watchdog", active_since=now - 2)
        for instance in ("a", "b"):
            fake.alert("WafBlocked", active_since=now - 2, service="checkout", version="v2", instance=instance)
        yield World(fake.url, lambda: now)


def _real_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Prometheus("", directory=tmp_path_factory.mktemp("clock")) as clock:
        now = _time(clock.url)
    directory = tmp_path_factory.mktemp("prometheus")
    backfill(_openmetrics(now), directory)
    rules = [
        {"alert": "Watchdog", "expr": "vector(1)"},
        {"alert": "WafBlocked", "expr": "memory_bytes"},
        {"alert": "WafQuiet", "expr": "vector(1) > 2"},
        {"alert": "WafBroken", "expr": "requests_total * on (service) requests_total"},
    ]
    (directory / "rules.yml").write_text(json.dumps({"groups": [{"name": "waf", "rules": rules}]}))
    config = {
        "global": {"evaluation_interval": "1s", "external_labels": {"cluster": "prod-eu"}},
        "rule_files": ["rules.yml"],
    }
    with Prometheus(config, directory=directory) as server:
        deadline = time.monotonic() + 20
        while not _have_rules_run(server.url):
            assert time.monotonic() < deadline, "no rule was evaluated"
            threading.Event().wait(0.1)
        yield World(server.url, lambda: _time(server.url))


def _openmetrics(now: float) -> str:
    lines: list[str] = []
    for name, family in itertools.groupby(sorted(HISTORY, key=lambda series: series.name), lambda series: series.name):
        lines.append(f"# TYPE {name.removesuffix('_total')} unknown")
        for series in family:
            labels = ",".join(f"{key}={json.dumps(value)}" for key, value in series.labels.items())
            lines += [f"{name}{{{labels}}} {value} {at:.3f}" for at, value in series.samples(now)]
    return "\n".join([*lines, "# EOF", ""])


def _get(url: str, path: str, **parameters: str) -> dict[str, object]:
    data: dict[str, object] = requests.get(url + path, params=parameters, timeout=5).json()["data"]
    return data


def _time(url: str) -> float:
    result = _get(url, "/api/v1/query", query="time()")["result"]
    assert isinstance(result, list)
    return float(result[1])


def _have_rules_run(url: str) -> bool:
    """Whether the broken rule has failed, and the alerts that fire do."""
    rules = requests.get(f"{url}/api/v1/rules", timeout=5).text
    return '"health":"err"' in rules and bool(_get(url, "/api/v1/query", query="ALERTS")["result"])


def test_an_increase_counts_the_events_of_the_window(world: World) -> None:
    reading = world.value(Increase("requests_total", 300.0))
    assert reading.number == pytest.approx(10.5 * 300, rel=0.05)
    assert abs(reading.evaluated_at - world.now()) < 5
    assert reading.expression == (
        'sum by (service, version) (increase(requests_total{service="checkout",version="v2"}[5m]))'
    )


def test_a_selector_of_the_rule_narrows_the_increase(world: World) -> None:
    reading = world.value(Increase('requests_total{code=~"5.."}', 300.0))
    assert reading.number == pytest.approx(0.5 * 300, rel=0.05)


def test_a_counter_that_was_reset_loses_no_events(world: World) -> None:
    assert world.value(Increase("restarts_total", 300.0)).number == pytest.approx(2 * 300, rel=0.05)


def test_workloads_picked_by_equality_share_one_request(world: World) -> None:
    workloads = {CHECKOUT_V2: 10.5, CHECKOUT_V1: 40.0, CART_V2: 20.0}
    queries = {workload: Query(SOURCE, Increase("requests_total", 300.0), workload) for workload in workloads}
    look = world.look(*queries.values())
    assert len(look.reports) == 2, "one for the data, one for the server's clock"
    for workload, per_second in workloads.items():
        reading = look.readings[queries[workload]]
        assert isinstance(reading, Value)
        assert reading.number == pytest.approx(per_second * 300, rel=0.05)


def test_a_workload_that_nobody_has_is_absent_beside_one_that_is_there(world: World) -> None:
    unknown = (Matcher("service", "cart"), Matcher("version", "v1"))
    queries = [Query(SOURCE, Increase("requests_total", 300.0), each) for each in (unknown, CHECKOUT_V1, CART_V2)]
    readings = world.look(*queries).readings
    missing = readings[queries[0]]
    assert isinstance(missing, NoData)
    assert missing.reason is NoDataReason.ABSENT
    assert all(isinstance(readings[query], Value) for query in queries[1:])


def test_a_workload_found_by_a_pattern_has_a_request_of_its_own(world: World) -> None:
    by_pattern = (Matcher("service", "check.*", MatchOp.REGEX), Matcher("version", "v[12]", MatchOp.REGEX))
    queries = [Query(SOURCE, Increase("requests_total", 300.0), each) for each in (by_pattern, CART_V2)]
    look = world.look(*queries)
    assert len(look.reports) == 3
    reading = look.readings[queries[0]]
    assert isinstance(reading, Value)
    assert reading.number == pytest.approx(50.5 * 300, rel=0.05)


def test_no_workload_is_the_whole_source(world: World) -> None:
    assert world.value(Increase("requests_total", 300.0), ()).number == pytest.approx(73.5 * 300, rel=0.05)


@pytest.mark.parametrize("beside", [(), (CHECKOUT_V1,)], ids=["alone", "among others"])
def test_a_version_is_a_plain_text_whatever_is_in_it(world: World, beside: Sequence[Workload]) -> None:
    queries = [Query(SOURCE, Increase("requests_total", 300.0), each) for each in (ODD_VERSION, *beside)]
    reading = world.look(*queries).readings[queries[0]]
    assert isinstance(reading, Value)
    assert reading.number == pytest.approx(3 * 300, rel=0.05)


@pytest.mark.parametrize("version", ['v2"} or vector(1) #', ".*", "v2|v1", "v2\n", ""], ids=repr)
def test_a_version_cannot_change_what_is_asked(world: World, version: str) -> None:
    workload = (Matcher("service", "checkout"), Matcher("version", version))
    for others in ((), (CHECKOUT_V1,)):
        queries = [Query(SOURCE, Increase("requests_total", 300.0), each) for each in (workload, *others)]
        reading = world.look(*queries).readings[queries[0]]
        assert isinstance(reading, NoData)
        assert reading.reason is NoDataReason.ABSENT


def test_buckets_rise_to_the_number_of_observations(world: World) -> None:
    reading = world.value(Buckets("latency_seconds", 300.0))
    assert reading.number == pytest.approx(8 * 300, rel=0.05)
    assert [bound for bound, _ in reading.buckets] == [0.1, 1.0], "1 and 1.0 are one bound"
    assert [count for _, count in reading.buckets] == pytest.approx([3 * 300, 7 * 300], rel=0.05)


def test_a_histogram_that_is_not_there_is_absent(world: World) -> None:
    reading = world.read(Buckets("latency_seconds", 300.0), CHECKOUT_V1)
    assert isinstance(reading, NoData)
    assert reading.reason is NoDataReason.ABSENT


def test_several_series_are_ambiguous_and_the_advice_helps(world: World) -> None:
    reading = world.read(Instant("memory_bytes"))
    assert isinstance(reading, QueryFailed)
    assert reading.reason is FailureReason.AMBIGUOUS
    assert "2 series where one is due, which differ in instance; wrap the expression in max()" in reading.detail
    assert world.value(Instant("max(memory_bytes)")).number == 3e9


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("sum(increase(idle_total[5m])) / sum(increase(idle_total[5m]))", NoDataReason.NOT_A_NUMBER),
        ("sum(increase(requests_total[5m])) / sum(increase(idle_total[5m]))", NoDataReason.INFINITE),
        ("sum(nobody_has_this)", NoDataReason.ABSENT),
    ],
    ids=["nothing by nothing", "something by nothing", "no series"],
)
def test_what_is_no_finite_number_is_no_data(world: World, expression: str, reason: NoDataReason) -> None:
    reading = world.read(Instant(expression))
    assert isinstance(reading, NoData)
    assert reading.reason is reason


def test_the_newest_sample_is_known_by_its_own_time(world: World) -> None:
    assert 0 <= world.now() - world.value(Newest("requests_total")).number < 120


def test_an_expression_that_fails_on_the_server_is_a_bad_query(world: World) -> None:
    reading = world.read(Instant("memory_bytes / ignoring (instance) memory_bytes"))
    assert isinstance(reading, QueryFailed)
    assert reading.reason is FailureReason.BAD_QUERY
    assert "found duplicate series" in reading.detail


def test_an_expression_that_is_no_promql_is_a_bad_query(world: World) -> None:
    reading = world.read(Instant("sum("))
    assert isinstance(reading, QueryFailed)
    assert reading.reason is FailureReason.BAD_QUERY


@pytest.mark.parametrize("beside", [(), (CHECKOUT_V1,)], ids=["alone", "among others"])
def test_every_firing_instance_has_a_name_and_a_beginning(world: World, beside: Sequence[Workload]) -> None:
    queries = [Query(SOURCE, FiringAlerts('{alertname=~"Waf.*"}'), each) for each in (CHECKOUT_V2, *beside)]
    reading = world.look(*queries).readings[queries[0]]
    assert isinstance(reading, Value)
    assert reading.number == 2
    assert [alert.name for alert in reading.alerts] == ["WafBlocked", "WafBlocked"]
    assert all(0 <= world.now() - alert.active_since < 120 for alert in reading.alerts)


def test_silence_counts_when_a_rule_could_have_spoken(world: World) -> None:
    reading = world.value(FiringAlerts('{alertname="WafQuiet"}'))
    assert reading.number == 0
    assert reading.alerts == ()
    assert abs(reading.evaluated_at - world.now()) < 5


def test_the_alerts_of_another_workload_are_not_counted(world: World) -> None:
    assert world.value(FiringAlerts('{alertname=~"Waf.*"}'), CART_V2).number == 0


@pytest.mark.parametrize("name", ["NoSuchRule", "WafBroken"])
def test_silence_without_a_rule_that_works_is_no_data(world: World, name: str) -> None:
    reading = world.read(FiringAlerts(f'{{alertname="{name}"}}'))
    assert isinstance(reading, NoData)
    assert reading.reason is NoDataReason.NO_ALERT_RULE


def test_silence_counts_while_the_heartbeat_fires(world: World) -> None:
    assert world.value(FiringAlerts('{alertname="WafQuiet"}', heartbeat='{alertname="Watchdog"}')).number == 0


def test_silence_without_the_heartbeat_is_no_data(world: World) -> None:
    reading = world.read(FiringAlerts('{alertname="WafQuiet"}', heartbeat='{alertname="DeadWatchdog"}'))
    assert isinstance(reading, NoData)
    assert reading.reason is NoDataReason.NO_HEARTBEAT


def test_a_firing_alert_needs_no_heartbeat(world: World) -> None:
    reading = world.value(FiringAlerts('{alertname="WafBlocked"}', heartbeat='{alertname="DeadWatchdog"}'))
    assert reading.number == 2


@pytest.mark.parametrize(
    "expect",
    [
        Identity({"cluster": "prod-eu"}),
        Identity(query="requests_total"),
        Identity({"cluster": "prod-eu"}, "up or requests_total"),
    ],
    ids=["labels", "query", "both"],
)
def test_the_right_server_is_known_by_its_identity(world: World, expect: Identity) -> None:
    assert isinstance(world.read(Increase("requests_total", 300.0), expect=expect), Value)


@pytest.mark.parametrize(
    "expect",
    [Identity({"cluster": "prod-us"}), Identity({"region": "eu"}), Identity(query="nobody_has_this")],
    ids=["another value", "no such label", "no answer"],
)
def test_another_server_is_not_believed(world: World, expect: Identity) -> None:
    reading = world.read(Increase("requests_total", 300.0), expect=expect)
    assert isinstance(reading, QueryFailed)
    assert reading.reason is FailureReason.WRONG_SOURCE


@pytest.mark.parametrize("skew_seconds", [-60.0, 60.0], ids=["ours is behind", "ours is ahead"])
def test_a_server_of_another_time_is_not_believed(world: World, skew_seconds: float) -> None:
    query = Query(SOURCE, Increase("requests_total", 300.0), CHECKOUT_V2)
    reading = world.look(query, skew_seconds=skew_seconds).readings[query]
    assert isinstance(reading, QueryFailed)
    assert reading.reason is FailureReason.CLOCK_SKEW
