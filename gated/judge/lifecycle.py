"""The lifecycle of a release: one table of which event may happen in which phase, and where it leads."""

import enum

from gated.model.errors import NotAllowed
from gated.model.release import Phase


class Event(enum.Enum):
    """What can happen to a release. The text completes "cannot … a release that is …"."""

    START_STAGE = "start a stage of"
    CLAIM = "claim a promote of"
    CLAIM_LAST = "claim the last promote of"
    TRIGGER = "trigger the rollback of"
    REPORT_ROLLED_BACK = "report the rollback of"
    END_WATCH = "end the watch over the recovery of"
    PAUSE = "pause"
    RESUME = "resume"
    ABORT = "abort"
    SUPERSEDE = "supersede"


TRANSITIONS: dict[tuple[Phase, Event], Phase] = {
    (Phase.OPEN, Event.START_STAGE): Phase.BAKING,
    (Phase.OPEN, Event.PAUSE): Phase.OPEN,
    (Phase.OPEN, Event.RESUME): Phase.OPEN,
    (Phase.OPEN, Event.ABORT): Phase.ABORTED,
    (Phase.OPEN, Event.SUPERSEDE): Phase.SUPERSEDED,
    (Phase.BAKING, Event.CLAIM): Phase.BETWEEN,
    (Phase.BAKING, Event.CLAIM_LAST): Phase.COMPLETED,
    (Phase.BAKING, Event.TRIGGER): Phase.ROLLING_BACK,
    (Phase.BAKING, Event.REPORT_ROLLED_BACK): Phase.RECOVERING,
    (Phase.BAKING, Event.PAUSE): Phase.BAKING,
    (Phase.BAKING, Event.RESUME): Phase.BAKING,
    (Phase.BAKING, Event.ABORT): Phase.ABORTED,
    (Phase.BAKING, Event.SUPERSEDE): Phase.SUPERSEDED,
    (Phase.BETWEEN, Event.START_STAGE): Phase.BAKING,
    (Phase.BETWEEN, Event.TRIGGER): Phase.ROLLING_BACK,
    (Phase.BETWEEN, Event.REPORT_ROLLED_BACK): Phase.RECOVERING,
    (Phase.BETWEEN, Event.PAUSE): Phase.BETWEEN,
    (Phase.BETWEEN, Event.RESUME): Phase.BETWEEN,
    (Phase.BETWEEN, Event.ABORT): Phase.ABORTED,
    (Phase.BETWEEN, Event.SUPERSEDE): Phase.SUPERSEDED,
    # A rollback never turns back: from here a release can only go on to the end of its rollback, or make room.
    (Phase.ROLLING_BACK, Event.REPORT_ROLLED_BACK): Phase.RECOVERING,
    (Phase.ROLLING_BACK, Event.SUPERSEDE): Phase.SUPERSEDED,
    (Phase.RECOVERING, Event.END_WATCH): Phase.ROLLED_BACK,
    (Phase.RECOVERING, Event.SUPERSEDE): Phase.SUPERSEDED,
}
"""Every pair that is not here is not allowed."""


def allows(phase: Phase, event: Event) -> bool:
    """Whether the event may happen in the phase."""
    return (phase, event) in TRANSITIONS


def advance(phase: Phase, event: Event) -> Phase:
    """The phase after an event.

    Raises:
        NotAllowed: the event may not happen in this phase.
    """
    try:
        return TRANSITIONS[phase, event]
    except KeyError:
        raise NotAllowed(f"cannot {event.value} a release that is {phase.value.replace('_', ' ')}") from None
