"""From what counters showed, look after look, to the events between the looks. Pure: lines in, counts out.

A source counts the present with one expression (`render.events`), which matches every series with its own past. For
a stretch of the past that would be done again at every look, so the values are fetched, one line per process, and
subtracted here by the same rule:

    events of a look = its value - the last one before it, or all of its value for a line that shrank or is new

A process is known by `PROCESS`, the labels Prometheus gives to every series it scrapes. All counters of one process
begin anew together, so their sum may be subtracted as if it was one counter.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from gated.model.reading import (
    CountHistory,
    FailureReason,
    NoData,
    NoDataReason,
    QueryFailed,
    Reading,
    Track,
    Value,
)
from gated.promql.render import BRIDGE_SECONDS
from gated.sources.grid import Grid, Line

PROCESS: Final = ("job", "instance")
"""The labels that tell processes apart."""


def bridge(step_seconds: float) -> int:
    """How many looks a line may miss without being taken for a new one; what has to be known before the first."""
    return math.ceil(BRIDGE_SECONDS / step_seconds)


def events(values: Sequence[float | None], looks: int) -> list[float | None]:
    """The events of each look; None where there was no sample.

    Args:
        values: what a counter showed at each look.
        looks: how many looks it may miss, `bridge` of the step.
    """
    counts: list[float | None] = []
    base: float | None = None
    missed = 0
    for value in values:
        if value is None:
            counts.append(None)
            missed += 1
            continue
        if base is None or missed > looks or value < base:
            counts.append(value)
        else:
            counts.append(value - base)
        base, missed = value, 0
    return counts


def of_processes(lines: Iterable[Line], before: int) -> list[Line]:
    """The events of every process.

    Args:
        lines: the values of every process; the looks of `bridge` come first.
        before: how many looks are there only to be subtracted from.
    """
    return [Line(line.labels, events(line.values, before)[before:], line.is_histogram) for line in lines]


def together(processes: Iterable[Line], names: Sequence[str]) -> list[Line]:
    """The events of every group of processes.

    Args:
        processes: the events of each.
        names: the labels by which the groups are told apart.

    Returns:
        A line of counts for each group that has any, in the order of their labels.
    """
    groups: defaultdict[tuple[str, ...], list[Line]] = defaultdict(list)
    for line in processes:
        groups[tuple(line.labels.get(name, "") for name in names)].append(line)
    found = []
    for values, members in sorted(groups.items()):
        counts = _added([line.values for line in members])
        is_histogram = any(line.is_histogram for line in members)
        if is_histogram or any(count is not None for count in counts):
            found.append(Line(dict(zip(names, values, strict=True)), counts, is_histogram))
    return found


def history(measure: CountHistory, expression: str, looks: Grid, lines: Sequence[Line]) -> Reading:
    """The answer to a question for the past.

    Args:
        measure: the question.
        expression: how it was asked.
        looks: what it is about, by the server's clock.
        lines: the values of every process at these looks and at `bridge` of them before.
    """
    counts = together(of_processes(lines, bridge(measure.step_seconds)), (measure.by,))
    return tracks(measure, expression, counts, looks.at(looks.count - 1))


def tracks(measure: CountHistory, expression: str, lines: Sequence[Line], at: float) -> Reading:
    """What was counted as the answer to a question for the past.

    Args:
        measure: the question.
        expression: how it was asked.
        lines: the counts, by the label that tells instances apart.
        at: the end of the last look, by the server's clock.
    """
    if not lines:
        return NoData(NoDataReason.ABSENT, "no series matched", expression)
    if any(line.is_histogram for line in lines):
        why = "a native histogram where a number is due; ask for its count or a quantile"
        return QueryFailed(FailureReason.AMBIGUOUS, why, expression)
    total = math.fsum(count for line in lines for count in line.values if count is not None)
    if not math.isfinite(total):
        return NoData(NoDataReason.NOT_A_NUMBER, "a counter that is no finite number", expression)
    found = tuple(Track(line.labels.get(measure.by, ""), tuple(line.values)) for line in lines)
    return Value(total, at, expression, tracks=found)


def _added(processes: Sequence[Sequence[float | None]]) -> Sequence[float | None]:
    """The events of all processes at each look; None where none of them had a sample."""
    if len(processes) == 1:
        return processes[0]
    return [_sum(look) for look in zip(*processes, strict=True)]


def _sum(counts: Iterable[float | None]) -> float | None:
    present = [count for count in counts if count is not None]
    return math.fsum(present) if present else None
