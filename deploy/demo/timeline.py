"""What a person sees of the demo: a line for each thing that happens, with the seconds since the start."""

import shutil
import sys
import textwrap
import time

from gated.model.units import format_duration

_NARROWEST = 20
"""Columns; in fewer a terminal may break lines as it likes."""
_COLOURS = {"good": "32", "bad": "31", "wait": "33", "quiet": "2", "title": "1"}


class Timeline:
    """Prints lines as they happen; on a terminal in colour, and broken between words."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._is_terminal = sys.stdout.isatty()
        self._last = ""

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def title(self, text: str) -> None:
        """A new chapter."""
        print(f"\n{self._painted(text, 'title')}", flush=True)

    def say(self, text: str, mood: str = "") -> None:
        """One line with its time; the same line twice in a row is said once."""
        if text == self._last:
            return
        self._last = text
        clock = f"{self.seconds:6.1f} s"
        text = self._broken(text, len(clock) + 2)
        print(f"{self._painted(clock, 'quiet')}  {self._painted(text, mood)}", flush=True)

    def facts(self, rows: list[tuple[str, str]]) -> None:
        """The summary: names and values."""
        width = max(len(name) for name, _ in rows)
        for name, value in rows:
            print(f"  {name:<{width}}  {self._broken(value, width + 4)}", flush=True)

    def _painted(self, text: str, mood: str) -> str:
        return f"\x1b[{_COLOURS[mood]}m{text}\x1b[0m" if self._is_terminal and mood else text

    def _broken(self, text: str, indent: int) -> str:
        """As many lines as it takes, the second one and the next under the first."""
        room = shutil.get_terminal_size().columns - indent
        if not self._is_terminal or room < _NARROWEST or len(text) <= room:
            return text
        lines = textwrap.wrap(text, room, replace_whitespace=False, break_on_hyphens=False)
        return f"\n{' ' * indent}".join(lines)


def described(seconds: float) -> str:
    """A duration for people, to the second or, below ten, to a tenth."""
    return f"{seconds:.1f}s" if seconds < 10 else format_duration(round(seconds))  # noqa: PLR2004 -- as it says
