"""The world of a case, as sources would see it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from gated.model.reading import FailureReason, HttpProbe, QueryFailed, Reading, Value
from gated.promql.engine.series import Key, Series
from gated.promql.notation import Gap, Item
from gated.rulebook.case import EPOCH, Case, Recorded

_EARLY_SECONDS = 0.001
"""A scrape comes so long before the look of the same time. Prometheus 2 and 3 disagree whether a window holds what lies
exactly at its far end; so nothing ever lies there."""


def series(case: Case) -> tuple[Series, ...]:
    """All series that Prometheus has in a case, with those it makes itself."""
    written = [Series(recorded.labels, _samples(recorded, case.interval_seconds)) for recorded in case.series]
    there = {each.key for each in written}
    return (*written, *(made for made in _alert_times(written) if made.key not in there))


@dataclass(frozen=True, slots=True)
class Probed:
    """What probes bring in a case.

    Args:
        answers: of each address, interval by interval.
        interval_seconds: how long each holds; the last holds for good.
    """

    answers: Mapping[str, tuple[Item, ...]]
    interval_seconds: float

    def __call__(self, probe: HttpProbe, now: float) -> Reading:
        """What a probe at this moment brings."""
        answers = self.answers[probe.url]
        item = answers[min(int((now - EPOCH) / self.interval_seconds), len(answers) - 1)]
        if isinstance(item, Gap):
            return QueryFailed(FailureReason.TIMEOUT, "the probe could not be made", probe.url)
        return Value(item, now, probe.url, detail="" if item else "the endpoint does not answer as it should")


def _samples(recorded: Recorded, interval_seconds: float) -> Iterator[tuple[float, float | Gap]]:
    first = EPOCH - recorded.before_seconds - _EARLY_SECONDS
    for number, item in enumerate(recorded.values):
        if item is not Gap.MISSING:
            yield first + number * interval_seconds, item


def _alert_times(written: list[Series]) -> Iterator[Series]:
    """`ALERTS_FOR_STATE`, which Prometheus keeps beside `ALERTS`: since when each alert is pending or fires."""
    states: defaultdict[Key, list[tuple[float, float | Gap]]] = defaultdict(list)
    for each in written:
        if each.labels["__name__"] == "ALERTS":
            key = tuple(label for label in each.key if label[0] not in {"__name__", "alertstate"})
            states[key] += each.samples
    for key, samples in states.items():
        yield Series({**dict(key), "__name__": "ALERTS_FOR_STATE"}, _since(samples))


def _since(samples: Iterable[tuple[float, float | Gap]]) -> Iterator[tuple[float, float | Gap]]:
    """At each time of any state the beginning of it all; an alert that goes from pending to firing goes on."""
    since: float | None = None
    for at, together in groupby(sorted(samples, key=itemgetter(0)), key=itemgetter(0)):
        if all(value is Gap.STALE for _, value in together):
            yield at, Gap.STALE
            since = None
        else:
            since = at if since is None else since
            yield at, since
