"""A release that was watched live is replayed from what Prometheus remembers, and everything is said again.

A real daemon on the real clock, a real Prometheus that scrapes, and afterwards `gated replay --release`.
"""

import http.server
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from deploy.local.gated import Gated
from deploy.local.servers import Prometheus
from gated.cli.main import main
from tests.acceptance.watched import await_verdict, claim, pause
from tests.conftest import StartPrometheus

RULES = """
version: 1
rules:
  error-rate:
    kind: ratio
    bad: http_requests_total{code=~"5.."}
    total: http_requests_total
    above: 2%
  error-rate-vs-baseline:
    kind: ratio
    bad: http_requests_total{code=~"5.."}
    total: http_requests_total
    worse_than_baseline: 10%
  target-down:
    kind: value
    query: min(up)
    below: 1
    for: 2s
    scope: global
plans:
  quick:
    workload: {service: "{service}", version: "{version}"}
    rules: [error-rate, error-rate-vs-baseline, target-down]
    history: 10m
    cold_start: 0s
    stages:
      - {name: canary, traffic: 10%, bake: {min: 4s, max: 30s}}
      - {name: full, traffic: 100%, bake: {min: 4s, max: 30s}}
"""
ATTEMPTS = 3
"""A machine that is busy with other things makes the daemon miss a tick or an answer now and then; a replay misses
none."""


class Shop(http.server.ThreadingHTTPServer):
    """Three versions of a service on one page, under steady traffic; some begin to fail when they are told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Page)
        self._since = time.monotonic()
        self._broken: dict[str, float] = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def break_down(self, version: str) -> None:
        """From now on four requests of ten fail."""
        self._broken[version] = time.monotonic()

    def repair(self) -> None:
        """Nothing fails any more, as if nothing ever had: counters begin anew."""
        self._since, self._broken = time.monotonic(), {}

    def page(self) -> str:
        """The counters now."""
        now = time.monotonic()
        lines = ["# TYPE http_requests_total counter"]
        for version in ("v1", "v2", "v3"):
            served = 500.0 * (now - self._since)
            failed = 200.0 * (now - self._broken[version]) if version in self._broken else 0.0
            labels = f'service="checkout",version="{version}"'
            lines.append(f'http_requests_total{{{labels},code="200"}} {int(served - failed)}')
            lines.append(f'http_requests_total{{{labels},code="500"}} {int(failed + served * 0.002)}')
        return "\n".join(lines) + "\n"


class _Page(http.server.BaseHTTPRequestHandler):
    server: Shop

    def do_GET(self) -> None:
        body = self.server.page().encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name is http.server's
        """Say nothing."""


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as running:
        yield running
        running.shutdown()


def opened(gated: Gated, version: str, baseline: str) -> str:
    order = {"service": "checkout", "environment": "test", "version": version, "baseline": baseline, "plan": "quick"}
    answer = requests.post(f"{gated.url}/api/v1/releases", json=order, timeout=10)
    assert answer.status_code == 201, answer.text
    release: str = answer.json()["release"]
    return release


def started(gated: Gated, release: str, stage: str) -> None:
    answer = requests.post(f"{gated.url}/api/v1/releases/{release}/stages/{stage}/start", timeout=10)
    assert answer.status_code == 200, answer.text


def live_run(gated: Gated, shop: Shop) -> tuple[str, str]:
    """A good version through both stages, and a bad one as far as it gets; returns the two releases."""
    good = opened(gated, "v2", "v1")
    for stage in ("canary", "full"):
        started(gated, good, stage)
        assert claim(gated, good, await_verdict(gated, good, "promote")["verdict_id"]).status_code == 200
        pause(1.4)
    bad = opened(gated, "v3", "v2")
    started(gated, bad, "canary")
    pause(2.5)
    shop.break_down("v3")
    await_verdict(gated, bad, "rollback")
    return good, bad


def missed_ticks(gated: Gated) -> float:
    return counted(gated, "gated_ticks_missed_total")


def failed_queries(gated: Gated) -> float:
    return counted(gated, "gated_query_failures_total")


def counted(gated: Gated, counter: str) -> float:
    metrics = requests.get(f"{gated.url}/metrics", timeout=10).text
    found = re.findall(rf"^{counter}(?:{{.*}})? (\S+)", metrics, re.MULTILINE)
    assert found
    return sum(map(float, found))


def verdicts(document: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """When which stage got which verdict."""
    return [
        (entry["at"], entry["stage"], entry["action"])
        for entry in document["audit"]
        if entry["action"].startswith(("verdict_", "promote_", "stage_", "rollback_"))
    ]


def outcomes(document: Mapping[str, Any], until: str) -> list[tuple[str, str, str, str]]:
    """At which look which rule began to say what: between them every look said the same."""
    return [
        (each["at"], each["stage"], each["rule"], each["outcome"])
        for each in document["history"]
        if each["at"] <= until
    ]


@pytest.mark.timeout(240)
def test_a_replay_says_at_every_look_what_the_gate_said(
    prometheus: StartPrometheus, shop: Shop, tmp_path: Path
) -> None:
    server = watching(prometheus, shop)
    for attempt in range(ATTEMPTS):
        directory = tmp_path / str(attempt)
        config = f"evaluation_interval: 1s\nsources:\n  default: {{url: '{server.url}', timeout: 900ms, settle: 2s}}\n"
        with Gated(directory, config=config, rules={"rules.yaml": RULES}) as gated:
            releases = live_run(gated, shop)
            if missed_ticks(gated) or failed_queries(gated):
                shop.repair()
                continue
            for release, ending in zip(releases, ("completed", "rolled_back"), strict=True):
                lived = requests.get(f"{gated.url}/api/v1/releases/{release}", timeout=10).json()
                replayed = replay(gated, release, directory / "gated.yaml")
                assert replayed["ending"] == ending
                assert verdicts(replayed) == verdicts(lived)
                last = verdicts(lived)[-1][0]
                assert outcomes(replayed, last) == outcomes(lived, last)
        return
    pytest.fail("the machine was too busy for a live run")


def watching(prometheus: StartPrometheus, shop: Shop) -> Prometheus:
    """A server that has watched the shop for some seconds."""
    target = f"127.0.0.1:{shop.server_address[1]}"
    server = prometheus(
        {"scrape_configs": [{"job_name": "shop", "scrape_interval": "1s", "static_configs": [{"targets": [target]}]}]}
    )
    pause(6)
    return server


def replay(gated: Gated, release: str, config: Path) -> dict[str, Any]:
    """What the command prints of the one release."""
    arguments = ["replay", "--release", release, "--url", gated.url, "--config", str(config), "--output", "json"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    (document,) = json.loads(done.stdout)["releases"]
    found: dict[str, Any] = document
    return found
