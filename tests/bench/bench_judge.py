"""What the judge is worth beside other gates: false rollbacks, missed faults and delays on simulated traffic.

    make bench ARGS="-k judge"                               everything, more than an hour on two idle cores
    RUNS=60 HISTORIES=6 make bench ARGS="-k judge"           a fifth of it
    RUNS=900 make bench ARGS="-k 'judge and false'"          one part, with narrower intervals

Settings are environment variables:

- `RUNS` healthy releases for each traffic model and cell (default 240). A third as many for each kind of fault; what
  the default judge is compared with watches only every second or third release, or after every fourth history.
- `HISTORIES` of each model and cell that these releases follow, in equal numbers (20).
- `JOBS` processes (2). Results do not depend on it.
- `SEED` of everything random (1).
- `OUT` a JSON file for all figures; every part writes its own section and leaves the others.

A release bakes for an hour under 15 s looks. Its canary is one pod of ten. The twelve cells are all combinations of
1, 10, 100, 1,000 and 10,000 requests a second on the canary with error rates of 0.01, 0.1 and 2 % in which a healthy
canary fails at least once in 100 s. The budget is 1 %, a tenth more errors are tolerated, and every fixed limit is
twice the healthy error rate. Judges see the same random traffic; runs end at the first alarm. Every figure that is a
probability has its exact 95 % interval.
"""

import json
import math
import os
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.bench.judge import figures, health, ours, past, simulation, speed, verdicts
from tests.bench.judge.peers import PEERS
from tests.bench.judge.simulation import Batch, Scenario
from tests.bench.judge.traffic import (
    CELLS,
    CLUSTERED,
    DRIFTING,
    INDEPENDENT,
    MODELS,
    PODS,
    SICK,
    STEP_SECONDS,
    STICKY,
    ZIPF,
    Cell,
    Model,
)
from tests.bench.judge.verdicts import Detection, FalseRollbacks, short

pytestmark = [pytest.mark.slow, pytest.mark.timeout(4 * 3600)]

MINUTE_20 = round(20 * 60 / STEP_SECONDS)
STARTS = (0, MINUTE_20)
EFFECTS = (1.5, 2.0, 3.0, 5.0, 10.0, 20.0)
FAULTS = tuple(Scenario(effect, since) for since in STARTS for effect in EFFECTS)
HEALTHY = Scenario()
RESOLVED_LOOKS = 3
"""A bound of fewer looks is blurred by them: nobody can answer in half a look."""
EDGE = Scenario(1.0 + ours.TOLERANCE)
"""The largest harmless increase."""
SHIPPED = "gated, as shipped"
COLD_EFFECTS = (2.0, 3.0, 5.0, 10.0)
COOLINGS = (60.0, 120.0)
HARD = (SICK, STICKY, *(model for model in MODELS if model.is_unseen))
"""Traffic with bursts, and what nobody tuned for."""


