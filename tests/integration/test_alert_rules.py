"""The shipped alerts, as Prometheus and Alertmanager themselves read them."""

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml

from deploy import alerts
from deploy.local import binaries
from deploy.local.servers import Alertmanager

RECEIVERS = {"page": "gated-page", "ticket": "gated-ticket"}


def run(program: str, *arguments: str, cwd: Path = alerts.FOLDER) -> str:
    """Run a tool and return its standard output; it must be content."""
    command = [str(binaries.find(program).path), *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_accepts_the_rules() -> None:
    assert f"SUCCESS: {len(alerts.shipped())} rules found" in run("promtool", "check", "rules", alerts.RULES.name)


@pytest.mark.parametrize("cases", sorted(path.name for path in alerts.FOLDER.glob("*.test.yaml")))
def test_the_rules_pass_their_own_cases(cases: str) -> None:
    run("promtool", "test", "rules", cases)


def test_promtool_accepts_the_example_of_a_scrape_configuration() -> None:
    run("promtool", "check", "config", "prometheus.example.yml")


def test_prometheus_itself_reads_every_query_of_the_runbooks(tmp_path: Path) -> None:
    blocks = re.findall(
        r"^ *```promql\n(.*?)^ *```",
        "\n".join(page.read_text() for page in alerts.RUNBOOKS.glob("*.md")),
        re.DOTALL | re.MULTILINE,
    )
    queries = [line.strip() for block in blocks for line in block.splitlines()]
    assert len(queries) >= len(alerts.shipped())
    rules = [{"record": f"query:{at}", "expr": query} for at, query in enumerate(queries)]
    (tmp_path / "rules.yaml").write_text(json.dumps({"groups": [{"name": "runbooks", "rules": rules}]}))
    run("promtool", "check", "rules", "rules.yaml", cwd=tmp_path)


def test_amtool_accepts_the_example_of_a_route() -> None:
    run("amtool", "check-config", alerts.ROUTES.name)


@pytest.mark.parametrize("alert", alerts.shipped(), ids=lambda alert: alert.name)
def test_an_alert_goes_to_whoever_its_urgency_asks_for(alert: alerts.Alert) -> None:
    labels = [f"alertname={alert.name}", f"severity={alert.labels['severity']}", "service=checkout"]
    told = run("amtool", "config", "routes", "test", f"--config.file={alerts.ROUTES.name}", *labels)
    assert told.split() == [RECEIVERS[alert.labels["severity"]]]


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    """A real one with the example's routes and inhibitions, whose receivers are mute."""
    config = yaml.safe_load(alerts.ROUTES.read_text())
    config["receivers"] = [{"name": receiver["name"]} for receiver in config["receivers"]]
    with Alertmanager(config, directory=tmp_path_factory.mktemp("alertmanager")) as server:
        yield server


def inhibited(server: Alertmanager, job: str, *firing: dict[str, str]) -> set[str]:
    """Which of the alerts of a job are left out while all of them fire.

    Alertmanager learns what leaves out what in the order in which it was sent, a moment after it shows the alerts. A
    last pair, of an instance of its own, tells when it has.
    """
    last = ({"alertname": "GatedDown", "instance": "last"}, {"alertname": "GatedEvaluationSlow", "instance": "last"})
    severities = {alert.name: alert.labels["severity"] for alert in alerts.shipped()}
    sent = [
        {"labels": {"job": job, "severity": severities[labels["alertname"]], **labels}, "annotations": {}}
        for labels in (*firing, *last)
    ]
    requests.post(f"{server.url}/api/v2/alerts", json=sent, timeout=5).raise_for_status()
    for _ in range(100):
        shown = requests.get(f"{server.url}/api/v2/alerts", params={"filter": f'job="{job}"'}, timeout=5).json()
        left_out = [alert["labels"] for alert in shown if alert["status"]["inhibitedBy"]]
        if any(labels.get("instance") == "last" for labels in left_out):
            assert len(shown) == len(firing) + len(last)
            return {labels["alertname"] for labels in left_out if labels.get("instance") != "last"}
        threading.Event().wait(0.05)
    raise AssertionError("Alertmanager left out nothing")


def test_what_follows_from_a_dead_gate_is_left_out_but_never_a_rollback(alertmanager: Alertmanager) -> None:
    release = {"service": "checkout", "environment": "production", "version": "v2", "baseline": "v1"}
    of_itself = [alert.name for alert in alerts.shipped() if "by (job, service" not in alert.expr]
    of_releases = [alert.name for alert in alerts.shipped() if "by (job, service" in alert.expr]
    assert "GatedRollbackTriggered" in of_releases
    left_out = inhibited(
        alertmanager,
        "dead",
        *({"alertname": name, "instance": "a:9911"} for name in of_itself),
        *({"alertname": name, **release} for name in of_releases if name.startswith("GatedRollbackT")),
    )
    assert left_out == set(of_itself) - {"GatedDown"}


def test_a_dead_gate_says_nothing_of_another_one(alertmanager: Alertmanager) -> None:
    left_out = inhibited(
        alertmanager,
        "two",
        {"alertname": "GatedDown", "instance": "a:9911"},
        {"alertname": "GatedStoreUnwritable", "instance": "b:9911"},
        {"alertname": "GatedStageBlind", "service": "checkout", "environment": "production"},
    )
    assert left_out == set()


def test_without_its_database_only_the_database_is_told(alertmanager: Alertmanager) -> None:
    left_out = inhibited(
        alertmanager,
        "database",
        {"alertname": "GatedStoreUnwritable", "instance": "a:9911"},
        {"alertname": "GatedEvaluationsLost", "instance": "a:9911"},
        {"alertname": "GatedReleaseSkipped", "service": "checkout", "environment": "production"},
        {"alertname": "GatedRollbackUnfinished", "service": "search", "environment": "production"},
    )
    assert left_out == {"GatedEvaluationsLost", "GatedReleaseSkipped"}


def test_a_rollback_that_needs_more_is_told_as_that_and_another_one_as_itself(alertmanager: Alertmanager) -> None:
    first = {"service": "checkout", "environment": "production", "version": "v2", "baseline": "v1"}
    left_out = inhibited(
        alertmanager,
        "rollbacks",
        {"alertname": "GatedRollbackTriggered", **first, "cause": "rule", "rule": "error-rate"},
        {"alertname": "GatedRollbackUnfinished", **first},
    )
    assert left_out == {"GatedRollbackTriggered"}
    other = inhibited(
        alertmanager,
        "other rollbacks",
        {"alertname": "GatedRollbackTriggered", **first, "version": "v3", "cause": "rule", "rule": "error-rate"},
        {"alertname": "GatedNotRecovered", **first},
    )
    assert other == set()


def test_the_documented_lines_set_ones_own_job_and_address(tmp_path: Path) -> None:
    page = (alerts.RUNBOOKS.parent / "alerts.md").read_text()
    lines = re.findall(r"^ *(sed -i .*)$", page, re.MULTILINE)
    assert len(lines) == 2
    shutil.copy(alerts.RULES, tmp_path)
    for line in lines:
        subprocess.run(["sh", "-c", line], cwd=tmp_path, check=True)
    changed = (tmp_path / alerts.RULES.name).read_text()
    assert "gated.example" not in changed
    assert 'job="gated"' not in changed
    urls = [rule["annotations"]["runbook_url"] for rule in yaml.safe_load(changed)["groups"][0]["rules"]]
    assert urls == [f"https://wiki.example.org/gated/runbooks/{alert.name}" for alert in alerts.shipped()]
    run("promtool", "check", "rules", alerts.RULES.name, cwd=tmp_path)
