"""Rollouts of the past, look by look."""

from collections.abc import Collection
from datetime import datetime

import pytest

from gated.model.errors import Unavailable
from gated.model.ids import SourceName
from gated.model.reading import FailureReason, Query, QueryFailed
from gated.model.release import RollbackCause
from gated.operations.replay.rehearsal import StageTimes
from gated.operations.replay.results import Ending
from gated.operations.replay.run import run
from gated.sources.look import Look, QueryReport
from tests.unit.operations.replay.rehearsing import (
    CANARY,
    FULL,
    HOUR,
    INTERVAL,
    NOON,
    error_rate,
    errors_against_baseline,
    past,
    policy,
    rehearsal,
    replayed,
    stage,
    threshold,
)


def seconds(at: datetime) -> float:
    """How long after noon."""
    return at.timestamp() - NOON


# --- a healthy release ---------------------------------------------------------------------------------------------


def test_a_healthy_release_goes_through_its_stages_as_soon_as_the_gate_lets_it() -> None:
    result = replayed(past())
    assert result.ending is Ending.COMPLETED
    canary, full = result.stages
    assert canary.started_at is not None
    assert seconds(canary.started_at) == 0
    assert canary.promoted_at == full.started_at
    assert result.rollback is None
    assert [rule.breached_at for rule in result.rules] == [None]


def test_looks_happen_on_the_multiples_of_the_interval_after_the_opening() -> None:
    eyes = past()
    result = replayed(eyes, rehearsal(opened_at=NOON + 7, stages=(StageTimes(CANARY, NOON + 7),)))
    times = [at for at, _ in eyes.asked]
    assert times[0] == NOON + 15
    assert all(at % INTERVAL == 0 for at in times)
    assert result.looks == len(times)


def test_a_later_stage_does_not_begin_before_it_really_did() -> None:
    late = (StageTimes(CANARY, NOON), StageTimes(FULL, NOON + 1800))
    _, full = replayed(past(), rehearsal(stages=late)).stages
    assert full.started_at is not None
    assert seconds(full.started_at) == 1800


def test_a_stage_that_began_before_the_gate_would_have_let_it_begins_with_the_gate() -> None:
    early = (StageTimes(CANARY, NOON), StageTimes(FULL, NOON + 60))
    canary, full = replayed(past(), rehearsal(stages=early)).stages
    assert full.started_at == canary.promoted_at
    assert full.really_started_at is not None
    assert seconds(full.really_started_at) == 60


def test_a_promote_is_not_taken_before_it_really_was() -> None:
    """Until it is taken a promote is provisional, so the time of the claim decides what can still be said."""
    slow = (StageTimes(CANARY, NOON, promoted_at=NOON + 905),)
    canary, full = replayed(past(), rehearsal(stages=slow)).stages
    assert canary.promoted_at is not None
    assert seconds(canary.promoted_at) == 905
    assert full.started_at == canary.promoted_at


def test_a_release_is_followed_no_further_than_it_was() -> None:
    result = replayed(past(), rehearsal(ends_at=NOON + 200))
    assert result.ending is Ending.UNFINISHED
    assert seconds(result.ended_at) == 195


# --- a faulty one --------------------------------------------------------------------------------------------------


def test_how_long_a_fault_took_to_be_found_is_counted_from_its_onset() -> None:
    eyes = past(canary={"fails": {NOON + 100: 0.3}})
    result = replayed(eyes, rehearsal(onset_at=NOON + 100))
    assert result.ending is Ending.ROLLED_BACK
    assert result.rollback is not None
    assert result.rollback.rule == "error-threshold"
    assert result.rollback.stage == CANARY
    assert 120 <= result.rollback.seconds_to_trigger <= 180
    assert result.rules[0].seconds_to_breach == result.rollback.seconds_to_trigger


def test_without_an_onset_it_is_counted_from_the_first_harm_seen() -> None:
    result = replayed(past(canary={"fails": {NOON + 100: 0.3}}))
    assert result.rollback is not None
    assert result.rollback.seconds_to_trigger == 120


def test_a_rollback_before_the_onset_is_told_as_negative_time() -> None:
    eyes = past(canary={"fails": {NOON: 0.3}})
    result = replayed(eyes, rehearsal(onset_at=NOON + 500))
    assert result.rollback is not None
    assert result.rollback.seconds_to_trigger < 0


def test_after_a_rollback_the_looks_go_on_until_every_rule_has_spoken() -> None:
    eyes = past(canary={"fails": {NOON + 100: 0.3}})
    judged_by = policy([threshold(), threshold(name="slow", for_seconds=300.0)])
    result = replayed(eyes, guarded_by=judged_by)
    first, second = result.rules
    assert result.rollback is not None
    assert result.rollback.triggered_at == first.breached_at
    assert (first.seconds_to_breach, second.seconds_to_breach) == (120, 300)
    assert result.ended_at == second.breached_at


