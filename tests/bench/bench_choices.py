"""What the page on statistics draws and advises by: what looking often does, and what each setting costs in time.

`make bench ARGS="-k choices"` prints it; with `OUT=docs/measurements/choices.json` it is written where `make docs`
takes it from. Minutes. `RUNS` healthy releases (960), and a quarter as many of every faulty kind; `JOBS` processes
(2); `SEED` of everything random (1).
"""

import json
import os
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from gated.judge.stats import calibration
from gated.judge.stats.two_sample import TwoSample
from gated.model.evidence import Calibration
from tests.bench.judge import figures, ours, sampling, simulation, traffic
from tests.bench.judge.simulation import Batch, Scenario
from tests.bench.judge.traffic import CELLS, CLUSTERED, INDEPENDENT, LOOKS, STEP_SECONDS, Cell, Look, Model
from tests.bench.judge.verdicts import Rate

pytestmark = [pytest.mark.slow, pytest.mark.timeout(4 * 3600)]

OFTEN = ("threshold", "Argo", "for: 5m", "gated, both rules")
HISTORIES = 8
"""Of each cell; its releases follow them in equal numbers."""
FAULTY = 4
"""Of how many healthy releases there is one of each faulty kind."""
TYPICAL = Cell(100.0, 0.001)
"""The service of the second part: 100 requests a second on the new version, of which one in a thousand fails."""
HISTORY_SECONDS = 4 * 3600.0
FLOORS = (0.0, 0.1, 0.2, 0.3, 0.5)
BUDGETS = (0.05, 0.01, 0.001)
EFFECTS = (2.0, 3.0, 5.0)


@dataclass(frozen=True)
class Settings:
    """How much is simulated; see above."""

    runs: int
    jobs: int
    seed: int

    @classmethod
    def of_environment(cls) -> "Settings":
        values = {"runs": 960, "jobs": 2, "seed": 1}
        return cls(**{name: int(os.environ.get(name.upper(), default)) for name, default in values.items()})


def test_choices() -> None:
    settings = Settings.of_environment()
    often = looking_often(settings)
    costs = [row for model in (INDEPENDENT, CLUSTERED) for row in what_settings_cost(model, settings)]
    document = {"runs": settings.runs, "seed": settings.seed, "often": often, "costs": costs}
    print(f"\n\nHealthy releases rolled back within 15, 30 and 60 minutes, %: {CLUSTERED.name}, mean of all cells\n")
    for judge, by_minute in often["percent"].items():
        print(f"- {judge}: {by_minute[14]:.1f}, {by_minute[29]:.1f}, {by_minute[59]:.1f} of {often['runs']}")
    print(f"\nSeconds until a fault is found, {TYPICAL}, budgets of {BUDGETS}\n")
    for row in costs:
        print(
            f"- {row['model']}, {row['history']}, floor {row['drift_floor']:.0%}, x{row['effect']:g}: {row['seconds']}"
        )
    if out := os.environ.get("OUT"):
        Path(out).write_text(json.dumps(document, indent=1) + "\n")


def looking_often(settings: Settings) -> dict[str, Any]:
    """The share of healthy releases that were rolled back, by minute."""
    runs = max(1, settings.runs // (len(CELLS) * HISTORIES))
    judges = tuple((judge, 1) for judge in OFTEN)
    batches = [
        Batch(CLUSTERED.name, cell, number, (Scenario(),), runs, judges, settings.seed)
        for cell in CELLS
        for number in range(HISTORIES)
    ]
    watched = simulation.merged(simulation.share_out(simulation.watch, batches, settings.jobs))
    alarms = {judge: [a for one in watched if one.judge == judge for a in one.alarms] for judge in OFTEN}
    per_minute = round(60 / STEP_SECONDS)
    percent = {
        judge: [
            round(100 * sum(a is not None and a < minute * per_minute for a in of) / len(of), 2)
            for minute in range(1, 61)
        ]
        for judge, of in alarms.items()
    }
    ends = {judge: Rate.of(sum(a is not None for a in of), len(of)) for judge, of in alarms.items()}
    return {
        "traffic": CLUSTERED.name,
        "runs": len(alarms[OFTEN[0]]),
        "percent": percent,
        "interval": {judge: (round(rate.low, 2), round(rate.high, 2)) for judge, rate in ends.items()},
    }


def what_settings_cost(model: Model, settings: Settings) -> Iterator[dict[str, Any]]:
    """How long faults take to be found, by drift floor, history and budget; what is missed counts as the whole hour."""
    runs = max(1, settings.runs // FAULTY)
    known = [_learned(model, floor, number) for floor in FLOORS for number in range(HISTORIES)]
    cases = [("4 h", floor, known[at * HISTORIES : (at + 1) * HISTORIES]) for at, floor in enumerate(FLOORS)]
    cases.append(("none", ours.DRIFT_FLOOR, [ours.nothing_learned()]))
    for history, floor, calibrations in cases:
        for effect in EFFECTS:
            found: dict[float, list[float]] = {budget: [] for budget in BUDGETS}
            for run in range(runs):
                rng = sampling.seeded(settings.seed, model.name, effect, run)
                looks = traffic.looks(model, TYPICAL, rng, traffic.faulty(effect))
                for budget, seconds in _found(looks, calibrations[run % len(calibrations)]).items():
                    found[budget].append(seconds)
            yield {
                "model": model.name,
                "history": history,
                "drift_floor": floor,
                "effect": effect,
                "runs": runs,
                "seconds": {f"{budget:g}": round(statistics.fmean(of)) for budget, of in found.items()},
                "error": {f"{budget:g}": round(figures.mean_and_error(of)[1], 1) for budget, of in found.items()},
            }


def _learned(model: Model, floor: float, number: int) -> Calibration:
    rng = sampling.seeded("history", model.name, number)
    bad, total = traffic.history(model, TYPICAL, rng, HISTORY_SECONDS)
    return calibration.learn(bad, total, STEP_SECONDS, floor)


def _found(looks: Iterator[Look], calibrated: Calibration) -> dict[float, float]:
    """When the odds reach one divided by each budget, in seconds."""
    test = TwoSample(ours.TOLERANCE, LOOKS, calibrated)
    process, found = test.opened(), dict[float, float]()
    for look in count(1):
        process = test.looked(process, *next(looks), STEP_SECONDS)
        for budget in BUDGETS:
            if process.value >= 1 / budget or look == LOOKS:
                found.setdefault(budget, look * STEP_SECONDS)
        if len(found) == len(BUDGETS):
            break
    return found
