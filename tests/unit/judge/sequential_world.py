"""A world that remembers everything, so that it can be said what happened between two moments."""

from dataclasses import dataclass, field

from gated.model.reading import CountHistory, Events, Newest, Observations, Query, Reading, Track, Value

BOUNDS = (0.1, 0.4, 0.8, 1.6)


@dataclass(frozen=True)
class Traffic:
    """What one version served at one moment.

    Args:
        total: requests.
        bad: how many of them failed.
        buckets: in how many of the histogram's buckets all of them were.
    """

    total: int
    bad: int
    buckets: int = 2

    def counts(self, selector: str) -> float:
        """What a counter of that selector saw."""
        if "!~" in selector:
            return float(self.total - self.bad)
        return float(self.bad if "=~" in selector else self.total)

    def within(self, bound: float) -> float:
        """Observations at or below a boundary."""
        return float(self.total) if BOUNDS.index(bound) >= len(BOUNDS) - self.buckets else 0.0


HEALTHY = (Traffic(3000, 12), Traffic(9000, 36))


@dataclass
class World:
    """Everything that ever happened."""

    batches: list[tuple[float, Traffic, Traffic]] = field(default_factory=list)

    def between(self, since: float, until: float, *, is_old: bool) -> list[Traffic]:
        """What one version served after one moment and up to another."""
        return [old if is_old else new for at, new, old in self.batches if since < at <= until]

    def answer(self, query: Query, now: float) -> Reading:
        """The truth. Before the release all was well."""
        is_old = any(matcher.value == "v1" for matcher in query.workload)
        match query.measure:
            case Events(selector, since, until):
                served = self.between(since, until, is_old=is_old)
                return Value(sum(traffic.counts(selector) for traffic in served), now)
            case Observations(_, since, until):
                served = self.between(since, until, is_old=is_old) or list(HEALTHY[:1]) * (until - since >= 3600)
                buckets = tuple((bound, sum(traffic.within(bound) for traffic in served)) for bound in BOUNDS)
                return Value(float(sum(traffic.total for traffic in served)), now, buckets=buckets)
            case CountHistory() as measure:
                return _history(measure, now)
            case Newest():
                return Value(now - 5.0, now)
            case _:
                raise AssertionError(f"no sequential rule asks {query.measure}")


def _history(measure: CountHistory, now: float) -> Value:
    """Three instances, two of which were born in it; or all of them together."""
    share = 1.0
    if measure.at_most is not None:
        share = 0.95
    elif "~" in measure.selector:
        share = 0.99 if "!~" in measure.selector else 0.01
    looks = round((measure.until - measure.since) / measure.step_seconds)
    counts = tuple(float(round(200 * share * (1 + at % 3 / 4))) for at in range(looks))
    born = (0, 3, 6) if measure.by else (0,)
    return Value(sum(counts), now, tracks=tuple(Track(f"pod-{at}", (*(None,) * at, *counts[at:])) for at in born))


class Asked(dict[Query, Reading]):
    """Readings that must not be looked for among those that were not asked for. S1."""

    def get(self, query: Query, default: object = None) -> Reading:
        """The reading, which must be there."""
        assert query in self, f"S1: {query} was read and not asked for, {default}"
        return self[query]
