"""What people and deploy tools do to releases."""

import re
import secrets
from dataclasses import dataclass

from gated.judge import commands
from gated.model.errors import Conflict, InvalidInput, NotAllowed
from gated.model.ids import Actor, PlanName, ReleaseId, StageName, VerdictId
from gated.model.plan import Policy, Rulebook
from gated.model.release import Release, StageState
from gated.model.step import Step
from gated.operations.gate import Gate
from gated.store.errors import AlreadyActive
from gated.store.records import Filter

NAME = r"[A-Za-z0-9][A-Za-z0-9._+:@/-]{0,127}"
"""What a service, environment or version may be called: an allow-list, for these texts end up in queries."""

LEARNED_SECONDS = 8 * 86400.0
"""History is learned from for a week, and from the hours of its first day."""
_PAGE = 100

_RANDOM_BYTES = 3
"""16 million ids per service and version; the store refuses the same one twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The rollout somebody wants to be watched.

    Args:
        service: what is rolled out.
        environment: where.
        version: which.
        baseline: the version it replaces; empty when there is none.
        plan: along which plan.
        supersede: end another version's active release instead of refusing.

    Raises:
        InvalidInput: a name is not one; every fault at once.
    """

    service: str
    environment: str
    version: str
    plan: PlanName
    baseline: str = ""
    supersede: bool = False

    def __post_init__(self) -> None:
        named = {"service": self.service, "environment": self.environment, "version": self.version}
        if self.baseline:
            named["baseline"] = self.baseline
        faults = [
            f"{key}: {text!r} is not a name: at most 128 letters, digits and ._+:@/-, the first a letter or digit"
            for key, text in named.items()
            if re.fullmatch(NAME, text) is None
        ]
        if self.baseline and self.baseline == self.version:
            faults.append(f"baseline: {self.baseline!r} is the version itself; name the one it replaces, or none")
        if faults:
            raise InvalidInput(*faults)


def open_release(gate: Gate, rulebook: Rulebook, order: Order, actor: Actor, now: float) -> tuple[Release, bool]:
    """Register a rollout; the same order again gives the same release.

    Returns:
        The release, and whether it is new.

    Raises:
        NotFound: there is no such plan.
        Conflict: another release of the service is active in that environment, and may not be superseded.
        NotAllowed: the baseline itself was rolled back when it was last released here.
    """
    policy = rulebook.policy(order.plan)
    active = gate.store.find_active(order.service, order.environment)
    if active is not None and _is_same(active, order):
        return active, False
    ending: tuple[Step, ...] = ()
    if active is not None:
        if not order.supersede or active.version == order.version:
            raise Conflict(_already(active, order))
        ending = (commands.supersede(active, order.version, actor, now),)
    _refuse_rolled_back(gate, order)
    step = commands.open_release(
        identity=_new_id(order),
        service=order.service,
        environment=order.environment,
        version=order.version,
        baseline=order.baseline,
        policy=policy,
        actor=actor,
        now=now,
        tainted=_tainted(gate, order, now),
    )
    try:
        gate.commit(*ending, step, policy=policy)
    except AlreadyActive:
        # Somebody opened one in the same moment. If it is the same, both callers meant this release.
        rival = gate.store.find_active(order.service, order.environment)
        if rival is not None and _is_same(rival, order):
            return rival, False
        raise
    return step.release, True


def start_stage(gate: Gate, identity: ReleaseId, stage: StageName, actor: Actor, now: float) -> Release:
    """Traffic has reached a stage; saying it twice is once.

    Raises:
        NotFound: there is no such release or stage.
        NotAllowed: the stage is not the one due next, or the release cannot go forward.
    """
    return gate.change(identity, lambda release, policy: commands.start_stage(release, policy, stage, actor, now))


def claim(
    gate: Gate, identity: ReleaseId, verdict_id: VerdictId, actor: Actor, now: float
) -> tuple[Release, StageState]:
    """Take a promote.

    Returns:
        The release, and the stage that is now promoted.

    Raises:
        Conflict: the verdict is not a promote that this actor can claim now.
    """
    claimed: list[StageState] = []

    def command(release: Release, _policy: Policy) -> Step | None:
        state, step = commands.claim(release, verdict_id, actor, now, gate.validity_seconds)
        claimed[:] = [state]
        return step

    release = gate.change(identity, command)
    return release, claimed[0]


def report_rolled_back(gate: Gate, identity: ReleaseId, actor: Actor, reason: str, now: float) -> Release:
    """The deploy tool says the old version is back.

    Raises:
        NotAllowed: the release has ended otherwise, or no stage ever started.
    """
    return gate.change(identity, lambda release, _: commands.report_rolled_back(release, actor, reason, now))


def pause(gate: Gate, identity: ReleaseId, actor: Actor, reason: str, now: float) -> Release:
    """Promote nothing until resumed; a breach still rolls back.

    Raises:
        NotAllowed: the release cannot go forward anyway.
    """
    return gate.change(identity, lambda release, _: commands.pause(release, actor, reason, now))


def resume(gate: Gate, identity: ReleaseId, actor: Actor, reason: str, now: float) -> Release:
    """Take back a pause.

    Raises:
        NotAllowed: the release cannot go forward anyway.
    """
    return gate.change(identity, lambda release, _: commands.resume(release, actor, reason, now))


def abort(gate: Gate, identity: ReleaseId, actor: Actor, reason: str, now: float) -> Release:
    """End a release without a verdict.

    Raises:
        NotAllowed: it is going back already, or has ended.
    """
    return gate.change(identity, lambda release, _: commands.abort(release, actor, reason, now))


def _refuse_rolled_back(gate: Gate, order: Order) -> None:
    """A baseline is what is known to be good: nothing is learned from a version that was rolled back."""
    if not order.baseline:
        return
    known = Filter(service=order.service, environment=order.environment, version=order.baseline)
    for last in gate.store.releases(known, limit=1).releases:
        if last.rollback is not None:
            raise NotAllowed(
                f"the baseline {order.baseline} was itself rolled back when it was last released here ({last.id}); "
                "name the version that serves now as the baseline"
            )


def _tainted(gate: Gate, order: Order, now: float) -> tuple[tuple[float, float], ...]:
    """When versions ran here, within what history may be learned from, that were rolled back."""
    spans: list[tuple[float, float]] = []
    cursor = ""
    while True:
        page = gate.store.releases(
            Filter(service=order.service, environment=order.environment), limit=_PAGE, after=cursor
        )
        spans += [
            (past.first_started_at, past.rollback.reported_at or past.ended_at or now)
            for past in page.releases
            if past.rollback is not None and past.first_started_at is not None
        ]
        cursor = page.next_cursor
        if not cursor or page.releases[-1].opened_at < now - LEARNED_SECONDS:
            return tuple(span for span in spans if span[1] > now - LEARNED_SECONDS)


def _is_same(active: Release, order: Order) -> bool:
    return (active.version, active.baseline, active.plan) == (order.version, order.baseline, order.plan)


def _already(active: Release, order: Order) -> str:
    where = f"{active.service} in {active.environment}"
    if active.version != order.version:
        return f"{where} has the active release {active.id} of {active.version}; end it first, or supersede it"
    return (
        f"{where} has the active release {active.id} of the same version"
        f" with plan {active.plan!r} and baseline {active.baseline!r}"
    )


def _new_id(order: Order) -> ReleaseId:
    """An id people recognise; safe in a URL path and in a file name."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", f"{order.service}-{order.version}").strip("-")
    return ReleaseId(f"{readable}-{secrets.token_hex(_RANDOM_BYTES)}")
