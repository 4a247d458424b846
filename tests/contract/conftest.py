"""Fixtures of tests that a fake and a real Prometheus must pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.local.servers import Prometheus
    from tests.counted import Story, World


@pytest.fixture(scope="module")
def patient_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A real server that takes samples of any time."""
    from deploy.local.servers import Prometheus

    config = {"storage": {"tsdb": {"out_of_order_time_window": "10000d"}}}
    directory = tmp_path_factory.mktemp("prometheus")
    with Prometheus(config, directory=directory, flags=["--web.enable-remote-write-receiver"]) as running:
        yield running


@pytest.fixture(params=["fake", "prometheus"])
def counted(request: pytest.FixtureRequest) -> Iterator[World]:
    """A server to put counters into: a fake of its own, or a part of a real one."""
    from tests.counted import HOUR, T0, fake_world, real_world
    from tests.fakes.prometheus import FakePrometheus

    if request.param == "fake":
        with FakePrometheus(lambda: T0 + 12 * HOUR) as fake:
            yield fake_world(fake)
    else:
        yield real_world(request.getfixturevalue("patient_server"))


@pytest.fixture
def story(counted: World) -> Story:
    """A service that no other test knows."""
    return counted.story()
