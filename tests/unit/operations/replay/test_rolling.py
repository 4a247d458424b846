"""Made-up rollouts of what ran anyway."""

from dataclasses import replace

import pytest

from gated.model.errors import InvalidInput, NotFound
from gated.model.evidence import BaselineKind
from gated.model.ids import PlanName
from gated.model.plan import LabelTemplate
from gated.model.release import RollbackCause
from gated.model.rule import Scope
from gated.model.selection import MatchOp
from gated.operations.replay.others import Others
from gated.operations.replay.rehearsal import Rehearsal, policy_for
from gated.operations.replay.results import Ending, Replayed
from gated.operations.replay.rolling import Rolling, rehearsals
from gated.operations.replay.run import run
from tests import samples
from tests.replay_world import Past, service
from tests.unit.operations.replay.rehearsing import (
    HOUR,
    INTERVAL,
    NOON,
    error_rate,
    errors_against_baseline,
    policy,
    stage,
)

POLICY = policy([error_rate(), errors_against_baseline()], stage(bake_min_seconds=1800.0, bake_max_seconds=1800.0))
ROLLING = Rolling(
    services=("checkout",),
    environment="production",
    since=NOON,
    until=NOON + 4 * HOUR,
    every_seconds=HOUR,
)


def past(*instances: object) -> Past:
    return Past(instances, NOON - 5 * HOUR, NOON + 5 * HOUR)  # type: ignore[arg-type] # instances


def found(eyes: Past, rolling: Rolling = ROLLING) -> tuple[Rehearsal, ...]:
    return rehearsals(rolling, POLICY, eyes, INTERVAL)


def results(eyes: Past, told: tuple[Rehearsal, ...]) -> list[Replayed]:
    return list(run(told, {POLICY.plan.name: POLICY}, Others(eyes), INTERVAL))


def test_all_instances_take_turns_to_stand_for_the_new_version() -> None:
    told = found(past(*service("checkout", instances=3)))
    assert [(each.opened_at - NOON) / HOUR for each in told] == [0, 1, 2, 3]
    assert [each.instance for each in told] == ["checkout-v1-0", "checkout-v1-1", "checkout-v1-2", "checkout-v1-1"]
    assert {each.version for each in told} == {"v1"}
    assert all(each.is_made_up for each in told)


def test_with_time_enough_turns_are_long_and_nobody_has_the_same_hours_every_day() -> None:
    days = replace(ROLLING, until=NOON + 96 * HOUR, every_seconds=6 * HOUR)
    eyes = Past(service("checkout", instances=4), NOON, NOON + 97 * HOUR)
    told = found(eyes, days)
    by_hour = {hour: {each.instance for each in told[hour::4]} for hour in range(4)}
    assert all(len(instances) == 4 for instances in by_hour.values())
    hourly = found(eyes, replace(days, every_seconds=HOUR))
    assert {each.instance for each in hourly[:6]} == {hourly[0].instance}
    assert len({each.instance for each in hourly}) == 4


def test_only_whole_rollouts_are_made_up() -> None:
    """One that is cut off has less time for a false alarm."""
    told = found(past(*service("checkout", instances=2)), replace(ROLLING, until=NOON + 2.5 * HOUR))
    assert [(each.opened_at - NOON) / HOUR for each in told] == [0, 1]


def test_the_version_is_the_one_that_served_most_at_that_time() -> None:
    told = found(
        past(
            *service("checkout", "v1", instances=2, until=NOON + 2 * HOUR),
            *service("checkout", "v2", instances=2, since=NOON + 1.5 * HOUR),
        )
    )
    assert [each.version for each in told] == ["v1", "v1", "v2", "v2"]


def test_a_version_that_did_not_last_is_no_version_of_that_time() -> None:
    eyes = past(
        *service("checkout", "v1", instances=2),
        *service("checkout", "v2", instances=2, rate=500.0, since=NOON + 0.2 * HOUR, until=NOON + 0.4 * HOUR),
    )
    assert found(eyes)[0].version == "v1"


def test_an_instance_that_did_not_last_takes_no_turn() -> None:
    eyes = past(
        *service("checkout", instances=2),
        *[
            replace(each, labels={**each.labels, "instance": "short-lived"})
            for each in service("checkout", until=NOON + 600)
        ],
    )
    assert found(eyes)[2].instance != "short-lived"


def test_a_single_instance_stands_whole_and_nothing_is_compared() -> None:
    (told, *_) = found(past(*service("checkout", instances=1)))
    assert told.instance == ""
    judged_by = policy_for(told, POLICY)
    assert {each.baseline for each in judged_by.plan.stages} == {BaselineKind.NONE}
    assert judged_by.digest == POLICY.digest


