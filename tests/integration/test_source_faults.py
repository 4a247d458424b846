"""Every way in which a server can fail gated: each has its own reason, none is ever taken for health."""

from __future__ import annotations

import dataclasses
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from gated.model.ids import SourceName
from gated.model.reading import (
    FailureReason,
    FiringAlerts,
    Increase,
    Instant,
    Newest,
    NoData,
    Query,
    QueryFailed,
    Reading,
    Value,
)
from gated.model.secret import Secret
from gated.model.selection import Matcher
from gated.sources.errors import SourceError
from gated.sources.reader import Sources
from gated.sources.settings import Access, BasicAuth, Identity, SourceSettings, secret_file
from gated.sources.transport import Transport
from tests.fakes import lies
from tests.fakes.lies import Lie, LyingServer
from tests.fakes.prometheus import STALE_SECONDS, FakePrometheus

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = 1_700_000_000.0
SOURCE = SourceName("default")
CHECKOUT = (Matcher("service", "checkout"), Matcher("version", "v2"))
REQUESTS = Query(SOURCE, Increase("requests_total", 300.0), CHECKOUT)
CERTIFICATE = Path(lies.__file__).with_name("loopback.pem")


@pytest.fixture
def prometheus() -> Iterator[FakePrometheus]:
    with FakePrometheus(lambda: NOW, external_labels={"cluster": "prod-eu"}, drip_seconds=0.05) as server:
        server.counter("requests_total", per_second=10, service="checkout", version="v2")
        yield server


@pytest.fixture
def settings(prometheus: FakePrometheus) -> SourceSettings:
    """Of a source that is well, with a short deadline."""
    return SourceSettings(
        SOURCE, prometheus.url, timeout_seconds=0.5, max_bytes=1_000_000, expect=Identity({"cluster": "prod-eu"})
    )


def read(settings: SourceSettings, query: Query = REQUESTS) -> Reading:
    with Sources([settings]) as sources:
        return sources.read([query], NOW).readings[query]


def test_the_truth_is_a_value(settings: SourceSettings) -> None:
    reading = read(settings)
    assert isinstance(reading, Value)
    assert reading.number == pytest.approx(3000, rel=0.01)


@pytest.mark.parametrize("lie", [lie for lie in Lie if lie is not Lie.STALE], ids=lambda lie: lie.value)
def test_each_lie_has_its_own_reason(prometheus: FakePrometheus, settings: SourceSettings, lie: Lie) -> None:
    prometheus.lie(lie)
    reading = read(settings)
    assert not isinstance(reading, Value)
    assert reading.reason is lies.REASONS[lie]
    assert reading.detail
    assert reading.expression


def test_a_server_that_stopped_scraping_is_known_by_its_newest_sample(
    prometheus: FakePrometheus, settings: SourceSettings
) -> None:
    prometheus.lie(Lie.STALE)
    reading = read(settings, dataclasses.replace(REQUESTS, measure=Newest("requests_total")))
    assert isinstance(reading, Value)
    assert NOW - reading.number >= STALE_SECONDS


@pytest.mark.parametrize("lie", list(Lie), ids=lambda lie: lie.value)
def test_a_source_recovers_by_itself(prometheus: FakePrometheus, settings: SourceSettings, lie: Lie) -> None:
    with Sources([settings]) as sources:
        prometheus.lie(lie)
        sources.read([REQUESTS], NOW)
        prometheus.truth()
        assert isinstance(sources.read([REQUESTS], NOW).readings[REQUESTS], Value)


@pytest.mark.parametrize("lie", [Lie.SILENT, Lie.DRIPPING_HEADERS, Lie.DRIPPING_BODY], ids=lambda lie: lie.value)
@pytest.mark.parametrize("is_tls", [False, True], ids=["http", "https"])
def test_a_slow_answer_is_cut_off_by_the_connection_itself(lie: Lie, is_tls: bool) -> None:
    """Otherwise a thread stays with each slow answer, until none is left to ask with."""
    tls = server_tls() if is_tls else None
    with LyingServer(lambda *_: (200, b"x" * 1000), drip_seconds=0.05, tls=tls) as server:
        server.lie(lie)
        transport = Transport(Access(ca_file=str(CERTIFICATE)), concurrency=1, max_bytes=1_000_000)
        with pytest.raises(SourceError, match="no complete answer before the deadline") as failure:
            transport.fetch("GET", server.url, 0.3)
        assert failure.value.reason is FailureReason.TIMEOUT
        transport.close()


def test_a_handshake_that_never_ends_is_a_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        reading = read(SourceSettings(SOURCE, url, timeout_seconds=0.3))
    assert isinstance(reading, QueryFailed)
    assert reading.reason is FailureReason.TIMEOUT


