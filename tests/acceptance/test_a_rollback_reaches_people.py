"""From a verdict of gated, by the shipped rules and routes, to the one who is called."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from deploy import alerts
from deploy.local.gated import Gated
from deploy.local.servers import Alertmanager, Prometheus
from tests.acceptance import watched
from tests.fakes.prometheus import FakePrometheus


@pytest.fixture
def workload() -> Iterator[FakePrometheus]:
    with watched.fake_prometheus() as fake:
        watched.healthy_traffic(fake)
        yield fake


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[Alertmanager]:
    config = yaml.safe_load(alerts.ROUTES.read_text())
    config["receivers"] = [{"name": receiver["name"]} for receiver in config["receivers"]]
    with Alertmanager(config, directory=tmp_path) as server:
        yield server


def watching(gated: Gated, alertmanager: Alertmanager, directory: Path) -> Prometheus:
    """A Prometheus set up as the shipped example says, in a hurry."""
    config = yaml.safe_load((alerts.FOLDER / "prometheus.example.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    (scrape,) = config["scrape_configs"]
    scrape["scrape_interval"] = "1s"
    labels_of_the_target = {"service": "gated-http", "environment": "tools", "pod": "gated-0"}
    scrape["static_configs"] = [{"targets": [f"127.0.0.1:{gated.port}"], "labels": labels_of_the_target}]
    address = alertmanager.url.removeprefix("http://")
    config["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [address]}]}]
    (directory / alerts.RULES.name).write_text(alerts.rules_evaluated_every("1s"))
    return Prometheus(config, directory=directory)


def fired(alertmanager: Alertmanager) -> list[dict[str, Any]]:
    """The alerts that Alertmanager has."""
    shown: list[dict[str, Any]] = requests.get(f"{alertmanager.url}/api/v2/alerts", timeout=5).json()
    return shown


def rules(prometheus: Prometheus) -> list[dict[str, Any]]:
    """The alerting rules as Prometheus has evaluated them."""
    (group,) = requests.get(f"{prometheus.url}/api/v1/rules", timeout=5).json()["data"]["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def test_a_rollback_is_paged_even_if_gated_dies_before_anybody_has_scraped_it(
    workload: FakePrometheus, alertmanager: Alertmanager, tmp_path: Path
) -> None:
    with watched.watch(tmp_path, workload) as gated:
        release = watched.open_release(gated)
        watched.failing_traffic(workload)
        watched.await_verdict(gated, release, "rollback")
        gated.kill()
        gated.restart()
        with watching(gated, alertmanager, tmp_path) as prometheus:
            watched.await_true(lambda: bool(fired(alertmanager)), what="the alert in Alertmanager")
            (alert,) = fired(alertmanager)
            assert alert["labels"] == {
                "alertname": "GatedRollbackTriggered",
                "severity": "page",
                "job": "gated",
                "service": "checkout",
                "environment": "test",
                "version": "v2",
                "baseline": "v1",
                "cause": "rule",
                "rule": "error-rate",
            }
            assert alert["annotations"]["summary"] == "checkout in test must go back from v2 to v1."
            assert "because the rule error-rate was breached." in alert["annotations"]["description"]
            assert alert["annotations"]["runbook_url"].endswith("/GatedRollbackTriggered")
            assert [receiver["name"] for receiver in alert["receivers"]] == ["gated-page"]
            # Prometheus can evaluate every rule on what a real gate exports, and no other has anything to say.
            found = {rule["name"]: (rule["health"], rule["state"]) for rule in rules(prometheus)}
            expected = {each.name: ("ok", "inactive") for each in alerts.shipped()}
            assert found == {**expected, "GatedRollbackTriggered": ("ok", "firing")}
