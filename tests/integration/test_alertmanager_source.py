"""Firing alerts read from a real Alertmanager."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import requests

from deploy.local.servers import Alertmanager
from gated.model.ids import SourceName
from gated.model.reading import (
    FailureReason,
    FiringAlerts,
    Increase,
    NoData,
    NoDataReason,
    Query,
    QueryFailed,
    Reading,
    Value,
)
from gated.model.selection import Matcher, MatchOp, Workload
from gated.sources.reader import Sources
from gated.sources.settings import SourceKind, SourceSettings
from tests.fakes.lies import REASONS, Lie, LyingServer

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = SourceName("alerts")
CHECKOUT = (Matcher("service", "checkout"), Matcher("version", "v2"))
CART = (Matcher("service", "cart"), Matcher("version", "v2"))
ACTIVE_SINCE = 1_700_000_000.0
NOW = ACTIVE_SINCE + 60
CONFIG = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}
FAR_FUTURE = "2100-01-01T00:00:00Z"
"""Alerts end then by the Alertmanager's own clock."""


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    with Alertmanager(CONFIG, directory=tmp_path_factory.mktemp("alertmanager")) as server:
        post(server, "alerts", [
            alert("WafBlocked", service="checkout", version="v2"),
            alert("WafBlocked", since=ACTIVE_SINCE + 30, service="checkout", version="v2", instance="b"),
            alert("WafQuiet", service="cart", version="v1", path='/a"b\\c'),
            alert("Watchdog"),
        ])  # fmt: skip
        post(server, "silences", {
            "matchers": [{"name": "alertname", "value": "Waf.*", "isRegex": True}],
            "startsAt": "2020-01-01T00:00:00Z", "endsAt": FAR_FUTURE, "createdBy": "somebody", "comment": "hush",
        })  # fmt: skip
        yield server


def alert(name: str, since: float = ACTIVE_SINCE, **labels: str) -> dict[str, object]:
    starts_at = datetime.fromtimestamp(since, UTC).isoformat()
    return {"labels": {"alertname": name, **labels}, "startsAt": starts_at, "endsAt": FAR_FUTURE}


def post(server: Alertmanager, what: str, body: object) -> None:
    requests.post(f"{server.url}/api/v2/{what}", json=body, timeout=5).raise_for_status()


def read(server: Alertmanager | LyingServer, *queries: Query) -> list[Reading]:
    settings = SourceSettings(SOURCE, server.url, SourceKind.ALERTMANAGER, timeout_seconds=2.0, max_bytes=1_000_000)
    with Sources([settings]) as sources:
        readings = sources.read(queries, NOW).readings
    return [readings[query] for query in queries]


def alerts(match: str, workload: Workload = CHECKOUT, heartbeat: str = "") -> Query:
    return Query(SOURCE, FiringAlerts(match, heartbeat), workload)


def test_a_silenced_alert_still_counts_each_instance_from_its_own_beginning(alertmanager: Alertmanager) -> None:
    (reading,) = read(alertmanager, alerts('{alertname=~"Waf.*"}'))
    assert isinstance(reading, Value)
    assert reading.number == 2, "two instances of one alert"
    assert [(alert.name, alert.active_since) for alert in reading.alerts] == [
        ("WafBlocked", ACTIVE_SINCE),
        ("WafBlocked", ACTIVE_SINCE + 30),
    ]


def test_alerts_are_handed_out_by_workload_from_one_request(alertmanager: Alertmanager) -> None:
    cart_v1 = (Matcher("service", "cart"), Matcher("version", "v1"))
    match, beat = '{alertname=~"Waf.*"}', '{alertname="Watchdog"}'
    readings = read(alertmanager, *(alerts(match, each, beat) for each in (CHECKOUT, cart_v1, CART)))
    assert [reading.number for reading in readings if isinstance(reading, Value)] == [2, 1, 0]


@pytest.mark.parametrize(
    ("match", "workload", "count"),
    [
        ('{alertname=~".+", alertname!="Watchdog"}', (), 3),
        ('{alertname=~".+", alertname!~"Waf.*"}', (), 1),
        ('{alertname=~".+", path="/a\\"b\\\\c"}', (), 1),
        ('{alertname=~"Waf.*"}', (Matcher("service", "check.*", MatchOp.REGEX),), 2),
    ],
    ids=["unequal", "not like", "escapes", "workload by pattern"],
)
def test_matchers_mean_what_they_mean_in_promql(
    alertmanager: Alertmanager, match: str, workload: Workload, count: int
) -> None:
    (reading,) = read(alertmanager, alerts(match, workload))
    assert isinstance(reading, Value)
    assert reading.number == count


def test_silence_counts_while_the_heartbeat_is_there(alertmanager: Alertmanager) -> None:
    (reading,) = read(alertmanager, alerts('{alertname="Nothing"}', heartbeat='{alertname="Watchdog"}'))
    assert isinstance(reading, Value)
    assert reading.number == 0


@pytest.mark.parametrize("heartbeat", ["", '{alertname="DeadWatchdog"}'], ids=["none", "dead"])
def test_silence_without_a_heartbeat_is_no_data(alertmanager: Alertmanager, heartbeat: str) -> None:
    (reading,) = read(alertmanager, alerts('{alertname="Nothing"}', heartbeat=heartbeat))
    assert isinstance(reading, NoData)
    assert reading.reason is NoDataReason.NO_HEARTBEAT


def test_an_alertmanager_is_asked_for_alerts_only(alertmanager: Alertmanager) -> None:
    (reading,) = read(alertmanager, Query(SOURCE, Increase("requests_total", 60.0), CHECKOUT))
    assert isinstance(reading, QueryFailed)
    assert reading.reason is FailureReason.BAD_QUERY


@pytest.mark.parametrize(
    "body",
    [b'{"status": "success"}', b'[{"labels": {}}]', b"[1]", b'[{"labels": {}, "startsAt": "yesterday"}]'],
    ids=["an object", "no start", "a number", "no time"],
)
def test_an_answer_of_another_shape_is_a_failure(body: bytes) -> None:
    with LyingServer(lambda *_: (200, body)) as server:
        (reading,) = read(server, alerts('{alertname="Waf"}'))
    assert isinstance(reading, QueryFailed)
    assert reading.reason is FailureReason.NOT_PROMETHEUS


@pytest.mark.parametrize(
    "lie", [Lie.REFUSED, Lie.UNAUTHORIZED, Lie.REDIRECT, Lie.HTML, Lie.HUGE], ids=lambda lie: lie.value
)
def test_an_alertmanager_that_fails_has_a_reason(lie: Lie) -> None:
    with LyingServer(lambda *_: (200, b"[]")) as server:
        server.lie(lie)
        (reading,) = read(server, alerts('{alertname="Waf"}'))
    assert isinstance(reading, QueryFailed)
    assert reading.reason is REASONS[lie]