def test_a_dead_source_does_not_blind_the_others(settings: SourceSettings) -> None:
    other = SourceName("other")
    with FakePrometheus(lambda: NOW) as dead:
        dead.lie(Lie.SILENT)
        both = [settings, SourceSettings(other, dead.url, timeout_seconds=0.3)]
        elsewhere = dataclasses.replace(REQUESTS, source=other)
        with Sources(both) as sources:
            readings = sources.read([elsewhere, REQUESTS], NOW).readings
    assert isinstance(readings[REQUESTS], Value)
    assert isinstance(readings[elsewhere], QueryFailed)


def test_a_refusal_is_asked_for_once(prometheus: FakePrometheus, settings: SourceSettings) -> None:
    """503 with Retry-After: 120 must neither be retried nor waited for."""
    prometheus.lie(Lie.OVERLOADED)
    read(settings)
    assert prometheus.requests == 3, "the query, the clock, the identity"


def test_requests_that_get_no_turn_before_the_deadline_are_not_sent(
    prometheus: FakePrometheus, settings: SourceSettings
) -> None:
    prometheus.lie(Lie.SILENT)
    queries = [Query(SOURCE, Instant(f"max(requests_total) > {number}")) for number in range(5)]
    with Sources([dataclasses.replace(settings, concurrency=1)]) as sources:
        look = sources.read(queries, NOW)
    assert prometheus.requests == 1
    assert {reading.reason for reading in look.readings.values() if isinstance(reading, QueryFailed)} == {
        FailureReason.TIMEOUT
    }
    assert [report.duration_seconds for report in look.reports].count(0.0) == len(look.reports) - 1


def test_every_request_is_reported_with_its_failure(prometheus: FakePrometheus, settings: SourceSettings) -> None:
    prometheus.lie(Lie.DUPLICATES)
    with Sources([settings]) as sources:
        reports = sources.read([REQUESTS], NOW).reports
    assert [(report.source, report.failure) for report in reports] == [
        (SOURCE, FailureReason.AMBIGUOUS),
        (SOURCE, None),
        (SOURCE, None),
    ]
    assert [report.expression for report in reports][1:] == ["time()", "/api/v1/status/config"]
    assert all(report.duration_seconds > 0 for report in reports)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((500, b""), FailureReason.SERVER_ERROR),
        ((200, b'{"status": "success", "data": {"groups": [{}]}}'), FailureReason.NOT_PROMETHEUS),
    ],
    ids=["no answer", "an answer nobody foresaw"],
)
def test_silence_is_not_believed_while_the_rules_cannot_be_read(
    prometheus: FakePrometheus, settings: SourceSettings, answer: tuple[int, bytes], reason: FailureReason
) -> None:
    truth = prometheus.respond
    prometheus.respond = lambda path, form: answer if path == "/api/v1/rules" else truth(path, form)
    alerts = Query(SOURCE, FiringAlerts('{alertname="WafBlocked"}'), CHECKOUT)
    with Sources([settings]) as sources:
        readings = sources.read([alerts, REQUESTS], NOW).readings
    silence = readings[alerts]
    assert isinstance(silence, QueryFailed)
    assert silence.reason is reason
    assert isinstance(readings[REQUESTS], Value), "the others are not blinded"


@pytest.mark.parametrize("age_seconds", [30.0, 61.0], ids=["late", "stopped"])
def test_a_rule_that_is_not_evaluated_any_more_proves_no_silence(
    prometheus: FakePrometheus, settings: SourceSettings, age_seconds: float
) -> None:
    prometheus.alert_rule("WafBlocked", interval_seconds=15, age_seconds=age_seconds)
    reading = read(settings, Query(SOURCE, FiringAlerts('{alertname="WafBlocked"}'), CHECKOUT))
    assert isinstance(reading, NoData) == (age_seconds > 60)


def test_a_query_travels_in_the_body(prometheus: FakePrometheus, settings: SourceSettings) -> None:
    """An address ends in the access log of every proxy, and has a length limit."""
    read(settings)
    asked = {(request.method, request.target) for request in prometheus.received}
    assert asked == {("POST", "/api/v1/query"), ("GET", "/api/v1/status/config")}


