"""Past rollouts as a gate remembers them: with the times at which its promotes were really taken.

The gate looked at the multiples of its interval, and so does a replay: with the same rules the same things are said.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from gated.model.ids import PlanName, StageName
from gated.model.plan import Plan
from gated.operations.documents import ReleaseDocument, ReleaseHistory, StageDocument
from gated.operations.replay.rehearsal import Rehearsal, StageTimes, followed_until


def rehearsal_of(
    found: ReleaseHistory, others: Iterable[ReleaseDocument], plan: Plan, interval_seconds: float, now: float
) -> Rehearsal:
    """The rollout that a gate watched.

    Args:
        found: all that the gate knows of it.
        others: releases of the same service in the same environment.
        plan: along which plan it is judged; the gate's own may have had other stages.
        interval_seconds: between two looks.
        now: nothing is looked for later than this, Unix seconds.
    """
    stages = tuple(_times(stage) for stage in found.stages if stage.started_at is not None)
    named = {stage.name for stage in plan.stages}
    known = tuple(stage for stage in stages if stage.name in named)
    ended = (found.rollback.reported_at or found.rollback.triggered_at) if found.rollback else found.ended_at
    until = _seconds(ended) if ended is not None else followed_until(plan, known, interval_seconds)
    return Rehearsal(
        service=found.service,
        environment=found.environment,
        version=found.version,
        baseline=found.baseline,
        plan=PlanName(plan.name),
        opened_at=_seconds(found.opened_at),
        stages=known,
        ends_at=min(until, now),
        tainted=tuple(_tainted(found, others, now)),
    )


def _tainted(found: ReleaseHistory, others: Iterable[ReleaseDocument], now: float) -> Iterator[tuple[float, float]]:
    """When versions ran that were rolled back: the gate learned nothing from these times."""
    for other in others:
        started = other.stages[0].started_at
        if other.rollback is not None and started is not None and other.opened_at < found.opened_at:
            ended = other.rollback.reported_at or other.ended_at
            yield _seconds(started), _seconds(ended) if ended is not None else now


def _times(stage: StageDocument) -> StageTimes:
    promoted = stage.ended_at if stage.claimed_by is not None else None
    started = _seconds(stage.started_at) if stage.started_at is not None else 0.0
    return StageTimes(StageName(stage.stage), started, _seconds(promoted) if promoted is not None else None)


def _seconds(at: datetime) -> float:
    return at.timestamp()
