"""The two ordered scales of the gate: the outcome of one rule, and the verdict of one stage."""

import enum


class Outcome(enum.IntEnum):
    """What one rule says at one tick. Ordered: the worst is the greatest, so `max` is the summary.

    The numbers are stored; the gaps leave room for outcomes to come.
    """

    OK = 0
    """Evaluated on fresh evidence and inside its limit."""
    PENDING = 10
    """Cannot say yet: warming up, too few samples, or past the limit but not for long enough."""
    NO_DATA = 20
    """The source answered and there was nothing to judge: absent, stale."""
    ERROR = 30
    """The question could not be answered: source unreachable, untrusted, or the rule does not fit the data."""
    BREACH = 40
    """The limit was passed for as long as the rule asks."""

    @property
    def text(self) -> str:
        """The form used in the API, in metrics and in logs: `ok`, `no_data`, …."""
        return self.name.lower()

    @property
    def is_blind(self) -> bool:
        """Whether the gate learns nothing from this rule at this tick."""
        return self in {Outcome.NO_DATA, Outcome.ERROR}


class Verdict(enum.Enum):
    """What a poll of a stage returns."""

    PENDING = "pending"
    """Keep waiting at this stage; evidence is being collected."""
    PROMOTE = "promote"
    """Fresh and complete evidence speaks for going on; valid until claimed, refuted or expired."""
    HOLD = "hold"
    """Do not go on: the gate is blind, paused, or the evidence stayed inconclusive. Not a rollback."""
    ROLLBACK = "rollback"
    """Go back. Never turns into anything else."""
