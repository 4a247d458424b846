"""How the series of one version of one service are picked out of a source."""

import enum
from dataclasses import dataclass


class MatchOp(enum.Enum):
    """PromQL's four label matchers."""

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"

    __hash__ = (
        object.__hash__
    )  # each is one object; Enum's own is written in Python, and queries are hashed at every look

    @property
    def is_pattern(self) -> bool:
        """Whether the value is read as a regular expression."""
        return self is MatchOp.REGEX or self is MatchOp.NOT_REGEX


@dataclass(frozen=True, slots=True, order=True)
class Matcher:
    """One label matcher; the value is the plain text, never escaped.

    Args:
        name: the label's name.
        value: the text to compare with.
        op: how to compare; equality unless a plan says otherwise.
    """

    name: str
    value: str
    op: MatchOp = MatchOp.EQUAL

    def __str__(self) -> str:
        return f"{self.name}{self.op.value}{self.value!r}"


Workload = tuple[Matcher, ...]
"""The matchers of one workload, ordered by label name; empty selects everything the rule itself selects."""


_RE2_SYNTAX = {ord(character): f"\\{character}" for character in r"\.+*?()|[]{}^$"}


def literal_pattern(text: str) -> str:
    """The pattern that matches exactly this text, in RE2's syntax, which knows fewer escapes than Python's."""
    return text.translate(_RE2_SYNTAX)


def is_exact(workload: Workload) -> bool:
    """Whether every matcher is an equality, so that one query can answer for many workloads at once."""
    return all(matcher.op is MatchOp.EQUAL for matcher in workload)
