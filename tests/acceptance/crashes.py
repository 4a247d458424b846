"""A busy gate that is killed again and again, and pipelines that carry on regardless.

Each pipeline rolls out version after version of its service. It remembers what the gate confirmed; at the end the
gate's own records must say exactly that: nothing confirmed is lost, nothing is decided twice.
"""

import contextlib
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import requests

from deploy.local.gated import Gated
from tests.acceptance import watched
from tests.fakes.prometheus import FakePrometheus

RULES = watched.RULES.replace("min: 3s", "min: 1s").replace("min_requests: 50", "min_requests: 20")
_STAGES = ("canary", "full")
_PATIENCE_SECONDS = 8.0
"""A pipeline that waited longer for a promote gives up and goes on with its next version."""


@dataclass
class Pipeline:
    """One service's pipeline.

    Args:
        service: what it deploys.
        prometheus: where its versions are scraped.
        confirmed: every claim the gate answered with 200, as (release, stage).
    """

    service: str
    prometheus: FakePrometheus
    confirmed: list[tuple[str, str]] = field(default_factory=list)
    releases: int = 0

    def run(self, url: str, stopping: threading.Event) -> None:
        """Roll out version after version until told to stop."""
        while not stopping.is_set():
            self.releases += 1
            version = f"v{self.releases}"
            watched.healthy_traffic(self.prometheus, version, service=self.service)
            order = {"service": self.service, "environment": "test", "version": version, "plan": "quick"}
            opened = self._post(f"{url}/api/v1/releases", {**order, "supersede": True}, stopping)
            for stage in _STAGES:
                if opened is None:
                    return
                release = opened["release"]
                self._post(f"{url}/api/v1/releases/{release}/stages/{stage}/start", None, stopping)
                if not self._take_promote(url, release, stage, stopping):
                    break

    def _take_promote(self, url: str, release: str, stage: str, stopping: threading.Event) -> bool:
        """Claim; False when a stage was interrupted so often that its coverage takes too long to recover."""
        ends = time.monotonic() + _PATIENCE_SECONDS
        while not stopping.is_set() and time.monotonic() < ends:
            with contextlib.suppress(requests.RequestException):
                path = f"{url}/api/v1/releases/{release}"
                document = requests.get(f"{path}/verdict", params={"stage": stage}, timeout=5).json()
                if document.get("verdict") == "promote":
                    body = {"verdict_id": document["verdict_id"]}
                    answer = requests.post(f"{path}/claim", json=body, headers=self._headers, timeout=5)
                    if answer.status_code == requests.codes.ok:
                        self.confirmed.append((release, stage))
                        return True
            stopping.wait(0.05)
        return False

    def _post(self, url: str, body: Any, stopping: threading.Event) -> dict[str, Any] | None:
        while not stopping.is_set():
            with contextlib.suppress(requests.RequestException):
                answer = requests.post(url, json=body, headers=self._headers, timeout=5)
                if answer.ok:
                    document: dict[str, Any] = answer.json()
                    return document
            stopping.wait(0.05)
        return None

    @property
    def _headers(self) -> dict[str, str]:
        return {"X-Gated-Actor": f"pipeline-{self.service}"}


@dataclass(frozen=True)
class Report:
    """What the kills did.

    Args:
        kills: how often the daemon was killed.
        confirmed: claims the gate confirmed.
        ready_seconds: how long each restart took until the gate was ready again.
    """

    kills: int
    confirmed: int
    ready_seconds: Sequence[float]


def kill_again_and_again(gated: Gated, prometheus: FakePrometheus, *, kills: int, services: int, seed: int) -> Report:
    """Kill a busy daemon at random moments, then compare what was confirmed with what is recorded.

    Args:
        gated: a running gate with the plan `quick` of `RULES`.
        prometheus: what it watches.
        kills: how often.
        services: how many pipelines keep it busy.
        seed: of the moments.
    """
    moments = random.Random(seed)  # noqa: S311 -- moments, not secrets
    stopping = threading.Event()
    pipelines = [Pipeline(f"service-{number}", prometheus) for number in range(services)]
    threads = [threading.Thread(target=pipeline.run, args=(gated.url, stopping)) for pipeline in pipelines]
    for thread in threads:
        thread.start()
    ready = []
    try:
        for _ in range(kills):
            watched.pause(moments.uniform(0.05, 5.0))
            gated.kill()
            started = time.monotonic()
            gated.restart()
            ready.append(time.monotonic() - started)
        watched.await_true(lambda: all(pipeline.confirmed for pipeline in pipelines), 60, "a promote for every service")
    finally:
        stopping.set()
        for thread in threads:
            thread.join(30)
    confirmed = [claim for pipeline in pipelines for claim in pipeline.confirmed]
    gated.stop()
    _compare(gated, confirmed)
    return Report(kills, len(confirmed), ready)


def _compare(gated: Gated, confirmed: list[tuple[str, str]]) -> None:
    """What was confirmed against what is recorded."""
    with contextlib.closing(sqlite3.connect(gated.directory / "gated.db")) as database:
        decided = Counter(
            database.execute("SELECT release, stage FROM decisions WHERE document ->> '$.kind' = 'promoted'").fetchall()
        )
        audited = Counter(
            database.execute(
                "SELECT release, document ->> '$.stage' FROM audit WHERE document ->> '$.action' = 'promote_claimed'"
            ).fetchall()
        )
        (integrity,) = database.execute("PRAGMA integrity_check").fetchone()
    assert integrity == "ok"
    lost = set(confirmed) - set(decided)
    assert not lost, f"confirmed and not recorded: {lost}"
    assert decided == audited, "every decision has its audit entry, and only one"
    assert max(Counter(confirmed).values()) == 1, "no stage was confirmed twice"
    assert all(count == 1 for count in decided.values()), "no stage was decided twice"
