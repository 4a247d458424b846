"""What the store costs, on both engines: `pytest -m slow -s tests/bench/bench_store.py`.

A release is the sample one: six rules with their results, 4 kB of JSON. PostgreSQL runs without fsync here.
"""

import contextlib
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from gated.model.ids import ReleaseId
from gated.model.release import Release
from gated.store import codec
from gated.store.records import Filter
from gated.store.repository import Store
from tests import databases, samples

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

RELEASES = 1000
COMMITS = 1000
THREADS = 8


@pytest.fixture(params=databases.ENGINES)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with contextlib.closing(Store.open(databases.empty(request), upgrades=True)) as opened:
        yield opened


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    engine = request.node.callspec.params.get("store", "") if hasattr(request.node, "callspec") else ""

    def write(what: str, figure: str) -> None:
        print(f"\n{engine:>10} {what:<58} {figure}", end="")

    return write


def release(number: int) -> Release:
    return samples.baking_release(id=ReleaseId(f"r{number:04}"), service=f"s{number}", revision=1)


def milliseconds(action: Callable[[], object], times: int) -> str:
    """Do it so often; the median and the 99th percentile of what one took."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        took.append(time.perf_counter() - began)
    return f"median {statistics.median(took) * 1e3:6.2f} ms, p99 {statistics.quantiles(took, n=100)[98] * 1e3:6.2f} ms"


class Writer:
    """Writes one release again and again, as ticks do.

    Args:
        store: where.
        first: its first state, already stored.
        records: whether each commit also has a history entry and an audit entry.
    """

    def __init__(self, store: Store, first: Release, *, records: bool) -> None:
        self._store = store
        self._release = first
        tick = samples.tick_step()
        self._template = tick if records else replace(tick, outcomes=(), audit=())

    def __call__(self) -> None:
        self._release = replace(self._release, revision=self._release.revision + 1)
        self._store.commit(replace(self._template, release=self._release))


def test_one_write_and_sync_of_the_disk(tmp_path: Path, report: Callable[[str, str], None]) -> None:
    """What no durable commit can be faster than, here."""
    page = b"\0" * 8192
    with (tmp_path / "file").open("wb", buffering=0) as file:

        def write() -> None:
            file.write(page)
            os.fdatasync(file.fileno())

        report("8 kB written and synced", milliseconds(write, COMMITS))


def test_commits(store: Store, report: Callable[[str, str], None]) -> None:
    store.commit(samples.opening_step(release(0)), samples.opening_step(release(1)), policy=samples.policy())
    report("commit of a state", milliseconds(Writer(store, release(0), records=False), COMMITS))
    report(
        "commit of a state, a history and an audit entry",
        milliseconds(Writer(store, release(1), records=True), COMMITS),
    )
    report("ping", milliseconds(store.ping, COMMITS))


def test_commits_from_many_threads(store: Store, report: Callable[[str, str], None]) -> None:
    firsts = [release(number) for number in range(THREADS)]
    store.commit(*map(samples.opening_step, firsts), policy=samples.policy())
    barrier = threading.Barrier(THREADS + 1)

    def work(first: Release) -> str:
        writer = Writer(store, first, records=False)
        barrier.wait()
        return milliseconds(writer, COMMITS // THREADS)

    with ThreadPoolExecutor(THREADS) as pool:
        running = [pool.submit(work, first) for first in firsts]
        barrier.wait()
        began = time.perf_counter()
        took = [future.result() for future in running]
        rate = COMMITS / (time.perf_counter() - began)
    report(f"commits of {THREADS} threads together", f"{rate:,.0f} per second; the first thread's: {took[0]}")


def test_reads_beside_a_thousand_releases(store: Store, report: Callable[[str, str], None]) -> None:
    store.commit(*(samples.opening_step(release(number)) for number in range(RELEASES)), policy=samples.policy())
    report(f"active(), {RELEASES} releases", milliseconds(store.active, 20))
    report("release(id)", milliseconds(lambda: store.release(ReleaseId("r0500")), COMMITS))
    report("find_active(service, environment)", milliseconds(lambda: store.find_active("s500", "production"), COMMITS))
    report("releases(), a page of 100", milliseconds(store.releases, 50))
    report("releases() of one service", milliseconds(lambda: store.releases(Filter(service="s500")), COMMITS))
    report("undelivered(100)", milliseconds(lambda: store.undelivered(100), 100))


def test_retention_of_two_thousand_releases(store: Store, report: Callable[[str, str], None]) -> None:
    changes = (samples.outcome_change(),) * 40
    for start in range(0, 2000, 100):
        ended = (replace(release(number), ended_at=samples.NOW) for number in range(start, start + 100))
        store.commit(
            *(samples.opening_step(one, outcomes=changes, signals=()) for one in ended), policy=samples.policy()
        )
    began = time.perf_counter()
    pruned = store.prune(samples.NOW + 1.0)
    report(f"prune(), {pruned.releases} releases, {pruned.outcomes} outcomes", f"{time.perf_counter() - began:.2f} s")


def test_json(report: Callable[[str, str], None]) -> None:
    value = release(0)
    document = codec.RELEASE.encode(value)
    report(f"release to JSON, {len(document)} characters", milliseconds(lambda: codec.RELEASE.encode(value), COMMITS))
    report("JSON to release", milliseconds(lambda: codec.RELEASE.decode(document), COMMITS))
