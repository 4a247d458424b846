"""Work in several processes, of which none outlives the one that asked for it.

A worker is sent a batch and answers with results one by one, so that each is kept as soon as it is there. When the
process that asked ends, however it ends, the pipes close and the workers end with it.
"""

import contextlib
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Generic, TypeVar

from gated.model.errors import GatedError, Unavailable

B = TypeVar("B")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class _Ended:
    """The batch is done, or why it is not."""

    error: GatedError | None = None


@dataclass(frozen=True, slots=True)
class _Worker(Generic[B, R]):
    """One process and our end of its pipe."""

    process: SpawnProcess
    pipe: Connection


def work(batches: Sequence[B], do: Callable[[B], Iterable[R]], jobs: int) -> Iterator[R]:
    """Do batches of work.

    Args:
        batches: begun in this order.
        do: does one, result by result; in other processes, so it must be picklable, and so must batches and results.
        jobs: how many at once; with 1 the work is done in this process.

    Yields:
        Every result, as it comes.

    Raises:
        GatedError: as `do`; the other workers are stopped.
        Unavailable: a worker died.
    """
    if jobs == 1 or len(batches) == 1:
        for batch in batches:
            yield from do(batch)
        return
    with _crew(do, min(jobs, len(batches))) as workers:
        yield from _handed_out(deque(batches), workers)


def _handed_out(waiting: deque[B], workers: Sequence[_Worker[B, R]]) -> Iterator[R]:
    busy: dict[Connection, _Worker[B, R]] = {}
    for worker in workers:
        worker.pipe.send(waiting.popleft())
        busy[worker.pipe] = worker
    while busy:
        for ready in wait(list(busy)):
            worker = busy[ready]  # type: ignore[index] # only our connections are waited for
            try:
                told = worker.pipe.recv()
            except (EOFError, ConnectionResetError):
                worker.process.join()
                raise Unavailable(f"a worker died (exit status {worker.process.exitcode})") from None
            if not isinstance(told, _Ended):
                yield told
            elif told.error is not None:
                raise told.error
            elif waiting:
                worker.pipe.send(waiting.popleft())
            else:
                del busy[worker.pipe]


@contextlib.contextmanager
def _crew(do: Callable[[B], Iterable[R]], size: int) -> Iterator[Sequence[_Worker[B, R]]]:
    context = multiprocessing.get_context("spawn")  # a forked process would inherit locks that threads hold
    workers: list[_Worker[B, R]] = []
    try:
        for _ in range(size):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, do), daemon=True)
            process.start()
            theirs.close()  # or the end of the worker would never be seen
            workers.append(_Worker(process, ours))
        yield workers
    finally:
        for worker in workers:
            worker.pipe.close()
            worker.process.terminate()
        for worker in workers:
            worker.process.join()


def _serve(pipe: Connection, do: Callable[[B], Iterable[R]]) -> None:
    """Work until the pipe closes."""
    # Ctrl-C reaches the whole group; the process that asked decides, and ends us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            batch = pipe.recv()
            try:
                for result in do(batch):
                    pipe.send(result)
            except GatedError as error:
                pipe.send(_Ended(error))
            else:
                pipe.send(_Ended())
