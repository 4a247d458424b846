"""An answer of the engine in memory is Prometheus' own: the same series and expressions for both."""

import itertools
import math
import random
from collections.abc import Iterator, Sequence

import pytest

from deploy.local import binaries
from gated.promql.engine.evaluate import Engine
from gated.promql.engine.series import Series
from gated.promql.notation import Gap
from gated.sources.errors import SourceError
from gated.sources.own_prometheus import OwnPrometheus
from gated.sources.prometheus import Prometheus
from gated.sources.samples import Sample
from gated.sources.scripted import InMemory
from gated.sources.settings import Access
from gated.sources.transport import Transport

EPOCH = 1_700_006_400.0
STEP = 15.0
LENGTH = 80
"""Samples of a series: twenty minutes."""

TELESCOPING = (
    "sum by (code) ((last_over_time(c_total[45s]) - last_over_time(c_total[30m] offset 45s)) >= 0"
    " or last_over_time(c_total[45s]))"
)
EXPRESSIONS = [
    "c_total",
    'c_total{code=~"5.."}',
    'c_total{code!~"5..",instance!="a"}',
    'c_total{nothing=""}',
    "c_total offset 2m",
    "c_total offset -2m",
    "timestamp(c_total)",
    "max by (instance) (timestamp(c_total offset 1m))",
    "rate(c_total[1m])",
    "rate(c_total[5m] offset 1m)",
    "increase(c_total[1m])",
    "increase(c_total[40s])",
    "increase(c_total[10m])",
    "sum by (code) (increase(c_total[5m]))",
    "sum without (instance) (rate(c_total[5m]))",
    "sum(g)",
    "min by (instance) (g)",
    "max(g)",
    "avg by (zone) (g)",
    "count(c_total)",
    "group by (code, instance) (c_total)",
    "avg_over_time(g[2m])",
    "min_over_time(g[2m])",
    "max_over_time(g[2m])",
    "sum_over_time(g[2m])",
    "count_over_time(g[2m])",
    "last_over_time(g[2m])",
    TELESCOPING,
    'sum(increase(c_total{code="500"}[5m])) / sum(increase(c_total[5m]))',
    "increase(c_total[5m]) / ignoring (code) increase(d_total[5m])",
    "increase(c_total[5m]) / on (instance, code) increase(c_total[10m])",
    "g > 3",
    "3 < g",
    "g > bool 3",
    "g != on (instance) (g > 4)",
    "g - g",
    "-g",
    "2 * g + 1",
    "1 - g / 0",
    "c_total and on (instance) (g > 3)",
    "c_total unless on (instance) (g > 3)",
    "g or c_total",
    "g or on (instance) c_total",
    "c_total - c_total offset 1m",
    "c_total * 0 == 0",
    "time()",
    "1 + 2 * 3",
    "(g)",
    "nobody_has_this",
    "g / ignoring (instance) g",
    "sum(c_total) by (instance) / g",
    "g + ignoring (instance, zone) g",
]  # fmt: skip


def _values(luck: random.Random, *, is_counter: bool) -> Iterator[float | Gap]:
    """Samples with all that happens to them: missed scrapes, ends, restarts."""
    value = float(luck.randrange(20))
    while True:
        match luck.random():
            case chance if chance < 0.08:
                yield Gap.MISSING
            case chance if chance < 0.12:
                yield Gap.STALE
            case chance if chance < 0.16:
                value = float(luck.randrange(5))
                yield value
            case _:
                value = value + luck.randrange(8) if is_counter else float(luck.randrange(8))
                yield value


def _world(seed: int) -> list[Series]:
    luck = random.Random(seed)  # noqa: S311 -- a world that can be made again
    names = [
        *(
            {"__name__": "c_total", "instance": i, "code": c}
            for i, c in itertools.product("abc", ("200", "404", "500"))
        ),
        *({"__name__": "d_total", "instance": i} for i in "abc"),
        *({"__name__": "g", "instance": i, "zone": z} for i, z in (("a", "x"), ("b", "x"), ("c", "y"))),
    ]
    worlds = []
    for labels in names:
        length = luck.choice([LENGTH, LENGTH, LENGTH // 2])
        values = itertools.islice(_values(luck, is_counter=labels["__name__"] != "g"), length)
        begins = EPOCH + luck.choice([0, 0, 20]) * STEP - 0.001
        samples = ((begins + at * STEP, value) for at, value in enumerate(values) if value is not Gap.MISSING)
        worlds.append(Series(labels, samples))
    return worlds


Answer = dict[tuple[tuple[str, str], ...], float] | str


def _answer(ask: InMemory | Prometheus, expression: str, at: float) -> Answer:
    try:
        samples: Sequence[Sample] = ask.query(expression, 10.0, round(at * 1000))
    except SourceError as error:
        return error.reason.value
    return {tuple(sorted(sample.labels.items())): sample.number for sample in samples}


def _is_same(ours: Answer, theirs: Answer) -> bool:
    if isinstance(ours, str) or isinstance(theirs, str):
        return ours == theirs
    return ours.keys() == theirs.keys() and all(
        math.isclose(ours[key], theirs[key], rel_tol=1e-9, abs_tol=1e-9)
        or (math.isnan(ours[key]) and math.isnan(theirs[key]))
        for key in ours
    )


@pytest.fixture(scope="module", params=[1, 2, 3])
def both(request: pytest.FixtureRequest) -> Iterator[tuple[InMemory, Prometheus]]:
    world = _world(request.param)
    transport = Transport(Access(), concurrency=1, max_bytes=1 << 20)
    with OwnPrometheus(binaries.find("prometheus").path) as server:
        server.record((series.labels, series.samples) for series in world)
        yield InMemory(Engine(world)), Prometheus(server.url, transport)
    transport.close()


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_engine_answers_as_prometheus_does(both: tuple[InMemory, Prometheus], expression: str) -> None:
    ours, theirs = both
    for at in (EPOCH, EPOCH + 15, EPOCH + 200, EPOCH + 307, EPOCH + 600, EPOCH + 911, EPOCH + 1200, EPOCH + 1490):
        assert _is_same(_answer(ours, expression, at), _answer(theirs, expression, at)), (
            at - EPOCH,
            _answer(ours, expression, at),
            _answer(theirs, expression, at),
        )
