"""Many releases, each watched by all judges at once: the same random traffic for everybody.

The work is cut into batches that know nothing of each other, so that processes can share it. Everything random in a
batch follows from its own seed: the results are the same for any number of processes, in any order.
"""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple, TypeVar

from gated.model.evidence import Calibration
from tests.bench.judge import ours, sampling, traffic
from tests.bench.judge.ours import Release
from tests.bench.judge.peers import PEERS, Peer
from tests.bench.judge.shipped import as_shipped
from tests.bench.judge.traffic import Cell, Harm, Look

HISTORY_SECONDS = {ours.DEFAULT: 4 * 3600.0, ours.DAY: 24 * 3600.0}
"""A plan's default, and more."""

B = TypeVar("B")
R = TypeVar("R")
Judge = Callable[[Release], int | None]


class Scenario(NamedTuple):
    """What happens to the new version.

    Args:
        effect: by what factor its error rate changes; 1 for a healthy one.
        since_look: from which look on.
        cooling_seconds: of a harmless cold start: its excess falls to 1/e in this time; 0 for a fault, which stays.
    """

    effect: float = 1.0
    since_look: int = 0
    cooling_seconds: float = 0.0

    @property
    def harm(self) -> Harm:
        """What traffic makes of it."""
        if self.cooling_seconds:
            return traffic.cold(self.effect, self.cooling_seconds)
        return traffic.faulty(self.effect, self.since_look)


class Batch(NamedTuple):
    """Releases of one service after one history.

    Args:
        model: the traffic's name.
        cell: the service.
        history: number of the history.
        scenarios: what happens.
        runs: how many releases of each.
        judges: who watches, and how often: every release, or only every n-th.
        seed: of the whole simulation.
        birth: what befell pods that were young in the history; None for a history without young pods.
    """

    model: str
    cell: Cell
    history: int
    scenarios: tuple[Scenario, ...]
    runs: int
    judges: tuple[tuple[str, int], ...]
    seed: int
    birth: Scenario | None = None


class Watched(NamedTuple):
    """What a judge did: at which look each release was rolled back; None for never."""

    model: str
    cell: Cell
    scenario: Scenario
    judge: str
    alarms: list[int | None]


def _peer(peer: Peer) -> Judge:
    return lambda release: peer(release.bake, release.limit)


JUDGES: Mapping[str, Judge] = {
    **ours.OURS,
    "gated, as shipped": as_shipped,
    **{name: _peer(peer) for name, peer in PEERS.items()},
}


def watch(batch: Batch) -> list[Watched]:
    """Let every judge watch the releases of a batch."""
    known = knowledge(batch)
    done = []
    for scenario in batch.scenarios:
        releases = [Release(batch.cell, bake, known) for bake in bakes(batch, scenario)]
        for judge, every in batch.judges:
            alarms = [JUDGES[judge](release) for release in releases[::every]]
            done.append(Watched(batch.model, batch.cell, scenario, judge, alarms))
        if scenario == Scenario():
            groups = [releases[at : at + ours.TOGETHER] for at in range(0, len(releases), ours.TOGETHER)]
            alarms = [ours.together(group) for group in groups if len(group) == ours.TOGETHER]
            done.append(Watched(batch.model, batch.cell, scenario, ours.MANY_RULES, alarms))
    return done


def knowledge(batch: Batch) -> dict[str, Calibration]:
    """What the service's history teaches, by its length; a long one is made only if a judge asks for it."""
    judges = [judge for judge, _ in batch.judges]
    needed = [much for much in HISTORY_SECONDS if much == ours.DEFAULT or f"gated, {much}" in judges]
    rng = sampling.seeded(batch.seed, batch.model, batch.cell, batch.history)
    seconds = max(HISTORY_SECONDS[much] for much in needed)
    birth = batch.birth.harm if batch.birth else None
    bad, total = traffic.history(_model(batch), batch.cell, rng, seconds, birth)
    known = {much: ours.learned(bad, total, HISTORY_SECONDS[much]) for much in needed}
    return {**known, ours.NOTHING: ours.nothing_learned()}


def bakes(batch: Batch, scenario: Scenario) -> Iterator[Iterator[Look]]:
    """The traffic of a batch's releases."""
    for run in range(batch.runs):
        rng = sampling.seeded(batch.seed, batch.model, batch.cell, batch.history, scenario, run)
        yield traffic.looks(_model(batch), batch.cell, rng, scenario.harm)


def share_out(work: Callable[[B], R], batches: Sequence[B], jobs: int) -> Iterator[R]:
    """Do the work of all batches in so many processes; results come in the order of the batches."""
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(work, batches)


def merged(results: Iterable[Iterable[Watched]]) -> list[Watched]:
    """What batches found out about the same judge in the same scenario, put together."""
    together: dict[tuple[str, Cell, Scenario, str], list[int | None]] = {}
    for watched in (watched for result in results for watched in result):
        together.setdefault(watched[:4], []).extend(watched.alarms)
    return [Watched(*key, alarms) for key, alarms in together.items()]


def _model(batch: Batch) -> traffic.Model:
    return next(model for model in traffic.MODELS if model.name == batch.model)
