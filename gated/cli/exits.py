"""How a command ends, as a number that scripts can rely on.

Numbers are promises: none changes its meaning within a major version. From 10 on they are the gate's own, clear of what
shells (126 and up) and click (1, 2) use.
"""

import enum


class Exit(enum.IntEnum):
    """The exit codes of every command."""

    DONE = 0
    """It is done; for `gated wait`: the promote is claimed, go on."""
    REFUSED = 1
    """It cannot be done now, or files have errors."""
    USAGE = 2
    """The command line or a value in it cannot be used."""
    WARNINGS = 3
    """The files can be used, and have warnings."""
    UNEXPECTED = 4
    """It is done, and did not come out as expected."""
    ROLLBACK = 10
    """Go back."""
    HOLD = 11
    """Do not go on: hold, still pending at the deadline, or the release ended without a verdict."""
    UNTRUSTED = 12
    """The gate cannot be reached, or its answer cannot be trusted."""
    UNKNOWN = 13
    """No such release, stage or plan, or not the expected version or service."""
    DENIED = 14
    """The gate, or something in front of it, refused access."""


SIGNALLED = 128
"""Added to the number of the signal that ended a command: 130 for SIGINT, 143 for SIGTERM."""
