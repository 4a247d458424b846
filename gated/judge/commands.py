"""What people and deploy tools may do to a release. Each takes who and when, and gives the step to be committed."""

from dataclasses import replace

from gated.judge import record, stage
from gated.judge.lifecycle import Event, advance
from gated.judge.present import is_claimable
from gated.model.errors import Conflict, NotAllowed
from gated.model.ids import Actor, ReleaseId, StageName, VerdictId
from gated.model.plan import Policy
from gated.model.release import (
    Claim,
    Pause,
    Phase,
    Release,
    Rollback,
    RollbackCause,
    RuleState,
    StageState,
)
from gated.model.step import Decision, DecisionKind, SignalKind, Step
from gated.model.verdict import Verdict


def open_release(  # noqa: PLR0913 -- these are the facts a release is made of; a bag for them would only rename them
    *,
    identity: ReleaseId,
    service: str,
    environment: str,
    version: str,
    baseline: str,
    policy: Policy,
    actor: Actor,
    now: float,
    tainted: tuple[tuple[float, float], ...] = (),
) -> Step:
    """Register a rollout. Policy and version are pinned from here on.

    `tainted` are the stretches of time, (from, to), in which versions ran that were rolled back later.
    """
    release = Release(
        id=identity,
        service=service,
        environment=environment,
        version=version,
        baseline=baseline,
        plan=policy.plan.name,
        policy_digest=policy.digest,
        opened_by=actor,
        opened_at=now,
        stages=tuple(StageState(planned.name) for planned in policy.plan.stages),
        rules=tuple(RuleState(rule.name) for rule in policy.rules),
        revision=1,
        tainted=tainted,
    )
    what = f"{service} {version} in {environment} along {policy.plan.name}"
    return Step(
        release,
        signals=(record.signal(release, SignalKind.RELEASE_OPENED, what, now),),
        audit=(record.audit(release, actor, "release_opened", what, now),),
    )


def start_stage(release: Release, policy: Policy, name: StageName, actor: Actor, now: float) -> Step | None:
    """Traffic has reached a stage.

    Returns:
        The step; None when the stage is already running, so that a tool may say it twice.

    Raises:
        NotFound: the plan has no such stage.
        NotAllowed: it is not the stage due next, the release is paused, or it cannot go forward any more.
    """
    policy.stage(name)
    current, due = release.current_stage, release.next_stage
    if release.phase is Phase.BAKING and current is not None and current.name == name:
        return None
    phase = advance(release.phase, Event.START_STAGE) if release.phase is not Phase.BAKING else None
    if phase is None or due is None or due.name != name:
        raise NotAllowed(_not_next(release, name))
    if release.pause is not None:
        raise NotAllowed(f"release {release.id} is paused by {release.pause.by}; resume it before going on")
    started = record.with_next_revision(
        release,
        replace(
            release.with_stage(replace(due, started_at=now)),
            phase=phase,
            rules=tuple(state.with_new_stage() for state in release.rules),
            blind_since=None,
            is_blind_escalated=False,
        ),
    )
    return Step(
        started,
        signals=(record.signal(started, SignalKind.STAGE_STARTED, f"{name} started", now, stage=name),),
        audit=(record.audit(started, actor, "stage_started", f"{name} started", now, stage=name),),
    )


def claim(
    release: Release, verdict_id: VerdictId, actor: Actor, now: float, validity_seconds: float
) -> tuple[StageState, Step | None]:
    """Take a promote.

    The claim wins only if the named verdict is the present one, says promote, and has not expired. Whoever claimed
    it may ask again and hears the same, for an answer can be lost on its way; nobody else can take it.

    Returns:
        The claimed stage, and the step; None when this actor had claimed it before.

    Raises:
        Conflict: the verdict is not, or not any more, a promote that can be claimed by this actor.
    """
    for state in release.stages:
        if state.claim is not None and state.claim.verdict_id == verdict_id and release.rollback is None:
            if state.claim.by == actor and release.phase in {Phase.BETWEEN, Phase.BAKING, Phase.COMPLETED}:
                return state, None
            raise Conflict(f"{verdict_id} was already claimed by {state.claim.by}")
    current = release.current_stage
    if current is None or not is_claimable(release, current, verdict_id, now, validity_seconds):
        raise Conflict(f"{verdict_id} is not a promote that can be claimed now")
    return _promoted(release, current, Claim(verdict_id, actor, now))


def _promoted(release: Release, current: StageState, taken: Claim) -> tuple[StageState, Step]:
    is_last = release.next_stage is None
    phase = advance(release.phase, Event.CLAIM_LAST if is_last else Event.CLAIM)
    ended = replace(current, claim=taken, ended_at=taken.at)
    after = record.with_next_revision(
        release,
        replace(release.with_stage(ended), phase=phase, ended_at=taken.at if is_last else None),
    )
    reason = current.verdict.reason if current.verdict is not None else ""
    signals = [record.signal(after, SignalKind.STAGE_PROMOTED, reason, taken.at, stage=current.name)]
    if is_last:
        done = f"{release.service} {release.version} is fully rolled out in {release.environment}"
        signals.append(record.signal(after, SignalKind.RELEASE_COMPLETED, done, taken.at))
    return ended, Step(
        after,
        decisions=(
            record.decision(after, current.name, DecisionKind.PROMOTED, "evidence", reason, taken.by, taken.at),
        ),
        signals=tuple(signals),
        audit=(record.audit(after, taken.by, "promote_claimed", reason, taken.at, stage=current.name),),
    )


