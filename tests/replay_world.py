"""A past to replay: instances of services that served requests, and eyes that remember it.

    past = Past([*service("checkout", instances=3), service("checkout", "v2", fails={NOON: 0.3})], since=…, until=…)
    run(rehearsals, policies, past, 15.0)

Counters grow in steps of `STEP` seconds, by numbers drawn from a seed; the same arguments make the same past.
"""

import random
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from gated.model.reading import (
    Buckets,
    CountHistory,
    Events,
    FiringAlerts,
    HttpProbe,
    Increase,
    Instant,
    Newest,
    NoData,
    NoDataReason,
    Observations,
    Query,
    Reading,
    Track,
    Value,
)
from gated.model.selection import Matcher, MatchOp, Workload
from gated.sources.look import Look

STEP = 15.0
BOUNDS = (0.1, 0.4, 0.8, 1.6)
SHARES = (0.6, 0.97, 1.0, 1.0)
"""What part of the requests that are not slow is at or below each."""


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One instance of one version.

    Args:
        labels: its labels.
        rate: requests per second.
        fails: from when on which share of them fails; nothing fails before the first.
        slow: share of requests above 0.8 s, from when on.
        since: when it was born.
        until: when it died.
    """

    labels: Mapping[str, str]
    rate: float = 20.0
    fails: Mapping[float, float] = field(default_factory=dict)
    slow: Mapping[float, float] = field(default_factory=dict)
    since: float = 0.0
    until: float = float("inf")


def service(name: str, version: str = "v1", *, instances: int = 1, **each: object) -> list[Instance]:
    """The instances of a version."""
    return [
        Instance(labels={"service": name, "version": version, "instance": f"{name}-{version}-{number}"}, **each)  # type: ignore[arg-type] # as given
        for number in range(instances)
    ]


class Past:
    """Eyes upon a past that never was.

    Args:
        instances: who served.
        since: when the past begins.
        until: when it ends.
        seed: of the numbers drawn.
    """

    def __init__(self, instances: Iterable[Instance], since: float, until: float, seed: int = 1) -> None:
        self._since = since
        self._served = [
            _Served(each, since, until, random.Random(f"{seed}/{each.labels}"))  # noqa: S311 -- dice, no secrets
            for each in instances
        ]
        self.asked: list[tuple[float, tuple[Query, ...]]] = []

    def read(self, queries: Collection[Query], now: float) -> Look:
        """Answer every query."""
        self.asked.append((now, tuple(queries)))
        return Look({query: self._answer(query, now) for query in queries}, ())

    def openmetrics(self, since: float, until: float) -> str:
        """The same past as promtool takes it: a sample at the end of every step after `since`, and at `until`.

        Counters are `http_requests_total` by code, and the histogram `http_request_duration_seconds`.
        """
        steps = [since + (number + 1) * STEP for number in range(int((until - since) / STEP))]
        lines = ["# TYPE http_requests counter"]
        lines += [line for each in self._served for line in each.counters(steps)]
        lines.append("# TYPE http_request_duration_seconds histogram")
        lines += [line for each in self._served for line in each.histogram(steps)]
        return "\n".join([*lines, "# EOF", ""])

    def _answer(self, query: Query, now: float) -> Reading:
        served = [each for each in self._served if _matches(query.workload, each.instance.labels)]
        match query.measure:
            case Increase(selector=selector, window_seconds=window):
                return _sum(served, selector, now - window, now, now)
            case Events(selector=selector, since=since, until=until):
                return _sum(served, selector, since, until, now)
            case Buckets(window_seconds=window):
                return _histogram(served, now - window, now, now)
            case Observations(since=since, until=until):
                return _histogram(served, since, until, now)
            case CountHistory() as history:
                return _history(served, history, now)
            case Newest():
                alive = any(each.is_alive(now) for each in served)
                return Value(now - 5, now) if alive else NoData(NoDataReason.ABSENT)
            case Instant() | HttpProbe():
                return Value(1.0, now)
            case FiringAlerts():
                return Value(0.0, now)


class _Served:
    """One instance's counters."""

    def __init__(self, instance: Instance, since: float, until: float, dice: random.Random) -> None:
        self.instance = instance
        self._since = since
        steps = int((until - since) / STEP) + 1
        drawn = [self._draw(since + (number + 1) * STEP, dice) for number in range(steps)]
        self._totals, self._failed, self._slow = ([0.0, *accumulate(column)] for column in zip(*drawn, strict=True))

    def _draw(self, at: float, dice: random.Random) -> tuple[float, float, float]:
        if not self.is_alive(at):
            return 0.0, 0.0, 0.0
        total = round(max(0.0, dice.gauss(self.instance.rate * STEP, (self.instance.rate * STEP) ** 0.5)))
        return (
            float(total),
            _some(total, _at(self.instance.fails, at), dice),
            _some(total, _at(self.instance.slow, at), dice),
        )

    def is_alive(self, at: float) -> bool:
        return self.instance.since < at <= self.instance.until

    def counters(self, steps: list[float]) -> Iterator[str]:
        """Lines of OpenMetrics."""
        for code, sign in (("200", -1.0), ("500", 1.0)):
            labels = self._text({"code": code})
            for at in steps:
                if self.is_alive(at):
                    step = self._step(at)
                    failed = self._failed[step]
                    count = failed if sign > 0 else self._totals[step] - failed
                    yield f"http_requests_total{labels} {count:.0f} {at:.3f}"

    def histogram(self, steps: list[float]) -> Iterator[str]:
        """Lines of OpenMetrics."""
        texts = [self._text({"le": str(bound)}) for bound in (*BOUNDS, "+Inf")]
        bare = self._text({})
        for at in steps:
            if self.is_alive(at):
                step = self._step(at)
                total, slow = self._totals[step], self._slow[step]
                counts = [*(round(share * (total - slow)) for share in SHARES), total]
                for text, count in zip(texts, counts, strict=True):
                    yield f"http_request_duration_seconds_bucket{text} {count:.0f} {at:.3f}"
                yield f"http_request_duration_seconds_count{bare} {total:.0f} {at:.3f}"
                yield f"http_request_duration_seconds_sum{bare} 0 {at:.3f}"

    def _text(self, more: Mapping[str, str]) -> str:
        labels = {"job": "services", **self.instance.labels, **more}
        return "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"

    def counted(self, selector: str, since: float, until: float) -> float:
        column = self._failed if "5.." in selector or "blocked" in selector else self._totals
        return self._between(column, since, until)

    def slow(self, since: float, until: float) -> float:
        return self._between(self._slow, since, until)

    def _between(self, column: list[float], since: float, until: float) -> float:
        return column[self._step(until)] - column[self._step(since)]

    def _step(self, at: float) -> int:
        return min(max(int((at - self._since) / STEP), 0), len(self._totals) - 1)


