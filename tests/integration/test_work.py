"""What a tick does beside looking: whether the store takes writes is known, with or without releases."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gated.daemon.clock import SystemClock
from gated.daemon.work import Work
from gated.operations.gate import Gate
from gated.signals.metrics import Metrics
from gated.store import schema
from gated.store.database import Database
from gated.store.repository import Store
from tests.serving import INTERVAL, World


class Ticking:
    """The work of a gate without releases, on a database that waits for nobody.

    Args:
        path: the database.
        store: the same.
    """

    def __init__(self, path: Path, store: Store) -> None:
        self.path = path
        self.metrics = Metrics()
        self._now = 0.0
        self._work = Work(
            gate=Gate(store, interval_seconds=INTERVAL, listeners=()),
            eyes=World(),
            metrics=self.metrics,
            endpoints=(),
            clock=SystemClock(),
            retention_seconds=3600,
        )

    def tick(self) -> float | None:
        """Work once; returns whether the store is said to take writes."""
        self._now += INTERVAL
        self._work(self._now)
        return self.metrics.registry.get_sample_value("gated_store_writable")

    def execute(self, statement: str) -> None:
        """Do something to the database behind the gate's back."""
        with contextlib.closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(statement)


@pytest.fixture
def ticking(tmp_path: Path) -> Iterator[Ticking]:
    path = tmp_path / "gated.db"
    schema.upgrade(f"sqlite:///{path}")
    with contextlib.closing(Store(Database(f"sqlite:///{path}", patience_seconds=0))) as store:
        yield Ticking(path, store)


def test_a_gate_without_releases_notices_that_its_store_takes_no_writes(ticking: Ticking) -> None:
    assert ticking.tick() == 1
    with contextlib.closing(sqlite3.connect(ticking.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert ticking.tick() == 0
        other.execute("ROLLBACK")
    assert ticking.tick() == 1


def test_a_store_that_fails_in_a_way_nobody_foresaw_ends_no_watch(ticking: Ticking) -> None:
    ticking.execute("ALTER TABLE heartbeat RENAME TO lost")
    assert ticking.tick() == 0
    ticking.execute("ALTER TABLE lost RENAME TO heartbeat")
    assert ticking.tick() == 1
    assert ticking.metrics.registry.get_sample_value("gated_ticks_total") == 2
