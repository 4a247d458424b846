"""Stages without an old version beside the new one: the service before the release is all there is to compare with.

Then nothing cancels. The service's rate drifts within minutes and from hour to hour; a release is judged by the hour
before it and by the same hour of the seven days before.
"""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from gated.judge.stats import past
from gated.judge.stats.history import Stretch
from gated.judge.stats.past_baseline import PastBaseline
from gated.model.evidence import Counts, PastRate
from tests.bench.judge import ours, sampling
from tests.bench.judge.series import Series
from tests.bench.judge.simulation import Scenario, Watched
from tests.bench.judge.traffic import LOOKS, STEP_SECONDS, Cell, Errors

TOLERANCE = 0.25
"""The least that rules tolerate in such a stage."""
EARLIER_DAYS = 7
JUDGE = "gated, before"


@dataclass(frozen=True, slots=True)
class Days:
    """How a service differs from itself.

    Args:
        name: in tables and seeds.
        day_cv: of its level, which wanders within an hour and is another one on another day.
        drift_cv: of its drift within five minutes.
        errors: how errors come within a look.
    """

    name: str
    day_cv: float = 0.0
    drift_cv: float = 0.0
    errors: Errors = sampling.poisson


DAYS = (
    Days("every day alike"),
    Days("days differ", day_cv=0.15),
    Days("days differ, drift", day_cv=0.15, drift_cv=0.2),
    Days("days differ, clusters", day_cv=0.15, errors=sampling.clusters_of_three),
)


class Batch(NamedTuple):
    """Releases of one service, each after its own week.

    Args:
        days: number in `DAYS`.
        cell: the service; its rate is that of all its pods here.
        scenarios: what happens.
        runs: how many releases of each.
        seed: of the whole simulation.
    """

    days: int
    cell: Cell
    scenarios: tuple[Scenario, ...]
    runs: int
    seed: int


def watch(batch: Batch) -> list[Watched]:
    """Judge the releases of a batch by their past."""
    days = DAYS[batch.days]
    done = []
    for scenario in batch.scenarios:
        alarms = []
        for run in range(batch.runs):
            rng = sampling.seeded(batch.seed, days.name, batch.cell, scenario, run)
            earlier = [list(_hour(days, batch.cell, rng)) for _ in range(EARLIER_DAYS)]
            today = _looks(days, batch.cell, rng, Scenario(scenario.effect, LOOKS))
            hours = [list(itertools.islice(today, LOOKS)), *earlier]
            known = past.calibrate_past([Stretch.of(hour) for hour in hours], STEP_SECONDS)
            alarms.append(ours.first(Series(against_past(today, known)).__getitem__) if known else None)
        done.append(Watched(days.name, batch.cell, scenario, JUDGE, alarms))
    return done


def against_past(bake: Iterator[Counts], known: PastRate) -> Iterator[float]:
    """The evidence that the new version is worse than the service was."""
    test = PastBaseline(TOLERANCE, LOOKS, known)
    process = test.opened()
    for counts in bake:
        process = test.looked(process, counts, STEP_SECONDS)
        yield process.value


def _hour(days: Days, cell: Cell, rng: random.Random) -> Iterator[Counts]:
    return itertools.islice(_looks(days, cell, rng, Scenario()), LOOKS)


def _looks(days: Days, cell: Cell, rng: random.Random, scenario: Scenario) -> Iterator[Counts]:
    arrivals = cell.rate * STEP_SECONDS
    level = sampling.drift(rng, days.day_cv, 3600.0, STEP_SECONDS)
    drift = sampling.drift(rng, days.drift_cv, 300.0, STEP_SECONDS)
    for look, severity in enumerate(map(float.__mul__, level, drift)):
        effect = scenario.effect if look >= scenario.since_look else 1.0
        failing = arrivals * cell.share * severity * effect
        bad = days.errors(rng, failing)
        yield Counts(bad, bad + sampling.poisson(rng, arrivals - failing))