def report_rolled_back(release: Release, actor: Actor, reason: str, now: float) -> Step | None:
    """The deploy tool says the old version is back; from here the recovery is watched.

    A tool may also roll back of its own accord; that ends the running stage like any other rollback.

    Returns:
        The step; None when it was reported before.

    Raises:
        NotAllowed: the release has ended otherwise, or no stage ever started.
    """
    if release.phase in {Phase.RECOVERING, Phase.ROLLED_BACK}:
        return None
    phase = advance(release.phase, Event.REPORT_ROLLED_BACK)
    told = reason or "the deploy tool rolled back"
    ended, decisions = _ended(release, DecisionKind.ROLLED_BACK, told, actor, now)
    rollback = release.rollback or Rollback(
        cause=RollbackCause.PERSON, rule=None, reason=told, first_harm_at=now, triggered_at=now
    )
    after = record.with_next_revision(
        release,
        replace(
            ended,
            phase=phase,
            rollback=replace(rollback, reported_at=now),
            # The series looked at are another version's from now on: what was remembered is not about them.
            rules=tuple(state.of_another_version(now) for state in release.rules),
            results=(),
            blind_since=None,
        ),
    )
    return Step(
        after,
        decisions=decisions,
        signals=(record.signal(after, SignalKind.ROLLED_BACK, told, now),),
        audit=(record.audit(after, actor, "rolled_back_reported", told, now),),
    )


def pause(release: Release, actor: Actor, reason: str, now: float) -> Step | None:
    """Promote nothing until resumed. The rules keep watching, and a breach still rolls back.

    Returns:
        The step; None when it is paused already.

    Raises:
        NotAllowed: the release cannot go forward anyway.
    """
    phase = advance(release.phase, Event.PAUSE)
    if release.pause is not None:
        return None
    paused = replace(release, phase=phase, pause=Pause(actor, now, reason))
    if release.phase is Phase.BAKING and (current := release.current_stage) is not None:
        verdict, why = stage.paused(paused)
        paused = paused.with_stage(record.with_verdict(current, release, verdict, why, now))
    after = record.with_next_revision(release, paused)
    return Step(after, audit=(record.audit(after, actor, "release_paused", reason, now),))


def resume(release: Release, actor: Actor, reason: str, now: float) -> Step | None:
    """Take back a pause; the next look judges as if it had not been, and until then the stage is pending.

    Returns:
        The step; None when it is not paused.

    Raises:
        NotAllowed: the release cannot go forward anyway.
    """
    phase = advance(release.phase, Event.RESUME)
    if release.pause is None:
        return None
    resumed = replace(release, phase=phase, pause=None)
    if release.phase is Phase.BAKING and (current := release.current_stage) is not None:
        why = f"resumed by {actor}; the next look decides"
        resumed = resumed.with_stage(record.with_verdict(current, release, Verdict.PENDING, why, now))
    after = record.with_next_revision(release, resumed)
    return Step(after, audit=(record.audit(after, actor, "release_resumed", reason, now),))


def abort(release: Release, actor: Actor, reason: str, now: float) -> Step | None:
    """End a release without a verdict.

    Returns:
        The step; None when it was aborted before.

    Raises:
        NotAllowed: it is going back already, or has ended.
    """
    if release.phase is Phase.ABORTED:
        return None
    phase = advance(release.phase, Event.ABORT)
    told = reason or f"aborted by {actor}"
    ended, decisions = _ended(release, DecisionKind.ABORTED, told, actor, now)
    after = record.with_next_revision(release, replace(ended, phase=phase, ended_at=now))
    return Step(
        after,
        decisions=decisions,
        signals=(record.signal(after, SignalKind.RELEASE_ABORTED, told, now),),
        audit=(record.audit(after, actor, "release_aborted", told, now),),
    )


def supersede(release: Release, version: str, actor: Actor, now: float) -> Step:
    """Make room for another version. A rollback that was signalled stays signalled.

    Raises:
        NotAllowed: the release has ended.
    """
    phase = advance(release.phase, Event.SUPERSEDE)
    told = f"superseded by {version}"
    ended, decisions = _ended(release, DecisionKind.SUPERSEDED, told, actor, now)
    after = record.with_next_revision(release, replace(ended, phase=phase, ended_at=now))
    return Step(
        after,
        decisions=decisions,
        signals=(record.signal(after, SignalKind.RELEASE_SUPERSEDED, told, now),),
        audit=(record.audit(after, actor, "release_superseded", told, now),),
    )


def _ended(
    release: Release, kind: DecisionKind, reason: str, actor: Actor, now: float
) -> tuple[Release, tuple[Decision, ...]]:
    """End the running stage, if one is undecided; between two stages the one due next, as for any rollback."""
    if release.rollback is not None or release.phase not in {Phase.BAKING, Phase.BETWEEN}:
        return release, ()
    due = release.next_stage if release.phase is Phase.BETWEEN else release.current_stage
    if due is None:
        return release, ()
    ended = release.with_stage(replace(due, ended_at=now))
    return ended, (record.decision(ended, due.name, kind, "person", reason, actor, now),)


def _not_next(release: Release, name: StageName) -> str:
    current, due = release.current_stage, release.next_stage
    if release.phase is Phase.BAKING and current is not None:
        return f"cannot start {name}: {current.name} is still undecided; claim its promote first"
    if due is None:
        return f"cannot start {name}: every stage was started"
    return f"cannot start {name}: the stage due next is {due.name}"
