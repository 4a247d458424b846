"""Traces with the values that an independent implementation gives them, in golden/."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parent / "golden"


@dataclass(frozen=True)
class Trace:
    """One release of one rule.

    Args:
        settings: of the test.
        looks: counts of every look, as the file's own text says.
        values: the evidence after every look.
    """

    settings: dict[str, Any]
    looks: list[list[float]]
    values: list[float]


def traces(file: str) -> dict[str, Trace]:
    """All traces of a file, by what they are about."""
    cases = json.loads((GOLDEN / file).read_text(encoding="utf-8"))["cases"]
    return {case.pop("id"): Trace(looks=case.pop("looks"), values=case.pop("values"), settings=case) for case in cases}


def sums() -> list[list[float]]:
    """Rows of limit, dispersion, bad, total, odds of health, lower and upper end of the 95 % interval."""
    rows: list[list[float]] = json.loads((GOLDEN / "sums.json").read_text(encoding="utf-8"))["rows"]
    return rows
