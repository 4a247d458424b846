"""A deploy pipeline that asks gated, with the commands any pipeline would use.

It shifts traffic, says so (`gated stage start`), and asks (`gated wait`). What it does next is decided by
nothing but the exit code: 0 goes on, 10 goes back, anything else stops the show.
"""

import json
import subprocess
import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import requests

from deploy.demo.surroundings import Surroundings
from deploy.demo.timeline import Timeline, described
from deploy.demo.workload import SERVICE
from deploy.local.gated import COMMAND
from gated.model.units import Unit, format_quantity

ENVIRONMENT = "demo"
STAGES = {"canary-5": 0.05, "canary-25": 0.25, "full": 1.0}
PROMOTE, ROLLBACK = 0, 10
"""Exit codes of `gated wait`."""
_PATIENCE_SECONDS = 60.0
_LOOK_SECONDS = 0.5


class WentWrong(Exception):
    """The demo did not end as it should."""


@dataclass
class Rollout:
    """How one rollout went.

    Args:
        release: its id.
        ended: the exit code of the last `gated wait`.
        stages: how many were promoted.
        shares: the measured share of the new version at each stage.
        seconds: from the first stage to the end.
        seconds_to_detect: from the shift to the stage that harmed to the rollback signal; 0 without one.
        seconds_by_threshold: from the same shift to what thresholds would have signalled; 0 when they were not asked.
    """

    release: str
    ended: int = PROMOTE
    stages: int = 0
    shares: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    seconds_to_detect: float = 0.0
    seconds_by_threshold: float = 0.0


