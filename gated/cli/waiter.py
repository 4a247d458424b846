"""The shell around `waiting`: carries out its actions with a client and a clock, and shows what goes on."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import FrameType
from typing import Protocol

from gated.cli import waiting as machine
from gated.cli.client import NoReply, Reply, Request
from gated.cli.exits import SIGNALLED
from gated.cli.trust import Expected
from gated.cli.waiting import Action, Claim, Done, Moment, Poll, Waiting
from gated.daemon.clock import Clock
from gated.model.units import format_duration

_LOOK_UP_SECONDS = 1.0
"""How often the progress is shown anew while nothing happens."""
_JITTER = 0.25
"""Pauses grow by up to this share, so that the pipelines of a restarted gate do not come back as one."""


class Asking(Protocol):
    """A `Client`, or a fake of one."""

    def ask(self, request: Request, within_seconds: float, meanwhile: Callable[[], None]) -> Reply | NoReply:
        """Send a request and wait for its whole answer."""


class Progress(Protocol):
    """Tells people how the waiting goes."""

    def show(self, waiting: Waiting, elapsed_seconds: float) -> None:
        """Called after each answer, and about every second in between."""

    def close(self) -> None:
        """The waiting is over; what is printed now starts on a line of its own."""


class Waiter:
    """One `gated wait`.

    Args:
        expected: what a verdict must be about.
        timeout_seconds: how long to wait in all.
        client: asks the gate.
        clock: tells the time and waits.
        jitter: gives numbers from 0 up to 1, at random.
        progress: tells people.
    """

    def __init__(
        self,
        expected: Expected,
        timeout_seconds: float,
        *,
        client: Asking,
        clock: Clock,
        jitter: Callable[[], float],
        progress: Progress,
    ) -> None:
        self.waiting, self._next = machine.begin(expected, timeout_seconds)
        self._client = client
        self._clock = clock
        self._jitter = jitter
        self._progress = progress
        self._began_at = clock.monotonic()

    def run(self) -> tuple[int, str]:
        """Wait.

        Returns:
            The exit code, and one sentence that says why.
        """
        try:
            with _stopped_by_signals():
                while not isinstance(self._next, Done):
                    self.waiting, self._next = self._step(self._next)
                    self._show()
        except Stopped as stop:
            return SIGNALLED + stop.number, self._stopped(stop)
        finally:
            self._progress.close()
        return self._next.exit, self._next.why

    def _step(self, action: Poll | Claim) -> tuple[Waiting, Action]:
        if isinstance(action, Poll):
            self._pause(action.delay_seconds * (1 + _JITTER * self._jitter()))
        asked_at = self._elapsed()
        left = self.waiting.timeout_seconds - asked_at
        if left <= 0:
            return self.waiting, machine.out_of_time(self.waiting)
        request, within = self._request(action)
        reply = self._client.ask(request, min(within, left), self._show)
        return machine.heard(self.waiting, action, reply, Moment(self._elapsed(), asked_at, self._clock.now()))

    def _request(self, action: Poll | Claim) -> tuple[Request, float]:
        """The question of an action, and how long its answer may take."""
        release = ("api", "v1", "releases", self.waiting.expected.release)
        if isinstance(action, Claim):
            body = {"verdict_id": action.verdict_id}
            return Request("POST", (*release, "claim"), body=body), machine.ANSWER_SECONDS
        query = {
            "stage": self.waiting.expected.stage,
            "after": action.after,
            "wait": format_duration(action.hold_seconds) if action.after else "",
        }
        return Request("GET", (*release, "verdict"), query), action.hold_seconds + machine.ANSWER_SECONDS

    def _pause(self, seconds: float) -> None:
        until = min(self._elapsed() + seconds, self.waiting.timeout_seconds)
        while (left := until - self._elapsed()) > 0:
            self._clock.sleep(min(left, _LOOK_UP_SECONDS))
            self._show()

    def _elapsed(self) -> float:
        return self._clock.monotonic() - self._began_at

    def _show(self) -> None:
        self._progress.show(self.waiting, self._elapsed())

    def _stopped(self, stop: "Stopped") -> str:
        is_open = self.waiting.claim_is_open or isinstance(self._next, Claim)
        known = replace(self.waiting, claim_is_open=is_open)
        return f"stopped by {signal.Signals(stop.number).name}; nothing is promoted here{machine.open_claim(known)}"


class Stopped(BaseException):
    """A signal asked to stop.

    Args:
        number: which.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(number)


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Within, SIGINT and SIGTERM raise `Stopped`, wherever the main thread is: every wait ends at once."""

    def stop(number: int, _frame: FrameType | None) -> None:
        raise Stopped(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
