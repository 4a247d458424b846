"""Watched pages, without a network: who renders when, and what is left when nobody watches any more."""

import asyncio

import pytest

from gated.server.pages import live
from tests import samples


async def _passes(times: int) -> None:
    """Let everything that is ready in the event loop run, so many times over."""
    loop = asyncio.get_running_loop()
    for _ in range(times):
        passed = asyncio.Event()
        loop.call_soon(passed.set)
        await passed.wait()


@pytest.mark.parametrize("passes", range(8))
def test_a_page_that_is_left_while_it_changes_is_rendered_no_more(passes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change and the last watcher's leaving may fall into any order; a task that missed it would render for ever."""
    monkeypatch.setattr(live, "_SHORTEST_SECONDS", 0.0)

    async def left_behind() -> int:
        watched = live.Live()
        watched.attach(asyncio.get_running_loop())

        async def render() -> str:
            return "as it is"

        events = watched.watch("page", None, render)
        await anext(events)
        await _passes(20)  # rendered, rested, and waiting for a change
        watched.heard(samples.opening_step())
        await _passes(passes)
        await events.aclose()
        await _passes(10)
        return len(asyncio.all_tasks()) - 1

    assert asyncio.run(left_behind()) == 0
