"""What is read out of a Prometheus' answers, and what is refused."""

import json
from collections.abc import Mapping

import pytest

from gated.model.reading import FailureReason
from gated.sources import trust
from gated.sources.errors import SourceError
from gated.sources.grid import Grid, Line
from gated.sources.prometheus import AlertRule, Prometheus
from gated.sources.samples import Sample
from gated.sources.settings import Access
from gated.sources.transport import Reply, Transport

AT = 1_700_000_000.5
THREE = Grid(1_700_000_000_500, 1000, 3)


class Canned(Transport):
    """A transport that brings one body, and remembers what was sent."""

    def __init__(self, data: object) -> None:
        super().__init__(Access(), concurrency=1, max_bytes=1)
        self.sent: list[tuple[str, str, float, Mapping[str, str] | None]] = []
        self._answer = json.dumps({"status": "success", "data": data}).encode()

    def fetch(self, method: str, url: str, timeout_seconds: float, form: Mapping[str, str] | None = None) -> Reply:
        self.sent.append((method, url, timeout_seconds, form))
        return Reply(200, self._answer)


def client(data: object) -> Prometheus:
    return Prometheus("http://prometheus/prefix/", Canned(data))


def result(kind: str, elements: object) -> dict[str, object]:
    return {"resultType": kind, "result": elements}


def refused(data: object) -> str:
    with pytest.raises(SourceError) as raised:
        client(data).query("up", 1.0)
    assert raised.value.reason is FailureReason.NOT_PROMETHEUS
    return raised.value.detail


def test_the_library_sends_the_query_in_the_body_with_our_deadline() -> None:
    transport = Canned(result("vector", []))
    Prometheus("http://prometheus/prefix/", transport).query("up == 1", 2.5)
    form = {"query": "up == 1", "nocache": "1"}
    assert transport.sent == [("POST", "http://prometheus/prefix/api/v1/query", 2.5, form)]


@pytest.mark.parametrize(
    ("at_ms", "text"), [(1_700_000_000_123, "1700000000.123"), (1_700_000_000_007, "1700000000.007"), (5, "0.005")]
)
def test_an_instant_is_sent_to_the_millisecond(at_ms: int, text: str) -> None:
    transport = Canned(result("vector", []))
    Prometheus("http://prometheus", transport).query("up", 2.5, at_ms)
    (_, _, _, form) = transport.sent[0]
    assert form == {"query": "up", "time": text, "nocache": "1"}


def lines(*elements: object, grid: Grid = THREE) -> tuple[Line, ...]:
    return client(result("matrix", list(elements))).query_range("up", grid, 1.0)


def test_many_instants_are_asked_for_exactly_whatever_the_library_rounds() -> None:
    transport = Canned(result("matrix", []))
    Prometheus("http://prometheus", transport).query_range("up", Grid(1_700_000_000_123, 15_001, 3), 2.5)
    ((method, url, timeout_seconds, form),) = transport.sent
    assert (method, url) == ("POST", "http://prometheus/api/v1/query_range")
    assert 2 < timeout_seconds <= 2.5
    assert form == {
        "query": "up",
        "start": "1700000000.123",
        "end": "1700000030.125",
        "step": "15001ms",
        "nocache": "1",
    }


def test_more_instants_than_one_answer_may_hold_are_asked_for_in_turn() -> None:
    transport = Canned(result("matrix", []))
    Prometheus("http://prometheus", transport).query_range("up", Grid(0, 1000, 25), 60.0, most_instants=10)
    asked = [(form["start"], form["end"]) for *_, form in transport.sent if form]
    assert asked == [("0.000", "9.000"), ("10.000", "19.000"), ("20.000", "24.000")]


def test_a_matrix_is_lines_with_gaps() -> None:
    found = lines(
        {"metric": {"job": "a"}, "values": [[AT, "1"], [AT + 2, "+Inf"]]},
        {"metric": {"job": "b"}, "values": [[AT + 1, "2.5"]]},
    )
    assert found == (
        Line({"job": "a"}, [1.0, None, float("inf")]),
        Line({"job": "b"}, [None, 2.5, None]),
    )


def test_a_native_histogram_among_lines_is_known_as_one() -> None:
    (line,) = lines({"metric": {"job": "a"}, "histograms": [[AT, {"count": "5"}]]})
    assert line == Line({"job": "a"}, [None, None, None], is_histogram=True)


@pytest.mark.parametrize(
    ("element", "reason"),
    [
        ({"metric": {}, "values": [[AT + 0.5, "1"]]}, FailureReason.NOT_PROMETHEUS),
        ({"metric": {}, "values": [[AT + 3, "1"]]}, FailureReason.NOT_PROMETHEUS),
        ({"metric": {}, "values": [[AT, "1"], [AT, "1"]]}, FailureReason.AMBIGUOUS),
        ({"metric": {}, "values": [[AT, "one"]]}, FailureReason.NOT_PROMETHEUS),
        ({"metric": {}, "values": [[float("inf"), "1"]]}, FailureReason.NOT_PROMETHEUS),
        ({"metric": {}, "values": [["now", "1"]]}, FailureReason.NOT_PROMETHEUS),
        ({"metric": {}, "values": ["1"]}, FailureReason.NOT_PROMETHEUS),
        ({"metric": [], "values": []}, FailureReason.NOT_PROMETHEUS),
        ({"values": []}, FailureReason.NOT_PROMETHEUS),
        ("up", FailureReason.NOT_PROMETHEUS),
    ],
    ids=[
        "between two instants",
        "after the last",
        "an instant twice",
        "no number",
        "no time",
        "a text for a time",
        "no pairs",
        "labels in a list",
        "no labels",
        "no series",
    ],
)
def test_what_is_no_line_is_refused(element: object, reason: FailureReason) -> None:
    with pytest.raises(SourceError) as raised:
        lines(element)
    assert raised.value.reason is reason


