"""Services that never were, seen as Prometheus would see them: chance from fixed seeds, judged by the shipped rules.

Each service has an old version under steady traffic and gets a new one. What the new one does is all that differs.
"""

import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from gated.model.reading import HttpProbe, Reading, Value
from gated.promql.engine.evaluate import Engine
from gated.promql.engine.series import Series
from gated.sources.scripted import InMemory, ScriptedSource

NOON = 1_796_040_000.0
"""When the pictures are taken: 2026-11-30 12:00 UTC."""
STEP_SECONDS = 15.0
_HISTORY_SECONDS = 27 * 3600.0
_BOUNDS = {"0.1": 0.62, "0.2": 0.88, "0.4": 0.97, "0.8": 0.994, "+Inf": 1.0}
"""The share of requests answered within, when all is well."""
_SLOW = 0.006
"""The share that takes longer than 0.8 s."""
_SCRAPED_BEFORE = 0.001
"""A scrape comes so long before a look of the same time."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service and its new version.

    Args:
        name: what it is called.
        old: the version that serves.
        new: the version that comes.
        opened_ago: how long before noon its release is opened, in seconds.
        per_second: requests in all.
        usual: the share of them that fails on the old version.
        failing: the share that fails on the new one, once it is spoilt.
        slow: the share of its requests that take over 0.8 s, likewise.
        spoilt_after: when that is, in seconds after the release was opened.
        seen_for: how long the new version can be scraped, in seconds.
    """

    name: str
    old: str
    new: str
    opened_ago: float
    per_second: float = 60.0
    usual: float = 0.002
    failing: float = 0.002
    slow: float = _SLOW
    spoilt_after: float = math.inf
    seen_for: float = math.inf

    @property
    def opened_at(self) -> float:
        """When its release is opened, Unix seconds."""
        return NOON - self.opened_ago


def sources(services: tuple[Service, ...]) -> ScriptedSource:
    """Everything that can be asked about some services."""
    series = itertools.chain.from_iterable(_series(service) for service in services)
    return ScriptedSource(InMemory(Engine(series)), _probed, can_alert=True)


def _probed(probe: HttpProbe, now: float) -> Reading:  # noqa: ARG001 -- every address answers
    return Value(1.0, now)


def _series(service: Service) -> Iterator[Series]:
    """The old version for a day and more, the new one from a minute before its release on."""
    for version, begins, is_new in (
        (service.old, NOON - _HISTORY_SECONDS, False),
        (service.new, service.opened_at - 60, True),
    ):
        rng = random.Random(f"{service.name} {version}")  # noqa: S311 -- chance is simulated here
        labels = {"service": service.name, "version": version}
        times = list(_times(begins, service.opened_at + service.seen_for if is_new else math.inf))
        looks = [_served(rng, service, at - service.opened_at, is_new=is_new) for at in times]
        for name, more, column in (
            ("http_requests_total", {"code": "200"}, 0),
            ("http_requests_total", {"code": "500"}, 1),
            *(("http_request_duration_seconds_bucket", {"le": le}, 2 + at) for at, le in enumerate(_BOUNDS)),
            ("http_request_duration_seconds_count", {}, 1 + len(_BOUNDS)),
        ):
            counted = itertools.accumulate(look[column] for look in looks)
            yield Series({"__name__": name, **labels, **more}, zip(times, map(float, counted), strict=True))
        memory = [2e8 * math.exp(rng.gauss(0, 0.02)) for _ in times]
        yield Series({"__name__": "process_resident_memory_bytes", **labels}, zip(times, memory, strict=True))
        yield Series({"__name__": "up", **labels}, [(at, 1.0) for at in times])
    times = list(_times(NOON - _HISTORY_SECONDS, math.inf))
    rng = random.Random(service.name)  # noqa: S311 -- as above
    for name, more, rate in (
        ("waf_blocked_total", {}, 0.03),
        ("gateway_http_requests_total", {"code": "200"}, service.per_second),
        ("gateway_http_requests_total", {"code": "403"}, 0.02),
    ):
        counted = itertools.accumulate(_poisson(rng, rate * STEP_SECONDS) for _ in times)
        labels = {"__name__": name, "service": service.name, **more}
        yield Series(labels, zip(times, map(float, counted), strict=True))


def _times(begins: float, ends: float) -> Iterator[float]:
    first = math.ceil(begins / STEP_SECONDS)
    last = math.floor(min(ends, NOON) / STEP_SECONDS)
    return (number * STEP_SECONDS - _SCRAPED_BEFORE for number in range(first, last + 1))


def _served(rng: random.Random, service: Service, age: float, *, is_new: bool) -> tuple[int, ...]:
    """What one version served between two scrapes: well, failed, and within each boundary, cumulative."""
    share = _share(age) if is_new else 1 - _share(age)
    total = _poisson(rng, service.per_second * STEP_SECONDS * share)
    is_spoilt = is_new and age >= service.spoilt_after
    failed = min(total, _poisson(rng, total * (service.failing if is_spoilt else service.usual)))
    slow = min(total, _poisson(rng, total * (service.slow if is_spoilt else _SLOW)))
    within = [round((total - slow) * bound / (1 - _SLOW)) for le, bound in _BOUNDS.items() if le != "+Inf"]
    return (total - failed, failed, *(min(total, each) for each in within), total)


def _share(age: float) -> float:
    """The new version's share of the traffic. Before its first stage, and in truth, nobody would be sent to it."""
    return 0.0 if age < 0 else 0.05 if age < _CANARY_SECONDS else 0.25 if age < 2 * _CANARY_SECONDS else 0.98


_CANARY_SECONDS = 1020.0
"""How long a healthy canary takes at each of the first two stages, about."""


def _poisson(rng: random.Random, mean: float) -> int:
    """A number of independent events; of many, the normal law will do."""
    if mean > 50:  # noqa: PLR2004 -- the error is below what a picture shows
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    number, product, floor = 0, rng.random(), math.exp(-mean)
    while product > floor:
        number, product = number + 1, product * rng.random()
    return number
