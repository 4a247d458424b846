"""The demo's service under traffic does what the demo's story needs of it."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from deploy.demo.workload import Workload


def eventually(is_so: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "not so in time"
        threading.Event().wait(0.05)


@pytest.fixture
def workload(tmp_path: Path) -> Iterator[Workload]:
    with Workload(tmp_path) as running:
        yield running


def test_traffic_follows_the_shares(workload: Workload) -> None:
    workload.start_version("v1")
    workload.start_version("v2")
    workload.set_shares({"v1": 0.75, "v2": 0.25})
    eventually(lambda: workload.counts()["v2"].requests >= 50)
    counts = workload.counts()
    share = counts["v2"].requests / (counts["v1"].requests + counts["v2"].requests)
    # Answers are counted, not requests: those under way may shift the share a little.
    assert share == pytest.approx(0.25, abs=0.1)
    assert counts["v1"].harmed + counts["v2"].harmed < 10


def test_a_version_without_a_share_gets_no_traffic(workload: Workload) -> None:
    workload.start_version("v1")
    workload.start_version("v2")
    workload.set_shares({"v1": 1})
    eventually(lambda: workload.counts()["v1"].requests >= 50)
    assert "v2" not in workload.counts()


def test_a_faulty_version_breaks_only_above_its_share(workload: Workload) -> None:
    workload.start_version("v1")
    workload.start_version("v2", faulty_above=0.1)
    workload.set_shares({"v1": 0.95, "v2": 0.05})
    eventually(lambda: workload.counts()["v2"].requests >= 10)
    assert workload.counts()["v2"].harmed <= 1
    workload.set_shares({"v1": 0.5, "v2": 0.5})
    eventually(lambda: workload.counts()["v2"].harmed >= 50)
    assert workload.counts()["v1"].harmed < 10


def test_users_of_a_stopped_version_are_harmed(workload: Workload) -> None:
    workload.start_version("v1")
    workload.set_shares({"v1": 1})
    workload.stop_version("v1")
    eventually(lambda: workload.counts()["v1"].harmed >= 20)


def test_each_version_is_a_target_with_the_metrics_that_rules_ask_for(workload: Workload) -> None:
    workload.start_version("v1")
    workload.set_shares({"v1": 1})
    eventually(lambda: workload.counts()["v1"].requests >= 1)
    [target] = workload.targets()
    assert target["labels"] == {"service": "checkout", "version": "v1"}
    metrics = requests.get(f"http://{target['targets'][0]}/metrics", timeout=5).text
    assert 'http_requests_total{code="200",handler="/checkout",method="GET"}' in metrics
    assert 'http_request_duration_seconds_bucket{handler="/checkout",le="0.8",method="GET"}' in metrics
