"""A whole replay: rollouts in batches, batches in processes, results into the state file as they come."""

import contextlib
import gc
import hashlib
import itertools
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import partial
from typing import Protocol

import gated
from gated.model.ids import PlanName
from gated.model.plan import Policy
from gated.operations.replay.crew import work
from gated.operations.replay.others import Others
from gated.operations.replay.rehearsal import Rehearsal
from gated.operations.replay.results import Replayed
from gated.operations.replay.run import run
from gated.operations.replay.state import State
from gated.operations.tick import Eyes

_BATCH_SECONDS = 96 * 3600.0
"""The time that the beginnings of a batch span. Shorter: what is remembered of the hours around a batch is asked for
more often. Longer: processes wait for the last one."""

Batch = tuple[Rehearsal, ...]


class Memory(Eyes, Protocol):
    """Eyes that look into the past, and count what that costs."""

    @property
    def requests(self) -> int:
        """How often a source was asked."""


Remember = Callable[[], AbstractContextManager[Memory]]
"""Opens the memory. Called in every process that works, so it must be picklable."""


@dataclass(frozen=True, slots=True)
class _Spent:
    """What a batch cost.

    Args:
        requests: how often sources were asked.
    """

    requests: int


def replay(
    rehearsals: Sequence[Rehearsal],
    policies: Mapping[PlanName, Policy],
    remember: Remember,
    *,
    interval_seconds: float,
    jobs: int,
    state: State,
    tell: Callable[[Replayed], None],
) -> int:
    """Play rollouts again, and add what came of each to the state; those that are in it already are left alone.

    Args:
        rehearsals: the rollouts.
        policies: by the plans they name.
        remember: opens the memory of the past.
        interval_seconds: between two looks.
        jobs: in how many processes, at least 1.
        state: where results are kept.
        tell: told every new result.

    Returns:
        How often sources were asked.

    Raises:
        Unavailable: a source did not answer, the state cannot be written, or a worker died.
    """
    left = [each for each in rehearsals if each.key not in state.done]
    do = partial(_play, remember, dict(policies), interval_seconds)
    requests = 0
    for told in work(batches(left, jobs), do, jobs):
        if isinstance(told, _Spent):
            requests += told.requests
        else:
            state.add(told)
            tell(told)
    return requests


def batches(rehearsals: Iterable[Rehearsal], jobs: int) -> list[Batch]:
    """Rollouts of neighbouring times together, about as many batches of every size as there are processes."""
    in_order = sorted(rehearsals, key=lambda each: (each.opened_at, each.key))
    if not in_order:
        return []
    span = in_order[-1].opened_at - in_order[0].opened_at
    wanted = min(len(in_order), jobs * max(1, math.ceil(span / _BATCH_SECONDS / jobs)))
    bounds = [round(number * len(in_order) / wanted) for number in range(wanted + 1)]
    return [tuple(in_order[begin:end]) for begin, end in itertools.pairwise(bounds)]


def identity(
    rehearsals: Iterable[Rehearsal], policies: Mapping[PlanName, Policy], interval_seconds: float
) -> dict[str, str]:
    """What a replay is made of, each with a digest: another replay may only go on if all of it is the same."""
    return {
        "the version of gated": gated.__version__,
        "a rule or plan": _digest({name: [each.digest, *each.plan.rules] for name, each in policies.items()}),
        "the choice of rollouts": _digest([asdict(each) for each in rehearsals]),
        "the evaluation interval": f"{interval_seconds:g}s",
    }


def _play(
    remember: Remember, policies: Mapping[PlanName, Policy], interval_seconds: float, batch: Batch
) -> Iterator[Replayed | _Spent]:
    with _without_collection(), remember() as memory:
        yield from run(batch, policies, Others(memory), interval_seconds)
        yield _Spent(memory.requests)


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    """Look for no cycles of garbage: judging makes millions of small values and no cycles.

    To look for some among all that is remembered took a quarter of the time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _digest(meaning: object) -> str:
    canonical = json.dumps(meaning, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"
