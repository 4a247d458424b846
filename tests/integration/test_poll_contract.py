"""The poll contract over real HTTP: what a deploy tool may rely on."""

import concurrent.futures
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from gated.model.ids import ReleaseId
from gated.model.reading import FiringAlert
from tests import samples
from tests.serving import INTERVAL, ORDER, ServedGate


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ServedGate]:
    with ServedGate(tmp_path) as gate:
        yield gate


def promote(served: ServedGate, release: str) -> str:
    """Let the first stage bake to its promote; returns the verdict's id."""
    served.start(release)
    served.tick(125)
    document = served.verdict(release)
    assert document["verdict"] == "promote", document["reason"]
    verdict_id: str = document["verdict_id"]
    return verdict_id


def test_the_same_order_again_gives_the_same_release(served: ServedGate) -> None:
    first, second = served.post("/api/v1/releases", ORDER), served.post("/api/v1/releases", ORDER)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["release"] == second.json()["release"]
    assert first.headers["Location"] == f"/api/v1/releases/{first.json()['release']}"


def test_another_version_is_refused_while_one_is_active_unless_it_supersedes(served: ServedGate) -> None:
    old = served.open()
    refused = served.post("/api/v1/releases", {**ORDER, "version": "v3"})
    assert refused.status_code == 409
    assert old in refused.json()["message"]
    assert served.post("/api/v1/releases", {**ORDER, "version": "v3", "supersede": True}).status_code == 201
    assert served.get(f"/api/v1/releases/{old}").json()["phase"] == "superseded"


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        pytest.param({"version": 'v2"} or up{a="'}, "version", id="a version that is PromQL"),
        pytest.param({"service": ""}, "service", id="no service"),
        pytest.param({"environment": "a" * 129}, "environment", id="a name without end"),
        pytest.param({"baseline": "v2"}, "baseline", id="a version that replaces itself"),
    ],
)
def test_names_that_cannot_be_used_are_refused_with_their_place(
    served: ServedGate, changes: dict[str, str], place: str
) -> None:
    answer = served.post("/api/v1/releases", {**ORDER, **changes})
    assert answer.status_code == 422
    assert any(fault.startswith(place) for fault in answer.json()["faults"]), answer.text
    assert served.get("/api/v1/releases").json()["releases"] == []


def test_an_unknown_plan_names_the_known_ones(served: ServedGate) -> None:
    answer = served.post("/api/v1/releases", {**ORDER, "plan": "nope"})
    assert answer.status_code == 404
    assert "standard" in answer.json()["message"]


def test_a_stage_must_be_the_one_due_next(served: ServedGate) -> None:
    release = served.open()
    wrong = served.post(f"/api/v1/releases/{release}/stages/full/start")
    assert wrong.status_code == 409
    assert "canary-5" in wrong.json()["message"]
    assert served.post(f"/api/v1/releases/{release}/stages/nope/start").status_code == 404
    served.start(release)
    served.start(release)  # twice is once
    assert served.get(f"/api/v1/releases/{release}").json()["current_stage"] == "canary-5"


def test_a_promote_is_claimed_once_and_the_next_stage_follows(served: ServedGate) -> None:
    release = served.open()
    verdict_id = promote(served, release)
    taken = served.claim(release, verdict_id)
    assert taken.status_code == 200
    assert (taken.json()["verdict"], taken.json()["claimed_by"]) == ("promote", "deploy-pipeline")
    again = served.claim(release, verdict_id)
    assert again.status_code == 200, "an answer can be lost: the same actor hears the same"
    other = served.claim(release, verdict_id, **{"X-Gated-Actor": "somebody-else"})
    assert other.status_code == 409
    served.start(release, "canary-25")
    decisions = served.get(f"/api/v1/releases/{release}").json()["decisions"]
    assert [(decision["stage"], decision["decision"]) for decision in decisions] == [("canary-5", "promoted")]


def test_a_trigger_before_the_claim_wins(served: ServedGate) -> None:
    release = served.open()
    verdict_id = promote(served, release)
    served.world.error_share = 0.5
    served.tick(22)  # error-rate asks for 5 minutes
    refused = served.claim(release, verdict_id)
    assert refused.status_code == 409
    assert refused.json()["verdict"]["verdict"] == "rollback"
    served.world.error_share = 0.0
    served.tick(10)
    assert served.verdict(release)["verdict"] == "rollback", "a rollback never turns back"


