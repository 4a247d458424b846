"""Pages that are rendered again as they change, once for everybody who watches them.

A watched page has one task. It renders when a release on the page was looked at or acted upon, at most once a second,
and every few seconds in any case, for time alone can turn a verdict into a hold. Who is slow misses what was
in between and gets the latest. A page that nobody watches costs nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field

import structlog
from fastapi.sse import format_sse_event

from gated.model.errors import GatedError
from gated.model.ids import ReleaseId
from gated.model.step import Step

_SHORTEST_SECONDS = 1.0
"""Between two renderings: a tick over a thousand releases changes the board a thousand times."""
_REST = 10.0
"""How many times as long as its last rendering took a page rests: a slow one takes no more than a tenth of a thread."""
_LONGEST_SECONDS = 10.0
"""How long nothing may happen until a page is rendered all the same, and a silent connection is kept alive."""

_log = structlog.get_logger()

Render = Callable[[], Awaitable[str]]


@dataclass(slots=True, eq=False)
class _Page:
    """A watched page.

    Args:
        release: the release it is about; None when it is about all.
        render: makes it.
        event: what is sent; empty before the first rendering.
        stale: set when something happened.
        changed: set, and replaced, when `event` changes.
        watchers: how many there are.
        task: renders it.
    """

    release: ReleaseId | None
    render: Render
    event: bytes = b""
    stale: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    watchers: int = 0
    task: asyncio.Task[None] | None = None


class Live:
    """Every watched page. Belongs to one event loop; `heard` may be called from any thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pages: dict[str, _Page] = {}
        self._is_closed = False

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Say in which event loop pages are watched."""
        self._loop = loop

    def heard(self, step: Step) -> None:
        """A release was looked at or acted upon. From any thread."""
        if self._pages and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._mark, step.release.id)

    def watchers(self) -> int:
        """How many watch."""
        return sum(page.watchers for page in self._pages.values())

    async def watch(self, name: str, release: ReleaseId | None, render: Render) -> AsyncGenerator[bytes, None]:
        """A page as server-sent events: now, and whenever it changes.

        Args:
            name: the page's; who watches the same name shares one rendering.
            release: the release it is about; None when it is about all.
            render: makes it.

        Yields:
            Events `page` with the page, or `trouble` with why there is none; comments when there was nothing to say.
        """
        page = self._pages.get(name)
        if page is None:
            page = self._pages[name] = _Page(release, render)
            page.task = asyncio.create_task(self._keep_fresh(page))
        page.watchers += 1
        sent = b""
        try:
            while not self._is_closed:
                changed = page.changed
                if page.event != sent:
                    sent = page.event
                    yield sent
                elif not await _is_set_within(changed, _LONGEST_SECONDS):
                    yield b": still here\n\n"
        finally:
            page.watchers -= 1
            if not page.watchers:
                del self._pages[name]
                if page.task is not None:
                    page.task.cancel()

    def close(self) -> None:
        """Send everybody home. From the event loop."""
        self._is_closed = True
        for page in self._pages.values():
            page.changed.set()

    def _mark(self, release: ReleaseId) -> None:
        for page in self._pages.values():
            if page.release in {None, release}:
                page.stale.set()

    async def _keep_fresh(self, page: _Page) -> None:
        loop = asyncio.get_running_loop()
        pause = asyncio.Event()  # never set: a sleep that ends with the task
        while not self._is_closed:
            page.stale.clear()
            began = loop.time()
            event = await _rendered(page.render)
            took = loop.time() - began
            if event != page.event:
                page.event = event
                page.changed.set()
                page.changed = asyncio.Event()
            await _is_set_within(pause, max(_SHORTEST_SECONDS, took * _REST))
            await _is_set_within(page.stale, _LONGEST_SECONDS)


async def _rendered(render: Render) -> bytes:
    try:
        return format_sse_event(event="page", data_str=await render())
    except GatedError as error:
        return format_sse_event(event="trouble", data_str=str(error))
    except Exception as error:  # noqa: BLE001 -- a fault of ours must neither end the page's task nor look like a page that is fresh
        _log.error("page_failed", exc_info=error)
        return format_sse_event(event="trouble", data_str="gated failed to render this page; its log says why")


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    """Not by `asyncio.wait_for`, which forgets until Python 3.12 to be cancelled when the event is set meanwhile."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
