"""Against a Prometheus that lies in every known way the gate never promotes, and says of each lie what it is.

One daemon and one healthy release, ready to be promoted at any moment, meet every lie in turn. Between two lies the
truth is told again, and the promote returns: what kept it away was the lie.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from deploy.local.gated import Gated
from gated.model.reading import FailureReason
from tests.acceptance import watched
from tests.fakes.lies import REASONS, Lie
from tests.fakes.prometheus import FakePrometheus


@pytest.fixture(scope="module")
def prometheus() -> Iterator[FakePrometheus]:
    with watched.fake_prometheus() as fake:
        watched.healthy_traffic(fake)
        yield fake


@pytest.fixture(scope="module")
def gated(prometheus: FakePrometheus, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gated]:
    directory: Path = tmp_path_factory.mktemp("gated")
    with watched.watch(directory, prometheus) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def release(gated: Gated) -> str:
    return watched.open_release(gated)


@pytest.mark.parametrize("lie", list(Lie), ids=lambda lie: lie.value)
def test_no_lie_is_promoted_and_each_is_named(gated: Gated, prometheus: FakePrometheus, release: str, lie: Lie) -> None:
    prometheus.truth()
    watched.await_verdict(gated, release, "promote")
    reason = REASONS[lie].value
    prometheus.lie(lie)
    try:
        document = watched.await_verdict(gated, release, "hold")
        watched.await_true(
            lambda: watched.verdict(gated, release)["rules"][0]["code"] == reason, what=f"the reason {reason}"
        )
        for _ in range(10):  # for two more looks and longer
            document = watched.verdict(gated, release)
            assert document["verdict"] == "hold", document
            assert watched.claim(gated, release, document["verdict_id"]).status_code == 409
            watched.pause(0.25)
    finally:
        prometheus.truth()
    rule = document["rules"][0]
    assert rule["code"] == reason, rule
    assert rule["outcome"] == ("error" if isinstance(REASONS[lie], FailureReason) else "no_data")
    assert "error-rate" in document["reason"]
    looks = [line for line in watched.log_lines(gated) if line["event"] == "release_looked"]
    assert any(reason in line["rules"]["error-rate"] for line in looks), "the log says why"
    if isinstance(REASONS[lie], FailureReason):
        metrics = requests.get(f"{gated.url}/metrics", timeout=10).text
        counted = [line for line in metrics.splitlines() if line.startswith("gated_query_failures_total{")]
        assert any(f'reason="{reason}"' in line and not line.endswith(" 0.0") for line in counted), reason


def test_the_metrics_say_why_a_rule_is_blind(gated: Gated, prometheus: FakePrometheus, release: str) -> None:
    prometheus.lie(Lie.NOT_A_NUMBER)
    try:
        watched.await_verdict(gated, release, "hold")
        metrics = requests.get(f"{gated.url}/metrics", timeout=10).text
    finally:
        prometheus.truth()
    blind = 'gated_rule_blind{environment="test",reason="not_a_number",rule="error-rate",service="checkout"} 1.0'
    assert blind in metrics
    assert 'gated_stage_verdict{environment="test",service="checkout",stage="canary",verdict="hold"} 1.0' in metrics
