"""Wakes long polls when the verdict they wait for may have changed.

A committed step rings for its release, from whatever thread committed it. The waiting happens in the event loop and
costs a future per poll. A ring that is lost costs nothing but time: every poll reads the store again in the end.
"""

import asyncio
from collections import defaultdict

from gated.model.ids import ReleaseId
from gated.model.release import Release
from gated.model.step import Step


class Bell:
    """The polls that wait, by release. Belongs to one event loop; `ring` may be called from any thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: dict[ReleaseId, set[asyncio.Future[None]]] = defaultdict(set)
        self._heard: dict[ReleaseId, tuple[object, ...]] = {}
        self._is_closed = False

    @property
    def is_closed(self) -> bool:
        """Whether polls are being sent home."""
        return self._is_closed

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Say in which event loop polls wait."""
        self._loop = loop

    def ring(self, step: Step) -> None:
        """Wake whoever waits for this release, if anything a poll can see has changed. From any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake, step.release)

    async def wait(self, release: ReleaseId, seconds: float) -> None:
        """Wait until the bell rings for a release, at most so long. Returns at once after `close`."""
        if self._is_closed or seconds <= 0:
            return
        ringing = asyncio.get_running_loop().create_future()
        self._waiting[release].add(ringing)
        try:
            await asyncio.wait({ringing}, timeout=seconds)
        finally:
            ringing.cancel()
            self._forget(release, ringing)

    def waiting(self, release: ReleaseId) -> int:
        """How many polls wait for a release."""
        return len(self._waiting.get(release, ()))

    def close(self) -> None:
        """Send every poll home; nobody waits any more. From the event loop."""
        self._is_closed = True
        for waiting in list(self._waiting.values()):
            for ringing in waiting:
                if not ringing.done():
                    ringing.set_result(None)

    def _wake(self, release: Release) -> None:
        visible = _visible(release)
        if self._heard.get(release.id) == visible:
            return
        self._heard[release.id] = visible
        if not release.phase.is_active:
            self._heard.pop(release.id)
        for ringing in self._waiting.get(release.id, ()):
            if not ringing.done():
                ringing.set_result(None)

    def _forget(self, release: ReleaseId, ringing: asyncio.Future[None]) -> None:
        waiting = self._waiting[release]
        waiting.discard(ringing)
        if not waiting:
            del self._waiting[release]


def _visible(release: Release) -> tuple[object, ...]:
    """What changes a poll's answer: the phase, and every stage's verdict and claim."""
    stages = ((stage.verdict.id if stage.verdict else None, stage.claim, stage.started_at) for stage in release.stages)
    return (release.phase, *stages)
