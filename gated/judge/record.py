"""Put together what is written with a step: the next revision, signals with constant ids, audit entries."""

from dataclasses import replace

from gated.model.ids import Actor, StageName, VerdictId
from gated.model.release import Release, StageState, StageVerdict
from gated.model.step import AuditEntry, Decision, DecisionKind, Signal, SignalKind
from gated.model.verdict import Verdict


def with_next_revision(before: Release, after: Release) -> Release:
    """The next state, numbered so that the store can tell whether it was made from the latest."""
    return replace(after, revision=before.revision + 1)


def signal(release: Release, kind: SignalKind, reason: str, at: float, *, stage: str = "", rule: str = "") -> Signal:
    """A signal about the state a step leads to; sent twice, it still has one id."""
    name = f"{release.id}/{release.revision}/{kind.value}"
    return Signal(id=name, kind=kind, release=release.id, stage=stage, rule=rule, reason=reason, at=at)


def audit(release: Release, actor: Actor, action: str, detail: str, at: float, *, stage: str = "") -> AuditEntry:
    """Who did what to a release."""
    return AuditEntry(at=at, actor=actor, action=action, release=release.id, stage=stage, detail=detail)


def decision(
    release: Release, stage: StageName, kind: DecisionKind, cause: str, reason: str, actor: Actor, at: float
) -> Decision:
    """The end of a stage, resting on the release's latest results."""
    return Decision(release.id, stage, kind, cause, reason, actor, at, release.results)


def with_verdict(state: StageState, release: Release, verdict: Verdict, reason: str, now: float) -> StageState:
    """The stage with its present verdict; the id and `since` change with the verdict and only then."""
    before = state.verdict
    if before is not None and before.verdict is verdict:
        return replace(state, verdict=replace(before, reason=reason))
    number = state.verdicts + 1
    identity = VerdictId(f"{release.id}.{state.name}.{number}")
    return replace(state, verdict=StageVerdict(identity, verdict, reason, now), verdicts=number)
