"""Small diagrams as SVG: axes, lines, bands, boxes, arrows, words, on a card that follows the reader's dark or light.

Nothing here knows what is drawn. Coordinates are rounded to tenths, so that a picture is the same on every machine.
"""

import enum
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH = 760.0
"""Of every picture: about as wide as a page of text."""

Point = tuple[float, float]


class Ink(enum.Enum):
    """What is drawn with: a colour on light cards, and one on dark."""

    GATED = ("#0a5fc4", "#6cb2ff")
    HARM = ("#c0261c", "#ff8279")
    GOOD = ("#1a7f37", "#4cc765")
    OTHER = ("#9a5b00", "#eda84d")
    PLAIN = ("#57606a", "#a5aeb8")


_STYLE = """
  .card { fill: #ffffff; stroke: #d0d7de; }
  text { font: 13px sans-serif; fill: #24292f; }
  .quiet { fill: #57606a; }
  .grid { stroke: #e4e8ec; }
  .axis { stroke: #57606a; }
"""
_STYLE_DARK = """
    .card { fill: #151b23; stroke: #3d444d; }
    text { fill: #e6edf3; }
    .quiet { fill: #a5aeb8; }
    .grid { stroke: #2b323b; }
    .axis { stroke: #a5aeb8; }
"""


@dataclass(frozen=True, slots=True)
class Axis:
    """One direction of a plot.

    Args:
        label: what it shows, with its unit.
        low: where it begins; more than 0 if it is logarithmic.
        high: where it ends.
        ticks: values that are named, and their names.
        is_logarithmic: whether equal distances are equal factors.
    """

    label: str
    low: float
    high: float
    ticks: Mapping[float, str]
    is_logarithmic: bool = False

    def share(self, value: float) -> float:
        """How far along the axis a value lies, from 0 to 1; what is beyond an end lies at it."""
        inside = min(max(value, self.low), self.high)
        if self.is_logarithmic:
            return math.log(inside / self.low) / math.log(self.high / self.low)
        return (inside - self.low) / (self.high - self.low)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Where in a picture something is plotted, and along which axes.

    Args:
        x: to the right.
        y: upwards.
        left: its left edge, in pixels like the following.
        top: its upper edge.
        width: without the names on its left.
        height: without the names below.
    """

    x: Axis
    y: Axis
    left: float = 76.0
    top: float = 44.0
    width: float = 520.0
    height: float = 260.0

    def frame(self, *, has_x_label: bool = True) -> str:
        """Grid, ticks and the names of both axes."""
        right, bottom = self.left + self.width, self.top + self.height
        drawn = []
        for value, name in self.y.ticks.items():
            y = self._y(value)
            drawn.append(_segment(self.left, y, right, y, "grid"))
            drawn.append(words(self.left - 8, y + 4.5, name, anchor="end", is_quiet=True))
        for value, name in self.x.ticks.items():
            x = self._x(value)
            drawn.append(_segment(x, bottom, x, bottom + 5, "axis"))
            drawn.append(words(x, bottom + 20, name, anchor="middle", is_quiet=True))
        drawn.append(_segment(self.left, bottom, right, bottom, "axis"))
        drawn.append(words(self.left, self.top - 12, self.y.label, is_quiet=True))
        if has_x_label:
            middle = self.left + self.width / 2
            drawn.append(words(middle, bottom + 40, self.x.label, anchor="middle", is_quiet=True))
        return "\n".join(drawn)

    def line(
        self, points: Iterable[Point], ink: Ink, *, width: float = 2.2, dash: str = "", opacity: float = 1.0
    ) -> str:
        """A line through points in the units of the axes."""
        path = " ".join(f"{_short(self._x(x))},{_short(self._y(y))}" for x, y in points)
        extra = f' stroke-dasharray="{dash}"' if dash else ""
        extra += f' stroke-opacity="{opacity:g}"' if opacity < 1 else ""
        return f'<polyline class="{ink.name}" fill="none" stroke-width="{width:g}"{extra} points="{path}"/>'

    def level(self, y: float, ink: Ink, *, dash: str = "6 4") -> str:
        """A line at one height."""
        return self.line([(self.x.low, y), (self.x.high, y)], ink, width=1.5, dash=dash)

    def band(self, begin: float, end: float, ink: Ink, *, opacity: float = 0.16) -> str:
        """The plot from one value of x to another, tinted."""
        left, right = self._x(begin), self._x(end)
        return (
            f'<rect class="of-{ink.name}" fill-opacity="{opacity:g}" x="{_short(left)}"'
            f' y="{_short(self.top)}" width="{_short(right - left)}" height="{_short(self.height)}"/>'
        )

    def dot(self, x: float, y: float, ink: Ink) -> str:
        """A point of its own."""
        return f'<circle class="of-{ink.name}" cx="{_short(self._x(x))}" cy="{_short(self._y(y))}" r="4"/>'

    def words(self, x: float, y: float, text: str, ink: Ink | None = None, *, anchor: str = "start") -> str:
        """Words at a point in the units of the axes, a little beside it."""
        aside = {"start": 8.0, "middle": 0.0, "end": -8.0}[anchor]
        return words(self._x(x) + aside, self._y(y) + 4.5, text, ink, anchor=anchor)

    def _x(self, value: float) -> float:
        return self.left + self.x.share(value) * self.width

    def _y(self, value: float) -> float:
        return self.top + (1 - self.y.share(value)) * self.height


def words(
    x: float, y: float, text: str, ink: Ink | None = None, *, anchor: str = "start", is_quiet: bool = False
) -> str:
    """Words at a place of the picture, in pixels; `ink` paints them like the line they name."""
    classes = " ".join(name for name in ("quiet" if is_quiet else "", f"of-{ink.name}" if ink else "") if name)
    extra = f' class="{classes}"' if classes else ""
    extra += f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{_short(x)}" y="{_short(y)}"{extra}>{escape(text)}</text>'


def box(left: float, top: float, width: float, height: float) -> str:
    """A frame for words, in pixels."""
    return (
        f'<rect class="axis" fill="none" x="{_short(left)}" y="{_short(top)}"'
        f' width="{_short(width)}" height="{_short(height)}" rx="6"/>'
    )


def arrow(points: Sequence[Point], ink: Ink) -> str:
    """A line through points, in pixels, with a head at its end; its last piece is level or upright."""
    (x1, y1), (x2, y2) = points[-2:]
    along_x, along_y = _sign(x2 - x1), _sign(y2 - y1)
    wings = [(x2 - 9 * along_x - 4.5 * side * along_y, y2 - 9 * along_y - 4.5 * side * along_x) for side in (1, -1)]
    neck = (x2 - 8 * along_x, y2 - 8 * along_y)
    line = " ".join(f"{_short(x)},{_short(y)}" for x, y in [*points[:-1], neck])
    head = " ".join(f"{_short(x)},{_short(y)}" for x, y in [(x2, y2), *wings])
    return (
        f'<polyline class="{ink.name}" fill="none" stroke-width="1.8" points="{line}"/>\n'
        f'<polygon class="of-{ink.name}" points="{head}"/>'
    )


def picture(title: str, description: str, height: float, parts: Sequence[str]) -> str:
    """A whole picture.

    Args:
        title: what it says, in a sentence.
        description: what it shows, for those who do not see it.
        height: in pixels.
        parts: what was drawn, the first below the next.
    """
    light = "\n".join(_colours(ink, ink.value[0]) for ink in Ink)
    dark = "\n".join(f"  {_colours(ink, ink.value[1])}" for ink in Ink)
    drawn = "\n".join(parts)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {height:g}" role="img">
<title>{escape(title)}</title>
<desc>{escape(description)}</desc>
<style>{_STYLE}{light}
  @media (prefers-color-scheme: dark) {{{_STYLE_DARK}{dark}
  }}
</style>
<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1:g}" height="{height - 1:g}" rx="8"/>
{drawn}
</svg>
"""


def _colours(ink: Ink, colour: str) -> str:
    return f"  .{ink.name} {{ stroke: {colour}; }} .of-{ink.name} {{ fill: {colour}; }}"


def _segment(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{_short(x1)}" y1="{_short(y1)}" x2="{_short(x2)}" y2="{_short(y2)}"/>'


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _short(pixels: float) -> str:
    return f"{round(pixels, 1):g}"
