"""Good rollouts to replay: take one, spoil one field."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gated.model.ids import PlanName, RuleName, StageName
from gated.model.plan import Policy, Stage
from gated.model.rule import Limit, Rule, Side, Test, WorseThanBaseline
from gated.operations.replay.rehearsal import Rehearsal, StageTimes
from gated.operations.replay.results import Replayed
from gated.operations.replay.run import run
from tests import samples
from tests.replay_world import Instance, Past, service

NOON = 1_762_430_400.0
"""A whole hour: 2025-11-06T12:00Z."""
INTERVAL = 15.0
HOUR = 3600.0
CANARY, FULL = StageName("canary-5"), StageName("full")


def error_rate(**changes: Any) -> Rule:
    """At most 2 % of requests may fail; the odds decide."""
    return samples.ratio_rule(**{"test": Test.SEQUENTIAL, "for_seconds": 0.0, **changes})


def errors_against_baseline(**changes: Any) -> Rule:
    """Not a tenth more failures than on the baseline."""
    limit = WorseThanBaseline(0.1)
    return error_rate(name=RuleName("errors-against-baseline"), limit=limit, **changes)


def threshold(**changes: Any) -> Rule:
    """At most 2 % of requests may fail for longer than two minutes."""
    good = {"name": RuleName("error-threshold"), "limit": Limit(0.02, Side.ABOVE), "for_seconds": 120.0}
    return samples.ratio_rule(**{**good, **changes})


def stage(name: StageName = CANARY, **changes: Any) -> Stage:
    """Five to ten minutes."""
    good = {"warmup_seconds": 0.0, "bake_min_seconds": 300.0, "bake_max_seconds": 600.0, "min_requests": 0}
    return samples.stage(**{"name": name, **good, **changes})


def policy(rules: Sequence[Rule] = (), *stages: Stage, **plan: Any) -> Policy:
    """Two stages, guarded by a threshold unless there are other rules."""
    guards = tuple(rules) or (threshold(),)
    made = samples.plan(
        rules=tuple(rule.name for rule in guards), stages=stages or (stage(), stage(FULL, traffic=1.0)), **plan
    )
    return samples.policy(plan=made, rules=guards)


def rehearsal(**changes: Any) -> Rehearsal:
    """A release of checkout from v1 to v2 at noon."""
    good = Rehearsal(
        service="checkout",
        environment="production",
        version="v2",
        baseline="v1",
        plan=PlanName("standard"),
        opened_at=NOON,
        stages=(StageTimes(CANARY, NOON),),
        ends_at=NOON + HOUR,
    )
    return replace(good, **changes)


def past(*more: Instance, canary: dict[str, Any] | None = None, hours: float = 6.0) -> Past:
    """Checkout v1 on three instances all day, and v2 on one from a minute before noon on."""
    new = service("checkout", "v2", since=NOON - 60, **(canary or {}))
    old = service("checkout", "v1", instances=3, fails={0.0: 0.002})
    return Past([*old, *new, *more], NOON - hours * HOUR, NOON + 3 * HOUR)


def replayed(eyes: Past, told: Rehearsal | None = None, guarded_by: Policy | None = None) -> Replayed:
    """What comes of one rollout."""
    judged_by = guarded_by or policy()
    (result,) = run([told or rehearsal()], {judged_by.plan.name: judged_by}, eyes, INTERVAL)
    return result