def _sum(served: list[_Served], selector: str, since: float, until: float, now: float) -> Reading:
    alive = [each for each in served if each.is_alive(until)]
    if not alive:
        return NoData(NoDataReason.ABSENT)
    return Value(sum(each.counted(selector, since, until) for each in alive), now, f"count({selector})")


def _histogram(served: list[_Served], since: float, until: float, now: float) -> Reading:
    alive = [each for each in served if each.is_alive(until)]
    if not alive:
        return NoData(NoDataReason.ABSENT)
    total = sum(each.counted("", since, until) for each in alive)
    fast = total - sum(each.slow(since, until) for each in alive)
    return Value(
        total, now, "buckets", tuple((bound, share * fast) for bound, share in zip(BOUNDS, SHARES, strict=True))
    )


def _history(served: list[_Served], history: CountHistory, now: float) -> Reading:
    steps = round((history.until - history.since) / history.step_seconds)
    ends = [history.since + (number + 1) * history.step_seconds for number in range(steps)]
    names = dict.fromkeys(each.instance.labels.get(history.by, "") for each in served)
    tracks = tuple(Track(name, tuple(_counts(name, served, history, ends))) for name in sorted(names))
    if not tracks:
        return NoData(NoDataReason.ABSENT)
    return Value(sum(count or 0.0 for track in tracks for count in track.counts), now, tracks=tracks)


def _counts(name: str, served: list[_Served], history: CountHistory, ends: list[float]) -> Iterator[float | None]:
    own = [each for each in served if each.instance.labels.get(history.by, "") == name]
    for end in ends:
        alive = [each for each in own if each.is_alive(end)]
        began = end - history.step_seconds
        if not alive:
            yield None
        elif history.at_most is not None:
            yield sum(each.counted("", began, end) - each.slow(began, end) for each in alive)
        else:
            yield sum(each.counted(history.selector, began, end) for each in alive)


def _some(total: int, share: float, dice: random.Random) -> float:
    """How many of so many."""
    mean = total * share
    return float(min(total, round(max(0.0, dice.gauss(mean, mean**0.5))))) if mean else 0.0


def _at(changes: Mapping[float, float], at: float) -> float:
    times = sorted(changes)
    index = bisect_right(times, at - STEP)
    return changes[times[index - 1]] if index else 0.0


def _matches(workload: Workload, labels: Mapping[str, str]) -> bool:
    return all(_match(matcher, labels.get(matcher.name, "")) for matcher in workload)


def _match(matcher: Matcher, value: str) -> bool:
    if matcher.op is MatchOp.EQUAL:
        return value == matcher.value
    assert matcher.op is MatchOp.NOT_EQUAL
    return value != matcher.value