def test_a_promote_expires_when_the_gate_stops_looking(served: ServedGate) -> None:
    release = served.open()
    verdict_id = promote(served, release)
    served.now += 3 * INTERVAL + 1
    document = served.verdict(release)
    assert document["verdict"] == "hold"
    assert "has not looked" in document["reason"]
    assert served.claim(release, verdict_id).status_code == 409


def test_a_dark_source_holds_and_says_so(served: ServedGate) -> None:
    release = served.open()
    served.start(release)
    served.tick(20)
    served.world.is_dark = True
    served.tick()
    document = served.verdict(release)
    assert document["verdict"] == "hold"
    assert {rule["code"] for rule in document["rules"]} == {"unreachable"}
    metrics = served.get("/metrics").text
    line = 'gated_rule_blind{environment="production",reason="unreachable",rule="error-rate",service="checkout"} 1.0'
    assert line in metrics


def test_blindness_is_bounded(served: ServedGate) -> None:
    release = served.open()
    served.start(release)
    served.tick(20)
    served.world.is_dark = True
    served.tick(42)
    document = served.verdict(release)
    assert document["verdict"] == "rollback"
    assert document["final"]
    assert "blind for" in document["reason"]


def test_an_alert_that_fired_before_the_release_holds_but_does_not_blame(served: ServedGate) -> None:
    served.world.alerts = (FiringAlert("WafBlocks", samples.NOW - 600),)
    release = served.open()
    served.start(release)
    served.tick(10)
    document = served.verdict(release)
    assert document["verdict"] == "hold"
    waf = next(rule for rule in document["rules"] if rule["rule"] == "waf-alerts")
    assert waf["pre_existing"]
    assert "before the release began" in document["reason"]


def test_a_pause_holds_and_a_breach_still_rolls_back(served: ServedGate) -> None:
    release = served.open()
    served.start(release)
    served.tick(20)
    assert (
        served.post(f"/api/v1/releases/{release}/pause", {"reason": "looking"}).json()["paused"]["reason"] == "looking"
    )
    assert served.verdict(release)["verdict"] == "hold"
    served.world.error_share = 0.5
    served.tick(22)
    assert served.verdict(release)["verdict"] == "rollback"


def test_a_reported_rollback_is_watched_until_the_service_is_well(served: ServedGate) -> None:
    release = served.open()
    served.start(release)
    served.tick(20)
    served.world.error_share = 0.5
    served.tick(22)
    served.world.error_share = 0.0
    assert served.post(f"/api/v1/releases/{release}/rolled-back").json()["phase"] == "recovering"
    served.tick(2)
    document = served.get(f"/api/v1/releases/{release}").json()
    assert document["phase"] == "rolled_back"
    story = document["rollback"]
    assert story["rule"] == "error-rate"
    assert story["target_version"] == "v1"
    assert story["seconds_to_detect"] == 300
    assert story["seconds_to_act"] is not None
    assert story["seconds_to_recover"] is not None


def test_abort_ends_the_release(served: ServedGate) -> None:
    release = served.open()
    served.start(release)
    assert served.post(f"/api/v1/releases/{release}/abort", {"reason": "not today"}).json()["phase"] == "aborted"
    document = served.verdict(release)
    assert (document["verdict"], document["final"]) == ("hold", True)
    assert served.post(f"/api/v1/releases/{release}/pause").status_code == 409


def test_a_long_poll_answers_when_the_verdict_changes(served: ServedGate) -> None:
    release = served.open()
    served.start(release)
    served.tick()
    before = served.verdict(release)["verdict_id"]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        poll = pool.submit(served.verdict, release, wait="30s", after=before)
        wait_until(lambda: served.bell.waiting(ReleaseId(release)) == 1)
        served.world.is_dark = True
        served.tick()
        document = poll.result(timeout=10)
    assert document["verdict"] == "hold"


def test_a_long_poll_ends_with_its_wait(served: ServedGate) -> None:
    release = served.open()
    served.start(release)
    served.tick()
    before = served.verdict(release)["verdict_id"]
    assert served.verdict(release, wait="200ms", after=before)["verdict_id"] == before


