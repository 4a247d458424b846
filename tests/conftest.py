"""Fixtures that every folder of tests may use: real servers, found or fetched, started when first asked for."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deploy.local.servers import Config, PostgreSQL, Prometheus

settings.register_profile("suite", derandomize=True)
settings.register_profile("hunt", max_examples=20_000, derandomize=False)
settings.load_profile("suite")
"""The suite tries the same examples in every run. `pytest --hypothesis-profile=hunt` looks for new ones, for hours."""


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgreSQL]:
    """One server for the whole run; a test asks it for a database of its own with `create_database()`."""
    from deploy.local.servers import PostgreSQL

    with PostgreSQL() as server:
        yield server


class StartPrometheus(Protocol):
    """What the fixture `prometheus` is: call it for a server, as often as the test needs."""

    def __call__(self, config: Config = "", *, history: str = "", flags: Sequence[str] = ()) -> Prometheus:
        """Start a server of the test's own, stopped at its end.

        Args:
            config: its configuration.
            history: OpenMetrics text to start with, as `backfill` takes it.
            flags: further command-line flags.
        """


@pytest.fixture
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartPrometheus]:
    """Start Prometheus servers: `prometheus(config, history=…, flags=…)`."""
    from deploy.local.servers import Prometheus, backfill

    with contextlib.ExitStack() as running:

        def start(config: Config = "", *, history: str = "", flags: Sequence[str] = ()) -> Prometheus:
            directory = tmp_path_factory.mktemp("prometheus")
            if history:
                backfill(history, directory)
            return running.enter_context(Prometheus(config, directory=directory, flags=flags))

        yield start
