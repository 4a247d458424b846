"""Which rollouts a replay is about: four ways to say it, of which a command line has exactly one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from gated.cli import api
from gated.cli.api import Failed
from gated.cli.client import Request
from gated.cli.exits import Exit
from gated.cli.past import Past, history, told
from gated.model.ids import PlanName
from gated.model.plan import Policy, Stage
from gated.operations.documents import ReleaseHistory, ReleasePage
from gated.operations.releases import Order
from gated.operations.replay import releases_file
from gated.operations.replay.recorded import rehearsal_of
from gated.operations.replay.rehearsal import Rehearsal, StageTimes, followed_until
from gated.operations.replay.rolling import Rolling, rehearsals

_RELEASES_OF_SERVICE = "100"
"""How many earlier releases are looked through for versions that were rolled back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the command line says.

    Args:
        file: a file of past rollouts.
        release: the id of one that a gate remembers.
        url: where that gate is.
        actor: who asks it.
        services: which services.
        environment: where they run.
        version: of one rollout, or the version that is taken for a new one.
        baseline: what it replaced.
        plan: which plan; None for the only one.
        began_at: when one rollout began.
        stages_at: when its stages began.
        onset_at: when its fault began.
        ended_at: how far to follow it.
        every_seconds: from one made-up rollout to the next.
        between: from when on these begin, and until when they end.
    """

    file: Path | None
    release: str | None
    url: str
    actor: str
    services: tuple[str, ...]
    environment: str
    version: str | None
    baseline: str | None
    plan: str | None
    began_at: float | None
    stages_at: tuple[tuple[str, float], ...]
    onset_at: float | None
    ended_at: float | None
    every_seconds: float | None
    between: tuple[float | None, float | None]

    def __post_init__(self) -> None:
        ways = {
            "--releases": self.file is not None,
            "--release": self.release is not None,
            "--from": self.began_at is not None,
            "--every": self.every_seconds is not None,
        }
        given = [way for way, is_given in ways.items() if is_given]
        if len(given) != 1:
            trouble = f"{' and '.join(given)} exclude each other;" if given else "which rollouts?"
            raise click.UsageError(f"{trouble} say one of {', '.join(ways)}")

    def rehearsals(self, past: Past, now: float) -> tuple[Rehearsal, ...]:
        """The rollouts.

        Args:
            past: what they are judged by.
            now: nothing is looked for later than this, Unix seconds.

        Raises:
            Failed: the file has faults, the gate does not know the release, or there is no such plan.
            InvalidInput, NotFound, Unavailable: as for made-up rollouts.
        """
        if self.file is not None:
            return _of_file(self.file, past, now)
        if self.release is not None:
            return (self._remembered(self.release, past, now),)
        if self.began_at is not None:
            return (self._told(self.began_at, past.policy(self.plan), past.interval_seconds, now),)
        return self._made_up(past)

    def _remembered(self, release: str, past: Past, now: float) -> Rehearsal:
        found = api.document(api.call(self.url, self.actor, api.release(release)), ReleaseHistory)
        query = {"service": found.service, "environment": found.environment, "limit": _RELEASES_OF_SERVICE}
        page = api.document(
            api.call(self.url, self.actor, Request("GET", ("api", "v1", "releases"), query)), ReleasePage
        )
        plan = past.policy(self.plan or found.plan).plan
        told = rehearsal_of(found, page.releases, plan, past.interval_seconds, now)
        return told.followed(onset_at=self.onset_at, ends_at=self.ended_at)

    def _told(self, began_at: float, policy: Policy, interval_seconds: float, now: float) -> Rehearsal:
        if len(self.services) != 1 or self.version is None:
            raise click.UsageError("--from needs one --service and its --version")
        order = Order(
            service=self.services[0],
            environment=self.environment,
            version=self.version,
            baseline=self.baseline or "",
            plan=PlanName(policy.plan.name),
        )
        first, *others = policy.plan.stages
        stages = (StageTimes(first.name, began_at), *_stage_times(others, self.stages_at))
        until = self.ended_at or followed_until(policy.plan, stages, interval_seconds)
        return Rehearsal(
            service=order.service,
            environment=order.environment,
            version=order.version,
            baseline=order.baseline,
            plan=order.plan,
            opened_at=began_at,
            stages=stages,
            ends_at=min(until, now),
            onset_at=self.onset_at,
        )

    def _made_up(self, past: Past) -> tuple[Rehearsal, ...]:
        since, until = self.between
        if since is None or until is None or self.every_seconds is None or not self.services:
            raise click.UsageError("--every needs --service (once or more), --between and --and")
        rolling = Rolling(
            services=tuple(dict.fromkeys(self.services)),
            environment=self.environment,
            since=since,
            until=until,
            every_seconds=self.every_seconds,
            version=self.version or "",
        )
        with history(past.config, past.interval_seconds) as memory:
            return rehearsals(rolling, past.policy(self.plan), memory, past.interval_seconds)


def _of_file(file: Path, past: Past, now: float) -> tuple[Rehearsal, ...]:
    loaded = releases_file.load(file, past.policies, past.interval_seconds, now)
    if loaded.faults:
        raise Failed(Exit.REFUSED, told(loaded.faults))
    return loaded.rehearsals


def _stage_times(others: Sequence[Stage], given: Sequence[tuple[str, float]]) -> tuple[StageTimes, ...]:
    """The stages after the first, as far as their times are known without a gap."""
    known = dict(given)
    strangers = [name for name in known if name not in {stage.name for stage in others}]
    if strangers:
        names = ", ".join(stage.name for stage in others) or "none"
        raise click.UsageError(f"--stage-at: {strangers[0]} is no stage after the first; there is {names}")
    times = tuple(StageTimes(stage.name, known[stage.name]) for stage in others[: len(known)] if stage.name in known)
    if len(times) < len(known):
        raise click.UsageError("--stage-at: name the stages without leaving one out")
    return times
