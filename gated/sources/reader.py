"""The door of this room: queries in, readings out, whatever the world does."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Protocol, Self

from gated.model.ids import SourceName
from gated.model.reading import FailureReason, HttpProbe, Query, QueryFailed, Reading
from gated.sources.alertmanager import AlertmanagerSource
from gated.sources.errors import unforeseen
from gated.sources.look import Look, QueryReport
from gated.sources.probes import Probes
from gated.sources.prometheus_source import PrometheusSource
from gated.sources.settings import ProbeSettings, SourceKind, SourceSettings

_KINDS: Mapping[SourceKind, Callable[[SourceSettings], "_Source"]] = {
    SourceKind.PROMETHEUS: PrometheusSource,
    SourceKind.ALERTMANAGER: AlertmanagerSource,
}
_PROBES = SourceName("")
"""Probes are made by gated itself: no source of the configuration has the empty name."""


class _Source(Protocol):
    def read(self, queries: Collection[Query], now: float) -> Look: ...
    def close(self) -> None: ...


class Sources:
    """Every configured source, and the probes. Safe to use from many threads at once.

    Args:
        settings: one per source, of different names.
        probes: how HTTP probes are made.
    """

    def __init__(self, settings: Iterable[SourceSettings], probes: ProbeSettings | None = None) -> None:
        self._sources: dict[SourceName, _Source] = {each.name: _KINDS[each.kind](each) for each in settings}
        self._sources[_PROBES] = Probes(probes or ProbeSettings())
        self._pool = ThreadPoolExecutor(len(self._sources), thread_name_prefix="gated-sources")

    def read(self, queries: Collection[Query], now: float) -> Look:
        """Look at the world once.

        Sources are asked side by side, and each ends by its own deadline: the slowest decides how long this takes.

        Args:
            queries: what to ask; equal ones are asked once.
            now: our time at this moment, Unix seconds; the clocks of servers are compared with it.

        Returns:
            A reading for every query, and a report for every request that was made.
        """
        by_source: defaultdict[SourceName, list[Query]] = defaultdict(list)
        for query in dict.fromkeys(queries):
            by_source[_PROBES if isinstance(query.measure, HttpProbe) else query.source].append(query)
        looks = [self._pool.submit(self._read, name, of_source, now) for name, of_source in by_source.items()]
        readings: dict[Query, Reading] = {}
        reports: list[QueryReport] = []
        for look in looks:
            readings.update(look.result().readings)
            reports.extend(look.result().reports)
        return Look(readings, tuple(reports))

    def close(self) -> None:
        """Ask no more. Requests under way end by themselves, at their deadline at the latest."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for source in self._sources.values():
            source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, name: SourceName, queries: list[Query], now: float) -> Look:
        source = self._sources.get(name)
        if source is None:
            unknown = QueryFailed(FailureReason.UNKNOWN_SOURCE, f"no source is called {name}")
            return Look(dict.fromkeys(queries, unknown), ())
        try:
            return source.read(queries, now)
        except Exception as bug:  # noqa: BLE001  # a bug in one source must neither blind the others nor pass as health
            return Look(dict.fromkeys(queries, unforeseen(bug).reading("")), ())
