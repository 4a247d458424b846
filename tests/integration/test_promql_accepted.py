"""What gated renders, put to a real Prometheus: accepted, and meaning what it should."""

import json
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings

from deploy.local.servers import Prometheus, backfill
from gated.model.selection import Matcher, Workload
from gated.promql import render
from tests.conftest import StartPrometheus
from tests.unit.promql.expressions import EXPRESSIONS, VECTORS

NOW = 1_700_000_060.0
BY = ("service", "version")
HOSTILE = {
    "quote": '"} or up{version="',
    "backslash": "\\",
    "escape": '\\"\\n\\u0041',
    "newline": "a\nb",
    "back-tick": "`",
    "braces": "{}{{.}}",
    "regular expression": ".*|(a)[b]+?^$",
    "comment": "v1 # ",
    "control characters": "\x01\t\x7f",
    "replacement character": "\ufffd",
    "byte order mark": "\ufeff",
    "line separator": "\u2028",
    "astral": "🚀\U0010ffff",
    "blank": " ",
}
"""Values of the label `version`, by what is special about them."""
TWO_PODS = 'label_replace(vector(1), "pod", "a", "", "") or label_replace(vector(1), "pod", "b", "", "")'


def label_value(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def history() -> str:
    """A minute of counters, of buckets and of alerts, as OpenMetrics text."""
    lines = []
    for number, version in enumerate([*HOSTILE.values(), "v1", "v2"], start=1):
        labels = f'service="cart",version="{label_value(version)}"'
        for second in range(0, 61, 15):
            at = int(NOW) - 60 + second
            for pod in ("a", "b"):
                lines.append(f'requests_total{{{labels},pod="{pod}"}} {number * second} {at}')
                lines.append(f'errors_total{{{labels},pod="{pod}"}} {second / 2} {at}')
            lines.append(f'latency_seconds_bucket{{{labels},le="0.1"}} {second} {at}')
            lines.append(f'latency_seconds_bucket{{{labels},le="+Inf"}} {number * second} {at}')
            lines.append(f"build_info{{{labels}}} {number} {at}")
    lines += [
        f'requests_total{{service="cart",pod="a"}} {second} {int(NOW) - 60 + second}' for second in range(0, 61, 15)
    ]
    for name, version, pod, state, since in [
        ("WafBlocks", "v1", "a", "firing", 1_699_999_000),
        ("WafBlocks", "v1", "b", "firing", 1_700_000_050),
        ("WafBlocks", "v1", "c", "pending", 1_700_000_055),
        ("WafBlocks", "v1", "d", "firing", None),
        ("WafBlocks", "v2", "a", "firing", 1_699_999_500),
        ("WafPending", "v1", "a", "pending", 1_700_000_030),
        ("Other", "v1", "a", "firing", 1_699_999_000),
    ]:
        labels = f'alertname="{name}",service="cart",version="{version}",pod="{pod}"'
        lines.append(f'ALERTS{{{labels},alertstate="{state}"}} 1 {int(NOW)}')
        if since is not None:
            lines.append(f"ALERTS_FOR_STATE{{{labels}}} {since} {int(NOW)}")
    return "\n".join([*sorted(lines, key=lambda line: line.rsplit(" ", 2)[0]), "# EOF\n"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    directory = tmp_path_factory.mktemp("prometheus")
    backfill(history(), directory)
    with Prometheus("", directory=directory) as running:
        yield running


def ask(server: Prometheus, query: str, at: float = NOW) -> dict[str, Any]:
    answer = requests.post(f"{server.url}/api/v1/query", data={"query": query, "time": str(at)}, timeout=5)
    document: dict[str, Any] = answer.json()
    return document


def samples(server: Prometheus, query: str) -> list[tuple[Mapping[str, str], float]]:
    document = ask(server, query)
    assert document["status"] == "success", f"{document} for {query}"
    return [(each["metric"], float(each["value"][1])) for each in document["data"]["result"]]


def vector(server: Prometheus, query: str, by: tuple[str, ...] = BY) -> Mapping[tuple[str, ...], float]:
    """The answer by the values of its labels; one sample each."""
    found = [(tuple(labels.get(label, "") for label in by), value) for labels, value in samples(server, query)]
    assert len(dict(found)) == len(found), f"several samples of one workload for {query}"
    return dict(found)


def of(version: str) -> Workload:
    return (Matcher("service", "cart"), Matcher("version", version))


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_every_construct_is_accepted_when_narrowed(server: Prometheus, expression: str) -> None:
    workload = (Matcher("service", "cart"), render.any_of("version", HOSTILE.values()))
    document = ask(server, render.narrow(expression, workload, BY))
    assert document["status"] == "success", document


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(VECTORS)
def test_whatever_the_expression_it_is_accepted_when_narrowed(server: Prometheus, expression: str) -> None:
    document = ask(server, render.narrow(expression, of("v1"), BY))
    assert document.get("errorType") != "bad_data", document


@pytest.mark.parametrize("version", HOSTILE.values(), ids=HOSTILE)
def test_a_value_selects_its_own_series_and_no_other(server: Prometheus, version: str) -> None:
    assert set(vector(server, render.narrow("build_info", of(version), ()))) == {("cart", version)}


def test_any_of_many_values_selects_exactly_their_series(server: Prometheus) -> None:
    workload = (render.any_of("version", HOSTILE.values()),)
    assert set(vector(server, render.narrow("build_info", workload, ()))) == {
        ("cart", each) for each in HOSTILE.values()
    }


def test_the_empty_value_selects_the_series_without_the_label(server: Prometheus) -> None:
    def found(values: list[str]) -> set[tuple[str, ...]]:
        return set(vector(server, render.increase("requests_total", 60, (render.any_of("version", values),), BY)))

    assert found([""]) == {("cart", "")}
    assert found(["", "v1"]) == {("cart", ""), ("cart", "v1")}


@pytest.mark.parametrize(
    "expression",
    [
        "sum(increase(errors_total[1m])) / sum(increase(requests_total[1m]))",
        "sum(errors_total) / on () sum(requests_total)",
        "sum by (pod) (errors_total) / on (pod) group_left (version) sum by (pod, version) (requests_total)",
        "max without (version, pod) (requests_total) - ignoring (version) build_info",
        "sum(topk(1, requests_total))",
        'count(count_values("value", requests_total))',
        "histogram_quantile(0.5, sum by (le) (increase(latency_seconds_bucket[1m])))",
        "max_over_time(sum(requests_total)[1m:15s]) > 1",
        "max(requests_total and on (pod) errors_total)",
    ],
)
def test_many_workloads_at_once_are_answered_as_each_alone(server: Prometheus, expression: str) -> None:
    """The promise behind asking once for all releases."""
    versions = ["v1", "v2", *HOSTILE.values()]
    together = samples(server, render.narrow(expression, (render.any_of("version", versions),), BY))
    for version in versions:
        alone = samples(server, render.narrow(expression, (Matcher("version", version),), ()))
        assert alone
        assert sorted(alone_of(alone)) == sorted(
            alone_of(each for each in together if each[0].get("version") == version)
        )


def alone_of(found: Iterable[tuple[Mapping[str, str], float]]) -> list[tuple[list[tuple[str, str]], float]]:
    """The samples of one workload without the workload's own labels."""
    return [(sorted((name, text) for name, text in labels.items() if name not in BY), value) for labels, value in found]


def test_an_increase_is_that_of_the_workload(server: Prometheus) -> None:
    by_version = vector(server, render.increase('errors_total{pod="a"}', 60, (Matcher("service", "cart"),), BY))
    assert by_version["cart", "v1"] == pytest.approx(30)
    assert len(by_version) == len(HOSTILE) + 2


def test_buckets_are_those_of_the_workload(server: Prometheus) -> None:
    found = vector(server, render.buckets("latency_seconds", 60, of(HOSTILE["quote"]), BY), by=("version", "le"))
    assert found == {(HOSTILE["quote"], "0.1"): pytest.approx(60), (HOSTILE["quote"], "+Inf"): pytest.approx(60)}


def test_the_newest_sample_is_told_by_its_own_time(server: Prometheus) -> None:
    assert vector(server, render.newest("build_info", of("v1"), BY)) == {("cart", "v1"): NOW}
    later = ask(server, render.newest("build_info", of("v1"), BY), at=NOW + 100)
    assert [float(each["value"][1]) for each in later["data"]["result"]] == [NOW]


def test_every_firing_instance_is_told_with_the_time_of_its_activation(server: Prometheus) -> None:
    """An old instance must not hide one of the same name that began to fire since, nor one without a time."""
    match, by = '{alertname=~"Waf.*"}', ("alertname", "service", "version", "pod")
    workload = (render.any_of("version", ["v1", "v2", "v3"]),)
    firing = {
        ("WafBlocks", "cart", "v1", "a"): 1_699_999_000,
        ("WafBlocks", "cart", "v1", "b"): 1_700_000_050,
        ("WafBlocks", "cart", "v1", "d"): 0,
        ("WafBlocks", "cart", "v2", "a"): 1_699_999_500,
    }
    assert vector(server, render.firing_alerts(match, workload), by) == firing
    assert vector(server, render.firing_alerts(match, ()), by) == firing


def test_the_alerts_of_a_real_rule_are_found_as_they_fire(prometheus: StartPrometheus, tmp_path: Path) -> None:
    """The shape of `ALERTS` and `ALERTS_FOR_STATE` is Prometheus' own here, not this file's."""
    rules = tmp_path / "rules.json"
    alerts = [
        {"alert": "WafBlocks", "expr": TWO_PODS, "for": "1s", "labels": {"version": "v1"}},
        {"alert": "WafAtOnce", "expr": "vector(1)", "labels": {"version": "v1"}},
        {"alert": "WafPending", "expr": "vector(1)", "for": "1h", "labels": {"version": "v1"}},
    ]
    rules.write_text(json.dumps({"groups": [{"name": "waf", "rules": alerts}]}))
    running = prometheus({"global": {"evaluation_interval": "1s"}, "rule_files": [str(rules)]})
    query = render.firing_alerts('{alertname=~"Waf.*"}', (Matcher("version", "v1"),))
    deadline, pause = time.monotonic() + 30, threading.Event()
    found: dict[tuple[str, str], float] = {}
    while len(found) < 3 and time.monotonic() < deadline:
        pause.wait(0.2)
        answer = requests.post(f"{running.url}/api/v1/query", data={"query": f"time() - ({query})"}, timeout=5).json()
        found = {
            (each["metric"]["alertname"], each["metric"].get("pod", "")): float(each["value"][1])
            for each in answer["data"]["result"]
        }
    assert set(found) == {("WafBlocks", "a"), ("WafBlocks", "b"), ("WafAtOnce", "")}
    assert all(0 <= active_for < 60 for active_for in found.values())
