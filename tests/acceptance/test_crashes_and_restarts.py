"""The gate is killed, stopped and reloaded: no decision is lost or doubled, and nothing is promoted blindly."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from deploy.local.gated import COMMAND, Gated
from deploy.local.process import ServerFailed
from tests.acceptance import crashes, watched
from tests.fakes.prometheus import FakePrometheus


@pytest.fixture
def prometheus() -> Iterator[FakePrometheus]:
    with watched.fake_prometheus() as fake:
        watched.healthy_traffic(fake)
        yield fake


@pytest.fixture
def gated(prometheus: FakePrometheus, tmp_path: Path) -> Iterator[Gated]:
    with watched.watch(tmp_path, prometheus) as daemon:
        yield daemon


@pytest.fixture
def patient(prometheus: FakePrometheus, tmp_path: Path) -> Iterator[Gated]:
    """A gate whose verdicts are believed for 15 s: longer than it takes to start on a busy machine."""
    with watched.watch(tmp_path, prometheus, interval="5s") as daemon:
        yield daemon


def test_a_gate_killed_in_mid_stage_goes_on_with_the_same_verdict(patient: Gated) -> None:
    release = watched.open_release(patient)
    watched.await_true(lambda: watched.verdict(patient, release)["evaluated_at"] is not None)
    before = watched.verdict(patient, release)
    patient.kill()
    patient.restart()
    after = watched.verdict(patient, release)
    assert after["policy_digest"] == before["policy_digest"]
    assert (after["verdict"], after["since"]) in {("pending", before["since"]), ("hold", before["since"])}


def test_a_promote_is_claimed_once_whatever_kills_the_gate_in_between(patient: Gated) -> None:
    gated = patient
    release = watched.open_release(gated)
    promoted = watched.await_verdict(gated, release, "promote", seconds=40)
    gated.kill()
    gated.restart()
    assert watched.verdict(gated, release)["verdict_id"] == promoted["verdict_id"]
    assert watched.claim(gated, release, promoted["verdict_id"]).status_code == 200
    gated.kill()
    gated.restart()
    assert watched.claim(gated, release, promoted["verdict_id"]).status_code == 200, "the lost answer is given again"


def test_a_rollback_survives_a_kill(gated: Gated, prometheus: FakePrometheus) -> None:
    release = watched.open_release(gated)
    watched.failing_traffic(prometheus)
    rolled_back = watched.await_verdict(gated, release, "rollback")
    gated.kill()
    prometheus.remove("http_requests_total", service="checkout", version="v2", code="500")
    gated.restart()
    watched.pause(2.5)
    after = watched.verdict(gated, release)
    assert (after["verdict"], after["verdict_id"]) == ("rollback", rolled_back["verdict_id"])


@pytest.mark.timeout(240)
def test_random_kills_lose_and_double_no_decision(prometheus: FakePrometheus, tmp_path: Path) -> None:
    with watched.watch(tmp_path, prometheus, rules=crashes.RULES) as daemon:
        report = crashes.kill_again_and_again(daemon, prometheus, kills=12, services=4, seed=20)
    assert report.confirmed >= 4


def test_sigterm_finishes_the_tick_and_ends_in_order(gated: Gated) -> None:
    release = watched.open_release(gated)
    watched.await_true(lambda: watched.verdict(gated, release)["evaluated_at"] is not None)
    watched.send(gated, signal.SIGTERM)
    watched.await_true(lambda: not gated.is_running, what="the end")
    events = [line["event"] for line in watched.log_lines(gated)]
    assert events[-2:] == ["stopping", "stopped"]


def test_a_stopped_gate_promotes_nothing_on_old_evidence(gated: Gated) -> None:
    """SIGSTOP for longer than a verdict is valid: the first answer after it is not a promote."""
    release = watched.open_release(gated)
    promoted = watched.await_verdict(gated, release, "promote")
    gated.pause()
    watched.pause(4.0)
    gated.resume()
    answer = watched.claim(gated, release, promoted["verdict_id"])
    document = answer.json()
    fresh = document.get("evaluated_at") or document["verdict"]["evaluated_at"]
    assert answer.status_code == 409 or fresh > promoted["valid_until"], "claimed only on evidence newer than the stop"


def test_a_second_daemon_on_the_same_port_says_so_at_once(gated: Gated, tmp_path: Path) -> None:
    text = f"listen: 127.0.0.1:{gated.port}\nrules: [rules/]\n{watched.config('http://127.0.0.1:9')}"
    (tmp_path / "second.yaml").write_text(text)  # beside the first one's rules
    second = subprocess.run(
        [COMMAND, "serve", "--config", "second.yaml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert f"cannot listen on 127.0.0.1:{gated.port}: Address already in use" in second.stderr


def test_a_second_daemon_on_the_same_database_is_refused(gated: Gated, tmp_path: Path) -> None:
    second = subprocess.run(
        [COMMAND, "serve", "--config", "gated.yaml", "--listen", "127.0.0.1:0"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert "another gated works with this database" in second.stderr
    assert requests.get(f"{gated.url}/-/ready", timeout=5).ok


def test_a_faulty_rule_file_changes_nothing_on_reload(gated: Gated) -> None:
    rule_file = gated.rule_file(gated.directory, "rules.yaml")
    rule_file.write_text(watched.RULES.replace("above: 2%", "above: lots"))
    watched.send(gated, signal.SIGHUP)
    watched.await_true(
        lambda: "gated_config_last_reload_successful 0.0" in requests.get(f"{gated.url}/metrics", timeout=5).text,
        what="the failed reload",
    )
    failed = next(line for line in watched.log_lines(gated) if line["event"] == "rules_load_failed")
    assert any("rules.yaml:8:" in fault and "lots" in fault for fault in failed["faults"])
    kept = requests.get(f"{gated.url}/api/v1/rules", timeout=5).json()
    assert kept["rules"][0]["limit"] == 0.02


def test_a_reload_does_not_change_a_running_release(gated: Gated, prometheus: FakePrometheus) -> None:
    release = watched.open_release(gated)
    pinned = watched.verdict(gated, release)["policy_digest"]
    rule_file = gated.rule_file(gated.directory, "rules.yaml")
    rule_file.write_text(watched.RULES.replace("above: 2%", "above: 60%"))
    watched.send(gated, signal.SIGHUP)
    watched.await_true(
        lambda: requests.get(f"{gated.url}/api/v1/rules", timeout=5).json()["rules"][0]["limit"] == 0.6,
        what="the new limit",
    )
    watched.failing_traffic(prometheus)
    document = watched.await_verdict(gated, release, "rollback")
    assert document["policy_digest"] == pinned
    assert document["rules"][0]["limit"] == 0.02


def test_faulty_rules_keep_the_daemon_from_starting(prometheus: FakePrometheus, tmp_path: Path) -> None:
    with pytest.raises(ServerFailed, match="start_failed"):
        watched.watch(tmp_path, prometheus, rules="version: 1\nrules: {}\nplans: {broken: {}}\n")
