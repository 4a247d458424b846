"""When to look: on the multiples of the interval, as Prometheus aligns its own evaluations.

Two replicas, a restarted daemon and a person with a clock all agree when the next tick is. A tick that takes longer
than the interval makes the next one late by whole intervals; those in between are counted as missed, never caught up.
"""

import asyncio
import math
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from gated.daemon.clock import Clock


@dataclass(frozen=True, slots=True)
class Pulse:
    """The loop's sign of life, for a watchdog: given while it waits, and before and after each tick.

    It pauses during a tick, so that one that hangs is noticed; a blocked event loop stops it as well.

    Args:
        beat: gives the sign.
        every_seconds: how often while waiting.
    """

    beat: Callable[[], None]
    every_seconds: float


NO_PULSE = Pulse(lambda: None, math.inf)
"""Nobody watches over the loop."""


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
    pulse: Pulse = NO_PULSE,
) -> None:
    """Work at every multiple of the interval until told to stop; a tick under way is finished first.

    Args:
        clock: what time it is.
        interval_seconds: how far apart ticks are.
        work: does one tick in a thread of `executor`; given the time it was due; must not raise.
        missed: told how many ticks were due and did not happen.
        executor: where the work happens, one tick at a time.
        stopping: set to end.
        pulse: the sign of life.
    """
    loop = asyncio.get_running_loop()
    previous: float | None = None
    while True:
        due = next_due(clock.now(), interval_seconds)
        if previous is not None and due > previous + interval_seconds * 1.5:
            missed(round((due - previous) / interval_seconds) - 1)
        # The clock may be set back meanwhile: the wait never lasts longer than an interval.
        if await _is_set_within(stopping, min(due - clock.now(), interval_seconds), pulse):
            return
        if clock.now() >= due + interval_seconds:
            continue  # the process stood still (stopped, suspended): a look dated that far back would be a lie
        pulse.beat()
        await loop.run_in_executor(executor, work, due)
        previous = due


async def _is_set_within(stopping: asyncio.Event, seconds: float, pulse: Pulse) -> bool:
    """Wait for some time, or for the end; the pulse goes on meanwhile."""
    left = max(0.0, seconds)
    while True:
        pulse.beat()
        piece = min(left, pulse.every_seconds)
        try:
            await asyncio.wait_for(stopping.wait(), timeout=piece)
        except TimeoutError:
            left -= piece
            if left <= 0:
                return False
        else:
            return True
