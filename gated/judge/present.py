"""What a poll is shown at a given moment.

A stored verdict was true when it was made. What may still be believed of it now is decided here, in one place for
polls, claims, metrics and pages: a rollback for ever, a promote and everything else until it expires.
"""

from dataclasses import dataclass

from gated.judge import stage
from gated.model.ids import StageName, VerdictId
from gated.model.plan import Policy
from gated.model.release import Claim, Phase, Release, StageState
from gated.model.units import format_duration
from gated.model.verdict import Verdict

VALID_LOOKS = 3
"""A verdict is believed for this many evaluation intervals after its look: one look may be late, one may be lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The verdict of a stage as a poll sees it.

    Args:
        id: what a claim must name.
        verdict: promote, pending, hold or rollback.
        reason: the sentence for people.
        since: when it began, Unix seconds; None before the first look.
        evaluated_at: the look it rests on; None before the first.
        valid_until: from when on it must not be acted upon; None when it never expires or never was valid.
        coverage: share of the stage's scheduled evaluations with evidence, the smallest among blocking rules.
        requests: requests the new version served at this stage.
        eta_seconds: seconds to the earliest possible promotion; None when there is none to wait for.
        claim: who took the promote.
        is_final: nothing will change any more, waiting is useless.
    """

    id: VerdictId
    verdict: Verdict
    reason: str
    since: float | None
    evaluated_at: float | None
    valid_until: float | None
    coverage: float
    requests: float
    eta_seconds: float | None
    claim: Claim | None
    is_final: bool


def show(release: Release, policy: Policy, name: StageName, now: float, validity_seconds: float) -> Shown:
    """The verdict of one stage as of `now`.

    Args:
        release: the release.
        policy: the policy it is pinned to.
        name: one of its stages.
        now: the time of the poll.
        validity_seconds: for how long after its look a verdict is believed.

    Raises:
        NotFound: the plan has no such stage.
    """
    planned = policy.stage(name)
    state = next(state for state in release.stages if state.name == name)
    present = _present(release, state, now, validity_seconds)
    is_running = release.phase is Phase.BAKING and state == release.current_stage
    # What was counted at the stage started last stands until the next one starts, or another version is looked at.
    is_counted = state == release.current_stage and release.phase not in {Phase.RECOVERING, Phase.ROLLED_BACK}
    eta = None
    if present.verdict is Verdict.PENDING and is_running and state.started_at is not None:
        eta = stage.eta_seconds(release, policy, planned, state.started_at + planned.warmup_seconds, now)
    as_of = _as_of(release, state)
    return Shown(
        id=present.id,
        verdict=present.verdict,
        reason=present.reason,
        since=present.since,
        evaluated_at=release.evaluated_at,
        valid_until=as_of + validity_seconds if release.phase.is_undecided and as_of is not None else None,
        coverage=stage.coverage(policy.rules, release.rules) if is_counted else 0.0,
        requests=stage.requests(policy.rules, release.rules) if is_counted else 0.0,
        eta_seconds=eta,
        claim=state.claim,
        is_final=not release.phase.is_undecided,
    )


def is_claimable(
    release: Release, state: StageState, verdict_id: VerdictId, now: float, validity_seconds: float
) -> bool:
    """Whether this verdict is, right now, a promote that may be taken."""
    if release.phase is not Phase.BAKING or state.claim is not None:
        return False
    present = _present(release, state, now, validity_seconds)
    return present.verdict is Verdict.PROMOTE and present.id == verdict_id


@dataclass(frozen=True, slots=True)
class _Present:
    """What may be believed: a verdict, its sentence, its id, and since when."""

    verdict: Verdict
    reason: str
    id: VerdictId
    since: float | None


def _present(release: Release, state: StageState, now: float, validity_seconds: float) -> _Present:
    """The strongest fact first. What is not the stored verdict has an id of its own, so that a poll sees the change."""
    if release.rollback is not None:
        identity, since = _identity(release, state, "rollback"), release.rollback.triggered_at
        return _Present(Verdict.ROLLBACK, release.rollback.reason, identity, since)
    if release.phase in {Phase.ABORTED, Phase.SUPERSEDED}:
        identity = _identity(release, state, release.phase.value)
        return _Present(Verdict.HOLD, f"the release was {release.phase.value}", identity, release.ended_at)
    stored = state.verdict
    if state.claim is not None:
        reason = f"claimed by {state.claim.by}: {stored.reason if stored is not None else ''}"
        return _Present(
            Verdict.PROMOTE, reason, state.claim.verdict_id, state.claim.at if stored is None else stored.since
        )
    as_of = _as_of(release, state)
    if state.started_at is None or as_of is None:
        return _Present(Verdict.PENDING, f"{state.name} has not started", _identity(release, state, "0"), None)
    identity = _identity(release, state, "0") if stored is None else stored.id
    if now > as_of + validity_seconds:
        reason = f"the gate has not looked for {_text(now - as_of)}; nothing is promoted on old evidence"
        return _Present(Verdict.HOLD, reason, VerdictId(f"{identity}.expired"), as_of + validity_seconds)
    if now < as_of - validity_seconds:
        # The clock was set back. Left alone, the old verdict would be believed until the clock has caught up.
        reason = f"the last look lies {_text(as_of - now)} in the future; nothing is promoted on its evidence"
        return _Present(Verdict.HOLD, reason, VerdictId(f"{identity}.expired"), None)
    if stored is None:
        return _Present(Verdict.PENDING, "the first look is due", identity, None)
    return _Present(stored.verdict, stored.reason, identity, stored.since)


def _as_of(release: Release, state: StageState) -> float | None:
    """The instant a verdict speaks of: the last look, or the start of a stage not yet looked at."""
    return max((at for at in (release.evaluated_at, state.started_at) if at is not None), default=None)


def _identity(release: Release, state: StageState, which: str) -> VerdictId:
    return VerdictId(f"{release.id}.{state.name}.{which}")


def _text(seconds: float) -> str:
    return format_duration(round(seconds))
