"""Which columns fit a terminal, and how wide each is. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from gated.cli.text import table
from gated.cli.top.piece import Piece, clipped
from gated.cli.top.rows import Row

GAP = 1
"""Characters between two columns."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the list.

    Args:
        name: the attribute of `Row` that it shows.
        title: its heading.
        most: it is never wider than this.
        rank: what a narrow terminal leaves out first has the greatest; 0 stays always.
    """

    name: str
    title: str
    most: int
    rank: int = 0

    def of(self, row: Row) -> Piece:
        """What it shows of a release."""
        cell: Piece = getattr(row, self.name)
        return cell


COLUMNS = (
    Column("verdict", "VERDICT", 13),
    Column("service", "SERVICE", 24),
    Column("environment", "ENV", 16, rank=1),
    Column("version", "VERSION", 16),
    Column("stages", "STAGES", 12),
    Column("rule", "WORST RULE", 40),
    Column("evidence", "EVIDENCE", 18, rank=2),
    Column("progress", "PROGRESS", 24, rank=4),
    Column("look", "LOOK", 10, rank=3),
    Column("since", "SINCE", 7, rank=5),
    Column("reason", "REASON", 120, rank=6),
)
_SQUEEZED = {"service": 12, "environment": 10, "version": 8, "rule": 24, "evidence": 8, "reason": 30}
"""How narrow a column becomes before one is left out: of names the beginning tells, of evidence the bar."""


def fitted(rows: Sequence[Row], width: int) -> list[tuple[Column, int]]:
    """The columns that fit, each with its width.

    Columns are taken as narrow as they may become, in the order of their ranks, until the next does not fit; then what
    is left is given out from the left, so that nothing is cut while there is room.

    Args:
        rows: what is to be shown.
        width: of the terminal, in characters.
    """
    natural = {column.name: _natural(column, rows) for column in COLUMNS}
    widths = {name: min(wide, _SQUEEZED.get(name, wide)) for name, wide in natural.items()}
    taken: set[str] = set()
    left = width + GAP
    for column in sorted(COLUMNS, key=lambda each: each.rank):
        need = widths[column.name] + GAP
        if column.rank and need > left:
            break
        taken.add(column.name)
        left -= need
    for name in (column.name for column in COLUMNS if column.name in taken):
        more = min(max(left, 0), natural[name] - widths[name])
        widths[name] += more
        left -= more
    return [(column, widths[column.name]) for column in COLUMNS if column.name in taken]


def cell(column: Column, row: Row, width: int) -> str:
    """What a column says in so many characters: of a rule its numbers, of evidence its bar are the last to go."""
    text = column.of(row).text
    first, _, rest = text.partition(" ")
    if len(text) > width and column.name == "evidence":
        return clipped(first, width)
    if len(text) > width and column.name == "rule" and len(rest) + 4 < width:
        return f"{clipped(first, width - len(rest) - 1)} {rest}"
    return clipped(text, width)


def plain(rows: Sequence[Row]) -> str:
    """All columns but the sentences as a table without colours, as wide as it takes."""
    shown = [column for column in COLUMNS if column.name != "reason"]
    cells = [[row.release, *(column.of(row).text for column in shown)] for row in rows]
    return table(["RELEASE", *(column.title for column in shown)], cells)


def _natural(column: Column, rows: Sequence[Row]) -> int:
    longest = max((len(column.of(row).text) for row in rows), default=0)
    return min(max(longest, len(column.title)), column.most)
