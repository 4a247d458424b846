"""All releases on one page: those under way, the worst first, and those that ended last."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from gated.model.release import Release, RuleResult
from gated.model.rule import OnBreach
from gated.model.units import format_quantity
from gated.model.verdict import Outcome
from gated.operations.gate import Gate
from gated.server.pages.wording import Standing, shown_now, standing
from gated.store.records import Filter

ROWS = 100
"""Releases under way that one page lists; there may be a thousand."""
_ENDED = 20
_TONES = ("rollback", "hold", "pending", "promote", "ended")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which releases a person wants to see.

    Args:
        service: a part of the service's name.
        environment: the environment; empty for all.
        state: a tone of `wording.Standing`; empty for all.
        page: which page of those under way, from 1.
        before: where the list of ended ones goes on; empty for its beginning.
    """

    service: str = ""
    environment: str = ""
    state: str = ""
    page: int = 1
    before: str = ""

    @property
    def is_any(self) -> bool:
        """Whether all of them are wanted."""
        return not (self.service or self.environment or self.state)

    def takes(self, release: Release) -> bool:
        """Whether a release is of this service and environment."""
        return self.service in release.service and self.environment in {"", release.environment}


@dataclass(frozen=True, slots=True)
class Segment:
    """One stage in a row's track.

    Args:
        name: the stage's.
        state: `done`, `now`, `back`, `stopped` or `later`.
    """

    name: str
    state: str


@dataclass(frozen=True, slots=True)
class Row:
    """One release.

    Args:
        release: the release.
        standing: how it stands.
        track: its stages.
        worst: the rule with the worst outcome, in words; empty when all are fine.
        eta_seconds: to the earliest possible promotion; None when there is none to wait for.
    """

    release: Release
    standing: Standing
    track: tuple[Segment, ...]
    worst: str
    eta_seconds: float | None


@dataclass(frozen=True, slots=True)
class Board:
    """What the page shows.

    Args:
        wanted: what was asked for.
        rows: releases under way on this page, the worst first.
        found: how many are under way and wanted, on all pages.
        active: how many are under way.
        counts: how many of them stand how, by tone.
        environments: all there are, in order.
        ended: those that ended last.
        next_ended: where their list goes on; empty at its end.
        looked_at: the latest look at any of them; None before the first.
    """

    wanted: Wanted
    rows: tuple[Row, ...]
    found: int
    active: int
    counts: Mapping[str, int]
    environments: tuple[str, ...]
    ended: tuple[Row, ...]
    next_ended: str
    looked_at: float | None

    @property
    def pages(self) -> int:
        """How many pages those under way take."""
        return _pages(self.found)


def load(gate: Gate, wanted: Wanted, now: float) -> Board:
    """The board as of now.

    Raises:
        InvalidInput: `wanted.before` is not where an earlier page ended.
        Unavailable: the store does not answer.
    """
    active = [_row(gate, release, now) for release in gate.store.active()]
    mine = [row for row in active if wanted.takes(row.release)]
    counts = Counter(row.standing.tone for row in mine)
    found = sorted((row for row in mine if wanted.state in {"", row.standing.tone}), key=_order)
    # A page that is watched outlives the releases that filled it; beyond the last page is the last page.
    page = min(wanted.page, _pages(len(found)))
    first = (page - 1) * ROWS
    ended, next_ended = _ended(gate, wanted, now)
    return Board(
        wanted=replace(wanted, page=page),
        rows=tuple(found[first : first + ROWS]),
        found=len(found),
        active=len(active),
        counts={tone: counts[tone] for tone in _TONES},
        environments=tuple(
            sorted({row.release.environment for row in (*active, *ended)} | {wanted.environment} - {""})
        ),
        ended=tuple(row for row in ended if wanted.state in {"", row.standing.tone}),
        next_ended=next_ended,
        looked_at=max((row.release.evaluated_at for row in active if row.release.evaluated_at), default=None),
    )


def _pages(rows: int) -> int:
    return max(1, -(-rows // ROWS))


def _ended(gate: Gate, wanted: Wanted, now: float) -> tuple[list[Row], str]:
    """Some that ended, newest first. A part of a name is looked for among the latest only."""
    of = Filter(environment=wanted.environment or None, is_active=False)
    page = gate.store.releases(of, limit=_ENDED, after=wanted.before)
    return [_row(gate, release, now) for release in page.releases if wanted.takes(release)], page.next_cursor


def _row(gate: Gate, release: Release, now: float) -> Row:
    policy = gate.policy_of(release)
    shown = shown_now(release, policy, now, gate.validity_seconds)
    return Row(
        release=release,
        standing=standing(release, shown),
        track=track(release),
        worst=_worst(release),
        eta_seconds=shown.eta_seconds,
    )


def track(release: Release) -> tuple[Segment, ...]:
    """The stages of a release and how far it is."""
    return tuple(Segment(state.name, _state(release, at)) for at, state in enumerate(release.stages))


def _state(release: Release, at: int) -> str:
    state = release.stages[at]
    if state.claim is not None:
        return "done"
    if release.rollback is not None and state.ended_at is not None:
        return "back"
    if state.started_at is not None:
        return "now" if release.phase.is_undecided else "back" if release.rollback is not None else "stopped"
    return "later"


def _worst(release: Release) -> str:
    """The rule whose outcome is the worst, and of those the one with the most evidence; empty when all are fine."""
    if not release.phase.is_active or not release.results:
        return ""
    blocking = [result for result in release.results if result.on_breach is not OnBreach.WARN]
    worst = max(blocking or release.results, key=_badness)
    if worst.outcome is Outcome.OK:
        return ""
    if worst.value is None:
        return f"{worst.rule}: {worst.outcome.text.replace('_', ' ')}"
    limit = "" if worst.limit is None else f", limit {format_quantity(worst.limit, worst.unit)}"
    return f"{worst.rule} {format_quantity(worst.value, worst.unit)}{limit}"


def _badness(result: RuleResult) -> tuple[Outcome, float]:
    """Not by how near a value is to its limit: one that must not fall below it is often as near as can be, and well."""
    return result.outcome, result.odds / result.odds_limit if result.odds is not None and result.odds_limit else 0.0


def _order(row: Row) -> tuple[int, str, str]:
    return row.standing.rank, row.release.service, row.release.environment
