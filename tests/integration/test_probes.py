"""HTTP probes: what an endpoint does is a value, what is our own fault is not."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from gated.model.ids import DEFAULT_SOURCE, RuleName
from gated.model.reading import FailureReason, HttpProbe, Query, QueryFailed, Reading, Value
from gated.sources.reader import Sources
from gated.sources.settings import ProbeSettings
from tests.fakes.lies import Lie, LyingServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.lies import Form

NOW = 1_700_000_000.0


def respond(path: str, _: Form) -> tuple[int, bytes]:
    match path:
        case "/health":
            return 200, b'{"status": "pass"}'
        case "/private":
            return 401, b"who are you?"
        case _:
            return 404, b"404 page not found"


@pytest.fixture
def endpoint() -> Iterator[LyingServer]:
    with LyingServer(respond, drip_seconds=0.05) as server:
        yield server


def probe(url: str, status: int = 200, within_seconds: float = 2.0, body_contains: str = "") -> Query:
    return Query(DEFAULT_SOURCE, HttpProbe(RuleName("login"), url, status, within_seconds, body_contains))


def read(query: Query, settings: ProbeSettings | None = None) -> Reading:
    with Sources([], settings) as sources:
        return sources.read([query], NOW).readings[query]


def value(query: Query, settings: ProbeSettings | None = None) -> Value:
    reading = read(query, settings)
    assert isinstance(reading, Value), reading
    return reading


def test_an_endpoint_that_answers_as_it_should_is_alive(endpoint: LyingServer) -> None:
    reading = value(probe(f"{endpoint.url}/health", body_contains='"pass"'))
    assert reading.number == 1
    assert reading.detail.startswith("200 in ")
    assert reading.expression == f"{endpoint.url}/health"
    assert NOW <= reading.evaluated_at < NOW + 2


def test_an_endpoint_that_must_refuse_is_alive_when_it_does(endpoint: LyingServer) -> None:
    assert value(probe(f"{endpoint.url}/private", status=401)).number == 1


def test_a_redirect_is_an_answer_and_not_followed(endpoint: LyingServer) -> None:
    endpoint.lie(Lie.REDIRECT)
    assert value(probe(f"{endpoint.url}/health", status=302)).number == 1
    assert endpoint.requests == 1


@pytest.mark.parametrize(
    ("path", "wanted", "seen"),
    [("/nothing", "", "404 in"), ("/private", "", "401 in"), ("/health", '"fail"', "without the text that is due")],
    ids=["another status", "refused", "another body"],
)
def test_a_wrong_answer_is_a_failed_probe(endpoint: LyingServer, path: str, wanted: str, seen: str) -> None:
    reading = value(probe(endpoint.url + path, body_contains=wanted))
    assert reading.number == 0
    assert seen in reading.detail


@pytest.mark.parametrize(
    ("lie", "seen"),
    [
        (Lie.REFUSED, "connection refused"),
        (Lie.RESET, "connection reset by peer"),
        (Lie.SILENT, "no complete answer within 300ms"),
        (Lie.DRIPPING_HEADERS, "no complete answer within 300ms"),
        (Lie.DRIPPING_BODY, "no complete answer within 300ms"),
        (Lie.SERVER_ERROR, "500 in"),
        (Lie.HUGE, "more than 10,000 bytes"),
        (Lie.CUT_SHORT, "the answer ends in the middle"),
        (Lie.NOT_HTTP, "not HTTP"),
    ],
    ids=lambda each: each.value if isinstance(each, Lie) else "",
)
def test_an_endpoint_that_misbehaves_is_a_failed_probe(endpoint: LyingServer, lie: Lie, seen: str) -> None:
    endpoint.lie(lie)
    reading = value(probe(f"{endpoint.url}/health", within_seconds=0.3), ProbeSettings(max_bytes=10_000))
    assert reading.number == 0
    assert seen in reading.detail


def test_a_host_that_does_not_exist_is_a_failed_probe() -> None:
    reading = value(probe("http://no-such-host.invalid/"))
    assert reading.number == 0
    assert "host name not found" in reading.detail


def test_a_probe_with_a_password_in_its_address_is_not_made(endpoint: LyingServer) -> None:
    url = endpoint.url.replace("://", "://somebody:swordfish@")
    reading = read(probe(f"{url}/health"))
    assert isinstance(reading, QueryFailed)
    assert reading.reason is FailureReason.BAD_QUERY
    assert "swordfish" not in repr(reading)
    assert endpoint.requests == 0


def test_a_missing_authority_file_is_our_fault_and_no_failed_probe(endpoint: LyingServer) -> None:
    reading = read(probe(f"{endpoint.url}/health"), ProbeSettings(ca_file="/nowhere/ca.pem"))
    assert isinstance(reading, QueryFailed)
    assert reading.reason is FailureReason.UNREACHABLE


def test_two_rules_probe_the_same_address_each_for_itself(endpoint: LyingServer) -> None:
    url = f"{endpoint.url}/health"
    queries = [Query(DEFAULT_SOURCE, HttpProbe(RuleName(name), url, 200, 2.0)) for name in ("one", "other")]
    with Sources([]) as sources:
        readings = sources.read([*queries, *queries], NOW).readings
    assert len(readings) == 2
    assert endpoint.requests == 2


def test_waiting_for_a_place_is_not_held_against_the_endpoint(endpoint: LyingServer) -> None:
    """A probe that could not be made in time says nothing about the endpoint, and must not roll anybody back."""
    endpoint.lie(Lie.SILENT)
    queries = [probe(f"{endpoint.url}/{number}", within_seconds=0.3) for number in range(8)]
    with Sources([], ProbeSettings(concurrency=1)) as sources:
        readings = sources.read(queries, NOW).readings
    made = [reading for reading in readings.values() if isinstance(reading, Value)]
    not_made = [reading for reading in readings.values() if isinstance(reading, QueryFailed)]
    assert len(made) == endpoint.requests
    assert len(not_made) == len(queries) - len(made) > 0
    assert {reading.reason for reading in not_made} == {FailureReason.TIMEOUT}


def test_probes_are_made_side_by_side(endpoint: LyingServer) -> None:
    together = threading.Barrier(8, timeout=5)

    def meet(*_: object) -> tuple[int, bytes]:
        together.wait()
        return 200, b""

    endpoint.respond = meet
    queries = [probe(f"{endpoint.url}/{number}", within_seconds=5) for number in range(8)]
    with Sources([]) as sources:
        readings = sources.read(queries, NOW).readings
    assert {reading.number for reading in readings.values() if isinstance(reading, Value)} == {1.0}
