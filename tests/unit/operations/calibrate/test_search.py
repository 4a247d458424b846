"""Which values would have been quiet enough."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import pytest

from gated.model.ids import PlanName, RuleName
from gated.model.plan import Policy
from gated.model.rule import ActivityRule, Limit, Rule, Side, WorseThanBaseline
from gated.operations.calibrate import patch
from gated.operations.calibrate.proposal import CalibratedRule, CalibrationReport
from gated.operations.calibrate.search import boundaries, calibrate
from gated.operations.replay.others import Others
from gated.operations.replay.rehearsal import Rehearsal
from gated.operations.replay.results import Replayed
from gated.operations.replay.rolling import Rolling, rehearsals
from gated.operations.replay.run import run
from tests import samples
from tests.replay_world import BOUNDS, Past, service
from tests.unit.operations.replay.rehearsing import (
    HOUR,
    INTERVAL,
    NOON,
    error_rate,
    errors_against_baseline,
    policy,
    stage,
    threshold,
)

ROLLING = Rolling(
    services=("checkout",), environment="production", since=NOON, until=NOON + 3 * HOUR, every_seconds=HOUR
)


class World:
    """A healthy service, and who plays its rollouts again."""

    def __init__(
        self,
        *rules: Rule,
        fails: Mapping[float, float] | None = None,
        odd: float = 0.0,
        odd_seconds: float = math.inf,
        bake_seconds: float = 600.0,
        **plan: object,
    ) -> None:
        fails = fails or {0.0: 0.004}
        instances = service("checkout", instances=3, fails=fails, slow={0.0: 0.01})
        if odd:
            begin = NOON + HOUR + 30
            instances[1] = replace(instances[1], fails={**fails, begin: odd, begin + odd_seconds: fails[0.0]})
        self.eyes = Past(instances, NOON - 5 * HOUR, NOON + 4 * HOUR)
        bake = stage(bake_min_seconds=bake_seconds, bake_max_seconds=bake_seconds)
        self.policy = policy(rules, bake, false_rollback_budget=0.05, **plan)
        self.told = rehearsals(ROLLING, self.policy, self.eyes, INTERVAL)
        self.played: list[int] = []

    def play(self, again: Sequence[Rehearsal], policies: Mapping[PlanName, Policy]) -> Iterable[Replayed]:
        """All of them, in this process."""
        self.played.append(len(again))
        return list(run(again, policies, Others(self.eyes), INTERVAL))

    def calibrated(self, *, tightens: bool = False) -> CalibrationReport:
        """What is proposed."""
        bounds = boundaries(self.told, self.policy, self.eyes)
        return calibrate(self.told, self.policy, bounds, self.play, tightens=tightens)


def proposal(rule: CalibratedRule) -> str | None:
    return rule.proposed.value if rule.proposed is not None else None


def test_a_rule_that_is_quiet_stays_as_it_is() -> None:
    world = World(error_rate())
    report = world.calibrated()
    (rule,) = report.rules
    assert (rule.present.stopped.count, rule.present.stopped.of) == (0, 3)
    assert (proposal(rule), rule.trials, report.drift_floor) == (None, (), None)
    assert world.played == [3]


def test_a_limit_that_stops_healthy_rollouts_is_loosened_to_the_first_quiet_value() -> None:
    report = World(error_rate(limit=Limit(0.001, Side.ABOVE))).calibrated()
    (rule,) = report.rules
    assert rule.present.stopped.count == 3
    assert proposal(rule) == "0.75%"
    quiet = [trial.value for trial in rule.trials if not trial.stopped.count]
    assert quiet[0] == "0.75%"


def test_a_threshold_can_be_calibrated_as_well() -> None:
    (rule,) = World(threshold(limit=Limit(0.001, Side.ABOVE))).calibrated().rules
    assert rule.present.breached == 3
    assert proposal(rule) in {"0.5%", "0.75%"}


def test_a_rule_is_tightened_only_when_asked_and_only_while_it_stays_quiet() -> None:
    world = World(error_rate(limit=Limit(0.1, Side.ABOVE)))
    assert [proposal(rule) for rule in world.calibrated().rules] == [None]
    (rule,) = world.calibrated(tightens=True).rules
    assert proposal(rule) == "1%", "six steps down from 10 %"


def test_an_unsteady_instance_raises_the_drift_floor() -> None:
    report = World(errors_against_baseline(), fails={0.0: 0.02}, odd=0.035, drift_floor=0.0).calibrated()
    (rule,) = report.rules
    assert rule.present.breached == 1
    assert report.drift_floor is not None
    assert (report.drift_floor.value, report.drift_floor.stopped.count) == ("20%", 0)
    assert (proposal(rule), rule.trials) == (None, ())


def test_when_no_drift_floor_helps_the_tolerance_is_raised() -> None:
    report = World(errors_against_baseline(), fails={0.0: 0.02}, odd=0.06).calibrated()
    assert report.drift_floor is None
    assert [proposal(rule) for rule in report.rules] == ["150%"]


def test_a_burst_that_outlasts_its_block_is_given_longer_blocks() -> None:
    """A larger tolerance or drift floor would forgive everything, longer blocks forgive bursts."""
    rule = ActivityRule(
        name=RuleName("refused"),
        events='http_requests_total{code=~"5.."}',
        exposure="http_requests_total",
        limit=WorseThanBaseline(1.0),
        block_seconds=60.0,
    )
    report = World(rule, odd=0.03, odd_seconds=360.0, bake_seconds=1800.0).calibrated()
    (found,) = report.rules
    assert found.present.stopped.count == 1
    assert found.proposed is not None
    assert (found.proposed.key, found.proposed.value, found.proposed.stopped.count) == ("block", "5m", 0)
    assert report.drift_floor is None
    assert list(patch.changes(report)) == [patch.Change(("rules", "refused", "block"), "5m")]


def test_a_rule_that_nothing_quiets_keeps_its_value() -> None:
    report = World(errors_against_baseline(), odd=0.02).calibrated()
    (rule,) = report.rules
    assert proposal(rule) is None
    assert all(trial.stopped.count for trial in rule.trials)


def test_a_quantile_moves_along_its_histogram() -> None:
    world = World(samples.quantile_rule(limit=Limit(0.1, Side.ABOVE)))
    assert boundaries(world.told, world.policy, world.eyes) == {"latency-p95": BOUNDS}
    (rule,) = world.calibrated().rules
    assert proposal(rule) == "400ms"


def test_how_unsteady_the_service_was_is_told() -> None:
    (rule,) = World(errors_against_baseline()).calibrated().rules
    assert rule.steadiness is not None
    median, most = rule.steadiness.drift
    assert median == pytest.approx(0.1, rel=0.01)
    assert most >= median


def test_what_was_not_calibrated_is_named() -> None:
    report = World(error_rate(), samples.value_rule(name=RuleName("up"))).calibrated()
    assert report.left_out == ("up: only people know what its number means",)
    assert [rule.rule for rule in report.rules] == ["error-rate"]
