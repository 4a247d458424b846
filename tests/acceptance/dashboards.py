"""Dashboards in front of a real Prometheus that scrapes a real gate, with a release in every state.

python -m tests.acceptance.dashboards    # measure how many series answer each question, and write docs/dashboards.md
"""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import requests

from deploy.local.gated import Gated
from deploy.local.servers import Prometheus
from gated.daemon.clock import SystemClock
from grafana import files
from grafana.questions import Question, questions
from tests.acceptance import watched
from tests.fakes.grafana import Grafana
from tests.fakes.prometheus import FakePrometheus

EXTERNAL_URL = "https://gated.example"
_ADDRESS = f"external_url: {EXTERNAL_URL}/\n"
PROMOTED, ROLLED_BACK, BLIND, BAKING, ABORTED = "cart", "search", "payments", "checkout.eu", "profile"
"""The services, by what becomes of their releases."""
_PHASES = {
    PROMOTED: "completed",
    ROLLED_BACK: "rolled_back",
    BLIND: "baking",
    BAKING: "baking",
    ABORTED: "aborted",
}
"""Where the releases stand in the end."""
_VIEWS: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("overview", {}),
    ("itself", {}),
    *(("release", {"service": service, "environment": "test"}) for service in _PHASES),
)
"""The dashboards, by the names of their files, and what a reader chooses on them."""
_BUCKETS = {"0.1": 90.0, "0.8": 99.0, "+Inf": 100.0}
"""Requests a second that took at most so many seconds."""
PATIENCE_SECONDS = 60.0
"""On a machine that is busy with other things everything takes longer."""
_RULES = """
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
  error-evidence:
    kind: ratio
    bad: http_requests_total{code=~"5.."}
    total: http_requests_total
    above: 2%
    max_sample_age: 30s
  latency-p95:
    kind: quantile
    histogram: http_request_duration_seconds
    quantile: 0.95
    above: 800ms
    test: threshold
    for: 2s
    window: 5s
    max_sample_age: 30s
  target-down:
    kind: value
    query: min(up)
    below: 1
    for: 2s
    max_sample_age: 30s
plans:
  quick:
    workload: {service: "{service}", version: "{version}"}
    rules: [error-rate, latency-p95, target-down]
    stages:
      - {name: canary, traffic: 10%, bake: {min: 3s, max: 30s}, min_requests: 50}
      - {name: full, traffic: 100%, bake: {min: 3s, max: 30s}}
  patient:
    workload: {service: "{service}", version: "{version}"}
    rules: [error-rate, error-evidence, latency-p95, target-down]
    history: 0s
    cold_start: 0s
    recovery_watch: 1s
    stages:
      - {name: canary, traffic: 10%, bake: {min: 20m, max: 30m}, min_requests: 50}
      - {name: full, traffic: 100%, bake: {min: 20m, max: 30m}}
"""


@dataclass(frozen=True)
class Watched:
    """The gate, and the Prometheus that scrapes it.

    Args:
        gated: the gate.
        prometheus: scrapes it every second.
        since: when the first release was opened, Unix seconds.
    """

    gated: Gated
    prometheus: Prometheus
    since: float

    def seen(self, name: str, chosen: Mapping[str, str]) -> Grafana:
        """A dashboard over the time since then.

        Args:
            name: of its file.
            chosen: what the reader chose in its variables.
        """
        return Grafana(self.prometheus.url, files.dashboards()[name], self.since, SystemClock().now(), chosen)


