"""A text that must never be shown: a password, a token, a key."""

from collections.abc import Callable
from typing import Final

MASK: Final = "<secret>"
"""What is shown in place of a secret, everywhere."""


class Secret:
    """A credential that prints as `<secret>`.

    The text is fetched anew at every `reveal`, so that a secret kept in a file may be rotated without a restart.
    It is no attribute either: a repr, `vars` and a traceback that shows locals find nothing to show.

    Args:
        fetch: returns the text; whatever it raises, `reveal` raises.
    """

    __slots__ = ("_fetch",)

    def __init__(self, fetch: Callable[[], str]) -> None:
        self._fetch = fetch

    @classmethod
    def of(cls, text: str) -> "Secret":
        """A secret whose text is already known."""
        return cls(lambda: text)

    def reveal(self) -> str:
        """The text itself. Keep it no longer than the one use it is fetched for."""
        return self._fetch()

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)
