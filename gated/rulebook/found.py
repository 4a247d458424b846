"""Rules and plans as they were found in files: what they mean, and where they stand."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from gated.model.ids import PlanName, RuleName
from gated.model.plan import Plan
from gated.model.rule import Rule
from gated.rulebook.document import Document
from gated.rulebook.fault import Fault, KeyPath, Severity

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """A rule or a plan, and where it stands.

    Args:
        document: the file.
        path: where in the file.
        meaning: what it says; None when it has faults of its own.
    """

    document: Document
    path: KeyPath
    meaning: T | None

    def has(self, *key: str | int) -> bool:
        """Whether a key is written, so that a default is not taken for an intention."""
        return self.document.at((*self.path, *key)) is not None

    def error(self, key: KeyPath, message: str) -> Fault:
        """An error at a key; at the whole, when the key is not written."""
        return self.document.fault((*self.path, *key), message)

    def warning(self, key: KeyPath, message: str) -> Fault:
        """A warning at a key; at the whole, when the key is not written."""
        path = (*self.path, *key) if self.has(*key) else self.path
        return self.document.fault(path, message, severity=Severity.WARNING)

    @property
    def place(self) -> str:
        """File, line and column, for faults elsewhere that point here."""
        fault = self.document.fault(self.path, "", at_key=True)
        return f"{fault.file}:{fault.line}:{fault.column}"


@dataclass(frozen=True, slots=True)
class Collected:
    """Everything that was found, good or not.

    Args:
        documents: the files, in order.
        rules: by name.
        plans: by name.
    """

    documents: tuple[Document, ...]
    rules: Mapping[RuleName, Found[Rule]]
    plans: Mapping[PlanName, Found[Plan]]

    @property
    def is_whole(self) -> bool:
        """Whether every file was read to its end, so that a name that is not found is nowhere."""
        return not any(document.gaps for document in self.documents)
