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
    verdict, reason, identity = _present(release, state, now, validity_seconds)
    is_running = release.phase is Phase.BAKING and state == release.current_stage
    eta = None
    if verdict is Verdict.PENDING and is_running and state.started_at is not None:
        eta = stage.eta_seconds(release, policy, planned, state.started_at, now)
    expires = release.phase.is_undecided and release.evaluated_at is not None
    return Shown(
        id=identity,
        verdict=verdict,
        reason=reason,
        since=state.verdict.since if state.verdict is not None else None,
        evaluated_at=release.evaluated_at,
        valid_until=(release.evaluated_at or 0.0) + validity_seconds if expires else None,
        coverage=stage.coverage(policy.rules, release.rules) if is_running else 0.0,
        requests=stage.requests(release.rules) if is_running else 0.0,
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
    verdict, _, identity = _present(release, state, now, validity_seconds)
    return verdict is Verdict.PROMOTE and identity == verdict_id


def _present(
    release: Release, state: StageState, now: float, validity_seconds: float
) -> tuple[Verdict, str, VerdictId]:
    """Verdict, reason and id, the strongest fact first."""
    if release.rollback is not None:
        return Verdict.ROLLBACK, release.rollback.reason, VerdictId(f"{release.id}.{state.name}.rollback")
    if release.phase in {Phase.ABORTED, Phase.SUPERSEDED}:
        reason = f"the release was {release.phase.value}"
        return Verdict.HOLD, reason, VerdictId(f"{release.id}.{state.name}.{release.phase.value}")
    identity = VerdictId(f"{release.id}.{state.name}.0") if state.verdict is None else state.verdict.id
    if state.claim is not None:
        reason = state.verdict.reason if state.verdict is not None else ""
        return Verdict.PROMOTE, f"claimed by {state.claim.by}: {reason}", state.claim.verdict_id
    if state.started_at is None:
        return Verdict.PENDING, f"{state.name} has not started", identity
    evaluated_at = max(release.evaluated_at or 0.0, state.started_at)
    if now > evaluated_at + validity_seconds:
        waited = format_duration(round(now - evaluated_at))
        return Verdict.HOLD, f"the gate has not looked for {waited}; nothing is promoted on old evidence", identity
    if state.verdict is None:
        return Verdict.PENDING, "the first look is due", identity
    return state.verdict.verdict, state.verdict.reason, identity