def test_an_unchanged_verdict_is_304(served: ServedGate) -> None:
    release = served.open()
    served.start(release)
    served.tick()
    path = f"/api/v1/releases/{release}/verdict"
    first = served.get(path)
    assert first.headers["Cache-Control"] == "no-store"
    headers = {"If-None-Match": first.headers["ETag"]}
    again = requests.get(served.url + path, headers=headers, timeout=10)
    assert again.status_code == 304
    served.tick()
    assert requests.get(served.url + path, headers=headers, timeout=10).status_code == 200


def test_a_wait_that_is_no_duration_is_refused(served: ServedGate) -> None:
    release = served.open()
    answer = served.get(f"/api/v1/releases/{release}/verdict", wait="soon", after="x")
    assert answer.status_code == 422
    assert "soon" in answer.json()["faults"][0]


def test_releases_are_listed_in_pages(served: ServedGate) -> None:
    for number in range(3):
        served.open(service=f"service-{number}")
        served.now += 1
    first = served.get("/api/v1/releases", limit=2).json()
    rest = served.get("/api/v1/releases", limit=2, cursor=first["next"]).json()
    names = [release["service"] for release in (*first["releases"], *rest["releases"])]
    assert names == ["service-2", "service-1", "service-0"]
    assert rest["next"] == ""
    assert served.get("/api/v1/releases", cursor="nonsense").status_code == 422


def test_two_claims_at_once_give_one_decision(served: ServedGate) -> None:
    release = served.open()
    verdict_id = promote(served, release)
    barrier = threading.Barrier(8)

    def race(number: int) -> int:
        barrier.wait()
        headers = {"X-Gated-Actor": f"pipeline-{number}"}
        url = f"{served.url}/api/v1/releases/{release}/claim"
        return requests.post(url, json={"verdict_id": verdict_id}, headers=headers, timeout=30).status_code

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(race, range(8)))
    assert statuses == [200] + [409] * 7


def test_a_body_over_one_mebibyte_is_refused(served: ServedGate) -> None:
    answer = served.post("/api/v1/releases", {**ORDER, "plan": "x" * 1_100_000})
    assert (answer.status_code, answer.json()["error"]) == (413, "too_large")

    def drip() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 65_536

    unannounced = requests.post(served.url + "/api/v1/releases", data=drip(), timeout=10)
    assert unannounced.status_code == 413


def test_a_half_sent_request_is_hung_up_on(served: ServedGate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gated.server.deadline.RECEIVE_SECONDS", 0.3)
    for beginning in (
        b"",
        b"POST /api/v1/releases HTTP/1.1\r\nHost: x\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx",
    ):
        with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
            connection.sendall(beginning)
            assert closed(connection), beginning
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        connection.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        while b'{"healthy":true}' not in answer:
            answer += connection.recv(65_536)
        connection.sendall(b"GET /-/hea")  # a further request on the same connection has its own deadline
        assert closed(connection)


def test_a_long_poll_outlives_the_deadline_for_receiving(served: ServedGate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gated.server.deadline.RECEIVE_SECONDS", 0.2)
    release = served.open()
    served.start(release)
    served.tick()
    before = served.verdict(release)["verdict_id"]
    assert served.verdict(release, wait="600ms", after=before)["verdict_id"] == before


def test_reload_says_every_fault(served: ServedGate) -> None:
    assert served.post("/-/reload").json() == {"reloaded": True}
    served.reload_faults = ("rules/web.yaml:3:5: one", "rules/web.yaml:9:1: another")
    refused = served.post("/-/reload")
    assert refused.status_code == 422
    assert refused.json()["faults"] == list(served.reload_faults)


def test_an_unknown_path_is_a_problem_document(served: ServedGate) -> None:
    assert served.get("/nope").json()["error"] == "not_found"
    assert served.get("/api/v1/releases/nope").status_code == 404


def closed(connection: socket.socket) -> bool:
    """Whether the server hangs up, by an end or a reset, without an answer before."""
    try:
        while chunk := connection.recv(65_536):
            assert b"200 OK" not in chunk, chunk
    except ConnectionResetError:
        return True
    return True


def wait_until(is_true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Poll until something is true."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "it never became true"
        threading.Event().wait(0.01)
