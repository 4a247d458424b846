"""Made-up rollouts: a version that ran anyway is taken for a new one, hour after hour. Whatever goes back was healthy.

There is one version, and nothing to compare it with but itself. So one of its instances stands for the new version, and
the others for the old one: an A/A test. All instances take turns. What has a single instance, or series without the
label that tells instances apart, stands whole for the new version, and rules that compare have no say.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gated.judge import commands
from gated.judge.assessment import reading_of
from gated.judge.sequential.counting import total_of
from gated.judge.workloads import workload_of
from gated.model.errors import InvalidInput, NotFound
from gated.model.ids import ReleaseId
from gated.model.plan import Plan, Policy
from gated.model.reading import CountHistory, Query, Track, Value
from gated.model.rule import ActivityRule, QuantileRule, RatioRule, Scope, SequentialRule
from gated.model.selection import MatchOp, Workload
from gated.model.units import format_duration
from gated.operations.replay.course import TOOL
from gated.operations.replay.rehearsal import Rehearsal, planned_seconds
from gated.operations.replay.run import answered
from gated.operations.tick import Eyes

_STEP_SECONDS = 300.0
"""How finely it is looked at who ran when."""
_STRETCH_SECONDS = 6 * 3600.0
"""How long an instance's turn is, when there is time."""
_PRESENT = 0.9
"""The share of the steps of a rollout in which a version or instance must have had samples to have been there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolling:
    """Which made-up rollouts.

    Args:
        services: of which services.
        environment: in which environment.
        since: when the first begins, Unix seconds.
        until: when the last ends at the latest.
        every_seconds: from one to the next.
        version: of this version only; empty for the one that served most.

    Raises:
        InvalidInput: the stretch of time is none.
    """

    services: tuple[str, ...]
    environment: str
    since: float
    until: float
    every_seconds: float
    version: str = ""

    def __post_init__(self) -> None:
        if not self.since < self.until:
            raise InvalidInput("the beginning lies after the end")


def rehearsals(rolling: Rolling, policy: Policy, eyes: Eyes, interval_seconds: float) -> tuple[Rehearsal, ...]:
    """The rollouts, by time.

    Args:
        rolling: which.
        policy: the plan they go along.
        eyes: who remembers what ran.
        interval_seconds: between two looks.

    Raises:
        InvalidInput: the plan takes longer than there is time, or its labels do not tell which versions there were.
        NotFound: a service had no version with traffic.
    """
    length = planned_seconds(policy.plan, interval_seconds)
    count = math.floor((rolling.until - rolling.since - length) / rolling.every_seconds) + 1
    if count < 1:
        raise InvalidInput(
            f"the plan {policy.plan.name} takes {format_duration(length)}; give it at least as much time"
        )
    begins = [rolling.since + number * rolling.every_seconds for number in range(count)]
    past = _Past(rolling, policy, eyes)
    made: list[Rehearsal | None] = []
    for service in rolling.services:
        ran = past.of(service)
        made += [_rehearsal(rolling, policy.plan, service, ran, begin, length) for begin in begins]
    found = sorted((each for each in made if each is not None), key=lambda each: (each.opened_at, each.service))
    silent = set(rolling.services) - {each.service for each in found}
    if silent:
        named = ", ".join(sorted(silent))
        raise NotFound(f"no version served requests throughout any of the {count} rollouts: {named}")
    return tuple(found)


def _rehearsal(
    rolling: Rolling,
    plan: Plan,
    service: str,
    ran: Mapping[str, Sequence[Track]],
    begin: float,
    length: float,
) -> Rehearsal | None:
    """One rollout; None when nothing ran throughout it."""
    steps = slice(math.floor((begin - rolling.since) / _STEP_SECONDS), None)
    steps = slice(steps.start, steps.start + math.ceil(length / _STEP_SECONDS))
    present = {version: [track for track in tracks if _is_present(track, steps)] for version, tracks in ran.items()}
    served = {version: sum(_events(track, steps) for track in tracks) for version, tracks in present.items() if tracks}
    if not served:
        return None
    version = max(served, key=lambda name: (served[name], name))
    instances = sorted(track.instance for track in present[version])
    is_split = len(instances) > 1 and all(instances)
    return Rehearsal(
        service=service,
        environment=rolling.environment,
        version=version,
        baseline="",
        plan=plan.name,
        opened_at=begin,
        stages=(),
        ends_at=begin + length,
        is_made_up=True,
        instance=instances[_turn(rolling, begin, len(instances))] if is_split else "",
    )


def _turn(rolling: Rolling, begin: float, instances: int) -> int:
    """Which of so many instances it is whose turn it is.

    With time enough each stays for some hours, since what is asked of the past about an instance is loaded for hours.
    Each round begins with another one, so that none has the same hours every day.
    """
    long_enough = 2 * instances * _STRETCH_SECONDS <= rolling.until - rolling.since
    stretch = _STRETCH_SECONDS if long_enough else rolling.every_seconds
    turn = math.floor(begin / stretch) - math.floor(rolling.since / stretch)
    return (turn + turn // instances) % instances


def _is_present(track: Track, steps: slice) -> bool:
    looked = track.counts[steps]
    return bool(looked) and sum(count is not None for count in looked) >= _PRESENT * len(looked)


def _events(track: Track, steps: slice) -> float:
    return sum(count for count in track.counts[steps] if count is not None)


class _Past:
    """Which versions and instances of a service ran when."""

    def __init__(self, rolling: Rolling, policy: Policy, eyes: Eyes) -> None:
        self._rolling, self._policy, self._eyes = rolling, policy, eyes
        self._rule = _counting(policy)

    def of(self, service: str) -> Mapping[str, Sequence[Track]]:
        """By version, what every instance counted at every step."""
        versions = [self._rolling.version] if self._rolling.version else self._versions(service)
        label = self._policy.plan.instance_label
        return {version: self._tracks(label, self._workload(service, version, Scope.VERSION)) for version in versions}

    def _versions(self, service: str) -> list[str]:
        labels = [each for each in self._policy.plan.workload if each.depends_on_version]
        if len(labels) != 1 or labels[0].template != "{version}" or labels[0].op is not MatchOp.EQUAL:
            raise InvalidInput("the plan's labels do not tell which versions ran; name the version")
        tracks = self._tracks(labels[0].name, self._workload(service, "", Scope.SERVICE))
        return [track.instance for track in tracks if track.instance]

    def _tracks(self, by: str, workload: Workload) -> Sequence[Track]:
        rolling = self._rolling
        until = rolling.since + math.ceil((rolling.until - rolling.since) / _STEP_SECONDS) * _STEP_SECONDS
        measure = CountHistory(total_of(self._rule), None, by, rolling.since, until, _STEP_SECONDS)
        query = Query(self._rule.source, measure, workload)
        reading = reading_of(answered(self._eyes.read((query,), until)).readings, query)
        return reading.tracks if isinstance(reading, Value) else ()

    def _workload(self, service: str, version: str, scope: Scope) -> Workload:
        opened = commands.open_release(
            identity=ReleaseId(service),
            service=service,
            environment=self._rolling.environment,
            version=version,
            baseline="",
            policy=self._policy,
            actor=TOOL,
            now=self._rolling.since,
        )
        return workload_of(opened.release, self._policy, scope)


def _counting(policy: Policy) -> SequentialRule:
    """A rule whose series tell which versions served requests."""
    for rule in policy.rules:
        if isinstance(rule, RatioRule | QuantileRule | ActivityRule) and rule.scope is Scope.VERSION:
            return rule
    raise InvalidInput(
        f"plan {policy.plan.name} has no rule that counts requests of a version; made-up rollouts need one"
    )
