"""Against a Prometheus that lies in every known way the gate never promotes, and says of each lie what it is.

One daemon watches as many Prometheus servers as there are lies, with one healthy release on each. All are told the
truth until every release is promoted; then each server begins to lie in its own way.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest
import requests

from deploy.local.gated import Gated
from gated.model.reading import FailureReason
from tests.acceptance import watched
from tests.fakes.lies import REASONS, Lie
from tests.fakes.prometheus import FakePrometheus


@dataclass(frozen=True)
class LyingWorld:
    """The daemon, and the release that was promotable until its Prometheus began to lie."""

    gated: Gated
    releases: Mapping[Lie, str]
    promises: Mapping[Lie, str]
    """The id of the promote each release had before."""


def name_of(lie: Lie) -> str:
    """A name for the source, the service, the rule and the plan of a lie."""
    return lie.value.replace("_", "-")


def rules() -> str:
    """One rule and one plan per lie."""
    lines = ["version: 1", "rules:"]
    for lie in Lie:
        rule = "{kind: ratio, bad: 'http_requests_total{code=~\"5..\"}', total: http_requests_total, above: 2%"
        judged = "test: threshold, for: 2s, window: 5m, max_sample_age: 30s"
        lines.append(f"  {name_of(lie)}: {rule}, {judged}, source: {name_of(lie)}}}")
    lines.append("plans:")
    lines += [
        f"  {name_of(lie)}:\n"
        '    workload: {service: "{service}", version: "{version}"}\n'
        f"    rules: [{name_of(lie)}]\n"
        "    discovery_grace: 1s\n"
        "    stages:\n"
        "      - {name: canary, traffic: 10%, bake: {min: 1s, max: 30s}, min_requests: 50}"
        for lie in Lie
    ]
    return "\n".join(lines) + "\n"


def config(servers: Mapping[Lie, FakePrometheus]) -> str:
    """One source per lie."""
    lines = ["evaluation_interval: 1s", "sources:"]
    for lie, server in servers.items():
        settings = "timeout: 700ms, max_response_size: 1MiB, expect: {labels: {cluster: test}}"
        lines.append(f"  {name_of(lie)}: {{url: '{server.url}', {settings}}}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    with contextlib.ExitStack() as running:
        servers = {lie: running.enter_context(watched.fake_prometheus()) for lie in Lie}
        for lie, server in servers.items():
            watched.healthy_traffic(server, service=name_of(lie))
        directory = tmp_path_factory.mktemp("gated")
        gated = running.enter_context(Gated(directory, config=config(servers), rules={"rules.yaml": rules()}))
        releases = {lie: watched.open_release(gated, service=name_of(lie), plan=name_of(lie)) for lie in Lie}
        promises = {
            lie: str(watched.await_verdict(gated, release, "promote")["verdict_id"])
            for lie, release in releases.items()
        }
        for lie, server in servers.items():
            server.lie(lie)
        yield LyingWorld(gated, releases, promises)


@pytest.mark.parametrize("lie", list(Lie), ids=name_of)
def test_no_lie_is_promoted_and_each_is_named(world: LyingWorld, lie: Lie) -> None:
    gated, release, reason = world.gated, world.releases[lie], REASONS[lie]
    watched.await_true(
        lambda: watched.verdict(gated, release)["rules"][0]["code"] == reason.value, what=f"the reason {reason.value}"
    )
    document = watched.verdict(gated, release)
    looks: set[str] = set()
    while len(looks) < 2:  # whatever is polled over two looks, it is no promote
        document = watched.verdict(gated, release)
        assert document["verdict"] == "hold", document
        assert watched.claim(gated, release, document["verdict_id"]).status_code == 409
        assert watched.claim(gated, release, world.promises[lie]).status_code == 409
        looks.add(document["evaluated_at"])
        watched.pause(0.1)
    rule = document["rules"][0]
    assert rule["code"] == reason.value, rule
    assert rule["outcome"] == ("error" if isinstance(reason, FailureReason) else "no_data")
    assert name_of(lie) in document["reason"]


@pytest.mark.parametrize("lie", list(Lie), ids=name_of)
def test_metrics_and_log_name_the_lie(world: LyingWorld, lie: Lie) -> None:
    gated, reason, name = world.gated, REASONS[lie], name_of(lie)
    blind = f'gated_rule_blind{{environment="test",reason="{reason.value}",rule="{name}",service="{name}"}} 1.0'
    watched.await_true(lambda: blind in metrics(gated), what=blind)
    assert f'gated_stage_verdict{{environment="test",service="{name}",stage="canary",verdict="hold"}} 1.0' in metrics(
        gated
    )
    if isinstance(reason, FailureReason):
        counted = f'gated_query_failures_total{{reason="{reason.value}",source="{name}"}} '
        # What the store says is shown at once; what a look cost is counted when the look is over.
        watched.await_true(lambda: number_of(counted, metrics(gated)) > 0, what=counted)
    looks = [line for line in watched.log_lines(gated) if line.get("service") == name]
    assert any(reason.value in line["rules"][name] for line in looks if line["event"] == "release_looked")


def number_of(series: str, exposition: str) -> float:
    """The value of the only line that begins so."""
    (line,) = [line for line in exposition.splitlines() if line.startswith(series)]
    return float(line.rpartition(" ")[2])


def metrics(gated: Gated) -> str:
    """The exposition."""
    return requests.get(f"{gated.url}/metrics", timeout=10).text
