"""From what every instance did in the past to stretches of looks that can be learned from.

A release will compare one new instance with all the others. History has rehearsed that many times: every instance that
ran steadily for an hour was a canary of the version it already ran. So steady instances play canary in turn.
"""

import itertools
import math
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from operator import mul
from typing import NamedTuple, Self

from gated.model.evidence import Counts
from gated.model.reading import Track

MOST_HOURS = 24
"""How many hours of single instances are looked at. The work stays the same however large the service is."""

YOUNG_SECONDS = 300.0
"""How long after its start an instance may still be cold."""

STEADY = 0.95
"""The share of looks an instance needs samples in to count as steady; the rest is lost scrapes."""

HOUR_SECONDS = 3600.0

LARGEST_COUNT = 1e15
"""Beyond it whole numbers are no longer exact; nobody has counted so much in one look."""

SMALLEST_COUNT = 1e-9
"""Below it a count is nothing: somebody's rounding, and a danger to whoever divides by it."""


class Stretch(NamedTuple):
    """Some looks at an instance, or at all of them: numbers side by side, as a history has thousands.

    Args:
        bad: harmful events per look, 0 <= bad <= total.
        total: all events per look; 0 at looks without a sample, so that time goes on.
    """

    bad: Sequence[float]
    total: Sequence[float]

    @classmethod
    def of(cls, looks: Iterable[Counts]) -> Self:
        """Looks one by one; nothing where they are no counts, see `sane`."""
        sound = [sane(look) for look in looks]
        return cls([look.bad for look in sound], [look.total for look in sound])


PairedStretch = tuple[Stretch, Stretch]
"""What one instance did, and all the others at the same looks."""


class Instance(NamedTuple):
    """One instance's history; all instances of a history have the same looks.

    Args:
        name: of the instance.
        bad: errors per look, 0 without sample, at most `total`.
        total: requests per look, 0 without sample.
        seen: whether there was a sample.
        born: the index of the first look with a sample.
    """

    name: str
    bad: Sequence[float]
    total: Sequence[float]
    seen: Sequence[bool]
    born: int


def sane(counts: Counts) -> Counts:
    """The counts; nothing where they are no counts (negative, not finite, absurd); never more bad than there are."""
    bad, total = counts.bad, counts.total
    if (bad == 0 or bad >= SMALLEST_COUNT) and max(bad, SMALLEST_COUNT) <= total <= LARGEST_COUNT:
        return counts
    harmful, everything = _count(bad), _count(total)
    if harmful is None or everything is None:
        return Counts()
    return Counts(min(harmful, everything), everything)


def instances(bad: Sequence[Track], total: Sequence[Track]) -> list[Instance]:
    """Join the errors and the requests of every instance by its name.

    Args:
        bad: errors. An instance that is missing here had none; so had a look that is None here and not in `total`.
        total: requests; decides which instances there were, and when. Tracks that end early are continued as absent.

    Returns:
        Every instance with at least one sample, in the order of `total`.
    """
    length = max((len(track.counts) for track in total), default=0)
    errors = {track.instance: track.counts for track in bad}
    joined = []
    for track in total:
        requests = [_count(n) for n in track.counts] + [None] * (length - len(track.counts))
        seen = [n is not None for n in requests]
        if not any(seen):
            continue
        requests_or_none = [n or 0.0 for n in requests]
        own = itertools.chain(errors.get(track.instance, ()), itertools.repeat(None))
        harmful = [min(_count(e) or 0.0, n) for e, n in zip(own, requests_or_none, strict=False)]
        joined.append(Instance(track.instance, harmful, requests_or_none, seen, seen.index(True)))
    return joined


