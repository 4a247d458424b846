"""Ticks fall on the multiples of the interval, and those that are missed are counted."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gated.daemon import scheduler

INTERVAL = 0.01


class SteppedClock:
    """A wall clock that a test moves; real waits are as long as the scheduler asks, and intervals are tiny."""

    def __init__(self, now: float) -> None:
        self.time = now

    def now(self) -> float:
        """Unix seconds."""
        return self.time

    def monotonic(self) -> float:
        """The same."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.time += seconds


@pytest.mark.parametrize(
    ("now", "due"),
    [
        pytest.param(105.0, 120.0, id="on a multiple, the next one"),
        pytest.param(105.1, 120.0, id="after one"),
        pytest.param(119.999, 120.0, id="just before one"),
    ],
)
def test_the_next_tick_is_due_at_a_multiple_of_the_interval(now: float, due: float) -> None:
    assert scheduler.next_due(now, 15.0) == due


def run(clock: SteppedClock, steps: list[float]) -> tuple[list[float], list[int]]:
    """Run the scheduler for as many ticks as there are steps; each tick takes its step of the clock."""
    ticks: list[float] = []
    missed: list[int] = []

    async def main() -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()

        def work(due: float) -> None:
            clock.time = max(clock.time, due) + steps[len(ticks)]
            ticks.append(due)
            if len(ticks) == len(steps):
                loop.call_soon_threadsafe(stopping.set)

        with ThreadPoolExecutor(1) as executor:
            await scheduler.run(clock, INTERVAL, work=work, missed=missed.append, executor=executor, stopping=stopping)

    asyncio.run(main())
    return ticks, missed


def test_a_quick_tick_is_followed_by_the_next_multiple() -> None:
    ticks, missed = run(SteppedClock(1000.0), [0.001, 0.001, 0.001])
    assert [round((tick - 1000.0) / INTERVAL) for tick in ticks] == [1, 2, 3]
    assert missed == []


def test_a_slow_tick_makes_the_next_late_by_whole_intervals_and_is_counted() -> None:
    ticks, missed = run(SteppedClock(1000.0), [2.5 * INTERVAL, 0.001])
    assert [round((tick - 1000.0) / INTERVAL) for tick in ticks] == [1, 4]
    assert missed == [2]


def test_a_clock_that_is_set_back_delays_no_tick_by_more_than_an_interval() -> None:
    ticks, _ = run(SteppedClock(1000.0), [-500.0, 0.001])
    assert ticks[1] < 600.0


def test_stopping_ends_the_wait_at_once() -> None:
    async def main() -> None:
        stopping = asyncio.Event()
        stopping.set()
        with ThreadPoolExecutor(1) as executor:
            await scheduler.run(
                SteppedClock(1000.0),
                3600.0,
                work=lambda _: pytest.fail("no tick was due"),
                missed=lambda _: None,
                executor=executor,
                stopping=stopping,
            )

    asyncio.run(asyncio.wait_for(main(), 5))


class Watch:
    """Counts beats, and what happened between them."""

    def __init__(self) -> None:
        self.beats = 0
        self.at_start_of_tick: list[int] = []
        self.at_end_of_tick: list[int] = []


def test_the_pulse_goes_on_while_the_loop_waits() -> None:
    """Otherwise a watchdog shorter than the interval would end a daemon that only waits."""
    watch = Watch()

    async def main() -> None:
        stopping = asyncio.Event()

        def beat() -> None:
            watch.beats += 1
            if watch.beats == 20:
                stopping.set()

        with ThreadPoolExecutor(1) as executor:
            await scheduler.run(
                SteppedClock(1000.0),
                3600.0,
                work=lambda _: pytest.fail("no tick was due"),
                missed=lambda _: None,
                executor=executor,
                stopping=stopping,
                pulse=scheduler.Pulse(beat, 0.001),
            )

    asyncio.run(asyncio.wait_for(main(), 5))
    assert watch.beats == 20


def test_a_hung_tick_stops_the_pulse_and_its_end_starts_it_again() -> None:
    """The event loop is free to beat while the tick hangs in its thread: it must not."""
    watch = Watch()

    async def main() -> None:
        stopping = asyncio.Event()
        clock = SteppedClock(1000.0)

        def beat() -> None:
            watch.beats += 1
            if watch.at_end_of_tick:
                stopping.set()

        def work(due: float) -> None:
            clock.time = due
            watch.at_start_of_tick.append(watch.beats)
            threading.Event().wait(0.05)  # fifty times as long as between two beats
            watch.at_end_of_tick.append(watch.beats)

        with ThreadPoolExecutor(1) as executor:
            await scheduler.run(
                clock,
                INTERVAL,
                work=work,
                missed=lambda _: None,
                executor=executor,
                stopping=stopping,
                pulse=scheduler.Pulse(beat, 0.001),
            )

    asyncio.run(asyncio.wait_for(main(), 5))
    assert watch.at_end_of_tick == watch.at_start_of_tick, "no beat while the tick hung"
    assert watch.beats == watch.at_end_of_tick[0] + 1, "and the next one as soon as it had ended"


def test_a_tick_begins_with_a_beat_and_so_has_all_of_the_watchdogs_patience() -> None:
    watch = Watch()

    async def main() -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        clock = SteppedClock(1000.0)

        def beat() -> None:
            watch.beats += 1

        def work(due: float) -> None:
            clock.time = due
            watch.at_start_of_tick.append(watch.beats)
            loop.call_soon_threadsafe(stopping.set)

        with ThreadPoolExecutor(1) as executor:
            await scheduler.run(
                clock,
                INTERVAL,
                work=work,
                missed=lambda _: None,
                executor=executor,
                stopping=stopping,
                pulse=scheduler.Pulse(beat, 3600.0),
            )

    asyncio.run(asyncio.wait_for(main(), 5))
    assert watch.at_start_of_tick == [2], "one as the wait begins, one as the tick does"
