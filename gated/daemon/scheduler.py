"""When to look: on the multiples of the interval, as Prometheus aligns its own evaluations.

Two replicas, a restarted daemon and a person with a clock all agree when the next tick is. A tick that takes longer
than the interval makes the next one late by whole intervals; those in between are counted as missed, never caught up.
"""

import asyncio
import math
from collections.abc import Callable
from concurrent.futures import Executor

from gated.daemon.clock import Clock


def next_due(now: float, interval_seconds: float) -> float:
    """The first multiple of the interval after `now`."""
    return (math.floor(now / interval_seconds) + 1) * interval_seconds


async def run(
    clock: Clock,
    interval_seconds: float,
    *,
    work: Callable[[float], None],
    missed: Callable[[int], None],
    executor: Executor,
    stopping: asyncio.Event,
) -> None:
    """Work at every multiple of the interval until told to stop; a tick under way is finished first.

    Args:
        clock: what time it is.
        interval_seconds: how far apart ticks are.
        work: does one tick in a thread of `executor`; given the time it was due; must not raise.
        missed: told how many ticks were due and did not happen.
        executor: where the work happens, one tick at a time.
        stopping: set to end.
    """
    loop = asyncio.get_running_loop()
    previous: float | None = None
    while True:
        due = next_due(clock.now(), interval_seconds)
        if previous is not None and due > previous + interval_seconds * 1.5:
            missed(round((due - previous) / interval_seconds) - 1)
        if await _is_set_within(stopping, due, clock, interval_seconds):
            return
        if clock.now() >= due + interval_seconds:
            continue  # the process stood still (stopped, suspended): a look dated that far back would be a lie
        await loop.run_in_executor(executor, work, due)
        previous = due


async def _is_set_within(stopping: asyncio.Event, due: float, clock: Clock, interval_seconds: float) -> bool:
    """Wait for an instant of the wall clock, or for the end.

    The clock may be set back meanwhile: the wait never lasts longer than an interval.
    """
    patience = min(due - clock.now(), interval_seconds)
    try:
        await asyncio.wait_for(stopping.wait(), timeout=max(0.0, patience))
    except TimeoutError:
        return False
    return True
