"""Plots of a release: what their lines say, and that no drawing is too odd for them."""

import math
import re

import pytest

from gated.model.units import Unit
from gated.model.verdict import Verdict
from gated.operations.drawing import Band, Curve, Drawing
from gated.server import plots

DAY = 86400.0


def drawing(*at: float) -> Drawing:
    return Drawing(at=at, bands=(Band(since=at[0], until=at[-1], stage="canary", verdict=Verdict.PENDING),), curves=())


def curve(*values: float | None, **changes: object) -> Curve:
    plain = {"limits": (0.02,), "odds": (), "odds_limit": None}
    return Curve.model_validate({"rule": "error-rate", "unit": Unit.RATIO, "values": values, **plain, **changes})


def path(kind: str, markup: str) -> str:
    found = re.search(rf'<path class="{kind}" d="([^"]*)"', markup)
    return found[1] if found is not None else ""


def heights(kind: str, markup: str) -> list[float]:
    return [float(each) for each in re.findall(r"[ML][\d.]+,([\d.]+)", path(kind, markup))]


def test_a_line_is_broken_where_there_was_no_value() -> None:
    shown = plots.values(drawing(0, 15, 30, 45, 60), curve(0.1, 0.1, None, 0.1, 0.1), ())
    assert path("value", shown).count("M") == 2


def test_a_single_value_between_gaps_is_a_dot() -> None:
    assert "h0.1" in path("value", plots.values(drawing(0, 15, 30), curve(None, 0.1, None), ()))


@pytest.mark.parametrize(
    ("values", "limits"),
    [
        pytest.param((0.0, 0.0), (0.0,), id="all nothing"),
        pytest.param((-5.0, -3.0), (None,), id="below zero"),
        pytest.param((None, None), (None,), id="no values"),
        pytest.param((1e-300, 1e-300), (0.02,), id="next to nothing"),
        pytest.param((0.9991, 0.9992), (0.995, 0.996), id="a limit that moves, near one"),
    ],
)
def test_every_number_has_a_place_inside_the_plot(
    values: tuple[float | None, ...], limits: tuple[float | None, ...]
) -> None:
    shown = plots.values(drawing(0, 15), curve(*values, limits=limits), ())
    assert "nan" not in shown
    assert all(0 <= each <= 84 for kind in ("value", "limit") for each in heights(kind, shown))


@pytest.mark.parametrize("limit", [1e-9, 100.0, 1e8], ids=["tiny", "usual", "huge"])
def test_odds_cross_the_line_when_and_only_when_they_are_past_the_limit(limit: float) -> None:
    """With a tiny budget of false rollbacks the limit itself is beyond what is drawn otherwise."""
    odds = (0.0, limit / 2 if limit > 1 else 0.0, math.inf)
    shown = plots.odds(drawing(0, 15, 30), curve(0.1, 0.1, 0.1, odds=odds, odds_limit=limit), ())
    line = heights("limit", shown)[0]
    assert [each < line for each in heights("odds", shown)] == [False, False, True]


@pytest.mark.parametrize("days", [0.01, 1, 10, 90, 56 * 365], ids=str)
def test_times_are_readable_however_long_a_release_takes(days: float) -> None:
    """A machine that starts in 1970 and is set right later makes a release of 56 years."""
    shown = plots.band(drawing(20 * DAY + 1, (20 + days) * DAY), (), "checkout")
    assert shown.count('class="tick"') <= 7


def test_a_midnight_is_told_by_its_day() -> None:
    assert ">03 Jan<" in plots.band(drawing(1.5 * DAY, 3.5 * DAY), (), "checkout")
