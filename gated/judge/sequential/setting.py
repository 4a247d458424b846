"""What a sequential rule has to know of its release, besides its own memory."""

import math
from dataclasses import dataclass

from gated.judge.workloads import baseline_of, version_of, workload_of
from gated.model.evidence import BaselineKind
from gated.model.plan import Plan, Policy
from gated.model.release import Phase, Release
from gated.model.rule import ActivityRule, OnBreach, Rule, Scope, SequentialRule, WorseThanBaseline, is_sequential
from gated.model.selection import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One look at one release, as sequential rules see it.

    Args:
        now: the time of the look.
        interval_seconds: how far apart looks are meant to be.
        began_at: when the release's first stage started; None before.
        stage_started_at: when the running stage started; None when none runs.
        warm_at: when its warm-up ends; far in the past when it has none, or no stage runs.
        is_recovering: whether the service is watched after a rollback.
        workload: whose evidence is weighed.
        version: the series of the new version itself, whatever is looked at.
        baseline: the series of the version it is compared with; None when there is none.
        baseline_name: how people call that version.
        service: the series of the service in all versions.
        kind: what the running stage compares with.
        traffic: the share of all traffic that the new version has in it.
        looks_before: whether any stage of the plan compares with the time before the release.
        looks_beside: whether any stage compares with the old version beside the new one.
        plan: the plan.
        rules: how many sequential rules share the release's odds.
        tainted: stretches of the past from which nothing is learned.
    """

    now: float
    interval_seconds: float
    began_at: float | None
    stage_started_at: float | None
    warm_at: float
    is_recovering: bool
    workload: Workload
    version: Workload
    baseline: Workload | None
    baseline_name: str
    service: Workload
    kind: BaselineKind
    traffic: float
    looks_before: bool
    looks_beside: bool
    plan: Plan
    rules: int
    tainted: tuple[tuple[float, float], ...]

    @property
    def old(self) -> Workload | None:
        """The old version's series, if it has any of its own: what is the new version's too, excuses nothing of it."""
        return None if self.baseline == self.workload else self.baseline

    @property
    def unseen_since(self) -> float:
        """Where a rule begins to count that has not looked yet: the first look may come late."""
        return self.now if self.began_at is None or self.is_recovering else min(self.began_at, self.now)

    @property
    def odds_limit(self) -> float:
        """The odds at which the release goes back, and at which a rule that does not roll back is in breach."""
        return 1.0 / self.plan.false_rollback_budget

    def weight(self, rule: SequentialRule) -> float:
        """A rule's share of the release's odds. The shares of all rules that roll back sum to 1."""
        return 1.0 / self.rules if rule.on_breach is OnBreach.ROLLBACK else 1.0

    def step_seconds(self, rule: SequentialRule) -> float:
        """The time between two looks that count."""
        if isinstance(rule, ActivityRule):
            return max(rule.block_seconds, self.interval_seconds)
        return self.interval_seconds

    def planned_looks(self, rule: SequentialRule) -> int:
        """How many looks that count the plan has time for."""
        return max(1, math.ceil(self.plan.bake_seconds / self.step_seconds(rule)))

    @property
    def window_seconds(self) -> float:
        """Over how long the events of this stage have been counted."""
        if self.stage_started_at is None:
            return 0.0
        return max(0.0, self.now - max(self.stage_started_at, self.warm_at))


def setting_of(release: Release, policy: Policy, *, now: float, interval_seconds: float) -> Setting:
    """The setting of a look at a release."""
    current = release.current_stage
    running = current if release.phase is Phase.BAKING else None
    planned = policy.stage(current.name) if current is not None else policy.plan.stages[0]
    started_at = running.started_at if running is not None else None
    kinds = {stage.baseline for stage in policy.plan.stages}
    recovering = release.phase is Phase.RECOVERING
    return Setting(
        now=now,
        interval_seconds=interval_seconds,
        began_at=release.first_started_at,
        stage_started_at=started_at,
        warm_at=started_at + planned.warmup_seconds if started_at and planned.warmup_seconds else -math.inf,
        is_recovering=recovering,
        workload=workload_of(release, policy, Scope.VERSION),
        version=version_of(release, policy),
        baseline=None if recovering else baseline_of(release, policy),
        baseline_name=release.baseline,
        service=workload_of(release, policy, Scope.SERVICE),
        kind=planned.baseline,
        traffic=1.0 if recovering else planned.traffic,
        looks_before=BaselineKind.BEFORE in kinds,
        looks_beside=BaselineKind.BESIDE in kinds,
        plan=policy.plan,
        rules=max(1, sum(_is_rolling_back(rule) for rule in policy.rules)),
        tainted=release.tainted,
    )


def compares(rule: SequentialRule) -> bool:
    """Whether a rule's line moves with the baseline."""
    return isinstance(rule.limit, WorseThanBaseline)


def _is_rolling_back(rule: Rule) -> bool:
    return is_sequential(rule) and rule.on_breach is OnBreach.ROLLBACK
