"""Strict YAML: bytes in, a document out. Knows nothing of rules or settings.

YAML has many ways to surprise: `on` is true, `12:30` is 750, the last of two equal keys wins, nine lines of
aliases unfold into gigabytes. So only its plain core is read: mappings with text keys, lists, and scalars that
all stay text until the type of their field reads them. Everything else is a fault, and reading goes on, so that
one look at a file shows all of them. Only text that is no YAML at all ends the reading where it happens.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import yaml

from gated.rulebook.document import TOP, Document, Place, Tree
from gated.rulebook.fault import Fault, KeyPath, spell_path

MAX_BYTES = 256 * 1024
"""A thousand rules fit. PyYAML reads about 200 kB a second, and a reload must not stall the gate."""
_MAX_DEPTH = 16
"""The deepest key that means anything is at depth 6."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""Written as escapes in quoted text, these would reach terminals and logs."""


def read_file(path: Path) -> Document:
    """Read one file, which faults call as it is called here; otherwise as `read`."""
    file = str(path)
    if path.is_dir():
        return unreadable(file, "a directory without a *.yaml or *.yml file that could be read")
    try:
        with path.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        return unreadable(file, f"cannot be read: {error.strerror}")
    return read(content, file)


def read(content: bytes, file: str) -> Document:
    """Read one file; never raises.

    Args:
        content: its bytes; UTF-8.
        file: what faults call it.

    Returns:
        The document with its faults. When the bytes are no YAML at all it is empty, with a gap at its root.
    """
    if len(content) > MAX_BYTES:
        return unreadable(file, f"larger than {MAX_BYTES // 1024} KiB; split it")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", errors="replace")
        return unreadable(file, "not UTF-8", _place_after(before))
    return _Reader(file, text).read()


def unreadable(file: str, message: str, place: Place = TOP, earlier: tuple[Fault, ...] = ()) -> Document:
    """The document of a file of which nothing can be read.

    Args:
        file: what faults call it.
        message: why it cannot be read.
        place: where that shows.
        earlier: faults found before it.
    """
    fault = Fault(file, place.line, place.column, "", message)
    return Document(file, "", {}, {}, frozenset({()}), (*earlier, fault))


class _Mark(Protocol):
    """A position as PyYAML counts it, from 0."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


class _TooDeepError(Exception):
    """Nested deeper than anything that means something."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place


