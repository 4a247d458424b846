"""One Prometheus, Thanos, Mimir or VictoriaMetrics as a source of readings.

A look sends everything at once: the queries, the checks that the server is the right one and its clock right, and
what tells whether the absence of alerts means anything. If a check fails, no answer of that look counts.

Events are counted up to `settle_seconds` ago, by an evaluation time that is sent along: a sample arrives a little
after its time stamp, and one that arrives after a look that ends later is counted by no look at all. The time is by
our clock, and read by the server as its own; that the two differ only makes what is left to settle longer or shorter,
and a count whose end has not come yet by the server's clock is refused.
"""

import time
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from gated.model.reading import (
    CountHistory,
    Events,
    FailureReason,
    FiringAlerts,
    Observations,
    Query,
    QueryFailed,
    Reading,
    Value,
)
from gated.sources import asking, counting, silence, trust, wording
from gated.sources.errors import SourceError
from gated.sources.grid import Grid, milliseconds
from gated.sources.grouping import Request
from gated.sources.look import Answer, Look, Pending, Round
from gated.sources.prometheus import AlertRule, Prometheus
from gated.sources.samples import hand_out
from gated.sources.settings import SourceSettings
from gated.sources.transport import Transport

_HISTORIES_AT_ONCE = 2
"""Histories are long and there is no hurry: they have places of their own, few, and take none from the present."""


class PrometheusSource:
    """Answers queries from one server. Safe to use from many threads at once.

    Args:
        settings: of a source that speaks Prometheus' API.
    """

    def __init__(self, settings: SourceSettings) -> None:
        self._settings = settings
        connections = settings.concurrency + _HISTORIES_AT_ONCE
        self._transport = Transport(settings.access, concurrency=connections, max_bytes=settings.max_bytes)
        self._client = Prometheus(settings.url, self._transport)
        self._pool = ThreadPoolExecutor(settings.concurrency, thread_name_prefix=f"gated-{settings.name}")
        self._past_pool = ThreadPoolExecutor(_HISTORIES_AT_ONCE, thread_name_prefix=f"gated-{settings.name}-past")

    def read(self, queries: Collection[Query], now: float) -> Look:
        """Answer every query.

        Args:
            queries: of this source; of any measure but a probe.
            now: our time, Unix seconds.
        """
        look = Round(self._pool, self._settings.timeout_seconds)
        past = Round(self._past_pool, self._settings.timeout_seconds)
        histories = [query for query in queries if isinstance(query.measure, CountHistory)]
        others = [query for query in queries if not isinstance(query.measure, CountHistory)]
        clock = self._send_clock(look, now)
        identity = self._send_identity(look)
        rules = self._send_for_rules(look, queries)
        asked = [
            asking.ask(each, self._settings.name, part, wording.promql, self._fetch)
            for each, part in ((look, others), (past, histories))
        ]
        looks = [each.look() for each in asked]
        time_there = clock.answer()
        checks: list[Answer[Any]] = [time_there, *(check.answer() for check in identity)]
        readings: Mapping[Query, Reading] = {
            query: reading for each in looks for query, reading in each.readings.items()
        }
        doubt = next((check.content for check in checks if isinstance(check.content, SourceError)), None)
        if doubt is not None:
            readings = {query: doubt.reading(reading.expression) for query, reading in readings.items()}
        elif not isinstance(time_there.content, SourceError):
            readings = self._without_the_future(readings, time_there.content)
            if rules is not None:
                loaded = rules.answer()
                checks.append(loaded)
                alerting = silence.Alerting(loaded.content, time_there.content)
                meaning = partial(alerting.meaning, readings, self._settings.name, time_there.content)
                readings = silence.settled(readings, meaning)
        reports = [report for each in looks for report in each.reports]
        reports += [check.report(self._settings.name) for check in checks]
        return Look({query: readings[query] for query in queries}, tuple(reports))

    def close(self) -> None:
        """Ask no more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._past_pool.shutdown(wait=False, cancel_futures=True)
        self._transport.close()

    def _fetch(self, request: Request, timeout_seconds: float) -> Mapping[Query, Reading]:
        match request.measure:
            case CountHistory() as measure:
                looks = Grid.of_looks(measure.since, measure.until, measure.step_seconds)
                looks = looks.shifted(-self._settings.settle_seconds)
                instants = looks.preceded(counting.bridge(measure.step_seconds))
                lines = self._client.query_range(request.expression, instants, timeout_seconds)
                return {
                    query: counting.history(measure, expression, looks, lines)
                    for query, expression in request.asked.values()
                }
            case Events(until=until) | Observations(until=until):
                at_ms = milliseconds(until) - milliseconds(self._settings.settle_seconds)
                return hand_out(request, self._client.query(request.expression, timeout_seconds, at_ms))
            case _:
                return hand_out(request, self._client.query(request.expression, timeout_seconds))

    def _without_the_future(self, readings: Mapping[Query, Reading], server_time: float) -> Mapping[Query, Reading]:
        """Refuse counts up to a time the server has not reached: samples yet to come would never be counted."""

        def checked(query: Query, reading: Reading) -> Reading:
            match query.measure:
                case Events(until=until) | Observations(until=until) if isinstance(reading, Value):
                    ahead = until - self._settings.settle_seconds - server_time
                    if ahead > 0:
                        why = f"counted up to {ahead:.1f} s after the server's time; settle is too short for its clock"
                        return QueryFailed(FailureReason.CLOCK_SKEW, why, reading.expression)
            return reading

        return {query: checked(query, reading) for query, reading in readings.items()}

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
