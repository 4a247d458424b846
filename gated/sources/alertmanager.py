"""An Alertmanager as a source of firing alerts; silenced and inhibited ones count as well.

It knows what it was told and not who could have told it, so that it holds no alert proves nothing by itself: only
with a heartbeat, an alert that always fires, does silence count here.
"""

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from urllib.parse import urlencode

from gated.model.errors import InvalidInput
from gated.model.reading import FailureReason, FiringAlerts, Measure, NoData, NoDataReason, Query, Reading, Value
from gated.model.selection import Matcher, Workload
from gated.promql import syntax
from gated.sources import asking, replies, silence
from gated.sources.errors import SourceError
from gated.sources.grouping import Labels, Request
from gated.sources.look import Look, Round
from gated.sources.samples import Sample, hand_out
from gated.sources.settings import SourceSettings
from gated.sources.transport import Transport

_STATES = dict.fromkeys(("active", "silenced", "inhibited", "unprocessed"), "true")


class AlertmanagerSource:
    """Answers queries for firing alerts from one server. Safe to use from many threads at once.

    Args:
        settings: of a source that is an Alertmanager.
    """

    def __init__(self, settings: SourceSettings) -> None:
        self._settings = settings
        self._url = settings.url.rstrip("/")
        self._transport = Transport(settings.access, concurrency=settings.concurrency, max_bytes=settings.max_bytes)
        self._pool = ThreadPoolExecutor(settings.concurrency, thread_name_prefix=f"gated-{settings.name}")

    def read(self, queries: Collection[Query], now: float) -> Look:
        """Answer every query.

        Args:
            queries: of this source; of any measure but a probe. All but firing alerts are beyond an Alertmanager.
            now: our time, Unix seconds; its answers bear none of their own.
        """
        look = Round(self._pool, self._settings.timeout_seconds)
        asked = asking.ask(look, self._settings.name, queries, _path, partial(self._alerts, now)).look()
        readings = silence.settled(asked.readings, partial(self._meaning_of_silence, asked.readings, now))
        return Look({query: readings[query] for query in queries}, asked.reports)

    def close(self) -> None:
        """Ask no more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._transport.close()

    def _alerts(self, now: float, request: Request, timeout_seconds: float) -> Mapping[Query, Reading]:
        found = replies.content(self._transport.fetch("GET", self._url + request.expression, timeout_seconds))
        if not isinstance(found, list):
            raise SourceError(FailureReason.NOT_PROMETHEUS, "JSON that is no list of alerts")
        samples = [
            Sample(alert["labels"], datetime.fromisoformat(alert["startsAt"]).timestamp(), now) for alert in found
        ]
        return hand_out(request, samples)

    def _meaning_of_silence(self, readings: Mapping[Query, Reading], now: float, measure: FiringAlerts) -> Reading:
        """What it means that no alert of a measure fires: zero, if the heartbeat does."""
        if not measure.heartbeat:
            why = "an Alertmanager without alerts may have lost them; name a heartbeat alert"
            return NoData(NoDataReason.NO_HEARTBEAT, why)
        return silence.missing_heartbeat(readings, self._settings.name, measure) or Value(0.0, now)


def _path(measure: Measure, workload: Workload, by: Labels) -> str:
    """The path and query string that ask for alerts.

    Many workloads at once would make an address too long for any server: then all of the measure's alerts are
    asked for, few as they are, and handed out by their labels.
    """
    if not isinstance(measure, FiringAlerts):
        raise InvalidInput("an Alertmanager answers for firing alerts only")
    matchers = (*syntax.matchers(measure.match), *(() if by else workload))
    return "/api/v2/alerts?" + urlencode({**_STATES, "filter": [*map(_filter, matchers)]}, doseq=True)


def _filter(matcher: Matcher) -> str:
    """A matcher as Alertmanager reads it: three escapes, all other characters as they are."""
    value = matcher.value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'{matcher.name}{matcher.op.value}"{value}"'