def in_turn(everyone: Sequence[Instance], step_seconds: float) -> list[tuple[Instance, slice]]:
    """Which instance is looked at in which hour: every steady one, evenly, newest hours first, `MOST_HOURS` in all.

    In every hour the one that had the fewest turns is next. Ties are broken in an order that has nothing to do with
    names: neighbours by name share a machine or a zone, and one odd machine must not be all that is seen, or unseen.

    Args:
        everyone: all instances.
        step_seconds: from look to look, positive.

    Returns:
        Instances with the looks of an hour (of a whole history shorter than that) in which they were steady: with
        samples in it and in the five minutes before, so that no cold start is taken for drift.
    """
    shuffled = sorted(everyone, key=lambda instance: zlib.crc32(instance.name.encode()))
    hours = _hours(len(everyone[0].seen) if everyone else 0, step_seconds)[::-1]
    waiting = [[one for one in shuffled if _is_steady(one, hour, step_seconds)] for hour in hours]
    turns: Counter[str] = Counter()
    chosen: list[tuple[Instance, slice]] = []
    while any(waiting):
        for hour, candidates in zip(hours, waiting, strict=True):
            if len(chosen) == MOST_HOURS:
                return chosen
            if candidates:
                at = min(range(len(candidates)), key=lambda index: turns[candidates[index].name])
                instance = candidates.pop(at)
                turns[instance.name] += 1
                chosen.append((instance, hour))
    return chosen


def paired(everyone: Sequence[Instance], turns: Sequence[tuple[Instance, slice]]) -> list[PairedStretch]:
    """Let each play canary against all the others in its turn; turns without traffic on both sides are left out."""
    if not turns:
        return []
    whole = service(everyone)
    hours = []
    for instance, hour in turns:
        canary = stretch(instance, hour)
        others = _remainder(stretch(whole, hour), canary)
        if any(map(mul, canary.total, others.total)):
            hours.append((canary, others))
    return hours


def stretch(instance: Instance, looks: slice) -> Stretch:
    """What an instance did in some looks."""
    return Stretch(instance.bad[looks], instance.total[looks])


def service(everyone: Sequence[Instance]) -> Instance:
    """All instances together; at least one."""
    bad = [sum(look) for look in zip(*(one.bad for one in everyone), strict=True)]
    total = [sum(look) for look in zip(*(one.total for one in everyone), strict=True)]
    seen = [any(look) for look in zip(*(one.seen for one in everyone), strict=True)]
    return Instance("", bad, total, seen, min(one.born for one in everyone))


def service_hours(everyone: Sequence[Instance], step_seconds: float) -> list[Stretch]:
    """What all instances did together, hour by hour; nothing without any."""
    if not everyone:
        return []
    whole = service(everyone)
    return [stretch(whole, hour) for hour in _hours(len(whole.seen), step_seconds)]


def young_looks(step_seconds: float) -> int:
    """How many looks an instance is young for; at least one."""
    return max(1, math.ceil(YOUNG_SECONDS / step_seconds))


def _remainder(whole: Stretch, part: Stretch) -> Stretch:
    """What all did but one. What a rounding leaves is nothing, and never more bad than there are."""
    total = [_left(everyone - one) for everyone, one in zip(whole.total, part.total, strict=True)]
    bad = [min(_left(everyone - one), most) for everyone, one, most in zip(whole.bad, part.bad, total, strict=True)]
    return Stretch(bad, total)


def _left(number: float) -> float:
    return number if number >= SMALLEST_COUNT else 0.0


def _count(number: float | None) -> float | None:
    """A count; None where there was none or it is no count."""
    if number is None or not 0 <= number <= LARGEST_COUNT:
        return None
    return number if number >= SMALLEST_COUNT else 0.0


def _hours(length: int, step_seconds: float) -> list[slice]:
    """Cut a history into stretches of nearly an hour that leave nothing over."""
    number = min(length, max(1, round(length * step_seconds / HOUR_SECONDS)))
    return [slice(length * k // number, length * (k + 1) // number) for k in range(number)]


def _is_steady(instance: Instance, hour: slice, step_seconds: float) -> bool:
    seen = instance.seen[max(0, hour.start - young_looks(step_seconds)) : hour.stop]
    return sum(seen) >= STEADY * len(seen)
