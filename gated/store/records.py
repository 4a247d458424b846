"""What is asked of the store and what it answers, where the nouns of the model do not suffice."""

from collections.abc import Collection
from dataclasses import dataclass

from gated.model.release import Phase, Release
from gated.model.step import AuditEntry, Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which releases are wanted: those that match every field that is given.

    Args:
        service: of this service only; None for any.
        environment: in this environment only; None for any.
        version: of this version only; None for any.
        phases: in one of these phases only; None for any.
        is_active: True for those the gate still watches, False for those it does not, None for both.
    """

    service: str | None = None
    environment: str | None = None
    version: str | None = None
    phases: Collection[Phase] | None = None
    is_active: bool | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the releases that were asked for, newest first.

    Args:
        releases: by descending time of opening.
        next_cursor: where the next page begins; empty on the last.
    """

    releases: tuple[Release, ...]
    next_cursor: str


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """An audit entry with its place.

    Args:
        sequence: grows with every entry.
        entry: who did what.
    """

    sequence: int
    entry: AuditEntry


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """A signal that is still to be delivered.

    Args:
        signal: what is to be told.
        attempts: how often it was tried.
        attempted_at: when it was last tried, Unix seconds; None for never.
        last_error: why that failed; empty for never.
    """

    signal: Signal
    attempts: int
    attempted_at: float | None
    last_error: str


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows were deleted.

    Args:
        releases: ended releases.
        outcomes: entries of their histories.
        decisions: their decisions.
        signals: delivered signals about them.
    """

    releases: int = 0
    outcomes: int = 0
    decisions: int = 0
    signals: int = 0

    def __add__(self, other: "Pruned") -> "Pruned":
        return Pruned(
            self.releases + other.releases,
            self.outcomes + other.outcomes,
            self.decisions + other.decisions,
            self.signals + other.signals,
        )
