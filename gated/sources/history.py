"""History as eyes: answers at looks of the past what the sources would have answered then.

A week of looks every 15 s at ten services is 40,000 looks, and a thousand requests or two: each loads hours of looks
for all workloads of a question. What is asked of a source is the same as in the daemon, and so is what its answers
mean; only that a source's alerting rules are those of today, as nobody knows which were loaded in the past.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from types import TracebackType
from typing import Final, Self

from gated.model.ids import SourceName
from gated.model.reading import FailureReason, HttpProbe, Query, QueryFailed, Reading
from gated.sources.look import Look, QueryReport
from gated.sources.recording import Recording
from gated.sources.settings import SourceKind, SourceSettings

_TIMEOUT_SECONDS: Final = 60.0
"""How long one request may take: half of what Prometheus allows a query. One that needs longer is made in parts."""


class History:
    """Every configured source, as it was. Not safe to use from several threads.

    Args:
        settings: one per source, of different names. Their timeouts are those of looks and do not count here.
        start: a look, Unix seconds; the others are so many steps before or after it.
        step_seconds: from look to look.
        timeout_seconds: how long one request may take.
    """

    def __init__(
        self,
        settings: Iterable[SourceSettings],
        *,
        start: float,
        step_seconds: float,
        timeout_seconds: float = _TIMEOUT_SECONDS,
    ) -> None:
        self._recordings = {
            each.name: Recording(each, start, step_seconds, timeout_seconds)
            for each in settings
            if each.kind is SourceKind.PROMETHEUS
        }

    def read(self, queries: Collection[Query], now: float) -> Look:
        """Look at the world as it was.

        Args:
            queries: what to ask, as it would have been asked at that time. What is counted from an instant that is
                none of a look is asked for by itself.
            now: when, Unix seconds; one of the looks, or the nearest is meant.

        Returns:
            A reading for every query, and a report of every request that had to be made for them.
        """
        by_source: defaultdict[SourceName, list[Query]] = defaultdict(list)
        readings: dict[Query, Reading] = {}
        for query in dict.fromkeys(queries):
            if isinstance(query.measure, HttpProbe):
                readings[query] = QueryFailed(FailureReason.BAD_QUERY, "nobody probed in the past", query.measure.url)
            elif query.source in self._recordings:
                by_source[query.source].append(query)
            else:
                why = f"no source with a history is called {query.source}"
                readings[query] = QueryFailed(FailureReason.UNKNOWN_SOURCE, why)
        reports: list[QueryReport] = []
        for source, of_source in by_source.items():
            look = self._recordings[source].read(of_source, now)
            readings.update(look.readings)
            reports.extend(look.reports)
        return Look(readings, tuple(reports))

    @property
    def requests(self) -> int:
        """How many requests were made so far."""
        return sum(recording.requests for recording in self._recordings.values())

    def close(self) -> None:
        """Ask no more."""
        for recording in self._recordings.values():
            recording.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
