"""How looks become a drawing."""

import pytest

from gated.model.trace import UNSEEN
from gated.model.units import Unit
from gated.operations.drawing import Pen, draw
from tests import samples

PEN = Pen("error-rate", Unit.RATIO, 100.0)


def test_nothing_is_not_drawn() -> None:
    assert draw([], [PEN]) is None


@pytest.mark.parametrize("looks", [10, 1001], ids=["few", "more than there are points"])
def test_a_line_is_broken_where_nobody_looked(looks: int) -> None:
    trace = [samples.trace_point(at=15.0 * at) for at in range(looks)]
    trace[looks // 2 + 1] = samples.trace_point(at=15.0 * (looks // 2 + 1), rules=(UNSEEN,))
    drawing = draw(trace, [PEN])
    assert drawing is not None
    assert len(drawing.at) <= 242
    assert drawing.curves[0].values.count(None) == 1
