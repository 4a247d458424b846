"""What polls cost a real daemon: latency at 500 polls a second, the most it answers, and 5,000 that wait.

The reference in the same run is `/-/healthy`, which reads no store: the difference is what a verdict costs.
"""

import asyncio
import resource
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import pytest

from deploy.local.gated import Gated
from tests.acceptance import watched
from tests.bench.daemons import Client, resident, row, until
from tests.fakes.prometheus import FakePrometheus

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

RATE = 500
SECONDS = 10
CONNECTIONS = 50
WAITING = 5000
RULES = watched.RULES.replace("min: 3s, max: 30s", "min: 1h, max: 2h")


@pytest.fixture
def prometheus() -> Iterator[FakePrometheus]:
    with watched.fake_prometheus() as fake:
        for number in range(10):
            watched.healthy_traffic(fake, service=f"s{number}")
        yield fake


@pytest.fixture
def gated(prometheus: FakePrometheus, tmp_path: Path) -> Iterator[Gated]:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with watched.watch(tmp_path, prometheus, rules=RULES, interval="5s") as daemon:
        yield daemon


def test_poll_latency_and_throughput(gated: Gated) -> None:
    releases = [watched.open_release(gated, service=f"s{number}") for number in range(10)]
    watched.await_true(lambda: all(watched.verdict(gated, release)["evaluated_at"] for release in releases))
    paths = [f"/api/v1/releases/{release}/verdict" for release in releases]
    print(f"\n\n| what | polls/s | p50 | p99 | slowest |\n|---|---|---|---|---|  ({resident(gated):.0f} MB resident)")
    for name, asked in (("verdict", paths), ("/-/healthy, the reference", ["/-/healthy"])):
        paced = asyncio.run(_paced(gated.port, asked))
        row(f"{name}, paced | {len(paced) / SECONDS:,.0f}", paced)
        flooded = asyncio.run(_flooded(gated.port, asked))
        row(f"{name}, as fast as it can | {len(flooded) / SECONDS:,.0f}", flooded)


def test_five_thousand_waiting_polls(gated: Gated, prometheus: FakePrometheus) -> None:
    release = watched.open_release(gated, service="s0")
    watched.await_true(lambda: watched.verdict(gated, release)["evaluated_at"] is not None)
    before = resident(gated)
    path = f"/api/v1/releases/{release}/verdict?wait=60s&after={quote(watched.verdict(gated, release)['verdict_id'])}"
    waited, during, spread = asyncio.run(_wait_together(gated, prometheus, path))
    print(
        f"\n\n{waited:,} waiting polls: {before:.0f} MB before, {during:.0f} MB with all of them waiting;"
        f" when the verdict changed, all were answered within {spread:.2f} s of the first"
    )


async def _paced(port: int, paths: Sequence[str]) -> list[float]:
    """An open loop: `RATE` polls a second whether answers come or not; latency counts from when each was due."""
    clients = [await Client(port).open() for _ in range(CONNECTIONS)]
    started = time.perf_counter()

    async def steadily(offset: int, client: Client) -> list[float]:
        seen: list[float] = []
        for number in range(offset, RATE * SECONDS, CONNECTIONS):
            due = started + number / RATE
            await until(due)
            status, _ = await client.get(paths[number % len(paths)])
            assert status == 200
            seen.append(time.perf_counter() - due)
        return seen

    all_seen = await asyncio.gather(*(steadily(offset, client) for offset, client in enumerate(clients)))
    for client in clients:
        client.close()
    return [latency for seen in all_seen for latency in seen]


async def _flooded(port: int, paths: Sequence[str]) -> list[float]:
    """A closed loop: every connection asks again as soon as it has its answer."""
    clients = [await Client(port).open() for _ in range(CONNECTIONS)]
    ends = time.perf_counter() + SECONDS

    async def eagerly(offset: int, client: Client) -> list[float]:
        seen: list[float] = []
        while time.perf_counter() < ends:
            status, latency = await client.get(paths[(offset + len(seen)) % len(paths)])
            assert status == 200
            seen.append(latency)
        return seen

    all_seen = await asyncio.gather(*(eagerly(offset, client) for offset, client in enumerate(clients)))
    for client in clients:
        client.close()
    return [latency for seen in all_seen for latency in seen]


async def _wait_together(gated: Gated, prometheus: FakePrometheus, path: str) -> tuple[int, float, float]:
    clients = [await Client(gated.port).open() for _ in range(WAITING)]

    async def poll(client: Client) -> float:
        status, _ = await client.get(path)
        assert status == 200
        return time.perf_counter()

    polls = [asyncio.create_task(poll(client)) for client in clients]
    await until(time.perf_counter() + 10)
    assert not any(poll.done() for poll in polls), "all of them wait"
    during = resident(gated)
    watched.failing_traffic(prometheus, service="s0")
    answered = await asyncio.gather(*polls)
    for client in clients:
        client.close()
    return len(answered), during, max(answered) - min(answered)