class Pipeline:
    """A deploy pipeline that lets gated decide.

    Args:
        around: the servers.
        timeline: where it says what happens.
    """

    def __init__(self, around: Surroundings, timeline: Timeline) -> None:
        self._around = around
        self._timeline = timeline

    def roll_out(
        self, version: str, *, replaces: str, faulty_above: float | None = None, beside_thresholds: bool = False
    ) -> Rollout:
        """Deploy a version and take it through every stage, as long as gated says so.

        Args:
            version: what is deployed.
            replaces: the version that serves now.
            faulty_above: see `Workload.start_version`.
            beside_thresholds: watch the same version with thresholds too, and compare; going back waits for them.
        """
        say = self._timeline.say
        self._around.deploy(version, faulty_above=faulty_above)
        self.await_scrape(version)
        say(f"{version} is deployed and scraped; no traffic yet")
        rollout = Rollout(self._open(version, replaces, ENVIRONMENT, "demo"))
        say(f"release {rollout.release} is registered with gated")
        rival = ""
        if beside_thresholds:
            rival = self._open(version, replaces, f"{ENVIRONMENT}-thresholds", "thresholds")
            self._run("stage", "start", rival, "watched")
        started = self._timeline.seconds
        for stage, share in STAGES.items():
            self._shift(version, replaces, share)
            shifted = self._timeline.seconds
            self._run("stage", "start", rollout.release, stage)
            before = self._around.workload.counts()
            rollout.ended = self._wait(rollout.release, stage)
            self._measure(rollout, stage, version, before)
            if rollout.ended == PROMOTE:
                rollout.stages += 1
                say(f"{stage}: promote claimed", "good")
                continue
            if rollout.ended == ROLLBACK:
                rollout.seconds_to_detect = self._timeline.seconds - shifted
                self._show(rollout.release, stage)
                say(f"{stage}: ROLLBACK, {described(rollout.seconds_to_detect)} after the shift", "bad")
                if rival:
                    self._wait(rival, "watched", show=False)
                    later = self._triggered_at(rival) - self._triggered_at(rollout.release)
                    rollout.seconds_by_threshold = rollout.seconds_to_detect + later
                    say(f"thresholds alone: rollback, {described(rollout.seconds_by_threshold)} after the shift")
                self._go_back(version, replaces, *filter(None, (rollout.release, rival)))
            break
        rollout.seconds = self._timeline.seconds - started
        return rollout

    def _open(self, version: str, replaces: str, environment: str, plan: str) -> str:
        """Register a release; returns its id."""
        opened = self._run(
            "release", "start", "--service", SERVICE, "--version", version, "--baseline", replaces,
            "--environment", environment, "--plan", plan, "--output", "json",
        )  # fmt: skip
        return str(json.loads(opened)["release"])

    def _shift(self, version: str, replaces: str, share: float) -> None:
        shares = {version: share} if share >= 1 else {version: share, replaces: 1 - share}
        self._around.workload.set_shares(shares)
        self._timeline.say(f"traffic: {share:.0%} to {version}, {1 - share:.0%} to {replaces}")

    def _go_back(self, version: str, replaces: str, *releases: str) -> None:
        self._around.workload.set_shares({replaces: 1.0})
        self._timeline.say(f"traffic: 100% back to {replaces}")
        for release in releases:
            self._run("release", "rolled-back", release, "--reason", f"traffic is back on {replaces}")
        self._around.undeploy(version)

    def _triggered_at(self, release: str) -> float:
        """When a rollback was signalled, Unix seconds."""
        answer = requests.get(f"{self._around.gated.url}/api/v1/releases/{release}", timeout=5).json()
        return datetime.fromisoformat(answer["rollback"]["triggered_at"]).timestamp()

    def _wait(self, release: str, stage: str, *, show: bool = True) -> int:
        """Run `gated wait`, and if asked for show meanwhile what gated sees; returns its exit code."""
        waiting = subprocess.Popen(
            [COMMAND, "wait", release, "--stage", stage, "--timeout", f"{_PATIENCE_SECONDS:.0f}s"],
            env=self._environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        with waiting:
            try:
                while waiting.poll() is None:
                    if show:
                        self._show(release, stage)
                    threading.Event().wait(_LOOK_SECONDS)
            finally:
                waiting.kill()
        return waiting.returncode

    def _show(self, release: str, stage: str) -> None:
        answer = requests.get(
            f"{self._around.gated.url}/api/v1/releases/{release}/verdict", params={"stage": stage}, timeout=5
        )
        document: dict[str, Any] = answer.json()
        moods = {"promote": "good", "rollback": "bad", "hold": "wait"}
        verdict = document["verdict"]
        self._timeline.say(f"{stage}: {verdict:<8}  {_rules(document['rules'])}", moods.get(verdict, ""))
        if verdict in {"rollback", "hold"}:
            self._timeline.say(f"{stage}: because {document['reason']}", moods[verdict])

    def _measure(self, rollout: Rollout, stage: str, version: str, before: dict[str, Any]) -> None:
        """What share of the traffic the version really had during a stage."""
        after = self._around.workload.counts()
        served = {name: after[name].requests - (before[name].requests if name in before else 0) for name in after}
        rollout.shares[stage] = served.get(version, 0) / max(1, sum(served.values()))

    def await_scrape(self, version: str) -> None:
        """Wait until Prometheus has samples of a version.

        Raises:
            WentWrong: it never has.
        """
        deadline = self._timeline.seconds + _PATIENCE_SECONDS
        while not self._around.is_scraped(version):
            if self._timeline.seconds > deadline:
                raise WentWrong(f"Prometheus never scraped {version}")
            threading.Event().wait(_LOOK_SECONDS)

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [COMMAND, *arguments],
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_SECONDS,
        )
        if done.returncode:
            raise WentWrong(f"gated {' '.join(arguments)} exited {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def _environment(self) -> dict[str, str]:
        return {
            "GATED_URL": self._around.gated.url,
            "GATED_ACTOR": "demo-pipeline",
            "PATH": "/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
        }


def _rules(rules: list[dict[str, Any]]) -> str:
    """What every rule says, in a few words each."""
    return "  ".join(f"{rule['rule']} {_one(rule)}" for rule in rules)


def _one(rule: dict[str, Any]) -> str:
    waits = str(rule["code"] or rule["outcome"]).replace("_", " ")
    if rule["value"] is None or rule["unit"] == Unit.COUNT.value:
        return waits
    value = format_quantity(rule["value"], Unit(rule["unit"]))
    return value if rule["outcome"] == "ok" else f"{value} ({waits})"
