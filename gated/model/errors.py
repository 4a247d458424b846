"""The root of every error gated raises on purpose.

    GatedError
    ├── InvalidInput    what a person or a file gave is wrong; carries every fault at once
    ├── NotAllowed      well formed, but the release is not in a state that allows it
    ├── NotFound        no release, stage or plan of that name
    ├── Conflict        another change came first: read again, then decide
    └── Unavailable     a neighbour (store, source) cannot be reached; worth retrying

Rooms add their own leaves below these five; the server turns the five into HTTP statuses in one table.
"""


class GatedError(Exception):
    """Something went wrong that gated knows how to explain."""


class InvalidInput(GatedError):
    """What was given cannot be used.

    Args:
        faults: every fault found, each a sentence that starts with its place.
    """

    def __init__(self, *faults: str) -> None:
        self.faults: tuple[str, ...] = faults
        super().__init__("\n".join(faults))


class NotAllowed(GatedError):
    """The release is not in a state in which this may be done."""


class NotFound(GatedError):
    """There is nothing of that name."""


class Conflict(GatedError):
    """Another change came first."""


class Unavailable(GatedError):
    """A neighbour could not be reached; trying again may help."""
