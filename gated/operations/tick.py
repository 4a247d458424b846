"""What the clock does: one look at every active release."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from gated.judge.decide import decide
from gated.judge.queries import queries_for
from gated.model.ids import ReleaseId
from gated.model.plan import Policy
from gated.model.reading import Query, Readings
from gated.model.release import Release
from gated.model.step import Step
from gated.operations.gate import Gate
from gated.sources.look import Look, QueryReport
from gated.store.errors import ReleaseChanged


class Eyes(Protocol):
    """Whoever can answer queries: the configured sources, or recorded history."""

    def read(self, queries: Collection[Query], now: float) -> Look:
        """Answer every query; none of them raises."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A release that could not be looked at; its last verdict expires by itself.

    Args:
        release: which.
        error: why.
    """

    release: ReleaseId
    error: Exception


@dataclass(frozen=True, slots=True)
class Tick:
    """What one tick did.

    Args:
        steps: one per release that was looked at, committed.
        skipped: releases that could not be.
        reports: every request that was sent.
        queries: how many distinct questions were asked for all releases together.
    """

    steps: tuple[Step, ...]
    skipped: tuple[Skipped, ...]
    reports: tuple[QueryReport, ...]
    queries: int


def tick(gate: Gate, eyes: Eyes, now: float) -> Tick:
    """Look at every active release once. All their questions go out together; each release is committed alone.

    Raises:
        Unavailable: the active releases cannot be read from the store.
    """
    pairs: list[tuple[Release, Policy]] = []
    skipped: list[Skipped] = []
    queries: dict[Query, None] = {}
    for release in gate.store.active():
        try:
            policy = gate.policy_of(release)
            asked = queries_for(release, policy, now=now, interval_seconds=gate.interval_seconds)
        except Exception as error:  # noqa: BLE001 -- one broken release must not blind the others; it is reported
            skipped.append(Skipped(release.id, error))
        else:
            pairs.append((release, policy))
            queries.update(dict.fromkeys(asked))
    look = eyes.read(queries, now)
    steps: list[Step] = []
    for release, policy in pairs:
        try:
            step = _look_at(gate, release, policy, look.readings, now)
        except Exception as error:  # noqa: BLE001 -- likewise
            skipped.append(Skipped(release.id, error))
        else:
            steps.extend(step)
    return Tick(tuple(steps), tuple(skipped), look.reports, len(look.reports))


def _look_at(gate: Gate, release: Release, policy: Policy, readings: Readings, now: float) -> tuple[Step, ...]:
    """Judge and commit. If a command came first, judge the newer state on the same readings.

    If that state has other questions (a first stage has just started), the next look is the first that can answer.
    """
    taken: list[Step] = []

    def command(latest: Release, pinned: Policy) -> Step | None:
        taken.clear()
        if not latest.phase.is_active:
            return None
        asked = queries_for(latest, pinned, now=now, interval_seconds=gate.interval_seconds)
        if latest is not release and not readings.keys() >= set(asked):
            return None
        taken[:] = [decide(latest, pinned, readings, now=now, interval_seconds=gate.interval_seconds)]
        return taken[0]

    step = command(release, policy)
    if step is None:
        return ()
    try:
        gate.commit(step)
    except ReleaseChanged:
        gate.change(release.id, command)
    return tuple(taken)
