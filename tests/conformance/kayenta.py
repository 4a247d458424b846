"""Kayenta's classifier, rebuilt out of the parts that gated judges gauges with.

What is Kayenta's own stands here: that a shift is measured against a share of itself, which sizes of an effect let it
count, and what is critical. What is compared is gated's: the statistic, the shift with its interval, its direction, U
and the ratio of the means.
"""

import json
import math
from pathlib import Path
from statistics import NormalDist
from typing import Any

from gated.judge.stats.gauges import mean_ratio
from gated.judge.stats.mann_whitney import Pairs, Shift
from gated.model.rule import Direction
from tests.conformance.uniroot import uniroot

Case = dict[str, Any]
"""One vector: `source` and `test` say where it is from, `unit` what it is about."""

CASES: tuple[Case, ...] = tuple(json.loads(Path(__file__).with_name("kayenta.json").read_text())["cases"])

_R_TOLERANCE = 1e-4
"""Where R and Kayenta stop looking for the ends of an interval, in the data's unit."""


def cases_of(unit: str) -> list[Case]:
    """All vectors about a unit."""
    return [case for case in CASES if case["unit"] == unit]


def title(case: Case) -> str:
    """A case's id."""
    return str(case["test"])


def shift_as_r(new: list[float], old: list[float], confidence: float) -> Shift:
    """The shift as R locates it: near where the statistic crosses, not at it."""
    pairs = Pairs(new, old)
    quantile = NormalDist().inv_cdf((1 + confidence) / 2)

    def located(z: float) -> float:
        least, greatest = pairs.differences[0], pairs.differences[-1]
        return uniroot(lambda d: pairs.statistic(d) - z, least, greatest, _R_TOLERANCE)

    return Shift(estimate=located(0.0), low=located(quantile), high=located(-quantile))


def effect(measure: str, new: list[float], old: list[float]) -> float:
    """How large the effect is, or NaN where the measure cannot say."""
    if measure == "cles":
        return Pairs(new, old).above(0.0) / (len(new) * len(old))
    ratio = mean_ratio(new, old)
    return math.nan if ratio is None else ratio


def classify(case: Case) -> dict[str, Any]:
    """What the classifier says of a vector with data: `Pass`, `High` or `Low`, and whether that is critical."""
    params, new, old = case["params"], case["experiment"], case["control"]
    shift = Pairs(new, old).shift(params["confLevel"])
    moved = shift.beyond(params["tolerance"] * abs(shift.estimate))
    size = effect(params["effectSizeMeasure"], new, old)
    wanted = {"increase": {Direction.INCREASE}, "decrease": {Direction.DECREASE}, "either": set(Direction)}
    if moved not in wanted[params["direction"]] or not _counts(moved, size, params["effectSizeThresholds"]):
        moved = None
    label = {None: "Pass", Direction.INCREASE: "High", Direction.DECREASE: "Low"}[moved]
    is_critical = params["isCriticalMetric"] and moved and _counts(moved, size, params["criticalThresholds"])
    return {"classification": label, "critical": bool(is_critical), "deviation": "NaN" if math.isnan(size) else size}


def _counts(moved: Direction | None, size: float, thresholds: list[float]) -> bool:
    """Whether an effect is large enough, (most, least) for a decrease and an increase; one of no size counts."""
    most, least = thresholds
    return math.isnan(size) or (size >= least if moved is Direction.INCREASE else size <= most)