def test_the_environment_has_no_say(
    prometheus: FakePrometheus, settings: SourceSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password of-the-netrc\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert isinstance(read(settings), Value)
    assert all("Authorization" not in request.headers for request in prometheus.received)


def test_the_connections_are_kept(prometheus: FakePrometheus, settings: SourceSettings) -> None:
    with Sources([settings]) as sources:
        for _ in range(5):
            sources.read([REQUESTS], NOW)
    assert len({request.port for request in prometheus.received}) <= settings.concurrency


SECRET = "swordfish-of-the-source"  # noqa: S105  # planted, to be searched for


@pytest.mark.parametrize(
    ("access", "header", "value"),
    [
        (Access(bearer_token=Secret.of(SECRET)), "Authorization", f"Bearer {SECRET}"),
        (
            Access(basic_auth=BasicAuth("gated", Secret.of(SECRET))),
            "Authorization",
            "Basic Z2F0ZWQ6c3dvcmRmaXNoLW9mLXRoZS1zb3VyY2U=",
        ),
        (Access(headers={"X-Scope-OrgID": Secret.of(SECRET)}), "X-Scope-OrgID", SECRET),
    ],
    ids=["bearer token", "basic auth", "header"],
)
def test_a_credential_is_sent_and_never_shown(
    prometheus: FakePrometheus, settings: SourceSettings, access: Access, header: str, value: str
) -> None:
    echo = f'{{"status": "error", "error": "who is {value}, {SECRET}?"}}'.encode()
    prometheus.respond = lambda *_: (500, echo)
    with Sources([dataclasses.replace(settings, access=access)]) as sources:
        look = sources.read([REQUESTS], NOW)
    assert {request.headers[header] for request in prometheus.received} == {value}
    assert SECRET not in repr(look)
    assert value not in repr(look)
    assert "who is <secret>" in repr(look)
    assert SECRET not in repr(access)


def test_a_credential_is_read_anew_for_each_look(
    prometheus: FakePrometheus, settings: SourceSettings, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    access = Access(bearer_token=secret_file(str(file)))
    with Sources([dataclasses.replace(settings, access=access)]) as sources:
        for token in ("first", "second"):
            file.write_text(f"{token}\n")
            sources.read([REQUESTS], NOW)
    sent = [request.headers["Authorization"] for request in prometheus.received]
    assert sent == ["Bearer first"] * 3 + ["Bearer second"] * 3


@pytest.mark.parametrize("content", [None, b"\xff\xfe", f"{SECRET}\nX-Other: 1".encode(), f"{SECRET}é".encode()])
def test_a_credential_that_cannot_be_sent_is_denied_and_not_shown(
    prometheus: FakePrometheus, settings: SourceSettings, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    reading = read(dataclasses.replace(settings, access=Access(bearer_token=secret_file(str(file)))))
    assert isinstance(reading, QueryFailed)
    assert reading.reason is FailureReason.DENIED
    assert SECRET not in repr(reading)
    assert prometheus.requests == 0


def server_tls(*, asks_for_certificate: bool = False) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(CERTIFICATE))
    context.load_cert_chain(CERTIFICATE)
    context.verify_mode = ssl.CERT_REQUIRED if asks_for_certificate else ssl.CERT_NONE
    return context


def read_over_tls(access: Access, *, asks_for_certificate: bool = False) -> Reading:
    with FakePrometheus(lambda: NOW, tls=server_tls(asks_for_certificate=asks_for_certificate)) as server:
        server.counter("requests_total", per_second=10, service="checkout", version="v2")
        return read(SourceSettings(SOURCE, server.url, access=access))


def test_a_certificate_of_a_trusted_authority_is_accepted() -> None:
    assert isinstance(read_over_tls(Access(ca_file=str(CERTIFICATE))), Value)


def test_a_certificate_that_nobody_vouches_for_is_refused() -> None:
    reading = read_over_tls(Access())
    assert isinstance(reading, QueryFailed)
    assert reading.reason is FailureReason.UNREACHABLE
    assert "certificate refused: self-signed certificate" in reading.detail


def test_our_own_certificate_is_shown_to_a_server_that_asks() -> None:
    access = Access(ca_file=str(CERTIFICATE), cert_file=str(CERTIFICATE))
    assert isinstance(read_over_tls(access, asks_for_certificate=True), Value)


def test_a_certificate_file_that_is_replaced_needs_no_restart(tmp_path: Path) -> None:
    authorities = tmp_path / "ca.pem"
    authorities.write_bytes(Path(DEFAULT_CA_BUNDLE_PATH).read_bytes())
    with FakePrometheus(lambda: NOW, tls=server_tls()) as server:
        server.counter("requests_total", per_second=10, service="checkout", version="v2")
        settings = SourceSettings(SOURCE, server.url, access=Access(ca_file=str(authorities)))
        with Sources([settings]) as sources:
            assert isinstance(sources.read([REQUESTS], NOW).readings[REQUESTS], QueryFailed)
            authorities.write_bytes(CERTIFICATE.read_bytes())
            assert isinstance(sources.read([REQUESTS], NOW).readings[REQUESTS], Value)


def test_a_certificate_file_that_is_missing_is_named_as_the_cause(
    prometheus: FakePrometheus, settings: SourceSettings
) -> None:
    reading = read(dataclasses.replace(settings, access=Access(ca_file="/nowhere/ca.pem")))
    assert isinstance(reading, QueryFailed)
    assert reading.reason is FailureReason.UNREACHABLE
    assert reading.detail == "the certificate files cannot be used: No such file or directory"
    assert prometheus.requests == 0