def test_a_vector_is_refused_where_many_instants_were_asked_for() -> None:
    with pytest.raises(SourceError) as raised:
        client(result("vector", [])).query_range("up", THREE, 1.0)
    assert raised.value.detail == "a result of type vector where a matrix is due"


def test_a_vector_is_its_samples() -> None:
    answer = client(
        result(
            "vector",
            [
                {"metric": {"job": "a"}, "value": [AT, "1.5"]},
                {"metric": {}, "value": [AT, "+Inf"]},
                {"metric": {"job": "h"}, "histogram": [AT, {"count": "5"}]},
            ],
        )
    ).query("x", 1.0)
    assert answer[:2] == (Sample({"job": "a"}, 1.5, AT), Sample({}, float("inf"), AT))
    assert answer[2].is_histogram


def test_a_scalar_is_a_sample_without_labels() -> None:
    assert client(result("scalar", [AT, "42"])).query("time()", 1.0) == (Sample({}, 42.0, AT),)


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (result("matrix", []), "a result of type matrix where a vector is due"),
        (result("string", [AT, "x"]), "a result of type string where a vector is due"),
        ({"result": []}, "a result of type None where a vector is due"),
        ({"resultType": "vector"}, "JSON without a result"),
        (result("vector", {"a": 1}), "JSON without a result"),
        (None, "JSON without a result"),
        (result("vector", [{"metric": {}}]), "a result that is no sample"),
        (result("vector", [{"value": [AT, "1"]}]), "a result that is no sample"),
        (result("vector", [{"metric": {}, "value": [AT, "one"]}]), "a result that is no sample"),
        (result("vector", [{"metric": {}, "value": [AT]}]), "a result that is no sample"),
        (result("vector", [{"metric": {}, "value": None}]), "a result that is no sample"),
        (result("vector", ["up"]), "a result that is no sample"),
        (result("scalar", []), "a result that is no sample"),
        (result("vector", [{"metric": {}, "value": ["now", "1"]}]), "a result that is no sample"),
        (result("vector", [{"metric": [], "value": [AT, "1"]}]), "a result that is no sample"),
        (result("vector", [{"metric": {}, "value": [float("inf"), "1"]}]), "a result that is no sample"),
    ],
)
def test_an_answer_of_another_shape_is_refused(data: object, detail: str) -> None:
    assert refused(data) == detail


CONFIG = """\
global:
  scrape_interval: 15s
  external_labels:
    cluster: prod-eu
    replica: "1"

scrape_configs:
- job_name: external_labels
  global:
    external_labels: {cluster: elsewhere}
"""


@pytest.mark.parametrize(
    ("config", "labels"),
    [
        (CONFIG, {"cluster": "prod-eu", "replica": "1"}),
        ("alerting: {}\n" + CONFIG, {"cluster": "prod-eu", "replica": "1"}),
        ("global:\n  scrape_interval: 15s\nscrape_configs: []\n", {}),
        ("scrape_configs: []\n", {}),
        ("", {}),
    ],
    ids=["first", "not first", "no labels", "no block", "nothing"],
)
def test_external_labels_are_read_from_the_block_that_holds_them(config: str, labels: dict[str, str]) -> None:
    assert client({"yaml": config}).external_labels(1.0) == labels


def test_the_rest_of_a_large_configuration_is_not_parsed() -> None:
    assert client({"yaml": CONFIG + "[not: yaml" * 1000}).external_labels(1.0)["cluster"] == "prod-eu"


def test_alerting_rules_are_read_with_their_state() -> None:
    rules = [
        {"name": "A", "type": "alerting", "health": "ok", "lastEvaluation": "2023-11-14T22:13:20.500000789Z"},
        {"name": "B", "type": "alerting", "health": "err", "lastEvaluation": "2023-11-14T23:13:20+01:00"},
        {"name": "C", "type": "alerting", "health": "unknown", "lastEvaluation": "0001-01-01T00:00:00Z"},
    ]
    read = client({"groups": [{"name": "waf", "interval": 30, "rules": rules}]}).alert_rules(1.0)
    assert read[0] == AlertRule("A", is_healthy=True, evaluated_at=1_700_000_000.5, interval_seconds=30)
    assert read[1] == AlertRule("B", is_healthy=False, evaluated_at=1_700_000_000.0, interval_seconds=30)
    assert not read[2].is_healthy
    assert read[2].evaluated_at < 0


def server_time(data: object, our_time: float) -> float:
    return trust.server_time(client(data), our_time, started=0.0, max_skew_seconds=5.0, timeout_seconds=1.0)


def test_what_time_it_is_has_one_answer() -> None:
    with pytest.raises(SourceError, match="0 answers to what time it is"):
        server_time(result("vector", []), AT)


def test_a_server_that_says_nan_for_the_time_has_another_clock() -> None:
    with pytest.raises(SourceError) as raised:
        server_time(result("scalar", [AT, "NaN"]), AT)
    assert raised.value.reason is FailureReason.CLOCK_SKEW


def test_a_label_that_is_missing_and_one_that_differs_are_told_apart() -> None:
    with pytest.raises(SourceError, match="region should be 'eu', but it has no such label"):
        trust.has_labels(client({"yaml": CONFIG}), {"cluster": "prod-eu", "region": "eu"}, 1.0)
    with pytest.raises(SourceError, match="cluster should be 'prod-us', but it is 'prod-eu'"):
        trust.has_labels(client({"yaml": CONFIG}), {"cluster": "prod-us"}, 1.0)
