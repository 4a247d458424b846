"""Five hundred random kills of a busy daemon: nothing lost, nothing doubled, and how fast it is ready again."""

import statistics
from pathlib import Path

import pytest

from tests.acceptance import crashes, watched

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

KILLS = 500


def test_five_hundred_kills(tmp_path: Path) -> None:
    with (
        watched.fake_prometheus() as prometheus,
        watched.watch(tmp_path, prometheus, rules=crashes.RULES) as daemon,
    ):
        report = crashes.kill_again_and_again(daemon, prometheus, kills=KILLS, services=10, seed=11)
    ready = sorted(report.ready_seconds)
    print(
        f"\n\n{report.kills} kills, {report.confirmed:,} confirmed promotes, none lost and none doubled;"
        f" ready again after {statistics.median(ready):.2f} s (median), {ready[-1]:.2f} s (slowest)"
    )
