"""What a replay costs: a week of a real Prometheus' history, ten services, a made-up rollout of each every hour.

Ten services of three instances each, scraped every 15 s: 240 series, 9.7 million samples. Every rollout bakes for an
hour, 240 looks, under three sequential rules. `GATED_BENCH_DAYS=1` makes it a day.
"""

import os
import resource
import subprocess
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from deploy.local import binaries
from deploy.local.servers import Prometheus
from gated.model import rule
from gated.model.ids import DEFAULT_SOURCE, RuleName, StageName
from gated.model.plan import Policy
from gated.operations.replay import state, whole
from gated.operations.replay.rehearsal import Rehearsal
from gated.operations.replay.results import Replayed
from gated.operations.replay.rolling import Rolling, rehearsals
from gated.operations.replay.totals import totals
from gated.sources.history import History
from gated.sources.settings import SourceSettings
from tests import samples
from tests.replay_world import STEP, Past, service

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

DAYS = float(os.environ.get("GATED_BENCH_DAYS", "7"))
SERVICES = tuple(f"service-{number}" for number in range(10))
BLOCK_SECONDS = 7200.0
BEGIN = 1_763_596_800.0
"""A multiple of a block: 2025-11-20T00:00Z."""
HOUR = 3600.0


def remember(url: str, step_seconds: float) -> AbstractContextManager[History]:
    """What the server remembers."""
    return History([SourceSettings(DEFAULT_SOURCE, url=url)], start=0.0, step_seconds=step_seconds)


def policy(*, least_bake_seconds: float) -> Policy:
    """One stage of at most an hour under three sequential rules."""
    guards: tuple[rule.Rule, ...] = (
        samples.ratio_rule(test=rule.Test.SEQUENTIAL, limit=rule.Limit(0.02, rule.Side.ABOVE), for_seconds=0.0),
        samples.ratio_rule(
            name=RuleName("error-rate-against-baseline"),
            test=rule.Test.SEQUENTIAL,
            limit=rule.WorseThanBaseline(0.1),
            for_seconds=0.0,
        ),
        samples.quantile_rule(test=rule.Test.SEQUENTIAL),
    )
    stage = samples.stage(
        name=StageName("canary"),
        warmup_seconds=0.0,
        bake_min_seconds=least_bake_seconds,
        bake_max_seconds=HOUR,
        min_requests=0,
    )
    return samples.policy(plan=samples.plan(rules=tuple(each.name for each in guards), stages=(stage,)), rules=guards)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> object:
    """A server with the history."""
    directory = tmp_path_factory.mktemp("prometheus")
    began = time.monotonic()
    instances = [each for name in SERVICES for each in service(name, instances=3, fails={0.0: 0.003}, slow={0.0: 0.01})]
    past = Past(instances, BEGIN, BEGIN + DAYS * 86400)
    for number in range(round(DAYS * 86400 / BLOCK_SECONDS)):
        begin = BEGIN + number * BLOCK_SECONDS
        write_block(directory, past.openmetrics(begin - STEP, begin + BLOCK_SECONDS - STEP))
    print(f"\n\n{DAYS:g} days of history written in {time.monotonic() - began:.0f} s")
    with Prometheus("", directory=directory) as server:
        yield server.url


def write_block(directory: Path, openmetrics: str) -> None:
    """Write two hours: promtool reads its input anew for each block of two hours, so it is given one at a time."""
    (directory / "block.om").write_text(openmetrics)
    promtool = binaries.find("promtool").path
    command = [str(promtool), "tsdb", "create-blocks-from", "openmetrics", "block.om", "data"]
    subprocess.run(command, cwd=directory, check=True, capture_output=True)


PLANS = {"always for an hour": HOUR, "proved after a quarter of an hour": HOUR / 4}


@pytest.mark.parametrize("least_bake_seconds", PLANS.values(), ids=PLANS.keys())
def test_a_week_of_made_up_rollouts(url: str, tmp_path: Path, least_bake_seconds: float) -> None:
    judged_by = policy(least_bake_seconds=least_bake_seconds)
    rolling = Rolling(
        services=SERVICES,
        environment="production",
        since=BEGIN + 4 * HOUR,
        until=BEGIN + DAYS * 86400 - HOUR,
        every_seconds=HOUR,
    )
    with remember(url, STEP) as memory:
        told = rehearsals(rolling, judged_by, memory, STEP)
        found_out = memory.requests
    before = cpu_seconds()
    requests, seconds, results = replay(url, judged_by, told, tmp_path / "replay.state")
    cpu = cpu_seconds() - before
    looks = sum(each.looks for each in results)
    print(f"\n\n{len(told):,} rollouts; {found_out} requests to find out what ran")
    size = (tmp_path / "replay.state").stat().st_size / 1e6
    figures = {
        "looks": f"{looks:,}",
        "requests": f"{requests:,}",
        "seconds": f"{seconds:.0f}",
        "of processors": f"{cpu:.0f} s",
        "looks/s": f"{looks / seconds:,.0f}",
        "state file": f"{size:.1f} MB",
        "resident": resident(),
    }
    print(f"| {' | '.join(figures)} |\n|{'---|' * len(figures)}\n| {' | '.join(figures.values())} |")
    summary = totals(results)
    print(f"rolled back: {summary.rolled_back.count} of {summary.rolled_back.of}")
    assert summary.blind == 0


def replay(url: str, judged_by: Policy, told: Sequence[Rehearsal], file: Path) -> tuple[int, float, list[Replayed]]:
    """Play all of them; returns the requests, the seconds and the results."""
    policies = {judged_by.plan.name: judged_by}
    began = time.monotonic()
    with state.opened(file, whole.identity(told, policies, STEP)) as kept:
        requests = whole.replay(
            told,
            policies,
            partial(remember, url, STEP),
            interval_seconds=STEP,
            jobs=len(os.sched_getaffinity(0)),
            state=kept,
            tell=lambda _: None,
        )
        return requests, time.monotonic() - began, list(kept.done.values())


def cpu_seconds() -> float:
    """The time of processors that all workers took; Prometheus' is not in it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def resident() -> str:
    """The largest resident size of any worker."""
    return f"{resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MB"
