"""What a gate says when it does not do what was asked."""

import json
from dataclasses import dataclass

from gated.cli.text import printable


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal in the gate's own words, safe to print.

    Args:
        error: its constant: `not_found`, `not_allowed`, `conflict`, `invalid`, `unavailable` and others.
        message: one sentence for people.
        faults: everything that is wrong with the input.
    """

    error: str
    message: str
    faults: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "; ".join((self.message, *self.faults))


def read(body: bytes) -> Problem | None:
    """The problem in an answer's body; None when it is not one of gated's, as a proxy's error page is not."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    match said:
        case {"error": str(error), "message": str(message)}:
            faults = said.get("faults")
            named = faults if isinstance(faults, list) else []
            return Problem(printable(error), printable(message), tuple(printable(str(fault)) for fault in named))
        case _:
            return None
