"""From single alarms to figures: how often judges cry wolf, what they miss, and how long they take."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from tests.bench.judge import figures
from tests.bench.judge.simulation import Scenario, Watched
from tests.bench.judge.traffic import LOOKS, STEP_SECONDS, Cell


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How often something happened, with its exact 95 % confidence interval.

    Runs after one history have that history in common, so intervals are somewhat too narrow where history matters.
    """

    hits: int
    runs: int
    percent: float
    low: float
    high: float

    @classmethod
    def of(cls, hits: int, runs: int) -> "Rate":
        """So many of so many."""
        low, high = figures.interval(hits, runs)
        return cls(hits=hits, runs=runs, percent=100.0 * hits / max(1, runs), low=100.0 * low, high=100.0 * high)

    def __str__(self) -> str:
        return f"{short(self.percent)} ({short(self.low)}–{short(self.high)})"


@dataclass(frozen=True, kw_only=True)
class FalseRollbacks:
    """Healthy releases (or those at the edge of what is tolerated) that a judge rolled back.

    Args:
        model: the traffic.
        judge: who.
        effect: the true factor, harmless.
        mean: over all cells, which have the same number of runs.
        worst: of the cell with the most.
        worst_cell: which one.
        cells: each.
    """

    model: str
    judge: str
    effect: float
    mean: Rate
    worst: Rate
    worst_cell: str
    cells: dict[str, Rate] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Detection:
    """What a judge did about faulty releases.

    Args:
        model: the traffic.
        judge: who.
        effect: by what factor more requests failed.
        since_seconds: from when on.
        early: rolled back before the fault began; left out of everything else.
        missed: not rolled back within the hour.
        seconds: from the fault to the alarm, mean of the detected.
        error: half the width of its 95 % confidence interval.
        capped_seconds: mean of all, with what was missed counted up to the end of the hour.
        cells: (missed, mean seconds of the detected, capped mean) of each.
    """

    model: str
    judge: str
    effect: float
    since_seconds: float
    early: int
    missed: Rate
    seconds: float
    error: float
    capped_seconds: float
    cells: dict[str, tuple[Rate, float, float]] = field(repr=False)


def false_rollbacks(watched: Iterable[Watched]) -> list[FalseRollbacks]:
    """By model, judge and effect."""
    rows = []
    for (model, judge, scenario), cells in _grouped(watched).items():
        rates = {str(cell): Rate.of(sum(a is not None for a in alarms), len(alarms)) for cell, alarms in cells.items()}
        worst = max(rates, key=lambda cell: rates[cell].percent)
        mean = Rate.of(sum(rate.hits for rate in rates.values()), sum(rate.runs for rate in rates.values()))
        rows.append(
            FalseRollbacks(
                model=model,
                judge=judge,
                effect=scenario.effect,
                mean=mean,
                worst=rates[worst],
                worst_cell=worst,
                cells=rates,
            )
        )
    return rows


def detections(watched: Iterable[Watched]) -> list[Detection]:
    """By model, judge, effect and start."""
    rows = []
    for (model, judge, scenario), cells in _grouped(watched).items():
        begins = scenario.since_look
        judged = {cell: [a for a in alarms if a is None or a >= begins] for cell, alarms in cells.items()}
        delays = {
            cell: [(a + 1 - begins) * STEP_SECONDS for a in alarms if a is not None] for cell, alarms in judged.items()
        }
        left = (LOOKS - begins) * STEP_SECONDS
        by_cell = {
            str(cell): (
                Rate.of(len(alarms) - len(delays[cell]), len(alarms)),
                figures.mean_and_error(delays[cell])[0],
                (sum(delays[cell]) + left * (len(alarms) - len(delays[cell]))) / max(1, len(alarms)),
            )
            for cell, alarms in judged.items()
        }
        seconds, error = figures.mean_and_error([delay for cell in delays.values() for delay in cell])
        runs = sum(map(len, judged.values()))
        rows.append(
            Detection(
                model=model,
                judge=judge,
                effect=scenario.effect,
                since_seconds=begins * STEP_SECONDS,
                early=sum(map(len, cells.values())) - runs,
                missed=Rate.of(runs - sum(map(len, delays.values())), runs),
                seconds=seconds,
                error=error,
                capped_seconds=sum(capped for _, _, capped in by_cell.values()) / len(by_cell),
                cells=by_cell,
            )
        )
    return rows


def short(percent: float) -> str:
    """A percentage with as many digits as it is worth."""
    return f"{percent:.0f}" if percent >= 10.0 or percent == 0.0 else f"{percent:.{1 if percent >= 1.0 else 2}f}"


def _grouped(
    watched: Iterable[Watched],
) -> dict[tuple[str, str, Scenario], dict[Cell, Sequence[int | None]]]:
    grouped: dict[tuple[str, str, Scenario], dict[Cell, Sequence[int | None]]] = defaultdict(dict)
    for one in watched:
        grouped[one.model, one.judge, one.scenario][one.cell] = one.alarms
    return grouped


def table(rows: Sequence[str], columns: Sequence[str], entry: Callable[[str, str], str]) -> str:
    """A Markdown table."""
    head = f"| | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}\n"
    return head + "\n".join(f"| {row} | {' | '.join(entry(row, column) for column in columns)} |" for row in rows)