@dataclass(frozen=True)
class Settings:
    """How much is simulated; see above."""

    runs: int
    histories: int
    jobs: int
    seed: int

    @classmethod
    def of_environment(cls) -> "Settings":
        """What the caller wants."""
        values = {"runs": 240, "histories": 20, "jobs": 2, "seed": 1}
        return cls(**{name: int(os.environ.get(name.upper(), default)) for name, default in values.items()})

    def batches(
        self,
        models: Iterable[Model],
        scenarios: tuple[Scenario, ...],
        judges: Mapping[str, int],
        *,
        part: int = 1,
        birth: Scenario | None = None,
    ) -> list[Batch]:
        """A batch for every model, cell and history.

        Args:
            models: the traffic.
            scenarios: what happens.
            judges: who watches, and every how many releases. A day's history costs more than the releases after it,
                so whoever needs one watches after every fourth history only.
            part: of how many healthy releases there is one of these.
            birth: see `Batch`.
        """
        runs = max(1, self.runs // self.histories // part)
        brief = {judge: every for judge, every in judges.items() if ours.DAY not in judge}
        return [
            Batch(model.name, cell, number, scenarios, runs, tuple(watching.items()), self.seed, birth)
            for model in models
            for cell in CELLS
            for number in range(self.histories)
            for watching in (brief if number % 4 else judges,)
        ]


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings.of_environment()


@pytest.fixture
def record(settings: Settings) -> Callable[[str, Any], None]:
    """Writes a section of the figures, if they are wanted as JSON."""

    def write(section: str, content: Any) -> None:
        out = os.environ.get("OUT")
        if out:
            path = Path(out)
            known = json.loads(path.read_text()) if path.exists() else {}
            path.write_text(
                json.dumps({**known, section: {"settings": asdict(settings), "figures": _finite(content)}}, indent=1)
            )

    return write


def test_false_rollbacks_of_healthy_releases(settings: Settings, record: Callable[[str, Any], None]) -> None:
    ours_here = {"gated": 1, "gated, both rules": 1, "gated, limit": 1, "gated, 24 h": 1, "gated, no history": 3}
    judges = {**ours_here, **dict.fromkeys(PEERS, 3)}
    batches = settings.batches(MODELS, (HEALTHY,), judges)
    edge = settings.batches(MODELS, (EDGE,), {"gated": 1, "gated, no history": 3}, part=3)
    watched = simulation.merged(simulation.share_out(simulation.watch, [*batches, *edge], settings.jobs))
    rows = verdicts.false_rollbacks(watched)
    record("false_rollbacks", [asdict(row) for row in rows])
    print(f"\n\nHealthy releases rolled back, %, mean [worst of {len(CELLS)} cells]; * traffic nobody tuned for\n")
    _print_rates(rows, 1.0, [*ours_here, ours.MANY_RULES])
    _print_rates(rows, 1.0, list(PEERS))
    print(f"\nReleases with {ours.TOLERANCE:.0%} more errors, all of them tolerated, rolled back, %\n")
    _print_rates(rows, EDGE.effect, ["gated", "gated, no history"])
    print("\nThe same with 95 % intervals\n")
    for row in rows:
        if row.judge.startswith("gated"):
            print(f"- x{row.effect:g}, {row.model}, {row.judge}: {row.mean} [{row.worst}, {row.worst_cell}]")


def test_what_is_found_and_how_fast(settings: Settings, record: Callable[[str, Any], None]) -> None:
    common = {"gated": 1, "gated, limit": 1, "gated, both rules": 1, SHIPPED: 2}
    peers = {"Argo": 2, "Flagger": 2, "for: 5m": 2, "Kayenta": 2, "Lindon-Malek": 2, "GrowthBook": 2}
    batches = settings.batches((INDEPENDENT, DRIFTING), FAULTS, {**common, "gated, 24 h": 1, **peers}, part=3)
    batches += settings.batches((CLUSTERED, *HARD), FAULTS, {**common, **peers}, part=3)
    watched = simulation.merged(simulation.share_out(simulation.watch, batches, settings.jobs))
    rows = verdicts.detections(watched)
    record("detections", [asdict(row) for row in rows])
    bounds = _beside_wald(rows)
    record("wald", bounds)
    for model in (INDEPENDENT, CLUSTERED, DRIFTING, *HARD):
        for since in STARTS:
            begin = f"from minute {since * STEP_SECONDS / 60:.0f}"
            print(f"\n\n{model.name}, faults {begin}: missed, % / seconds of the detected, mean\n")
            _print_detections(rows, model, since * STEP_SECONDS)
    print("\n\nBeside Wald's bound, independent traffic; what was missed counts to the end of the hour\n")
    print("| | fault | from | seconds | bound, whole looks | multiple | where the bound is long |")
    print("|---|---|---|---|---|---|---|")
    for bound in bounds:
        print(
            "| {judge} | x{effect:g} | {since_seconds:.0f} s | {seconds:.0f} | {wald:.0f} | {multiple:.2f}"
            " | {resolved:.2f} |".format(**bound)
        )


def test_cold_starts(settings: Settings, record: Callable[[str, Any], None]) -> None:
    judges = {"gated": 1, "gated, warm-up 2 min": 1, "gated, warm-up 5 min": 1, SHIPPED: 1}
    cold = tuple(Scenario(effect, cooling_seconds=cooling) for cooling in COOLINGS for effect in COLD_EFFECTS)
    true = tuple(Scenario(effect) for effect in COLD_EFFECTS)
    unknown = settings.batches((INDEPENDENT, CLUSTERED), cold + true, judges, part=6)
    learned = settings.batches((INDEPENDENT, CLUSTERED), true, {SHIPPED: 1}, part=6, birth=HEALTHY)
    for scenario in cold:
        learned += settings.batches((INDEPENDENT, CLUSTERED), (scenario,), {SHIPPED: 1}, part=6, birth=scenario)
    watched = simulation.merged(simulation.share_out(simulation.watch, unknown, settings.jobs))
    watched += [
        one._replace(judge=f"{SHIPPED}, starts in history")
        for one in simulation.merged(simulation.share_out(simulation.watch, learned, settings.jobs))
        if one.judge == SHIPPED
    ]
    harmless = {
        cooling: verdicts.false_rollbacks(one for one in watched if one.scenario.cooling_seconds == cooling)
        for cooling in COOLINGS
    }
    faults = verdicts.detections(one for one in watched if one.scenario in true)
    document = {f"cooling {cooling:.0f} s": [asdict(row) for row in rows] for cooling, rows in harmless.items()}
    record("cold_starts", {**document, "faults": [asdict(row) for row in faults]})
    for model in (INDEPENDENT, CLUSTERED):
        for cooling, rows in harmless.items():
            print(f"\n\n{model.name}, cold starts that fall to 1/e in {cooling:.0f} s: rolled back, %\n")
            _print_cold(rows, model)
        print("\nFaults from the start: missed, % / seconds\n")
        _print_detections(faults, model, 0.0)


def test_the_past_as_baseline(settings: Settings, record: Callable[[str, Any], None]) -> None:
    scenarios = (HEALTHY, Scenario(1.0 + past.TOLERANCE), *(Scenario(effect) for effect in (2.0, 3.0, 5.0, 10.0)))
    batches = [
        past.Batch(days, cell, scenarios, max(1, settings.runs // 6), settings.seed)
        for days in range(len(past.DAYS))
        for cell in CELLS
    ]
    watched = simulation.merged(simulation.share_out(past.watch, batches, settings.jobs))
    harmless = verdicts.false_rollbacks(one for one in watched if one.scenario in scenarios[:2])
    faults = verdicts.detections(one for one in watched if one.scenario in scenarios[2:])
    record("past", {"harmless": [asdict(row) for row in harmless], "faults": [asdict(row) for row in faults]})
    print("\n\nCompared with the past: harmless releases rolled back, %, mean [worst of cells]\n")
    for row in harmless:
        print(f"- {row.model}, x{row.effect:g}: {row.mean} [{row.worst}, {row.worst_cell}]")
    print("\nFaults from the start, missed, % / seconds of the detected\n")
    for found in faults:
        print(f"- {found.model}, x{found.effect:g}: {short(found.missed.percent)} / {found.seconds:.0f}")


def test_proofs_of_health(settings: Settings, record: Callable[[str, Any], None]) -> None:
    models, scenarios = (INDEPENDENT, CLUSTERED, ZIPF, *HARD), (health.AT_LIMIT, health.GOOD, health.VERY_GOOD)
    batches = settings.batches(models, scenarios, {}, part=6)
    watched = simulation.merged(simulation.share_out(health.watch, batches, settings.jobs))
    wrong = verdicts.false_rollbacks(one for one in watched if one.scenario == health.AT_LIMIT)
    right = verdicts.detections(one for one in watched if one.scenario != health.AT_LIMIT)
    record("health", {"wrong": [asdict(row) for row in wrong], "right": [asdict(row) for row in right]})
    print("\n\nCalled healthy although at the limit, %, mean [worst of cells]\n")
    for row in wrong:
        print(f"- {row.model}, {row.judge}: {row.mean} [{row.worst}, {row.worst_cell}]")
    print("\nGood versions: not proved within the hour, % / seconds until proved\n")
    for found in right:
        share = f"{found.effect / health.AT_LIMIT.effect:.0%} of the limit"
        print(f"- {found.model}, {found.judge}, {share}: {short(found.missed.percent)} / {found.seconds:.0f}")


def test_what_it_costs(record: Callable[[str, Any], None]) -> None:
    costs = speed.microseconds()
    record("microseconds", costs)
    print("\n\n| what | µs |\n|---|---|")
    for what, cost in costs.items():
        print(f"| {what} | {cost:,.0f} |")


def _print_rates(rows: Sequence[FalseRollbacks], effect: float, judges: Sequence[str]) -> None:
    rates = {(row.model, row.judge): row for row in rows if row.effect == effect}
    labels = {f"{model.name}{' *' if model.is_unseen else ''}": model.name for model in MODELS}

    def entry(label: str, judge: str) -> str:
        row = rates[labels[label], judge]
        return f"{short(row.mean.percent)} [{short(row.worst.percent)}]"

    print(verdicts.table(list(labels), judges, entry), "\n", flush=True)


def _print_cold(rows: Sequence[FalseRollbacks], model: Model) -> None:
    rates = {(row.judge, f"x{row.effect:g}"): short(row.mean.percent) for row in rows if row.model == model.name}
    judges, effects = dict.fromkeys(judge for judge, _ in rates), dict.fromkeys(effect for _, effect in rates)
    print(verdicts.table(list(judges), list(effects), lambda judge, effect: rates[judge, effect]), "\n")


def _print_detections(rows: Sequence[Detection], model: Model, since_seconds: float) -> None:
    mine = [row for row in rows if row.model == model.name and row.since_seconds == since_seconds]
    found = {(row.judge, f"x{row.effect:g}"): row for row in mine}

    def entry(judge: str, effect: str) -> str:
        return f"{short(found[judge, effect].missed.percent)} / {found[judge, effect].seconds:.0f}"

    judges, effects = dict.fromkeys(row.judge for row in mine), dict.fromkeys(f"x{row.effect:g}" for row in mine)
    print(verdicts.table(list(judges), list(effects), entry), flush=True)


def _beside_wald(rows: Sequence[Detection]) -> list[dict[str, Any]]:
    """How much longer than Wald's bound detection took, on independent traffic.

    `multiple` compares the means over all cells, with the bound in whole looks. `resolved` is the mean multiple of the
    cells in which the bound is at least `RESOLVED_LOOKS` long, not rounded; NaN where there is none.
    """
    compared = []
    for row in rows:
        if row.model != INDEPENDENT.name or row.judge not in {"gated", "gated, 24 h"} or row.effect <= EDGE.effect:
            continue
        bounds = {cell: _wald_seconds(cell, row.effect) for cell in CELLS}
        wald = statistics.fmean(math.ceil(bound / STEP_SECONDS) * STEP_SECONDS for bound in bounds.values())
        long = {cell: bound for cell, bound in bounds.items() if bound >= RESOLVED_LOOKS * STEP_SECONDS}
        compared.append(
            {
                "judge": row.judge,
                "effect": row.effect,
                "since_seconds": row.since_seconds,
                "seconds": row.capped_seconds,
                "wald": wald,
                "multiple": row.capped_seconds / wald,
                "resolved": figures.mean_and_error([row.cells[str(cell)][2] / bound for cell, bound in long.items()])[
                    0
                ],
            }
        )
    return compared


def _wald_seconds(cell: Cell, effect: float) -> float:
    return figures.wald_seconds(
        cell.rate, cell.share, effect, alpha=1 / ours.ODDS, tolerance=ours.TOLERANCE, others=PODS - 1
    )


def _finite(content: Any) -> Any:
    """The same without numbers that JSON does not know: null where a figure does not exist."""
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
