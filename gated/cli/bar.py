"""How far a long piece of work is: a bar that renews itself on a terminal, a line now and then elsewhere."""

import shutil
from collections.abc import Callable
from typing import TextIO

from gated.cli.text import duration

_CLEAR_LINE = "\r\x1b[K"
_LINES = 10
"""A log needs no more lines than this of one piece of work."""
_RENEWED_SECONDS = 0.1
_BAR_WIDTH = 30


def left_seconds(done: int, of: int, elapsed_seconds: float) -> float | None:
    """How long the rest takes if it goes on like this; None before anything was done."""
    return elapsed_seconds * (of - done) / done if done else None


class Bar:
    """One line on a terminal.

    Args:
        write: writes a text to the terminal as it is.
        noun: what is counted, in the plural.
    """

    def __init__(self, write: Callable[[str], object], noun: str) -> None:
        self._write = write
        self._noun = noun
        self._shown_at = -1.0

    def show(self, done: int, of: int, elapsed_seconds: float) -> None:
        """Renew the line, ten times a second at most."""
        if elapsed_seconds - self._shown_at < _RENEWED_SECONDS:
            return
        self._shown_at = elapsed_seconds
        full = round(_BAR_WIDTH * done / of) if of else _BAR_WIDTH
        left = left_seconds(done, of, elapsed_seconds)
        rest = f", about {duration(left)} to go" if left is not None else ""
        line = f"{'█' * full}{'░' * (_BAR_WIDTH - full)} {done:,} of {of:,} {self._noun}{rest}"
        self._write(_CLEAR_LINE + line[: shutil.get_terminal_size().columns - 1])

    def close(self) -> None:
        """Take the line away."""
        self._write(_CLEAR_LINE)


class Lines:
    """Lines of a log, ten in all.

    Args:
        write: writes a text to the log as it is.
        noun: what is counted, in the plural.
    """

    def __init__(self, write: Callable[[str], object], noun: str) -> None:
        self._write = write
        self._noun = noun
        self._told = 0

    def show(self, done: int, of: int, elapsed_seconds: float) -> None:
        """Write a line when another tenth is done."""
        tenth = done * _LINES // of if of else _LINES
        if tenth > self._told:
            self._told = tenth
            self._write(f"{duration(elapsed_seconds)}  {done:,} of {of:,} {self._noun}\n")

    def close(self) -> None:
        """Every line is complete."""


def suited_to(stream: TextIO, terminal: str, noun: str) -> Bar | Lines:
    """The kind of progress that a stream can show.

    Args:
        stream: where it is written.
        terminal: the value of TERM; a `dumb` one cannot renew a line.
        noun: what is counted, in the plural.
    """

    def write(text: str) -> None:
        stream.write(text)
        stream.flush()

    return Bar(write, noun) if stream.isatty() and terminal != "dumb" else Lines(write, noun)
