"""What a person sees of the demo: a line for each thing that happens, with the seconds since the start."""

import sys
import time

from gated.model.units import format_duration

_COLOURS = {"good": "32", "bad": "31", "wait": "33", "quiet": "2", "title": "1"}


class Timeline:
    """Prints lines as they happen; in colour on a terminal."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._in_colour = sys.stdout.isatty()
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
        print(f"{self._painted(f'{self.seconds:6.1f} s', 'quiet')}  {self._painted(text, mood)}", flush=True)

    def facts(self, rows: list[tuple[str, str]]) -> None:
        """The summary: names and values."""
        width = max(len(name) for name, _ in rows)
        for name, value in rows:
            print(f"  {name:<{width}}  {value}", flush=True)

    def _painted(self, text: str, mood: str) -> str:
        return f"\x1b[{_COLOURS[mood]}m{text}\x1b[0m" if self._in_colour and mood else text


def described(seconds: float) -> str:
    """A duration for people, to the second or, below ten, to a tenth."""
    return f"{seconds:.1f}s" if seconds < 10 else format_duration(round(seconds))  # noqa: PLR2004 -- as it says
