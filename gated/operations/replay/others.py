"""What all instances but one did.

A matcher like `instance!="a"` picks out a workload that shares its request with no other: it cannot be read off the
labels of an answer. Counts can be asked differently: what all did, less what the one did. Both of these are picked by
equality, so the questions of all rollouts share requests.
"""

from collections.abc import Collection
from dataclasses import replace
from itertools import zip_longest

from gated.judge.assessment import reading_of
from gated.model.reading import (
    Buckets,
    CountHistory,
    Events,
    Increase,
    Newest,
    NoData,
    NoDataReason,
    Observations,
    Query,
    Reading,
    Readings,
    Track,
    Value,
)
from gated.model.selection import Matcher, MatchOp, Workload
from gated.operations.tick import Eyes
from gated.sources.look import Look

_COUNTS = (Increase, Buckets, Events, Observations, CountHistory)
"""What can be subtracted. How fresh the others are is read off all of them; anything else is asked as it is."""


class Others:
    """Eyes that answer for all instances but one.

    Args:
        eyes: who answers for all, and for one.
    """

    def __init__(self, eyes: Eyes) -> None:
        self._eyes = eyes

    def read(self, queries: Collection[Query], now: float) -> Look:
        """Answer every query."""
        split = [(query, _parts(query)) for query in queries]
        look = self._eyes.read(dict.fromkeys(part for _, parts in split for part in parts), now)
        return Look({query: _joined(parts, look.readings) for query, parts in split}, look.reports)


def less(query: Query, everyone: Reading, one: Reading) -> Reading:
    """What all did, less what one did.

    Args:
        query: the question about the one.
        everyone: the answer for all.
        one: the answer for the one; without any series it did nothing.
    """
    if not isinstance(everyone, Value) or (isinstance(one, NoData) and one.reason is NoDataReason.ABSENT):
        return everyone
    if not isinstance(one, Value):
        return one
    mine = dict(one.buckets)
    return replace(
        everyone,
        number=max(0.0, everyone.number - one.number),
        expression=f"{everyone.expression} - {one.expression}",
        buckets=tuple((bound, max(0.0, count - mine.get(bound, 0.0))) for bound, count in everyone.buckets),
        tracks=_tracks(query, everyone, one),
    )


def _tracks(query: Query, everyone: Value, one: Value) -> tuple[Track, ...]:
    if not isinstance(query.measure, CountHistory):
        return ()
    by = query.measure.by
    if not by:
        return tuple(
            replace(track, counts=tuple(_difference(*pair) for pair in zip_longest(track.counts, _only(one))))
            for track in everyone.tracks
        )
    own = next((matcher.value for matcher in query.workload if matcher.name == by), "")
    return tuple(track for track in everyone.tracks if track.instance != own)


def _only(one: Value) -> tuple[float | None, ...]:
    return one.tracks[0].counts if one.tracks else ()


def _difference(everyone: float | None, one: float | None) -> float | None:
    return None if everyone is None else max(0.0, everyone - (one or 0.0))


def _joined(parts: tuple[Query, ...], readings: Readings) -> Reading:
    everyone, *one = (reading_of(readings, part) for part in parts)
    return less(parts[1], everyone, one[0]) if one else everyone


def _parts(query: Query) -> tuple[Query, ...]:
    """The questions whose answers make up the one to this question."""
    if isinstance(query.measure, Newest):
        return (Query(query.source, query.measure, _without_exceptions(query.workload)),)
    if not isinstance(query.measure, _COUNTS):
        return (query,)
    mine = [Matcher(each.name, each.value) for each in query.workload if each.op is MatchOp.NOT_EQUAL]
    if not mine:
        return (query,)
    rest = _without_exceptions(query.workload)
    whole = Query(query.source, query.measure, rest)
    return (whole, Query(query.source, query.measure, tuple(sorted([*rest, *mine]))))


def _without_exceptions(workload: Workload) -> Workload:
    return tuple(matcher for matcher in workload if matcher.op is not MatchOp.NOT_EQUAL)
