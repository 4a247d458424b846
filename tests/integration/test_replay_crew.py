"""Work in several processes."""

import os
import signal
from collections.abc import Iterator

import pytest

from gated.model.errors import NotFound, Unavailable
from gated.operations.replay.crew import work
from gated.operations.replay.whole import batches
from tests.unit.operations.replay.rehearsing import HOUR, NOON, rehearsal

JOBS = {"in this process": 1, "in two": 2}


def count(batch: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Every number of the batch, with who counted it."""
    for number in batch:
        yield number, os.getpid()


def refuse(batch: tuple[int, ...]) -> Iterator[int]:
    """Some work, and then none."""
    yield from batch
    raise NotFound("no such number")


def die(batch: tuple[int, ...]) -> Iterator[int]:
    """End as a process does that the kernel finds too large."""
    yield from batch
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("jobs", JOBS.values(), ids=JOBS.keys())
def test_every_result_comes_once(jobs: int) -> None:
    found = list(work([(1, 2), (3,), (4, 5), ()], count, jobs))
    assert sorted(number for number, _ in found) == [1, 2, 3, 4, 5]
    assert (os.getpid() in {who for _, who in found}) == (jobs == 1)


@pytest.mark.parametrize("jobs", JOBS.values(), ids=JOBS.keys())
def test_an_error_of_the_work_is_an_error_of_all(jobs: int) -> None:
    with pytest.raises(NotFound, match="no such number"):
        list(work([(1,), (2,)], refuse, jobs))


def test_a_worker_that_dies_is_told() -> None:
    with pytest.raises(Unavailable, match=r"a worker died \(exit status -9\)"):
        list(work([(1,), (2,)], die, 2))


def test_workers_end_when_nobody_wants_more() -> None:
    results = work([(1, 2, 3)] * 4, count, 2)
    _, worker = next(results)
    results.close()  # type: ignore[attr-defined] # a generator
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def test_batches_are_of_neighbouring_times_and_leave_nobody_idle() -> None:
    week = [rehearsal(opened_at=NOON + number * HOUR) for number in range(168)]
    made = batches(reversed(week), jobs=2)
    assert [each for batch in made for each in batch] == week
    assert len(made) == 2
    assert {len(batch) for batch in made} == {84}


def test_few_rollouts_make_few_batches() -> None:
    assert batches([], jobs=2) == []
    assert [len(batch) for batch in batches([rehearsal()], jobs=2)] == [1]
    assert [len(batch) for batch in batches([rehearsal(), rehearsal(version="v3")], jobs=2)] == [1, 1]
