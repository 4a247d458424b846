"""Measurements that are committed, docs/measurements/*.json, and how they get there.

python -m deploy.measured FIGURES    # takes over what `OUT=FIGURES make bench ARGS="-k judge"` has written
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

MEASUREMENTS = Path(__file__).parents[1] / "docs" / "measurements"
FINDERS = ("gated", "gated, as shipped", "Argo", "for: 5m", "Kayenta")
"""Whose finds are taken over."""
_JUDGE = "judge.json"
_CHOICES = "choices.json"

Row = Mapping[str, Any]


def judge() -> dict[str, Any]:
    """What was measured of the judge: for each part of its bench the settings, and rows."""
    return _known(_JUDGE)


def choices() -> dict[str, Any]:
    """What was measured of looking often, and of settings."""
    return _known(_CHOICES)


def rows(part: str, **wanted: object) -> list[Row]:
    """The rows of a part of the judge's bench that have these values."""
    return [row for row in judge()[part]["rows"] if all(row[key] == value for key, value in wanted.items())]


def one(part: str, **wanted: object) -> Row:
    """The only one of these rows."""
    (row,) = rows(part, **wanted)
    return row


def condensed(figures: Mapping[str, Any]) -> dict[str, Any]:
    """What the page shows of a bench's figures; single kinds of services are left out.

    Args:
        figures: what tests/bench/bench_judge.py writes.
    """
    parts: dict[str, list[Row]] = {
        "false_rollbacks": [_rate_row(row) for row in _figures(figures, "false_rollbacks")],
        "detections": [_found_row(row) for row in _figures(figures, "detections") if row["judge"] in FINDERS],
        "wald": [
            {key: _rounded(value) for key, value in row.items()}
            for row in _figures(figures, "wald")
            if row["judge"] == "gated"
        ],
        "cold_starts": [
            {"cooling": cooling.removeprefix("cooling "), **_rate_row(row)}
            for cooling, of in _figures(figures, "cold_starts").items()
            if cooling != "faults"
            for row in of
        ],
        "past_harmless": [_rate_row(row) for row in _figures(figures, "past")["harmless"]],
        "past_faults": [_found_row(row) for row in _figures(figures, "past")["faults"]],
        "proofs_wrong": [_rate_row(row) for row in _figures(figures, "health")["wrong"]],
        "proofs_right": [_found_row(row) for row in _figures(figures, "health")["right"]],
    }
    return {part: {"settings": figures[_part(part)]["settings"], "rows": of} for part, of in parts.items()}


def main() -> int:
    """Take over figures of a bench."""
    parser = argparse.ArgumentParser(prog="python -m deploy.measured", description=__doc__)
    parser.add_argument("figures", type=Path, help="what bench_judge.py wrote")
    document = condensed(json.loads(parser.parse_args().figures.read_text()))
    parts = (
        f'"{part}": {{"settings": {json.dumps(of["settings"])}, "rows": [\n{_lines(of["rows"])}\n]}}'
        for part, of in document.items()
    )
    (MEASUREMENTS / _JUDGE).write_text("{\n" + ",\n".join(parts) + "\n}\n")
    return 0


def _lines(rows: Iterable[Row]) -> str:
    """A row a line, so that changes can be read."""
    return ",\n".join(f" {json.dumps(row, ensure_ascii=False)}" for row in rows)


def _part(name: str) -> str:
    """The part of the bench that a section comes from."""
    return {"past": "past", "proofs": "health"}.get(name.partition("_")[0], name)


def _figures(figures: Mapping[str, Any], part: str) -> Any:
    return figures[part]["figures"]


def _rate_row(row: Row) -> Row:
    head = {"traffic": row["model"], "judge": row["judge"], "effect": row["effect"], "worst_cell": row["worst_cell"]}
    return {**head, "mean": _rate(row["mean"]), "worst": _rate(row["worst"])}


def _found_row(row: Row) -> Row:
    head = {"traffic": row["model"], "judge": row["judge"], "effect": row["effect"]}
    times = {key: _rounded(row[key]) for key in ("since_seconds", "seconds", "capped_seconds")}
    return {**head, **times, "missed": _rate(row["missed"])}


def _rate(rate: Row) -> Row:
    return {key: _rounded(value) for key, value in rate.items()}


def _rounded(value: Any) -> Any:
    return round(value, 2) if isinstance(value, float) else value


@cache
def _known(name: str) -> dict[str, Any]:
    """A document of measurements; nobody changes it."""
    document: dict[str, Any] = json.loads((MEASUREMENTS / name).read_text())
    return document


if __name__ == "__main__":
    sys.exit(main())
