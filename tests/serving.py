"""A gate served over real HTTP on loopback, with a real store, a clock the test sets, and a world it decides.

with ServedGate(tmp_path) as served:
    served.post("/api/v1/releases", {...})
    served.world.error_share = 0.5
    served.tick()
"""

import asyncio
import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, assert_never

import requests
import uvicorn

from gated.model.ids import PlanName, RuleName, SourceName
from gated.model.plan import Policy, Rulebook
from gated.model.reading import (
    Buckets,
    CountHistory,
    Events,
    FailureReason,
    FiringAlert,
    FiringAlerts,
    HttpProbe,
    Increase,
    Instant,
    Newest,
    NoData,
    NoDataReason,
    Observations,
    Query,
    QueryFailed,
    Reading,
    Value,
)
from gated.operations.gate import Gate
from gated.operations.tick import Tick, tick
from gated.server.app import create_app
from gated.server.bell import Bell
from gated.server.deadline import PromptProtocol
from gated.server.pages.live import Live
from gated.server.services import Check, Readiness, Services
from gated.signals.metrics import Metrics, ReleaseCollector
from gated.sources.look import Look
from gated.store.repository import Store
from tests import samples

INTERVAL = 15.0
ORDER = {
    "service": "checkout",
    "environment": "production",
    "version": "v2",
    "baseline": "v1",
    "plan": "standard",
}


@dataclass
class World:
    """What every query of every release is answered with.

    Args:
        error_share: share of requests that fail.
        old_error_share: the same of v1; None for no difference.
        is_dark: whether no source answers.
        alerts: what fires.
    """

    error_share: float = 0.0
    old_error_share: float | None = None
    is_dark: bool = False
    alerts: tuple[FiringAlert, ...] = ()
    asked: list[int] = field(default_factory=list)

    def read(self, queries: Collection[Query], now: float) -> Look:
        """Answer every query."""
        self.asked.append(len(queries))
        return Look({query: self._answer(query, now) for query in queries}, ())

    def _answer(self, query: Query, now: float) -> Reading:
        if self.is_dark:
            return QueryFailed(FailureReason.UNREACHABLE, "connection refused")
        match query.measure:
            case Increase(selector=selector) | Events(selector=selector):
                failing = self.error_share
                if self.old_error_share is not None and any(each.value == "v1" for each in query.workload):
                    failing = self.old_error_share
                share = failing if "=~" in selector else 1 - failing if "!~" in selector else 1.0
                return Value(6000.0 * share, now, expression=f"increase({selector})")
            case Buckets() | Observations():
                return Value(6000.0, now, buckets=((0.4, 5900.0), (0.8, 5990.0)))
            case CountHistory():
                return NoData(NoDataReason.ABSENT)
            case Instant() | HttpProbe():
                return Value(1.0, now)
            case Newest():
                return Value(now - 5, now)
            case FiringAlerts():
                return Value(float(len(self.alerts)), now, alerts=self.alerts)
            case _:
                assert_never(query.measure)


class ServedGate:
    """One gate on a free port of 127.0.0.1.

    Args:
        directory: where its SQLite file goes.
        policy: the only plan; the sample plan unless given.
        store_url: another store.
        external_url: where people reach it.
    """

    def __init__(
        self, directory: Path, policy: Policy | None = None, store_url: str = "", external_url: str = ""
    ) -> None:
        self.external_url = external_url
        self.world = World()
        self.now = samples.NOW
        self.policy = policy or samples.policy()
        self.store = Store.open(store_url or f"sqlite:///{directory / 'gated.db'}", upgrades=True)
        self.metrics = Metrics(sources=["default"], endpoints=["log"])
        self.bell = Bell()
        self.live = Live()
        self.gate = Gate(
            self.store, interval_seconds=INTERVAL, listeners=(self.metrics.committed, self.bell.ring, self.live.heard)
        )
        self.metrics.registry.register(
            ReleaseCollector(
                recent=lambda: self.store.recent(self.now - 3600),
                policy_of=self.gate.policy_of,
                oldest_undelivered_at=self.store.oldest_undelivered_at,
                now=lambda: self.now,
                validity_seconds=self.gate.validity_seconds,
            )
        )
        self.reload_faults: tuple[str, ...] = ()
        self.app = create_app(self._services())
        self.session = requests.Session()
        self.session.headers["X-Gated-Actor"] = "deploy-pipeline"

    def _services(self) -> Services:
        rules = {RuleName(rule.name): rule for rule in self.policy.rules}
        rulebook = Rulebook(rules, {PlanName(self.policy.plan.name): self.policy})
        return Services(
            gate=self.gate,
            rulebook=lambda: rulebook,
            now=lambda: self.now,
            bell=self.bell,
            live=self.live,
            metrics=self.metrics.exposition,
            readiness=lambda: Readiness(ready=True, checks=(Check(name="store", passed=True, detail=""),)),
            external_url=self.external_url,
            source_links={SourceName("default"): "https://prometheus.example"},
            reload=lambda: self.reload_faults,
        )

    def __enter__(self) -> Self:
        config = uvicorn.Config(
            self.app, port=0, http=PromptProtocol, ws="none", lifespan="off", log_config=None, access_log=False
        )
        self._server = uvicorn.Server(config)
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(10), "the server did not start"
        self.port: int = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self.bell.close)
        self._loop.call_soon_threadsafe(self.live.close)
        self._server.should_exit = True
        self._thread.join(10)
        self.session.close()
        self.store.close()

    def _run(self, started: threading.Event) -> None:
        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            self.bell.attach(self._loop)
            self.live.attach(self._loop)
            serving = asyncio.create_task(self._server.serve())
            while not self._server.started and not serving.done():
                await asyncio.wait({serving}, timeout=0.01)
            started.set()
            await serving

        asyncio.run(serve())

    # --- what happens -------------------------------------------------------------------------------------------

    def tick(self, times: int = 1) -> Tick:
        """Let time pass by whole intervals, at least one, and look at each; returns the last."""
        self.now += INTERVAL
        done = tick(self.gate, self.world, self.now)
        return done if times == 1 else self.tick(times - 1)

    def get(self, path: str, **params: Any) -> requests.Response:
        """GET."""
        return self.session.get(self.url + path, params=params, timeout=70)

    def post(self, path: str, body: Any = None, **headers: str) -> requests.Response:
        """POST JSON."""
        return self.session.post(self.url + path, json=body, headers=headers, timeout=30)

    def open(self, **changes: Any) -> str:
        """Open the sample release; returns its id."""
        answer = self.post("/api/v1/releases", {**ORDER, **changes})
        assert answer.status_code == 201, answer.text
        identity: str = answer.json()["release"]
        return identity

    def start(self, release: str, stage: str = "canary-5") -> None:
        """Start a stage."""
        answer = self.post(f"/api/v1/releases/{release}/stages/{stage}/start")
        assert answer.status_code == 200, answer.text

    def verdict(self, release: str, **params: Any) -> dict[str, Any]:
        """Poll."""
        answer = self.get(f"/api/v1/releases/{release}/verdict", **params)
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def claim(self, release: str, verdict_id: str, **headers: str) -> requests.Response:
        """Claim."""
        return self.post(f"/api/v1/releases/{release}/claim", {"verdict_id": verdict_id}, **headers)
