"""A file that was read: plain values, and the place of each."""

from collections.abc import Mapping
from dataclasses import dataclass

from gated.rulebook.fault import Fault, KeyPath, Severity, spell_path

Tree = str | list["Tree"] | dict[str, "Tree"]
"""What a document holds: text, and lists and mappings of it."""


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a file: line and column, both counted from 1."""

    line: int
    column: int


TOP = Place(1, 1)
"""Where a fault of a whole file is shown."""


@dataclass(frozen=True, slots=True)
class Document:
    """One file that was read.

    Args:
        file: as the user named it.
        tree: its values; what was refused is left out or replaced by empty text.
        values: where each value starts.
        keys: where the key of each value in a mapping starts.
        gaps: values in which something was refused. To judge such a value as a whole would only echo that fault;
            to judge what it holds is fine.
        faults: what was wrong with the YAML itself.
    """

    file: str
    tree: Tree
    values: Mapping[KeyPath, Place]
    keys: Mapping[KeyPath, Place]
    gaps: frozenset[KeyPath]
    faults: tuple[Fault, ...]

    def at(self, path: KeyPath) -> Tree | None:
        """The value at a path, or None when the document has none there."""
        node: Tree = self.tree
        for part in path:
            match node, part:
                case dict(), str() if part in node:
                    node = node[part]
                case list(), int() if 0 <= part < len(node):
                    node = node[part]
                case _:
                    return None
        return node

    def mapping(self, *path: str | int) -> Mapping[str, Tree]:
        """The mapping at a path; empty when there is none."""
        node = self.at(path)
        return node if isinstance(node, dict) else {}

    def items(self, *path: str | int) -> list[Tree]:
        """The list at a path; empty when there is none."""
        node = self.at(path)
        return node if isinstance(node, list) else []

    def fault(self, path: KeyPath, message: str, *, at_key: bool = False, severity: Severity = Severity.ERROR) -> Fault:
        """A fault at the place of a path.

        Args:
            path: where; one that the document does not have is placed at the nearest value that would hold it.
            message: what is wrong and what is allowed; told in one line, even where it quotes several.
            at_key: whether the key is wrong rather than its value. A mapping or a list is always placed at its
                key, where the eye looks for it.
            severity: whether the file can be used all the same.
        """
        known = path
        while known and known not in self.values:
            known = known[:-1]
        is_text = isinstance(self.at(known), str)
        place = None if is_text and not at_key else self.keys.get(known)
        place = place or self.values.get(known) or TOP
        return Fault(self.file, place.line, place.column, spell_path(path), " ".join(message.split()), severity)
