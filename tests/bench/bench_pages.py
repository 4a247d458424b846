"""What the status page costs a real daemon with 1,000 releases: the pages themselves, and 200 people who watch them.

The reference in the same run is `/-/healthy`, which reads no store and renders nothing.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from deploy.local.gated import Gated
from tests.acceptance import watched
from tests.bench.daemons import Client, processor_seconds, resident, row, until
from tests.fakes.prometheus import FakePrometheus

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

RELEASES = 1000
WATCHING = 200
INTERVAL_SECONDS = 15
ASKED = 40
RULES = watched.RULES.replace("min: 3s, max: 30s", "min: 1h, max: 2h")


@pytest.fixture
def prometheus() -> Iterator[FakePrometheus]:
    with watched.fake_prometheus() as fake:
        for number in range(RELEASES):
            watched.healthy_traffic(fake, service=f"s{number}")
        yield fake


@pytest.fixture
def gated(prometheus: FakePrometheus, tmp_path: Path) -> Iterator[Gated]:
    with watched.watch(tmp_path, prometheus, rules=RULES, interval=f"{INTERVAL_SECONDS}s") as daemon:
        yield daemon


def test_pages_of_a_thousand_releases(gated: Gated) -> None:
    releases = [watched.open_release(gated, service=f"s{number}") for number in range(RELEASES)]
    watched.await_true(
        lambda: watched.verdict(gated, releases[-1])["evaluated_at"] is not None, seconds=4.0 * INTERVAL_SECONDS
    )
    asyncio.run(until(time.perf_counter() + 2 * INTERVAL_SECONDS))
    print(f"\n\n{RELEASES:,} releases, {resident(gated):.0f} MB resident")
    print("| page | size | p50 | p99 | slowest |\n|---|---|---|---|---|")
    for name, path in (
        ("/, 100 of them", "/"),
        ("/, page 10", "/?page=10"),
        ("/, narrowed down to one", "/?service=s999"),
        ("one release", f"/releases/{releases[0]}"),
        ("/-/healthy, the reference", "/-/healthy"),
    ):
        size, seen = asyncio.run(_one_by_one(gated.port, path))
        row(f"{name} | {size / 1000:.0f} kB", seen)
    print(asyncio.run(_watched(gated, releases)))


async def _one_by_one(port: int, path: str) -> tuple[int, list[float]]:
    client = await Client(port).open()
    seen = [await client.get(path) for _ in range(ASKED)]
    client.close()
    assert {status for status, _ in seen} == {200}
    return client.size, [latency for _, latency in seen]


async def _watched(gated: Gated, releases: Sequence[str]) -> str:
    """Half of the people watch the board, the others a release each; polls go on meanwhile."""
    paths = ["/events" if number % 2 else f"/releases/{releases[number]}/events" for number in range(WATCHING)]
    before, worked = resident(gated), processor_seconds(gated)
    started = time.perf_counter()
    streams = [asyncio.create_task(_events(gated.port, path, started + 4 * INTERVAL_SECONDS)) for path in paths]
    client = await Client(gated.port).open()
    polls = []
    while not all(stream.done() for stream in streams):
        polls.append(await client.get(f"/api/v1/releases/{releases[1]}/verdict"))
        await until(time.perf_counter() + 0.05)
    client.close()
    events = [await stream for stream in streams]
    assert min(count for count, _ in events) >= 4, "everybody saw every look"
    latencies = sorted(latency for _, latency in polls)
    seconds = time.perf_counter() - started
    return (
        f"\n{WATCHING} watched for {seconds:.0f} s: {sum(count for count, _ in events):,} events,"
        f" {sum(size for _, size in events) / 1e6:.0f} MB; {processor_seconds(gated) - worked:.0f} s of a processor,"
        f" looks and all; {before:.0f} MB before, {resident(gated):.0f} MB after;"
        f" polls meanwhile p50 {latencies[len(latencies) // 2] * 1000:.1f} ms,"
        f" p99 {latencies[len(latencies) * 99 // 100] * 1000:.0f} ms"
    )


async def _events(port: int, path: str, ends: float) -> tuple[int, int]:
    """Watch a page; returns how many events came, and how many bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: gated\r\n\r\n".encode())
    count = size = 0
    while (left := ends - time.perf_counter()) > 0:
        try:
            line = await asyncio.wait_for(reader.readuntil(b"\n"), left)
        except TimeoutError:
            break
        size += len(line)
        count += line.startswith(b"event: page")
    writer.close()
    return count, size
