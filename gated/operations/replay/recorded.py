"""Past rollouts as a gate remembers them: with the times at which its promotes were really taken.

The gate looked at the multiples of its interval, and so does a replay: with the same rules the same things are said.
"""

from datetime import datetime

from gated.model.ids import PlanName, StageName
from gated.model.plan import Plan
from gated.operations.documents import ReleaseHistory, StageDocument
from gated.operations.replay.rehearsal import Rehearsal, StageTimes, followed_until


def rehearsal_of(
    found: ReleaseHistory, plan: Plan, interval_seconds: float, now: float, onset_at: float | None = None
) -> Rehearsal:
    """The rollout that a gate watched.

    Args:
        found: all that the gate knows of it.
        plan: along which plan it is judged; the gate's own may have had other stages.
        interval_seconds: between two looks.
        now: nothing is looked for later than this, Unix seconds.
        onset_at: when a known fault began, Unix seconds; None when there is none known.
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
        onset_at=onset_at,
    )


def _times(stage: StageDocument) -> StageTimes:
    promoted = stage.ended_at if stage.claimed_by is not None else None
    started = _seconds(stage.started_at) if stage.started_at is not None else 0.0
    return StageTimes(StageName(stage.stage), started, _seconds(promoted) if promoted is not None else None)


def _seconds(at: datetime) -> float:
    return at.timestamp()
