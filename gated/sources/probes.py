"""HTTP probes: one GET of a configured address, judged by status, time and body.

That an endpoint refuses, hangs or answers wrongly is what a probe is there to see: a value of 0, never a failure of
the question. Only what is our own fault is one, so that nobody is rolled back for it.
"""

import functools
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

from gated.model.reading import FailureReason, HttpProbe, Query, Reading, Value
from gated.model.units import format_duration
from gated.sources.errors import NotAsked, SourceError
from gated.sources.look import Look, QueryReport, Round
from gated.sources.settings import Access, ProbeSettings, url_fault, without_userinfo
from gated.sources.transport import Transport

_GRACE_SECONDS = 1.0
"""How much longer than a probe we wait for the thread that makes it; a host name's look-up obeys no deadline."""


class Probes:
    """Makes probes, many at once. Safe to use from many threads.

    Args:
        settings: how.
    """

    def __init__(self, settings: ProbeSettings) -> None:
        self._transport = Transport(
            Access(ca_file=settings.ca_file), concurrency=settings.concurrency, max_bytes=settings.max_bytes
        )
        self._pool = ThreadPoolExecutor(settings.concurrency, thread_name_prefix="gated-probe")

    def read(self, queries: Collection[Query], now: float) -> Look:
        """Make every probe once.

        A probe that has to wait for a place still gets the whole time its rule allows; one that would have to wait
        longer than the slowest of them may take is not made.

        Args:
            queries: of measure `HttpProbe`.
            now: our time, Unix seconds.
        """
        probes = {query: query.measure for query in queries if isinstance(query.measure, HttpProbe)}
        if not probes:
            return Look({}, ())
        slowest = max(probe.within_seconds for probe in probes.values())
        probing = Round(self._pool, 2 * slowest + _GRACE_SECONDS)
        started = time.monotonic()
        pending = {
            query: probing.send(without_userinfo(probe.url), functools.partial(self._probe, probe, now, started))
            for query, probe in probes.items()
        }
        readings: dict[Query, Reading] = {}
        reports: list[QueryReport] = []
        for query, request in pending.items():
            answer = request.answer()
            content = answer.content
            readings[query] = content.reading(answer.expression) if isinstance(content, SourceError) else content
            reports.append(answer.report(query.source))
        return Look(readings, tuple(reports))

    def close(self) -> None:
        """Make no more probes."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._transport.close()

    def _probe(self, probe: HttpProbe, now: float, started: float, remaining_seconds: float) -> Value:
        if fault := url_fault(probe.url):
            raise NotAsked(FailureReason.BAD_QUERY, f"its address {fault}")
        if remaining_seconds < probe.within_seconds:
            raise NotAsked(FailureReason.TIMEOUT, "not made: the probes before it used up the time")
        asked = time.monotonic()
        is_alive, detail = self._ask(probe)
        return Value(
            number=1.0 if is_alive else 0.0,
            evaluated_at=now + asked - started,
            expression=without_userinfo(probe.url),
            detail=detail,
        )

    def _ask(self, probe: HttpProbe) -> tuple[bool, str]:
        """Whether the endpoint is alive, and what happened."""
        asked = time.monotonic()
        try:
            reply = self._transport.fetch("GET", probe.url, probe.within_seconds)
        except NotAsked:
            raise
        except SourceError as error:
            if error.reason is FailureReason.TIMEOUT:
                return False, f"no complete answer within {format_duration(probe.within_seconds)}"
            return False, error.detail
        seen = f"{reply.status} in {format_duration(time.monotonic() - asked)}"
        if reply.status != probe.status:
            return False, f"{seen}; {probe.status} is due"
        if probe.body_contains.encode() not in reply.body:
            return False, f"{seen}, without the text that is due"
        return True, seen
