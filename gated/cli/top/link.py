"""How the view talks to a gate: answers or failures, and what time it is there."""

import asyncio
import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

from gated.cli import api
from gated.cli.client import Client, Reply, Request
from gated.daemon.clock import Clock

ANSWER_SECONDS = 10.0
"""How long one question may take in all, before the view says that the gate is away."""

T = TypeVar("T")


class Link(Protocol):
    """A gate, or what stands for one in a picture. Both methods raise `api.Failed` without a good answer."""

    @property
    def url(self) -> str:
        """Where it is, for people."""

    def ask(self, request: Request) -> Reply:
        """Ask something."""

    def act(self, actor: str, request: Request) -> Reply:
        """Do something in somebody's name."""


class HttpLink:
    """The gate at an address; its connections are kept.

    Args:
        url: the address.
        actor: in whose name is asked.
    """

    def __init__(self, url: str, actor: str) -> None:
        self.url = url
        self._client = Client(url, actor)

    def ask(self, request: Request) -> Reply:
        """Ask over the connection that is kept."""
        return api.call_with(self._client, self.url, request, ANSWER_SECONDS)

    def act(self, actor: str, request: Request) -> Reply:
        """Do something, over a connection of that name's own."""
        return api.call(self.url, actor, request)


class GateTime:
    """The gate's time, as its last answer said, carried on by this machine's steady clock.

    Ages are differences to the gate's own time stamps: a laptop whose clock is a minute slow would call fresh what is
    stale.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._dated: tuple[float, float] | None = None

    def heard(self, reply: Reply) -> None:
        """An answer came just now."""
        if reply.dated_at is not None:
            self._dated = reply.dated_at, self._clock.monotonic()

    def now(self) -> float:
        """Unix seconds; this machine's until the gate has told its own."""
        if self._dated is None:
            return self._clock.now()
        dated_at, heard_at = self._dated
        return dated_at + self._clock.monotonic() - heard_at


async def in_background(work: Callable[[], T]) -> T:
    """The result of something that blocks.

    On a thread that dies with the process: `q` must end the program at once while a gate keeps silent, and the threads
    of asyncio's own pool would be waited for.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: Exception | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type] # there is one when there is no error

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except Exception as failure:  # noqa: BLE001 -- raised again where it is awaited
            error = failure
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, daemon=True).start()
    return await done
