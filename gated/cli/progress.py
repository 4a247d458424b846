"""How the waiting goes, for people: one line that renews itself on a terminal, a line per change elsewhere."""

import shutil
from collections.abc import Callable
from typing import TextIO

from gated.cli.text import duration, printable, share
from gated.cli.waiting import Waiting
from gated.model.release import Phase

HEARTBEAT_SECONDS = 60.0
"""A log that says nothing for longer looks dead, to people and to CI systems that kill silent jobs."""
_CLEAR_LINE = "\r\x1b[K"


def describe(waiting: Waiting) -> str:
    """The state of the waiting in one line."""
    verdict = waiting.verdict
    if waiting.trouble:
        known = f"; last verdict: {verdict.verdict.value}" if verdict is not None else ""
        tries = f" ({waiting.failures} times in a row)" if waiting.failures > 1 else ""
        return f"no answer to be trusted: {waiting.trouble}{tries}{known}"
    if verdict is None:
        return f"asking for {printable(waiting.expected.release)}"
    parts = [f"{verdict.verdict.value}: {printable(verdict.reason)}"]
    if verdict.phase is Phase.BAKING:
        parts.append(f"coverage {share(verdict.coverage)}")
    if verdict.eta_seconds is not None:
        parts.append(f"about {duration(verdict.eta_seconds)} to go")
    if waiting.refusal:
        parts.append(f"claim refused: {waiting.refusal}")
    return " · ".join(parts)


class LiveLine:
    """One line on a terminal.

    Args:
        write: writes a text to the terminal as it is.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write

    def show(self, waiting: Waiting, elapsed_seconds: float) -> None:
        """Renew the line, cut to the terminal's width: a longer one would wrap and could not be renewed."""
        line = f"{duration(elapsed_seconds)}  {describe(waiting)}"
        width = shutil.get_terminal_size().columns - 1
        self._write(_CLEAR_LINE + (line if len(line) <= width else line[: width - 1] + "…"))

    def close(self) -> None:
        """Take the line away; the last word is somebody else's."""
        self._write(_CLEAR_LINE)


class Lines:
    """Lines of a log: one per change of the verdict or of the trouble, and a heartbeat.

    Args:
        write: writes a text to the log as it is.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._told: tuple[str, ...] = ()
        self._told_at = 0.0

    def show(self, waiting: Waiting, elapsed_seconds: float) -> None:
        """Write a line if there is something new, or nothing was said for a minute."""
        verdict_id = waiting.verdict.verdict_id if waiting.verdict is not None else ""
        news = (verdict_id, waiting.trouble, waiting.refusal)
        if news == self._told and elapsed_seconds - self._told_at < HEARTBEAT_SECONDS:
            return
        self._told, self._told_at = news, elapsed_seconds
        self._write(f"{duration(elapsed_seconds)}  {describe(waiting)}\n")

    def close(self) -> None:
        """Every line is complete."""


def suited_to(stream: TextIO, terminal: str) -> LiveLine | Lines:
    """The kind of progress that a stream can show.

    Args:
        stream: where it is written.
        terminal: the value of TERM; a `dumb` one cannot renew a line.
    """

    def write(text: str) -> None:
        stream.write(text)
        stream.flush()

    return LiveLine(write) if stream.isatty() and terminal != "dumb" else Lines(write)
