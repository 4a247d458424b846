"""A real daemon that watches a fake Prometheus: what the acceptance stories begin with."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import requests

from deploy.local.gated import Gated
from gated.daemon.clock import SystemClock
from tests.fakes.prometheus import FakePrometheus

RULES = """
version: 1
rules:
  error-rate:
    kind: ratio
    bad: http_requests_total{code=~"5.."}
    total: http_requests_total
    above: 2%
    test: threshold
    for: 2s
    window: 5s
    max_sample_age: 30s
plans:
  quick:
    workload: {service: "{service}", version: "{version}"}
    rules: [error-rate]
    discovery_grace: 1s
    on_blind: {hold_for: 10m, then: rollback}
    stages:
      - {name: canary, traffic: 10%, bake: {min: 3s, max: 30s}, min_requests: 50}
      - {name: full, traffic: 100%, bake: {min: 3s, max: 30s}}
"""
PIPELINE = {"X-Gated-Actor": "pipeline"}


def config(source_url: str, *, interval: str = "1s", timeout: str = "700ms", more: str = "") -> str:
    """A gated.yaml for a fast gate."""
    return (
        f"evaluation_interval: {interval}\n"
        f"sources:\n  default:\n    url: {source_url}\n    timeout: {timeout}\n    max_response_size: 1MiB\n"
        f"    expect: {{labels: {{cluster: test}}}}\n{more}"
    )


def fake_prometheus() -> FakePrometheus:
    """A fake Prometheus on the real clock, with the identity that the gate expects."""
    return FakePrometheus(SystemClock().now, external_labels={"cluster": "test"})


def watch(directory: Path, prometheus: FakePrometheus, *, rules: str = RULES, **settings: str) -> Gated:
    """Start a gate that watches a fake Prometheus."""
    return Gated(directory, config=config(prometheus.url, **settings), rules={"rules.yaml": rules})


def healthy_traffic(prometheus: FakePrometheus, version: str = "v2", *, service: str = "checkout") -> None:
    """A version that serves 100 requests a second, and fails none."""
    prometheus.counter("http_requests_total", 100.0, service=service, version=version, code="200")


def failing_traffic(prometheus: FakePrometheus, version: str = "v2", *, service: str = "checkout") -> None:
    """The same version now fails 30 requests a second as well."""
    prometheus.counter("http_requests_total", 30.0, service=service, version=version, code="500")


def open_release(gated: Gated, *, service: str = "checkout", plan: str = "quick", stage: str = "canary") -> str:
    """Open a release of v2 and start its first stage."""
    order = {"service": service, "environment": "test", "version": "v2", "baseline": "v1", "plan": plan}
    answer = requests.post(f"{gated.url}/api/v1/releases", json=order, headers=PIPELINE, timeout=10)
    assert answer.status_code in {200, 201}, answer.text
    release: str = answer.json()["release"]
    started = requests.post(f"{gated.url}/api/v1/releases/{release}/stages/{stage}/start", headers=PIPELINE, timeout=10)
    assert started.status_code == 200, started.text
    return release


def verdict(gated: Gated, release: str) -> dict[str, Any]:
    """Poll."""
    answer = requests.get(f"{gated.url}/api/v1/releases/{release}/verdict", timeout=10)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def claim(gated: Gated, release: str, verdict_id: str) -> requests.Response:
    """Claim."""
    return requests.post(
        f"{gated.url}/api/v1/releases/{release}/claim", json={"verdict_id": verdict_id}, headers=PIPELINE, timeout=10
    )


def await_verdict(gated: Gated, release: str, wanted: str, seconds: float = 20.0) -> dict[str, Any]:
    """Poll until the verdict is the one wanted."""
    document = verdict(gated, release)
    deadline = time.monotonic() + seconds
    while document["verdict"] != wanted:
        assert time.monotonic() < deadline, f"still {document['verdict']}: {document['reason']}"
        pause(0.05)
        document = verdict(gated, release)
    return document


def await_true(is_true: Callable[[], bool], seconds: float = 20.0, what: str = "it") -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, f"{what} never became true"
        pause(0.05)


def log_lines(gated: Gated) -> list[Mapping[str, Any]]:
    """What the daemon has logged, as JSON lines."""
    return [json.loads(line) for line in gated.log.read_text().splitlines() if line.startswith("{")]


def send(gated: Gated, number: signal.Signals) -> None:
    """Send a signal to the daemon."""
    os.kill(gated.pid, number)


def pause(seconds: float) -> None:
    """Let real time pass."""
    threading.Event().wait(seconds)
