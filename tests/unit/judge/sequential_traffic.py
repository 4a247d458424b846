"""Releases under random traffic, looked at as the gate does: every question asked, every answer counted."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from gated.judge.queries import queries_for
from gated.model.reading import (
    CountHistory,
    Events,
    FailureReason,
    Newest,
    Observations,
    Query,
    QueryFailed,
    Reading,
    Track,
    Value,
)
from gated.model.release import Phase
from gated.model.rule import Rule
from gated.model.verdict import Verdict
from tests.judge_story import Story
from tests.unit.judge.stats.simulated_service import poisson

INSTANCES = 6
"""Of the service before the release, in its history."""

AWAY, LOST = 0.04, 0.01
"""How often a source answers nothing at all at a look, and how often it leaves out one answer."""

NO_ANSWER = QueryFailed(FailureReason.TIMEOUT)

_BEFORE_SECONDS = 7200.0


@dataclass(frozen=True, kw_only=True)
class Service:
    """What both versions are like. Events are independent.

    Args:
        rate: requests per second on the old version; the new one gets a ninth.
        share: of requests that fail on the old version.
        ratio: how many times as often they fail on the new one.
        median: latency of the old version, seconds; log-normal.
        sigma: of its logarithm.
        slowness: how many times as long the new version takes.
        bounds: of the histogram.
        outage: from when to when both fail ten times as often; in seconds after the opening.
    """

    rate: float = 9.0
    share: float = 0.05
    ratio: float = 1.0
    median: float = 0.1
    sigma: float = 0.8
    slowness: float = 1.0
    bounds: tuple[float, ...] = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
    outage: tuple[float, float] = (0.0, 0.0)

    def failing(self, *, is_new: bool, at: float) -> float:
        """The share of requests that fail."""
        begin, end = self.outage
        return self.share * (self.ratio if is_new else 1.0) * (10.0 if begin < at <= end else 1.0)

    def in_buckets(self, *, is_new: bool) -> list[float]:
        """The chance of each bucket; the last one is that of all longer ones."""
        median = self.median * (self.slowness if is_new else 1.0)
        at_most = [0.5 * math.erfc(-math.log(bound / median) / self.sigma / math.sqrt(2)) for bound in self.bounds]
        return [high - low for low, high in zip([0.0, *at_most], [*at_most, 1.0], strict=True)]


@dataclass
class _Version:
    """What one version has served, as counters show it: failed, harmless, and by bucket; by time."""

    counters: dict[float, list[float]] = field(default_factory=dict)

    def between(self, since: float, until: float) -> list[float]:
        return [b - a for a, b in zip(self.counters[since], self.counters[until], strict=True)]


class Traffic:
    """Everything that was served, at the instants somebody looks.

    Args:
        service: what it is like.
        random: where chance comes from.
        opened_at: when the release was opened; the counters began long before.
    """

    def __init__(self, service: Service, random: Random, opened_at: float) -> None:
        self.service, self.random, self.opened_at, self.now = service, random, opened_at, opened_at - _BEFORE_SECONDS
        self._buckets = {is_new: service.in_buckets(is_new=is_new) for is_new in (False, True)}
        nothing = [0.0] * (2 + len(service.bounds) + 1)
        self._versions = {is_new: _Version({self.now: nothing}) for is_new in (False, True)}
        self._past: dict[CountHistory, list[list[list[float]]]] = {}

    def until(self, now: float) -> None:
        """Let everything happen up to an instant."""
        seconds, before, self.now = now - self.now, self.now, now
        for is_new, version in self._versions.items():
            requests = self.service.rate * seconds / (9.0 if is_new else 1.0)
            failing = self.service.failing(is_new=is_new, at=now - self.opened_at)
            served = (poisson(mean, self.random) for mean in self._means(requests, failing, is_new=is_new))
            version.counters[now] = [a + b for a, b in zip(version.counters[before], served, strict=True)]

    def answer(self, query: Query) -> Reading:
        """The truth."""
        is_new = any(matcher.value == "v2" for matcher in query.workload)
        match query.measure:
            case Observations(_, since, until) if until - since >= 3600:
                return self._layout(until)
            case Events(selector, since, until):
                bad, good, *_ = self._versions[is_new].between(since, until)
                return Value(bad if "=~" in selector else bad + good, until)
            case Observations(_, since, until):
                return self._histogram(self._versions[is_new].between(since, until)[2:], until)
            case CountHistory() as measure:
                return self._history(measure)
            case Newest():
                return Value(self.now - 5.0, self.now)
            case _:
                raise AssertionError(f"no sequential rule asks {query.measure}")

    def _layout(self, at: float) -> Value:
        requests = self.service.rate * 3600
        return self._histogram([float(poisson(requests * p, self.random)) for p in self._buckets[False]], at)

    def _histogram(self, counts: list[float], at: float) -> Value:
        cumulative = [sum(counts[: place + 1]) for place in range(len(counts))]
        finite = tuple(zip(self.service.bounds, cumulative, strict=False))
        return Value(cumulative[-1], at, buckets=finite)

    def _history(self, measure: CountHistory) -> Value:
        """Steady instances, or all of them together."""
        bounds = self.service.bounds
        first, last = 2, 2 + len(bounds) + 1
        if measure.at_most is not None:
            last = first + bounds.index(measure.at_most) + 1
        elif not measure.selector.endswith("_count"):
            first, last = 0, 1 if "=~" in measure.selector else 2
        tracks = tuple(
            Track(f"pod-{at}", tuple(sum(look[first:last]) for look in looks))
            for at, looks in enumerate(self._lived(replace(measure, selector="", at_most=None)))
        )
        return Value(1.0, self.now, tracks=tracks)

    def _lived(self, stretch: CountHistory) -> list[list[list[float]]]:
        """What every instance did at every look of a stretch of the past; the same whatever is counted of it."""
        if stretch not in self._past:
            number = INSTANCES if stretch.by else 1
            requests = self.service.rate * stretch.step_seconds / number
            means = self._means(requests, self.service.share, is_new=False)
            looks = round((stretch.until - stretch.since) / stretch.step_seconds)
            self._past[stretch] = [
                [[float(poisson(mean, self.random)) for mean in means] for _ in range(looks)] for _ in range(number)
            ]
        return self._past[stretch]

    def _means(self, requests: float, failing: float, *, is_new: bool) -> list[float]:
        """Of what counters count: failed, harmless, and by bucket."""
        return [requests * failing, requests * (1 - failing), *(requests * p for p in self._buckets[is_new])]


def followed(
    service: Service, rules: tuple[Rule, ...], random: Random, *, interval: float = 30.0, looks: int = 60, **plan: Any
) -> Iterator[Story]:
    """A release after each of its looks, by a gate that misses some, is late for others, and is blind at times.

    Args:
        service: what both versions are like.
        rules: what guards the release.
        random: where chance comes from.
        interval: from look to look, if all goes well.
        looks: how many there are.
        plan: stages and what else is not as in the sample plan.
    """
    story = Story(rules=rules, interval=interval, **plan)
    traffic = Traffic(service, random, story.now)
    traffic.until(story.now)
    for _ in range(looks):
        if not story.phase().is_undecided:
            return
        due = story.release.next_stage
        if story.phase() in {Phase.OPEN, Phase.BETWEEN} and due is not None and random.random() < 0.5:
            story.start(due.name)
        skipped = 0.0
        while random.random() < 0.1:
            skipped += interval
        story.skip(round(skipped + interval * random.uniform(0.8, 1.2), 1))
        traffic.until(story.now)
        asked = queries_for(story.release, story.policy, now=story.now, interval_seconds=interval)
        is_away = random.random() < AWAY
        story.look(
            {query: NO_ANSWER if is_away or random.random() < LOST else traffic.answer(query) for query in asked}
        )
        yield story
        if story.phase() is Phase.BAKING and story.verdict() is Verdict.PROMOTE:
            story.claim()
