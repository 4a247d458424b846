"""The same daemon on PostgreSQL: upgraded by command, killed in mid-stage, and without its database for a while."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from deploy.local.gated import COMMAND
from deploy.local.process import ServerFailed
from deploy.local.servers import PostgreSQL
from tests.acceptance import watched
from tests.fakes.prometheus import FakePrometheus


@pytest.fixture
def prometheus() -> Iterator[FakePrometheus]:
    with watched.fake_prometheus() as fake:
        watched.healthy_traffic(fake)
        yield fake


def test_the_schema_is_brought_up_to_date_by_command_only(
    postgres: PostgreSQL, prometheus: FakePrometheus, tmp_path: Path
) -> None:
    """A shared server is not changed behind its owner's back."""
    store = f"store: {postgres.create_database()}\n"
    with pytest.raises(ServerFailed, match="gated db upgrade"):
        watched.watch(tmp_path, prometheus, more=store)
    subprocess.run([COMMAND, "db", "upgrade", "--config", "gated.yaml"], cwd=tmp_path, check=True, timeout=60)
    # Long enough between looks that a promote is still believed after a restart on a busy machine.
    with watched.watch(tmp_path, prometheus, more=store, interval="5s") as gated:
        release = watched.open_release(gated)
        promoted = watched.await_verdict(gated, release, "promote", seconds=40)
        gated.kill()
        gated.restart()
        assert watched.claim(gated, release, promoted["verdict_id"]).status_code == 200
        gated.kill()
        gated.restart()
        history = requests.get(f"{gated.url}/api/v1/releases/{release}", timeout=10).json()
        assert [decision["decision"] for decision in history["decisions"]] == ["promoted"]


@pytest.mark.timeout(120)
def test_without_its_database_the_gate_promotes_nothing_and_comes_back(
    prometheus: FakePrometheus, tmp_path: Path
) -> None:
    with PostgreSQL() as server:
        store = f"store: {server.create_database()}\n"
        url = store.removeprefix("store: ").strip()
        subprocess.run([COMMAND, "db", "upgrade", "--store", url], check=True, timeout=60)
        with watched.watch(tmp_path, prometheus, more=store) as gated:
            release = watched.open_release(gated)
            promoted = watched.await_verdict(gated, release, "promote")
            server.stop()
            claimed = watched.claim(gated, release, promoted["verdict_id"])
            assert (claimed.status_code, claimed.json()["error"]) == (503, "unavailable")
            ready = requests.get(f"{gated.url}/-/ready", timeout=20)
            assert ready.status_code == 503
            assert requests.get(f"{gated.url}/-/healthy", timeout=10).status_code == 200
            metrics = requests.get(f"{gated.url}/metrics", timeout=20)
            assert metrics.status_code == 200, "the gate's own counters are wanted most when its store is away"
            assert "gated_store_readable 0.0" in metrics.text
            assert "gated_last_tick_timestamp_seconds" in metrics.text
            assert "gated_stage_verdict{" not in metrics.text
            server.restart()
            watched.await_true(
                lambda: requests.get(f"{gated.url}/-/ready", timeout=20).ok, seconds=40, what="readiness"
            )
            document = watched.await_verdict(gated, release, "promote", seconds=60)
            assert watched.claim(gated, release, document["verdict_id"]).status_code == 200