@contextlib.contextmanager
def gate_with_every_state(directory: Path) -> Iterator[Watched]:
    """Start everything, and bring a release into each state."""
    with (
        watched.fake_prometheus() as world,
        watched.watch(directory / "gated", world, rules=_RULES, interval="2s", timeout="2s", more=_ADDRESS) as gated,
        Prometheus(_scraping(gated), directory=directory / "prometheus") as prometheus,
    ):
        _await_series(prometheus, "gated_build_info")
        everything = Watched(gated, prometheus, SystemClock().now())
        for service in (PROMOTED, ROLLED_BACK, BLIND, BAKING):
            _healthy(world, service)
        world.counter("http_requests_total", 1.0, service=PROMOTED, version="v2", code="200")  # too few to promote on
        promoted, aborted = (watched.open_release(gated, service=service) for service in (PROMOTED, ABORTED))
        rolled_back, blind, _ = (
            watched.open_release(gated, service=service, plan="patient") for service in (ROLLED_BACK, BLIND, BAKING)
        )
        _abort(gated, aborted)
        # Nothing turns before Prometheus has seen what was before, however busy this machine is.
        for service, turn in ((PROMOTED, "promote"), (ROLLED_BACK, "rollback"), (BLIND, "hold")):
            _await_series(prometheus, f'gated_stage_verdict{{service="{service}",verdict="{turn}"}} == 0')
        watched.healthy_traffic(world, service=PROMOTED)
        _vanish(world, BLIND)
        _roll_back(gated, world, rolled_back)
        _promote(gated, promoted)
        watched.await_verdict(gated, blind, "hold", PATIENCE_SECONDS)
        for service, phase in _PHASES.items():
            _await_series(prometheus, f'gated_release_info{{service="{service}",phase="{phase}"}}')
        _await_series(prometheus, f'gated_stage_verdict{{service="{BLIND}",verdict="hold"}} == 1')
        # Its series went one by one, and a look may have come in between.
        for rule in ("error-rate", "target-down"):
            _await_series(prometheus, f'gated_rule_blind{{service="{BLIND}",rule="{rule}"}} == 1')
        yield everything


def measured(everything: Watched) -> dict[Question, int]:
    """How many series answer each question of each dashboard, for the choice that has the most."""
    counts: dict[Question, int] = {}
    deadline = SystemClock().now() + PATIENCE_SECONDS
    # A rate needs two scrapes within four seconds, and may have to be asked for again.
    while not counts or (min(counts.values()) == 0 and SystemClock().now() < deadline):
        for name, chosen in _VIEWS:
            grafana = everything.seen(name, chosen)
            for question in questions(grafana.dashboard):
                counts[question] = max(counts.get(question, 0), len(grafana.ask(question)))
    return counts


def _healthy(world: FakePrometheus, service: str) -> None:
    watched.healthy_traffic(world, service=service)
    world.histogram("http_request_duration_seconds", _BUCKETS, service=service, version="v2")
    world.gauge("up", 1.0, service=service, version="v2")


def _vanish(world: FakePrometheus, service: str) -> None:
    labels = {"service": service, "version": "v2"}
    world.remove("http_requests_total", code="200", **labels)
    world.remove("up", **labels)
    for le in _BUCKETS:
        world.remove("http_request_duration_seconds_bucket", le=le, **labels)


def _promote(gated: Gated, release: str) -> None:
    path = f"{gated.url}/api/v1/releases/{release}"
    for following in ("full", None):
        promote = watched.await_verdict(gated, release, "promote", PATIENCE_SECONDS)
        assert watched.claim(gated, release, promote["verdict_id"]).status_code == requests.codes.ok
        if following is not None:
            requests.post(f"{path}/stages/{following}/start", headers=watched.PIPELINE, timeout=10).raise_for_status()


def _roll_back(gated: Gated, world: FakePrometheus, release: str) -> None:
    watched.failing_traffic(world, service=ROLLED_BACK)
    watched.await_verdict(gated, release, "rollback", PATIENCE_SECONDS)
    answer = requests.post(f"{gated.url}/api/v1/releases/{release}/rolled-back", headers=watched.PIPELINE, timeout=10)
    answer.raise_for_status()


def _abort(gated: Gated, release: str) -> None:
    requests.post(
        f"{gated.url}/api/v1/releases/{release}/abort", headers=watched.PIPELINE, timeout=10
    ).raise_for_status()


def _scraping(gated: Gated) -> Mapping[str, object]:
    target = {"targets": [gated.url.removeprefix("http://")]}
    return {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [{"job_name": "gated", "static_configs": [target]}],
    }


def _await_series(prometheus: Prometheus, expression: str) -> None:
    """Wait until an expression has an answer."""

    def is_there() -> bool:
        answer = requests.get(f"{prometheus.url}/api/v1/query", params={"query": expression}, timeout=10)
        return bool(answer.json()["data"]["result"])

    watched.await_true(is_there, PATIENCE_SECONDS, expression)


def main() -> None:
    """Measure, and write what was measured."""
    with (
        tempfile.TemporaryDirectory(prefix="gated-dashboards-") as directory,
        gate_with_every_state(Path(directory)) as everything,
    ):
        counts = measured(everything)
    files.write_counts(counts)
    files.write()
    print(f"{len(counts)} questions, {sum(counts.values())} series")  # noqa: T201 -- a command says what it did


if __name__ == "__main__":
    main()
