"""Many rollouts, look by look; all questions of one instant together, as in a tick.

Looks happen on the multiples of the interval, as the daemon's do.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from gated.model.errors import Unavailable
from gated.model.ids import PlanName
from gated.model.plan import Policy
from gated.model.reading import FailureReason, Query
from gated.operations.replay.course import Course
from gated.operations.replay.rehearsal import Rehearsal, policy_for
from gated.operations.replay.results import Replayed, result_of
from gated.operations.tick import Eyes
from gated.sources.look import Look

_AWAY = frozenset(
    {
        FailureReason.UNREACHABLE,
        FailureReason.TIMEOUT,
        FailureReason.TOO_LARGE,
        FailureReason.REDIRECT,
        FailureReason.DENIED,
        FailureReason.OVERLOADED,
        FailureReason.SERVER_ERROR,
        FailureReason.NOT_PROMETHEUS,
        FailureReason.WRONG_SOURCE,
    }
)
"""Failures of the source of today. All others were there in the past as well, and are shown to the judge."""


def run(
    rehearsals: Iterable[Rehearsal], policies: Mapping[PlanName, Policy], eyes: Eyes, interval_seconds: float
) -> Iterator[Replayed]:
    """Play rollouts again.

    Args:
        rehearsals: which ones, in any order.
        policies: by the plans they name.
        eyes: who remembers what there was to see.
        interval_seconds: how far apart looks are.

    Yields:
        What came of each, as soon as it is over.

    Raises:
        Unavailable: a source did not answer. Live, a gate is blind then; here somebody waits who can try again.
    """
    waiting = deque(sorted(rehearsals, key=lambda rehearsal: rehearsal.opened_at))
    under_way: list[Course] = []
    look_number = -math.inf
    while waiting or under_way:
        if not under_way:
            look_number = max(look_number, math.floor(waiting[0].opened_at / interval_seconds))
        look_number += 1
        now = look_number * interval_seconds
        while waiting and waiting[0].opened_at < now:
            rehearsal = waiting.popleft()
            policy = policy_for(rehearsal, policies[rehearsal.plan])
            under_way.append(Course(rehearsal, policy, interval_seconds))
        _look(under_way, eyes, now)
        over = [course for course in under_way if course.is_over(now)]
        under_way = [course for course in under_way if not course.is_over(now)]
        for course in over:
            course.act(course.rehearsal.ends_at)
            yield result_of(course)


def _look(courses: Iterable[Course], eyes: Eyes, now: float) -> None:
    queries: dict[Query, None] = {}
    for course in courses:
        course.act(now)
        queries.update(dict.fromkeys(course.questions(now)))
    look = answered(eyes.read(queries, now))
    for course in courses:
        course.look(look.readings, now)
        course.act(now)


def answered(look: Look) -> Look:
    """A look in which every source answered.

    Raises:
        Unavailable: one did not.
    """
    for report in look.reports:
        if report.failure in _AWAY:
            raise Unavailable(f"source {report.source} did not answer {report.expression}: {report.detail}")
    return look
