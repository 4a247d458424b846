"""What is wrong with a file, and exactly where."""

import enum
from dataclasses import dataclass

KeyPath = tuple[str | int, ...]
"""The way from the top of a file to a value: keys of mappings and positions in lists."""


class Severity(enum.Enum):
    """Whether a file can be used in spite of the fault."""

    ERROR = "error"
    """It cannot."""
    WARNING = "warning"
    """It can, and probably does not do what its author wants."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, printed as `file:line:column: key: message`.

    Args:
        file: as the user named it.
        line: counted from 1.
        column: counted from 1, in characters.
        key: the way to the value, for example `plans.standard.stages[0].bake`; empty for the whole file.
        message: what is wrong and what is allowed. Never a credential.
        severity: whether the file can be used all the same.
    """

    file: str
    line: int
    column: int
    key: str
    message: str
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        key = f"{self.key}: " if self.key else ""
        return f"{self.file}:{self.line}:{self.column}: {key}{self.message}"

    @property
    def is_error(self) -> bool:
        """Whether the file cannot be used."""
        return self.severity is Severity.ERROR

    @property
    def position(self) -> tuple[str, int, int]:
        """The key to sort by, so that faults come in reading order."""
        return self.file, self.line, self.column


def spell_path(path: KeyPath) -> str:
    """Write a path as people do: `plans.standard.stages[0].bake`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
