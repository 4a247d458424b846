"""The Markdown of this repository as its readers see it: pages, and the blocks of code in them.

A comment before a block says what it is, where its language does not:

    <!-- file: rules/checkout.yaml -->    the content of this file
    <!-- check: KIND -->                  checked as this kind; tests/unit/docs/test_blocks.py has the kinds
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<language>[^\s`]*)[^`]*$")
_MARKER = re.compile(r"^ *<!-- (?P<key>file|check): (?P<value>\S+) -->$")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Args:
        page: its page, as seen from the repository.
        line: of its first fence.
        language: as written after the fence; empty for none.
        text: what is inside.
        file: the file it is the content of, by its comment; empty for none.
        check: the kind it is checked as, by its comment; empty for whatever its language says.
    """

    page: str
    line: int
    language: str
    text: str
    file: str
    check: str

    @property
    def place(self) -> str:
        """Where it is."""
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """Every Markdown file that people read."""
    return [*sorted(REPOSITORY.glob("*.md")), *sorted((REPOSITORY / "docs").rglob("*.md"))]


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page, in order.

    Raises:
        ValueError: a block has no end.
    """
    name = page.relative_to(REPOSITORY).as_posix()
    return read_blocks(page.read_text(), name)


def read_blocks(text: str, name: str) -> Iterator[Block]:
    """The blocks of a text; `name` is that of its page."""
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        opening = _FENCE.match(lines[at])
        if opening is None:
            at += 1
            continue
        end = next((n for n in range(at + 1, len(lines)) if lines[n].strip() == opening["fence"]), None)
        if end is None:
            raise ValueError(f"{name}:{at + 1}: a block without end")
        marker = _MARKER.match(lines[at - 1]) if at else None
        said = {marker["key"]: marker["value"]} if marker else {}
        indent = len(opening["indent"])
        inside = "".join(f"{line[indent:]}\n" for line in lines[at + 1 : end])
        yield Block(name, at + 1, opening["language"], inside, said.get("file", ""), said.get("check", ""))
        at = end + 1


def files(page: Path) -> dict[str, str]:
    """The blocks of a page that are files, by their name."""
    return {block.file: block.text for block in blocks(page) if block.file}
