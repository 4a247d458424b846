import pytest

from gated.promql import syntax


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("up", 0, id="the present"),
        pytest.param("rate(x[5m]) / rate(y[1h30m])", 5400, id="the longest of two windows"),
        pytest.param("increase(x[5m] offset 1m)", 360, id="an offset moves a window back"),
        pytest.param("x - x offset -5m", 0, id="an offset into the future"),
        pytest.param("max_over_time(rate(x[10m])[1h:1m] offset 2m)", 4320, id="a subquery over a window"),
        pytest.param("sum(quantile_over_time(0.9, x[250ms])) > 0", 0.25, id="inside calls and sums"),
    ],
)
def test_how_far_back_an_expression_looks_is_known(text: str, seconds: float) -> None:
    assert syntax.look_back_seconds(text) == seconds