@dataclass(slots=True)
class _Reader:
    """Builds a document from PyYAML's events.

    Events rather than nodes: aliases, anchors and tags are still visible as what they are, and nothing is
    unfolded or recursed into before it has been looked at.
    """

    file: str
    text: str
    events: Iterator[yaml.Event] = field(default_factory=lambda: iter(()))
    values: dict[KeyPath, Place] = field(default_factory=dict)
    keys: dict[KeyPath, Place] = field(default_factory=dict)
    gaps: set[KeyPath] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)

    def read(self) -> Document:
        try:
            self.events = iter(yaml.parse(self.text, Loader=yaml.SafeLoader))
            tree = self._single_document()
        except yaml.reader.ReaderError as error:
            place = _place_after(self.text[: error.position])
            return self._give_up(f"the character U+{error.character:04X} is not allowed", place)
        except yaml.MarkedYAMLError as error:
            return self._give_up(_explain(error), _place(error.problem_mark))
        except _TooDeepError as error:
            return self._give_up(f"nested more than {_MAX_DEPTH} levels deep", error.place)
        except ValueError:
            # PyYAML lets two of these through: an escape beyond U+10FFFF, and a %YAML version of 5,000 digits.
            return self._give_up("not valid YAML: a number in it is out of range", TOP)
        return Document(self.file, tree, self.values, self.keys, frozenset(self.gaps), tuple(self.faults))

    def _give_up(self, message: str, place: Place) -> Document:
        return unreadable(self.file, message, place, tuple(self.faults))

    def _single_document(self) -> Tree:
        tree: Tree | None = None
        for event in self.events:
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            if tree is not None:
                self._fault(event, (), "a second document; write one document per file")
                return tree
            tree = self._node(next(self.events), ())
        if tree is None:
            return self._refuse(None, (), "the file is empty")
        return tree

    def _node(self, event: yaml.Event, path: KeyPath) -> Tree:
        self.values[path] = _place(event.start_mark)
        if len(path) > _MAX_DEPTH:
            raise _TooDeepError(_place(event.start_mark))
        if isinstance(event, yaml.AliasEvent):
            return self._refuse(event, path, f"an alias (*{event.anchor}); write the value out")
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            if event.anchor is not None:
                self._fault(event, path, f"an anchor (&{event.anchor}); write each value where it is used")
            if event.tag is not None:
                self._fault(event, path, "a tag; the key decides how its value is read, so remove it")
        match event:
            case yaml.MappingStartEvent():
                return self._mapping(path)
            case yaml.SequenceStartEvent():
                return self._list(path)
            case yaml.ScalarEvent(value=str(text)) if found := _CONTROL.search(text):
                return self._refuse(event, path, f"the character U+{ord(found[0]):04X} is not allowed in text")
            case yaml.ScalarEvent(value=str(text)):
                return text
            case _:
                raise AssertionError(f"PyYAML never starts a value with {type(event).__name__}")

    def _list(self, path: KeyPath) -> Tree:
        items: list[Tree] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items))))
        return items

    def _mapping(self, path: KeyPath) -> Tree:
        items: dict[str, Tree] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self._key(event, path, items)
            if key is None:
                self._skip(next(self.events))
                continue
            self.keys[*path, key] = _place(event.start_mark)
            items[key] = self._node(next(self.events), (*path, key))
        return items

    def _key(self, event: yaml.Event, path: KeyPath, seen: Mapping[str, Tree]) -> str | None:
        """The key that an event stands for, or None when it is refused and its value must be skipped."""
        if not isinstance(event, yaml.ScalarEvent) or event.anchor is not None or event.tag is not None:
            self._refuse(event, path, "a key must be plain text, without alias, anchor or tag")
            self._skip(event)
            return None
        key = str(event.value)
        if not key or not key.isprintable():
            self._refuse(event, path, "a key must be printable text, and not empty")
        elif key == "<<":
            self._refuse(event, path, "a merge key (<<); write the keys out")
        elif key in seen:
            first = self.keys[*path, key].line
            self._fault(event, (*path, key), f"this key is already given in line {first}; remove one of them")
        else:
            return key
        return None

    def _skip(self, event: yaml.Event) -> None:
        """Pass over one node with all it holds."""
        depth = 0
        while True:
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth == 0:
                return
            if depth > _MAX_DEPTH:
                raise _TooDeepError(_place(event.start_mark))
            event = next(self.events)

    def _refuse(self, event: yaml.Event | None, path: KeyPath, message: str) -> Tree:
        self.gaps.add(path)
        self._fault(event, path, message)
        return ""

    def _fault(self, event: yaml.Event | None, path: KeyPath, message: str) -> None:
        place = _place(event.start_mark if event is not None else None)
        self.faults.append(Fault(self.file, place.line, place.column, spell_path(path), message))


def _place(mark: _Mark | None) -> Place:
    return TOP if mark is None else Place(mark.line + 1, mark.column + 1)


def _place_after(text: str) -> Place:
    return Place(text.count("\n") + 1, len(text) - text.rfind("\n"))


def _explain(error: yaml.MarkedYAMLError) -> str:
    """PyYAML's complaint, with what to do about the ones people really meet."""
    problem = error.problem or "it cannot be read"
    if "'\\t'" in problem:
        return "a tab; indent with spaces"
    if "cannot start any token" in problem:
        return f"not valid YAML: {problem}; put quotes around the text"
    if "mapping values are not allowed here" in problem:
        return "not valid YAML: a second ': ' in one line; put quotes around the text, or check the indentation"
    return f"not valid YAML: {problem}"