def test_one_version_can_be_asked_for() -> None:
    eyes = past(*service("checkout", "v1", instances=2), *service("checkout", "v2", instances=2, rate=100.0))
    assert {each.version for each in found(eyes, replace(ROLLING, version="v1"))} == {"v1"}


def test_several_services_are_told_by_time() -> None:
    eyes = past(*service("checkout", instances=2), *service("cart", instances=2))
    told = found(eyes, replace(ROLLING, services=("checkout", "cart")))
    assert [each.service for each in told] == ["cart", "checkout"] * 4


def test_a_service_that_never_served_is_named() -> None:
    with pytest.raises(NotFound, match="cart"):
        found(past(*service("checkout", instances=2)), replace(ROLLING, services=("checkout", "cart")))


def test_a_plan_that_takes_longer_than_there_is_time_is_refused() -> None:
    with pytest.raises(InvalidInput, match="takes 30m15s"):
        found(past(*service("checkout", instances=2)), replace(ROLLING, until=NOON + 900))


def test_time_does_not_run_backwards() -> None:
    with pytest.raises(InvalidInput, match="beginning"):
        replace(ROLLING, until=NOON - 1)


def test_labels_that_do_not_tell_versions_need_the_version_named() -> None:
    pods = (LabelTemplate("pod", "{service}-{version}-.*", MatchOp.REGEX),)
    judged_by = replace(POLICY, plan=replace(POLICY.plan, workload=pods))
    with pytest.raises(InvalidInput, match="name the version"):
        rehearsals(ROLLING, judged_by, past(*service("checkout", instances=2)), INTERVAL)


def test_a_plan_whose_rules_count_nothing_of_a_version_is_refused() -> None:
    judged_by = policy([samples.value_rule(), error_rate(scope=Scope.SERVICE)])
    with pytest.raises(InvalidInput, match="counts requests"):
        rehearsals(ROLLING, judged_by, past(*service("checkout", instances=2)), INTERVAL)


# --- what they are judged by -----------------------------------------------------------------------------------------


def test_the_pseudo_canary_is_told_apart_by_its_instance_and_nothing_else() -> None:
    told = found(past(*service("checkout", instances=2)))[0]
    plan = policy_for(told, POLICY).plan
    assert {label.name: label.template for label in plan.workload} == {
        "service": "{service}",
        "version": "v1",
        "instance": "{version}",
    }
    assert [(label.op, label.depends_on_version) for label in plan.baseline] == [
        (MatchOp.EQUAL, False),
        (MatchOp.EQUAL, False),
        (MatchOp.NOT_EQUAL, True),
    ]


def test_a_version_is_taken_literally_inside_a_pattern() -> None:
    pods = (LabelTemplate("pod", "{service}-{version}-.*", MatchOp.REGEX),)
    judged_by = replace(POLICY, plan=replace(POLICY.plan, workload=pods, name=PlanName("pods")))
    told = Rehearsal(
        service="checkout",
        environment="production",
        version="1.0{a}",
        baseline="",
        plan=PlanName("pods"),
        opened_at=NOON,
        stages=(),
        ends_at=NOON + HOUR,
        is_made_up=True,
        instance="pod-1",
    )
    label = policy_for(told, judged_by).plan.workload[0]
    assert label.template.format_map({"service": "checkout"}) == r"checkout-1\.0\{a\}-.*"


# --- what comes of them ----------------------------------------------------------------------------------------------


def test_a_healthy_service_is_promoted_hour_after_hour() -> None:
    eyes = past(*service("checkout", instances=3, fails={0.0: 0.004}))
    told = results(eyes, found(eyes))
    assert [each.ending for each in told] == [Ending.COMPLETED] * 4
    assert all(each.made_up and each.version == "v1" for each in told)
    assert all(each.drawing is None for each in told)
    assert all(rule.learned is not None and rule.learned.hours > 3 for each in told for rule in each.rules)


def test_an_odd_instance_is_a_false_alarm_when_its_turn_comes() -> None:
    odd = service("checkout", instances=3, fails={0.0: 0.004})
    odd[1] = replace(odd[1], fails={0.0: 0.004, NOON + HOUR + 300: 0.1})
    eyes = past(*odd)
    told = results(eyes, found(eyes))
    assert [each.ending for each in told].count(Ending.ROLLED_BACK) >= 1
    assert told[1].rollback is not None
    assert told[1].rollback.cause is RollbackCause.RULE
    assert told[1].drawing is not None
