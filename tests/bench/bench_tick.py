"""What one tick costs, and how many queries it sends, with 1 to 1,000 releases in flight.

A real Prometheus scrapes an exporter with a thousand services; the same sources, judge and SQLite store as in the
daemon. The reference in the same run asks as most gates do: every release its own queries.
"""

import http.server
import resource
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.servers import Prometheus
from gated.daemon.clock import SystemClock
from gated.judge.queries import queries_for
from gated.model import rule as rule_model
from gated.model.ids import Actor, PlanName, RuleName, SourceName, StageName
from gated.model.plan import LabelTemplate, Policy, Rulebook
from gated.model.rule import AlertsRule, Limit, QuantileRule, RatioRule, Rule, Side, ValueRule
from gated.operations import releases
from gated.operations.gate import Gate
from gated.operations.tick import tick
from gated.sources.reader import Sources
from gated.sources.settings import SourceSettings
from gated.store.repository import Store
from tests import samples
from tests.conftest import StartPrometheus

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SERVICES = 1000
TICKS = 7
WHO = Actor("bench")


class Exporter(http.server.ThreadingHTTPServer):
    """A thousand services on one page, each with a version under steady traffic."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Page)
        self.scrapes = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def page(self) -> str:
        """The counters after another second of traffic."""
        self.scrapes += 1
        n = 1000.0 * self.scrapes
        lines = []
        for number in range(SERVICES):
            labels = f'service="s{number}",version="v2"'
            lines += [
                f'http_requests_total{{{labels},code="200"}} {n}',
                f'http_requests_total{{{labels},code="500"}} {n * 0.001}',
                f"in_flight{{{labels}}} 3",
                f'duration_seconds_bucket{{{labels},le="0.2"}} {n * 0.9}',
                f'duration_seconds_bucket{{{labels},le="0.8"}} {n * 0.99}',
                f'duration_seconds_bucket{{{labels},le="+Inf"}} {n}',
                f"duration_seconds_count{{{labels}}} {n}",
            ]
        return "\n".join(lines) + "\n"


class _Page(http.server.BaseHTTPRequestHandler):
    server: Exporter

    def do_GET(self) -> None:
        body = self.server.page().encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name is http.server's
        """Say nothing."""


def rules(test: rule_model.Test) -> tuple[Rule, ...]:
    """Six rules, as many as a plan usually has; two of them share a denominator."""

    def ratio(name: str, code: str) -> RatioRule:
        events = f"http_requests_total{{{code}}}"
        limit = Limit(0.02, Side.ABOVE)
        return RatioRule(
            name=RuleName(name), events=events, total="http_requests_total", limit=limit, test=test, window_seconds=10
        )

    return (
        ratio("error-rate", 'code=~"5.."'),
        ratio("denied", 'code=~"403|429"'),
        QuantileRule(
            name=RuleName("latency-p95"),
            histogram="duration_seconds",
            quantile=0.95,
            limit=Limit(0.8, Side.ABOVE),
            test=test,
            window_seconds=10,
        ),
        ValueRule(
            name=RuleName("in-flight"), query="max(in_flight)", selectors=("in_flight",), limit=Limit(100, Side.ABOVE)
        ),
        ValueRule(name=RuleName("up"), query="min(up)", selectors=("up",), limit=Limit(1, Side.BELOW)),
        AlertsRule(name=RuleName("alerts"), match='{alertname=~"Waf.*"}'),
    )


def policy(test: rule_model.Test = rule_model.Test.THRESHOLD) -> Policy:
    """One long stage, so that every tick is a full one. History is learned once per release, and not by a tick."""
    guards = rules(test)
    plan = samples.plan(
        workload=(LabelTemplate("service", "{service}"), LabelTemplate("version", "{version}")),
        rules=tuple(rule.name for rule in guards),
        stages=(samples.stage(warmup_seconds=0.0, bake_min_seconds=3600.0, bake_max_seconds=7200.0),),
        history_seconds=0.0,
    )
    return samples.policy(plan=plan, rules=guards)


@pytest.fixture
def server(prometheus: StartPrometheus) -> Iterator[Prometheus]:
    exporter = Exporter()
    target = f"127.0.0.1:{exporter.server_address[1]}"
    scrape = {"job_name": "services", "scrape_interval": "2s", "static_configs": [{"targets": [target]}]}
    running = prometheus({"scrape_configs": [scrape]})
    threading.Event().wait(12)
    yield running
    exporter.shutdown()
    exporter.server_close()


@pytest.mark.parametrize("test", list(rule_model.Test), ids=lambda test: test.value)
def test_tick_time_and_queries_by_releases_in_flight(server: Prometheus, tmp_path: Path, test: rule_model.Test) -> None:
    clock, guard = SystemClock(), policy(test)
    rulebook = Rulebook({rule.name: rule for rule in guard.rules}, {PlanName("standard"): guard})
    settings = SourceSettings(SourceName("default"), url=server.url, timeout_seconds=30.0, settle_seconds=1.0)
    print(f"\n\nRatio and quantile rules: {test.value}\n")
    print("| releases | queries a tick | tick, median | slowest | of it asking | resident |")
    print("|---|---|---|---|---|---|")
    for count in (1, 10, 100, 1000):
        store = Store.open(f"sqlite:///{tmp_path / f'{count}.db'}", upgrades=True)
        gate = Gate(store, interval_seconds=15.0)
        for number in range(count):
            order = releases.Order(service=f"s{number}", environment="bench", version="v2", plan=PlanName("standard"))
            release, _ = releases.open_release(gate, rulebook, order, WHO, clock.now())
            releases.start_stage(gate, release.id, StageName(samples.CANARY), WHO, clock.now())
        sources = Sources([settings])
        durations, asking, done = [], [], tick(gate, sources, clock.now())
        tick(gate, sources, clock.now())  # caches are full, and counting has begun
        for _ in range(TICKS):
            threading.Event().wait(2.5)  # until there is something new to count
            now, started = clock.now(), clock.monotonic()
            done = tick(gate, sources, now)
            durations.append(clock.monotonic() - started)
            asking.append(max(report.duration_seconds for report in done.reports))
        assert len(done.steps) == count
        assert not done.skipped
        unwell = {
            r.code for step in done.steps for r in step.release.results if r.outcome.is_blind and r.rule != "alerts"
        }
        assert not unwell, unwell
        print(
            f"| {count:,} | {done.queries} | {statistics.median(durations):.3f} s | {max(durations):.3f} s"
            f" | {statistics.median(asking):.3f} s | {_resident():.0f} MB |",
            flush=True,
        )
        sources.close()
        store.close()


def test_reference_one_query_per_release_and_rule(server: Prometheus, tmp_path: Path) -> None:
    """What the same answers cost when every release asks for itself, as Argo's and Flagger's analyses do."""
    clock, guard = SystemClock(), policy()
    rulebook = Rulebook({rule.name: rule for rule in guard.rules}, {PlanName("standard"): guard})
    store = Store.open(f"sqlite:///{tmp_path / 'reference.db'}", upgrades=True)
    gate = Gate(store, interval_seconds=15.0)
    print("\n\n| releases | each its own queries | time |\n|---|---|---|")
    for count in (1, 10, 100):
        asked, started = 0, time.monotonic()
        for number in range(count):
            order = releases.Order(
                service=f"s{number}", environment=f"b{count}", version="v2", plan=PlanName("standard")
            )
            release, _ = releases.open_release(gate, rulebook, order, WHO, clock.now())
            sources = Sources([SourceSettings(SourceName("default"), url=server.url)])
            asked += len(
                sources.read(queries_for(release, guard, now=clock.now(), interval_seconds=15.0), clock.now()).reports
            )
            sources.close()
        print(f"| {count} | {asked} | {time.monotonic() - started:.3f} s |", flush=True)
    store.close()


def _resident() -> float:
    """The largest resident size of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