def test_a_rollback_between_two_stages_ends_the_stage_that_was_due() -> None:
    eyes = past(canary={"fails": {NOON + 1000: 0.3}})
    late = (StageTimes(CANARY, NOON), StageTimes(FULL, NOON + 2400))
    result = replayed(eyes, rehearsal(stages=late))
    assert result.rollback is not None
    assert result.rollback.stage == FULL
    assert result.stages[1].started_at is None


def test_blindness_that_lasts_is_a_rollback_of_its_own_kind() -> None:
    result = replayed(past(), rehearsal(version="v3"))
    assert result.rollback is not None
    assert result.rollback.cause is RollbackCause.BLIND
    assert result.rules[0].looks == 3  # the grace of a minute, in which the first samples may be on their way
    assert result.ended_at == result.rollback.triggered_at


# --- sequential rules ----------------------------------------------------------------------------------------------


def test_sequential_rules_learn_from_the_hours_before_and_weigh_every_look() -> None:
    judged_by = policy([error_rate(), errors_against_baseline()])
    result = replayed(past(canary={"fails": {0.0: 0.002}}), guarded_by=judged_by)
    assert result.ending is Ending.COMPLETED
    for rule in result.rules:
        assert rule.learned is not None
        assert rule.learned.hours > 3
        assert rule.odds_limit == 100
        assert rule.peak_odds is not None
        assert rule.peak_odds < 100
    assert result.drawing is not None
    assert all(len(curve.odds) == len(result.drawing.at) for curve in result.drawing.curves)


def test_a_sequential_rule_finds_a_fault_much_worse_than_the_baseline() -> None:
    eyes = past(canary={"fails": {0.0: 0.002, NOON + 120: 0.1}})
    result = replayed(eyes, rehearsal(onset_at=NOON + 120), policy([errors_against_baseline()]))
    assert result.rollback is not None
    assert 0 < result.rollback.seconds_to_trigger < 300
    assert result.rules[0].peak_odds is not None
    assert result.rules[0].peak_odds >= 100


# --- many ----------------------------------------------------------------------------------------------------------


def test_rollouts_of_the_same_time_ask_together() -> None:
    eyes = past()
    judged_by = policy()
    told = [rehearsal(), rehearsal(environment="staging"), rehearsal(opened_at=NOON + HOUR, ends_at=NOON + 2 * HOUR)]
    results = list(run(told, {judged_by.plan.name: judged_by}, eyes, INTERVAL))
    assert [result.ending for result in results] == [Ending.COMPLETED] * 3
    assert results[0].looks == results[1].looks
    assert len(eyes.asked) == results[0].looks + results[2].looks
    assert len({at for at, _ in eyes.asked}) == len(eyes.asked)


def test_nothing_is_asked_while_nothing_is_under_way() -> None:
    eyes = past()
    judged_by = policy([threshold()], stage())
    told = [rehearsal(), rehearsal(opened_at=NOON + HOUR, stages=(StageTimes(CANARY, NOON + HOUR),))]
    told[1] = rehearsal(opened_at=NOON + HOUR, stages=(StageTimes(CANARY, NOON + HOUR),), ends_at=NOON + 2 * HOUR)
    list(run(told, {judged_by.plan.name: judged_by}, eyes, INTERVAL))
    assert not [at for at, _ in eyes.asked if NOON + 700 < at <= NOON + HOUR]


class Away:
    """A source that does not answer, and says so in its report."""

    def __init__(self, reason: FailureReason) -> None:
        self._reason = reason

    def read(self, queries: Collection[Query], now: float) -> Look:  # noqa: ARG002 -- at no time
        """No answer."""
        failed = QueryFailed(self._reason, "connection refused")
        report = QueryReport(SourceName("default"), "up", 0.0, self._reason, "connection refused")
        return Look(dict.fromkeys(queries, failed), (report,))


def test_a_source_that_is_away_ends_the_replay() -> None:
    """Blindness of today must not be taken for blindness of the past."""
    judged_by = policy()
    with pytest.raises(Unavailable, match="connection refused"):
        list(run([rehearsal()], {judged_by.plan.name: judged_by}, Away(FailureReason.UNREACHABLE), INTERVAL))


def test_a_question_that_has_no_answer_is_shown_to_the_judge() -> None:
    judged_by = policy()
    (result,) = run([rehearsal()], {judged_by.plan.name: judged_by}, Away(FailureReason.AMBIGUOUS), INTERVAL)
    assert result.ending is Ending.ROLLED_BACK
