"""The engine in memory, where no Prometheus is needed to know the answer; tests/contract asks both."""

from collections.abc import Mapping

import pytest

from gated.promql.engine.errors import EvaluationFailed, Unsupported
from gated.promql.engine.evaluate import Engine
from gated.promql.engine.series import Key, Series
from gated.promql.notation import Gap, read_series, read_values
from gated.promql.syntax import PromQLError

START = 1_700_006_400.0


def engine(series: Mapping[str, str], interval: float = 15.0) -> Engine:
    """An engine over series in promtool's notation; the first sample is a millisecond before `START`."""
    return Engine(
        Series(
            read_series(name),
            (
                (START + at * interval - 0.001, value)
                for at, value in enumerate(read_values(values))
                if value is not Gap.MISSING
            ),
        )
        for name, values in series.items()
    )


def key(**labels: str) -> Key:
    return tuple(sorted(labels.items()))


REQUESTS = {
    'c_total{code="200",pod="a"}': "0+10x40",
    'c_total{code="500",pod="a"}': "0x20 0+5x20",
    'c_total{code="500",pod="b"}': "_x38 7 9 11",
}
EVENTS = (
    "sum by (code) ((last_over_time(c_total[15s]) - last_over_time(c_total[30m] offset 15s)) >= 0"
    " or last_over_time(c_total[15s]))"
)


@pytest.mark.parametrize(
    ("at", "events"),
    [
        (0, {"200": 0, "500": 0}),
        (15, {"200": 10, "500": 0}),
        (315, {"200": 10, "500": 0}),
        (330, {"200": 10, "500": 5}),
        (570, {"200": 10, "500": 12}),
        (585, {"200": 10, "500": 7}),
        (605, {"200": 10, "500": 7}),
    ],
    ids=["first", "then", "before", "errors", "newborn", "as before", "between scrapes"],
)
def test_events_between_looks_are_counted_exactly(at: float, events: Mapping[str, float]) -> None:
    answer = engine(REQUESTS).evaluate(EVENTS, START + at)
    assert answer == {key(code=code): count for code, count in events.items()}


def test_events_add_up_to_the_truth_through_a_restart() -> None:
    restarted = engine({"c_total": "5+5x9 _x3 2+2x9"})
    counted = [restarted.evaluate(EVENTS, START + 15 * look) for look in range(23)]
    numbers = [answer[()] for answer in counted if isinstance(answer, dict) and answer]
    assert sum(numbers) == 50 + 20
    assert counted[10:13] == [{}, {}, {}], "no sample, no count"


def test_an_instant_selector_looks_back_five_minutes_and_no_further() -> None:
    once = engine({"g": "7"})
    assert once.evaluate("g", START + 299) == {key(__name__="g"): 7}
    assert once.evaluate("g", START + 300) == {}


def test_the_end_of_a_series_ends_it_at_once_but_not_its_past() -> None:
    ended = engine({"g": "7 8 stale"})
    assert ended.evaluate("g", START + 29) == {key(__name__="g"): 8}
    assert ended.evaluate("g", START + 30) == {}
    assert ended.evaluate("max_over_time(g[1m])", START + 30) == {(): 8}
    assert ended.evaluate("g offset 15s", START + 30) == {key(__name__="g"): 8}


def test_an_answer_has_the_scrape_s_time_to_the_millisecond() -> None:
    assert engine({"g": "7"}).evaluate("timestamp(g)", START + 100) == {(): START - 0.001}


UNSUPPORTED = {
    "a function": "histogram_quantile(0.9, c_total)",
    "an aggregation": "topk(1, c_total)",
    "a quantile": "quantile(0.9, c_total)",
    "a subquery": "max_over_time(rate(c_total[1m])[5m:1m])",
    "many to one": "c_total / on (pod) group_left c_total",
    "a power": "c_total ^ 2",
    "a fixed end": "c_total @ end()",
    "an expression's timestamp": "timestamp(sum(c_total))",
    "a constant vector": "vector(1)",
    "absence": "absent(c_total)",
    "a pattern that Python cannot read": 'c_total{code=~"\\\\pL"}',
}


@pytest.mark.parametrize("expression", UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_what_is_not_known_is_refused(expression: str) -> None:
    with pytest.raises(Unsupported):
        engine(REQUESTS).evaluate(expression, START + 60)


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("c_total - on (code) c_total", "found duplicate series for the match group on the right"),
        ("c_total - on (code) sum by (code) (c_total)", "multiple matches for labels"),
    ],
)
def test_what_prometheus_refuses_on_this_data_is_refused(expression: str, complaint: str) -> None:
    with pytest.raises(EvaluationFailed, match=complaint):
        engine(REQUESTS).evaluate(expression, START + 590)


def test_what_is_no_promql_is_said() -> None:
    with pytest.raises(PromQLError):
        engine(REQUESTS).evaluate("sum(", START)
