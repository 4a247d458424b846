"""Services whose counters are put into a server sample by sample, and asked for look by look."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from typing import TYPE_CHECKING

import requests

from gated.model.ids import SourceName
from gated.model.reading import Events, Measure, Query, QueryFailed, Reading, Value
from gated.model.selection import Matcher, Workload
from gated.sources import remote_write
from gated.sources.reader import Sources
from gated.sources.settings import SourceSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from deploy.local.servers import Prometheus
    from tests.fakes.prometheus import FakePrometheus

SOURCE = SourceName("default")
T0 = 1_760_000_010.0
"""Where the stories begin; a few hours later is long ago for every server."""
HOUR = 3600.0
X = "http_requests_total"
_SERVICES = itertools.count()

Samples = list[tuple[float, float]]


class World:
    """A server and what was put into it.

    Args:
        url: its address.
        now: returns its time.
        put: gives it further samples of a series.
    """

    def __init__(self, url: str, now: Callable[[], float], put: Callable[[Mapping[str, str], Samples], None]) -> None:
        self.url = url
        self.now = now
        self._put = put

    def story(self) -> Story:
        """A service that no other test knows."""
        return Story(self, f"s{next(_SERVICES)}")

    def put(self, labels: Mapping[str, str], samples: Samples) -> None:
        """Give it further samples of a series."""
        self._put(labels, samples)

    def settings(self, settle_seconds: float = 0.0) -> SourceSettings:
        """How it is asked."""
        return SourceSettings(SOURCE, self.url, settle_seconds=settle_seconds)


class Story:
    """One service in a world.

    Args:
        world: where it runs.
        service: its name.
    """

    def __init__(self, world: World, service: str) -> None:
        self.world = world
        self.service = service
        self.workload: Workload = (Matcher("service", service),)

    def series(self, samples: Samples, name: str = X, **labels: str) -> None:
        """Let one of its processes show these values."""
        labels = {"job": "test", "instance": "a:80", "code": "200", **labels}
        self.world.put({"__name__": name, "service": self.service, **labels}, samples)

    def query(self, measure: Measure) -> Query:
        """A question about it."""
        return Query(SOURCE, measure, self.workload)

    def read(self, measure: Measure, settle_seconds: float = 0.0) -> Reading:
        """Ask it alone."""
        query = self.query(measure)
        with Sources([self.world.settings(settle_seconds)]) as sources:
            return sources.read([query], self.world.now()).readings[query]

    def value(self, measure: Measure, settle_seconds: float = 0.0) -> Value:
        """Ask what has a value."""
        reading = self.read(measure, settle_seconds)
        assert isinstance(reading, Value), reading
        return reading

    def counted(self, ends: Sequence[float], selector: str = X, settle_seconds: float = 0.0) -> list[float | None]:
        """Look after look: the events of each, None where there was nothing; the next look makes up for it."""
        found: list[float | None] = []
        since = ends[0]
        with Sources([self.world.settings(settle_seconds)]) as sources:
            for until in ends[1:]:
                query = self.query(Events(selector, since, until))
                reading = sources.read([query], self.world.now()).readings[query]
                assert not isinstance(reading, QueryFailed), reading
                if isinstance(reading, Value):
                    since = until
                found.append(reading.number if isinstance(reading, Value) else None)
        return found


def fake_world(fake: FakePrometheus, now: float = T0 + 12 * HOUR) -> World:
    """A fake server at a time."""
    known: defaultdict[tuple[tuple[str, str], ...], Samples] = defaultdict(list)

    def put(labels: Mapping[str, str], samples: Samples) -> None:
        own = known[tuple(sorted(labels.items()))]
        own.extend(samples)
        fake.recorded(labels["__name__"], own, **{key: labels[key] for key in labels if key != "__name__"})

    return World(fake.url, lambda: now, put)


def real_world(server: Prometheus) -> World:
    """A real server that takes samples of any time by remote write."""

    def now() -> float:
        answer = requests.get(f"{server.url}/api/v1/query", params={"query": "time()"}, timeout=5).json()
        return float(answer["data"]["result"][1])

    def put(labels: Mapping[str, str], samples: Samples) -> None:
        body = remote_write.body([(labels, samples)])
        answer = requests.post(f"{server.url}/api/v1/write", data=body, headers=remote_write.HEADERS, timeout=5)
        assert answer.status_code == 204, answer.text

    return World(server.url, now, put)


def steady(
    per_second: float, begin: float, end: float, *, start: float = 0.0, every: float = 15.0, phase: float = 4.321
) -> Samples:
    """A counter that grows evenly from a time on, scraped every 15 s."""
    first = math.ceil((begin - T0 - phase) / every)
    times = (round(T0 + phase + every * number, 3) for number in itertools.count(first))
    return [
        (at, start + math.floor(per_second * (at - begin))) for at in itertools.takewhile(lambda at: at <= end, times)
    ]


def ends(step: float, until: float, begin: float = T0) -> list[float]:
    """The ends of looks a step apart."""
    return [begin + step * number for number in range(math.floor((until - begin) / step) + 1)]


def histogram(story: Story, instance: str, bounds: Mapping[str, float], begin: float = T0 - HOUR) -> None:
    """Let a process observe so many a second up to each bound."""
    for le, per_second in bounds.items():
        story.series(steady(per_second, begin, T0 + HOUR), name="latency_seconds_bucket", instance=instance, le=le)


def total(counts: Sequence[float | None]) -> float:
    """The sum of all that was counted."""
    return sum(count for count in counts if count is not None)
