"""The daemon under a service manager: what it says of itself, from its start to its end."""

import contextlib
import math
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from deploy.local.gated import Gated
from deploy.local.process import ServerFailed
from gated.daemon.clock import SystemClock
from tests.acceptance import watched
from tests.fakes.lies import Lie
from tests.fakes.prometheus import FakePrometheus
from tests.service_manager import Listener

WATCHDOG_SECONDS = 0.4


@dataclass(frozen=True)
class Managed:
    """A daemon, who it reports to, and what it watches."""

    gated: Gated
    listener: Listener
    prometheus: FakePrometheus

    @property
    def rules(self) -> Path:
        return Gated.rule_file(self.gated.directory, "rules.yaml")

    def reload(self) -> dict[str, str]:
        """Send SIGHUP; returns the message that ended the reload."""
        watched.send(self.gated, signal.SIGHUP)
        begun = self.listener.until("RELOADING")
        assert abs(int(begun["MONOTONIC_USEC"]) / 1e6 - time.clock_gettime(time.CLOCK_MONOTONIC)) < 5
        return self.listener.until("READY")

    def status(self, beginning: str) -> str:
        """The first status from now on that begins like this."""
        while not (status := self.listener.until("STATUS")["STATUS"]).startswith(beginning):
            pass
        return status


@pytest.fixture
def managed(tmp_path: Path) -> Iterator[Managed]:
    with (
        Listener(tmp_path / "notify") as listener,
        watched.fake_prometheus() as prometheus,
        Gated(
            tmp_path / "gated",
            config=watched.config(prometheus.url, interval="2s", timeout="1800ms", more="reload_endpoint: true\n"),
            rules={"rules.yaml": watched.RULES},
            environment={"NOTIFY_SOCKET": listener.name, "WATCHDOG_USEC": f"{WATCHDOG_SECONDS * 1e6:.0f}"},
        ) as gated,
    ):
        yield Managed(gated, listener, prometheus)


def test_from_start_to_stop(managed: Managed) -> None:
    """The whole life: ready, a look, a good reload, a bad one, a good one again, the end."""
    first = managed.listener.next()
    while first == {"WATCHDOG": "1"}:  # the loop may go round before the server answers
        first = managed.listener.next()
    assert first == {"READY": "1", "STATUS": "Serving; no look yet"}
    watched.healthy_traffic(managed.prometheus)
    watched.open_release(managed.gated)
    managed.status("1 release watched; last look at 20")

    assert "FAILED" not in managed.reload()["STATUS"]
    managed.rules.write_text(watched.RULES.replace("kind: ratio", "kind: rate"))
    failed = managed.reload()["STATUS"]
    assert "THE LAST RELOAD FAILED, the rules before it stay: " in failed
    assert "rules.yaml:5:" in failed
    assert "THE LAST RELOAD FAILED" in managed.status("1 release watched"), "ticks do not hide it"
    managed.rules.write_text(watched.RULES)
    assert "FAILED" not in managed.reload()["STATUS"]

    assert requests.post(f"{managed.gated.url}/-/reload", timeout=10).ok
    assert "MONOTONIC_USEC" in managed.listener.until("RELOADING"), "a reload over HTTP is told as well"
    managed.listener.until("READY")

    managed.gated.stop()
    said = managed.listener.waiting()
    assert [message for message in said if "STOPPING" in message] == [
        {"STOPPING": "1", "STATUS": "Stopping; requests under way are finished"}
    ]
    after = said[[("STOPPING" in message) for message in said].index(True) + 1 :]
    assert all(message == {"WATCHDOG": "1"} for message in after), "nothing contradicts the stop"
    assert managed.gated._process.returncode == 0


def test_a_tick_that_stands_still_does_not_feed_the_watchdog(managed: Managed) -> None:
    """Its source takes the request and never answers; until the source's timeout the tick is as good as hung."""
    watched.healthy_traffic(managed.prometheus)
    release = watched.open_release(managed.gated)
    watched.await_verdict(managed.gated, release, "pending")
    assert max(gaps(managed.listener, seconds=2.5)) < 1.0, "the loop waits, or looks and is answered: fed all the time"
    managed.prometheus.lie(Lie.SILENT)
    assert gaps(managed.listener, seconds=6.0, until=1.5)[-1] > 1.5, "no sign of life while a tick waits for its source"
    managed.prometheus.truth()
    managed.status("1 release watched; last look at")
    managed.listener.until("WATCHDOG", seconds=1.0)
    (warning,) = [line for line in watched.log_lines(managed.gated) if line["event"] == "watchdog_too_short"]
    assert (warning["watchdog_seconds"], warning["enough_seconds"]) == (WATCHDOG_SECONDS, 31.8)


def test_a_daemon_that_cannot_start_is_never_ready_and_says_why(tmp_path: Path) -> None:
    broken = watched.RULES.replace("kind: ratio", "kind: rate")
    with Listener(tmp_path / "notify") as listener:
        with pytest.raises(ServerFailed), watched.fake_prometheus() as prometheus:
            Gated(
                tmp_path / "gated",
                config=watched.config(prometheus.url),
                rules={"rules.yaml": broken},
                environment={"NOTIFY_SOCKET": listener.name},
            )
        assert listener.waiting() == [
            {"STATUS": "Failed: the rule files have faults; `gated check rules` names them all"}
        ]


def gaps(listener: Listener, seconds: float, until: float = math.inf) -> list[float]:
    """How long each sign of life was waited for; the last is the first that took longer than `until`."""
    monotonic = SystemClock().monotonic
    ends, last = monotonic() + seconds, monotonic()
    found: list[float] = []
    while monotonic() < ends and not (found and found[-1] > until):
        with contextlib.suppress(TimeoutError):
            listener.until("WATCHDOG", seconds=max(0.001, ends - monotonic()))
            found.append(monotonic() - last)
            last = monotonic()
    return found
