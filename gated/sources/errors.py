"""Why a source gave no answer, as an exception inside this room and as a `QueryFailed` outside it.

    GatedError
    └── Unavailable
        └── SourceError        a server gave no answer; carries a FailureReason and a few words for people
            └── NotAsked       the fault is ours, and the server was never asked

One branch is enough: nobody outside this room catches it, and inside it every failure goes the same way, into the
readings of the request that failed. The reason is a field. Only a probe must tell whose fault it was, because it
measures the server. Foreign exceptions are translated where they are met (transport.py).
"""

import re
import traceback

from gated.model.errors import Unavailable
from gated.model.reading import FailureReason, QueryFailed

_MAX_DETAIL_CHARACTERS = 200
_NOT_PRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\U0010ffff]+")


class SourceError(Unavailable):
    """A source did not answer.

    Args:
        reason: which of the ways.
        detail: what was seen, in a few words; cut and cleaned here, so it may quote a server. Never a credential.
    """

    def __init__(self, reason: FailureReason, detail: str) -> None:
        self.reason = reason
        self.detail = brief(detail)
        super().__init__(f"{reason.value}: {self.detail}")

    def reading(self, expression: str) -> QueryFailed:
        """The failure as the answer to a query.

        Args:
            expression: what was asked.
        """
        return QueryFailed(self.reason, self.detail, expression)


class NotAsked(SourceError):
    """The server was never asked, for a reason of our own."""


def brief(text: str) -> str:
    """Make a text from outside fit for one line of a log: no control characters, at most 200 characters."""
    line = " ".join(_NOT_PRINTABLE.sub(" ", text).split())
    return line if len(line) <= _MAX_DETAIL_CHARACTERS else line[: _MAX_DETAIL_CHARACTERS - 1] + "…"


def unforeseen(error: Exception) -> SourceError:
    """An exception that is nobody's plan, most likely an answer of a shape that nobody thought of.

    Only its type and place are told: its text may quote anything.
    """
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{place.filename.rpartition('/')[2]}:{place.lineno}"
    return SourceError(FailureReason.NOT_PROMETHEUS, f"the answer could not be read: {type(error).__name__} at {where}")
