"""Which looks are kept for charts.

Every look at which something changed, and of the quiet ones in between the fewer the older the release is: two that
are kept are 1/120 of its age apart. A release of half an hour keeps each of its looks, one of two hours about 290, one
of a week 1,000; so what is kept grows with the logarithm of time, and nothing has to be thinned out afterwards.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

from gated.model.release import Release
from gated.model.step import Step
from gated.model.trace import UNSEEN, RulePoint, TracePoint
from gated.model.verdict import Verdict

_POINTS = 120
"""Looks that are kept while the age doubles, times ln 2; a chart is some hundred pixels wide."""


def traced(before: Release, step: Step, now: float) -> Step:
    """The step with what is to be kept of its look.

    Args:
        before: the release before the look.
        step: the outcome of the look.
        now: the time of the look, Unix seconds.
    """
    after = step.release
    if not (_has_changed(before, step) or _is_due(before, now)):
        return step
    current = after.current_stage
    point = TracePoint(
        at=now,
        stage=current.name if current is not None else "",
        verdict=_verdict(after),
        rules=tuple(map(RulePoint.of, after.results)),
    )
    return replace(step, release=replace(after, traced_at=now), trace=(point,))


def with_gaps(trace: Sequence[TracePoint], opened_at: float, validity_seconds: float) -> Iterator[TracePoint]:
    """The looks that were kept, and where nobody looked a point that says so.

    Without it a chart would go straight through the hours in which the gate was not running, under the verdict it had
    had before; but what was told then was hold.

    Args:
        trace: in order of time.
        opened_at: when the release was opened, Unix seconds.
        validity_seconds: for how long after its look a verdict is believed: longer than looks are apart.
    """
    for before, after in itertools.pairwise(trace):
        yield before
        # No quiet looks that were left out are further apart: none is older than its release.
        if after.at - before.at > validity_seconds + (after.at - opened_at) / _POINTS:
            verdict = before.verdict if before.verdict is Verdict.ROLLBACK else Verdict.HOLD
            rules = (UNSEEN,) * len(before.rules)
            yield replace(before, at=before.at + validity_seconds, verdict=verdict, rules=rules)
    yield from trace[-1:]


def _has_changed(before: Release, step: Step) -> bool:
    after = step.release
    return bool(step.outcomes) or before.phase is not after.phase or _verdict(before) is not _verdict(after)


def _is_due(before: Release, now: float) -> bool:
    if before.traced_at is None:
        return True
    began_at = before.opened_at if before.first_started_at is None else before.first_started_at
    return now - before.traced_at >= (now - began_at) / _POINTS


def _verdict(release: Release) -> Verdict | None:
    if release.rollback is not None:
        return Verdict.ROLLBACK
    current = release.current_stage
    return current.verdict.verdict if current is not None and current.verdict is not None else None
