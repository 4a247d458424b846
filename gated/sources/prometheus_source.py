"""One Prometheus, Thanos, Mimir or VictoriaMetrics as a source of readings.

A look sends everything at once: the queries, the checks that the server is the right one and its clock right, and
what tells whether the absence of alerts means anything. If a check fails, no answer of that look counts.
"""

import time
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, assert_never

from gated.model.errors import InvalidInput
from gated.model.reading import (
    Buckets,
    FiringAlerts,
    HttpProbe,
    Increase,
    Instant,
    Measure,
    Newest,
    Query,
    Reading,
    Value,
)
from gated.model.selection import Workload
from gated.promql import render
from gated.sources import asking, silence, trust
from gated.sources.errors import SourceError
from gated.sources.grouping import Labels
from gated.sources.look import Answer, Look, Pending, Round
from gated.sources.prometheus import AlertRule, Prometheus
from gated.sources.settings import SourceSettings
from gated.sources.transport import Transport


class PrometheusSource:
    """Answers queries from one server. Safe to use from many threads at once.

    Args:
        settings: of a source that speaks Prometheus' API.
    """

    def __init__(self, settings: SourceSettings) -> None:
        self._settings = settings
        self._transport = Transport(settings.access, concurrency=settings.concurrency, max_bytes=settings.max_bytes)
        self._client = Prometheus(settings.url, self._transport)
        self._pool = ThreadPoolExecutor(settings.concurrency, thread_name_prefix=f"gated-{settings.name}")

    def read(self, queries: Collection[Query], now: float) -> Look:
        """Answer every query.

        Args:
            queries: of this source; of any measure but a probe.
            now: our time, Unix seconds.
        """
        look = Round(self._pool, self._settings.timeout_seconds)
        clock = self._send_clock(look, now)
        identity = self._send_identity(look)
        rules = self._send_for_rules(look, queries)
        asked = asking.ask(look, self._settings.name, queries, _promql, self._client.query)

        time_there = clock.answer()
        checks: list[Answer[Any]] = [time_there, *(check.answer() for check in identity)]
        readings = asked.readings
        doubt = next((check.content for check in checks if isinstance(check.content, SourceError)), None)
        if doubt is not None:
            readings = {query: doubt.reading(reading.expression) for query, reading in readings.items()}
        elif rules is not None and not isinstance(time_there.content, SourceError):
            loaded = rules.answer()
            checks.append(loaded)
            meaning = partial(self._meaning_of_silence, readings, loaded.content, time_there.content)
            readings = silence.settled(readings, meaning)
        reports = tuple(check.report(self._settings.name) for check in checks)
        return Look({query: readings[query] for query in queries}, asked.reports + reports)

    def close(self) -> None:
        """Ask no more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._transport.close()

    def _send_clock(self, look: Round, now: float) -> Pending[float]:
        skew = self._settings.max_clock_skew_seconds
        return look.send("time()", partial(trust.server_time, self._client, now, time.monotonic(), skew))

    def _send_identity(self, look: Round) -> list[Pending[None]]:
        expected = self._settings.expect
        sent = []
        if expected.labels:
            check = partial(trust.has_labels, self._client, expected.labels)
            sent.append(look.send("/api/v1/status/config", check))
        if expected.query:
            sent.append(look.send(expected.query, partial(trust.has_answer, self._client, expected.query)))
        return sent

    def _send_for_rules(self, look: Round, queries: Collection[Query]) -> Pending[tuple[AlertRule, ...]] | None:
        if not any(isinstance(query.measure, FiringAlerts) for query in queries):
            return None
        return look.send("/api/v1/rules", self._client.alert_rules)

    def _meaning_of_silence(
        self,
        readings: Mapping[Query, Reading],
        rules: tuple[AlertRule, ...] | SourceError,
        server_time: float,
        measure: FiringAlerts,
    ) -> Reading:
        """What it means that no alert of a measure fires: zero, if one could have."""
        if isinstance(rules, SourceError):
            return rules.reading("")
        could_match = partial(render.alert_could_match, measure.match)
        return (
            silence.missing_rule(rules, could_match, server_time)
            or silence.missing_heartbeat(readings, self._settings.name, measure)
            or Value(0.0, server_time)
        )


def _promql(measure: Measure, workload: Workload, by: Labels) -> str:
    match measure:
        case Increase():
            return render.increase(measure.selector, measure.window_seconds, workload, by)
        case Buckets():
            return render.buckets(measure.histogram, measure.window_seconds, workload, by)
        case Instant():
            return render.narrow(measure.expression, workload, by)
        case Newest():
            return render.newest(measure.selector, workload, by)
        case FiringAlerts():
            return render.firing_alerts(measure.match, workload)
        case HttpProbe():
            raise InvalidInput("a probe is made by gated itself, not by Prometheus")
    assert_never(measure)
