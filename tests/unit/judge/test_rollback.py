"""When a release must go back: a breach, or a blindness that lasts too long."""

import pytest

from gated.model.errors import NotAllowed
from gated.model.ids import GATE
from gated.model.plan import BlindAction, OnBlind
from gated.model.reading import FailureReason, FiringAlert, NoDataReason
from gated.model.release import Phase, RollbackCause
from gated.model.rule import OnBreach, Rule
from gated.model.step import DecisionKind, SignalKind
from gated.model.verdict import Outcome, Verdict
from tests import samples
from tests.judge_story import BLINDNESSES, Blindness, Facts, Story, one_stage
from tests.unit.judge.stage_stories import ALERTS, DOWN, ERRORS, SLOW, blind, blind_when, broken, failing, told

# --- rollback ----------------------------------------------------------------------------------------------------


def test_a_breach_rolls_back_and_records_why() -> None:
    story = told(failing(60), DOWN, ERRORS, ALERTS).run(600)
    step = story.steps[-1]
    assert story.phase() is Phase.ROLLING_BACK
    rolled = story.release.rollback
    assert rolled is not None
    reason = "errors: 50 % of 6,000 were bad; limit 2 %"
    at = samples.NOW + 60
    assert (rolled.cause, rolled.rule, rolled.reason, rolled.triggered_at) == (
        RollbackCause.RULE,
        "errors",
        reason,
        at,
    )
    (decision,) = story.decisions
    assert (decision.stage, decision.kind, decision.cause, decision.reason, decision.actor, decision.at) == (
        samples.CANARY,
        DecisionKind.ROLLED_BACK,
        "rule",
        reason,
        GATE,
        at,
    )
    assert [result.rule for result in decision.results] == ["down", "errors", "alerts"]
    triggering = next(step for step in story.steps if step.decisions)
    assert triggering.triggered_rule == "errors"
    (signal,) = triggering.signals
    assert (signal.kind, signal.stage, signal.rule, signal.reason) == (
        SignalKind.ROLLBACK_TRIGGERED,
        samples.CANARY,
        "errors",
        reason,
    )
    assert [entry.action for entry in triggering.audit] == ["rollback_triggered"]
    assert (step.signals, step.decisions) == ((), ())


def test_a_paused_release_still_rolls_back() -> None:
    story = told(failing(60)).run(15).pause().run(60)
    assert story.phase() is Phase.ROLLING_BACK


def test_a_rollback_wins_over_every_reason_to_hold() -> None:
    firing = FiringAlert("WafBlocks", samples.NOW + 50)
    seen = Facts(alerts=(firing,), value=0.0, blind={ERRORS.name: FailureReason.TIMEOUT})
    story = told(lambda _: seen, ALERTS, ERRORS, DOWN).pause().run(60)
    assert story.phase() is Phase.ROLLING_BACK
    assert story.release.rollback is not None
    assert story.release.rollback.rule == "down"


def test_the_first_rule_of_the_plan_is_named_when_several_are_in_breach() -> None:
    assert told(broken, ERRORS, DOWN).run(15).steps[-1].triggered_rule == "errors"
    assert told(broken, DOWN, ERRORS).run(15).steps[-1].triggered_rule == "down"


@pytest.mark.parametrize("on_breach", [OnBreach.HOLD, OnBreach.WARN])
def test_only_a_rollback_rule_rolls_back(on_breach: OnBreach) -> None:
    rule = samples.ratio_rule(for_seconds=0.0, on_breach=on_breach)
    story = told(failing(0), rule).run(1800)
    assert story.outcome() is Outcome.BREACH
    assert story.phase() is Phase.BAKING


def test_a_promote_turns_into_rollback_before_it_is_claimed() -> None:
    story = told(failing(330)).run(330)
    assert story.verdicts == [Verdict.PENDING, Verdict.PROMOTE, Verdict.ROLLBACK]


def test_a_promote_turns_back_into_pending_when_a_rule_is_unsettled() -> None:
    story = told(failing(330, 345), SLOW).run(330)
    assert story.verdicts == [Verdict.PENDING, Verdict.PROMOTE, Verdict.PENDING]
    story.run(600)
    assert story.verdicts == [Verdict.PENDING, Verdict.PROMOTE, Verdict.PENDING, Verdict.PROMOTE]
    assert story.release.stages[0].verdicts == 4


def test_harm_between_two_stages_rolls_back_the_stage_due_next() -> None:
    story = Story(failing(400), rules=[ERRORS], stages=[one_stage(), one_stage(name="full")])
    story.start().run(315).claim().run(90)
    assert story.phase() is Phase.ROLLING_BACK
    assert [(decision.stage, decision.kind) for decision in story.decisions] == [
        (samples.CANARY, DecisionKind.PROMOTED),
        ("full", DecisionKind.ROLLED_BACK),
    ]
    with pytest.raises(NotAllowed):
        story.start("full")


def test_harm_before_the_first_stage_rolls_back_nothing() -> None:
    story = Story(failing(0), rules=[ERRORS], stages=[one_stage()]).run(600)
    assert (story.outcome(), story.phase()) == (Outcome.BREACH, Phase.OPEN)


# --- blindness is bounded ----------------------------------------------------------------------------------------


BLIND_5M = OnBlind(hold_for_seconds=300.0, then=BlindAction.ROLLBACK)
PAGE_5M = OnBlind(hold_for_seconds=300.0, then=BlindAction.PAGE)


@pytest.mark.parametrize("reason", BLINDNESSES)
def test_a_stage_that_stays_blind_is_rolled_back(reason: Blindness) -> None:
    story = told(blind(120, reason=reason), on_blind=BLIND_5M).run(405)
    assert (story.verdict(), story.phase()) == (Verdict.HOLD, Phase.BAKING)
    story.run(15)
    rolled = story.release.rollback
    assert rolled is not None
    assert (rolled.cause, rolled.rule, rolled.triggered_at) == (RollbackCause.BLIND, None, samples.NOW + 420)
    assert rolled.reason.startswith("blind for 5m: errors has no evidence: ")
    assert story.decisions[-1].cause == "blind"
    assert story.steps[-1].triggered_rule is None


def test_one_look_with_all_evidence_ends_a_blindness() -> None:
    world = blind_when(lambda t: t > 120 and t != 300)
    story = told(world, on_blind=BLIND_5M).run(600)
    assert story.phase() is Phase.BAKING
    assert story.release.blind_since == samples.NOW + 315


def test_blindness_that_goes_from_rule_to_rule_is_one_blindness() -> None:
    """At no look was all the evidence there."""
    rules: list[Rule] = [ERRORS, DOWN]

    def in_turn(t: float) -> Facts:
        return Facts(blind={rules[int(t / 15) % 2].name: FailureReason.TIMEOUT})

    story = told(in_turn, *rules, on_blind=BLIND_5M).run(315)
    assert story.phase() is Phase.ROLLING_BACK


def test_downtime_of_the_gate_is_no_blindness_of_the_release() -> None:
    """Two blind looks with a night between them: the machine was rebooted, nobody was blind for a night."""
    story = told(blind(0), on_blind=BLIND_5M).run(90)
    story.skip(8 * 3600).look()
    assert (story.verdict(), story.phase()) == (Verdict.HOLD, Phase.BAKING)
    story.run(300)
    assert story.phase() is Phase.ROLLING_BACK


def test_a_clock_set_back_does_not_unbind_a_blindness() -> None:
    story = told(blind(-1e9), on_blind=BLIND_5M).skip(3600)
    story.look()
    story.skip(-3600)
    story.run(315)
    assert story.phase() is Phase.ROLLING_BACK


def test_a_new_stage_is_given_its_own_time_to_see() -> None:
    world = blind_when(lambda t: t > 330)
    stages = [one_stage(on_blind=BLIND_5M), one_stage(name="full", on_blind=BLIND_5M)]
    story = Story(world, rules=[ERRORS], stages=stages).start().run(315).claim().run(240).start("full")
    assert story.release.blind_since is None
    story.run(300)
    assert story.phase() is Phase.BAKING
    story.run(15)
    assert story.phase() is Phase.ROLLING_BACK


def test_blindness_between_two_stages_is_bounded_by_the_stage_before() -> None:
    stages = [one_stage(on_blind=BLIND_5M), one_stage(name="full", on_blind=PAGE_5M)]
    world = blind_when(lambda t: t > 315)
    story = Story(world, rules=[ERRORS], stages=stages).start().run(315).claim().run(315)
    assert story.phase() is Phase.ROLLING_BACK
    assert story.decisions[-1].stage == "full"


@pytest.mark.parametrize("reason", BLINDNESSES)
def test_a_stage_that_may_not_go_back_calls_a_person_once(reason: Blindness) -> None:
    story = told(blind(120, reason=reason), on_blind=PAGE_5M).run(3600)
    assert (story.verdict(), story.phase()) == (Verdict.HOLD, Phase.BAKING)
    calls = [signal for signal in story.signals if signal.kind is SignalKind.STAGE_BLIND]
    assert [(call.at, call.stage, call.reason) for call in calls] == [
        (
            samples.NOW + 420,
            samples.CANARY,
            "blind for 5m at canary-5; the plan says to hold and call a person",
        )
    ]


def test_a_person_is_called_again_for_another_blindness() -> None:
    world = blind_when(lambda t: t > 120 and t != 900)
    story = told(world, on_blind=PAGE_5M).run(1800)
    calls = [signal for signal in story.signals if signal.kind is SignalKind.STAGE_BLIND]
    assert [call.at - samples.NOW for call in calls] == [435, 1215]
    assert len({call.id for call in calls}) == 2


def test_a_person_is_called_again_when_the_next_stage_stays_blind() -> None:
    stages = [one_stage(on_blind=PAGE_5M), one_stage(name="full", on_blind=PAGE_5M)]
    story = Story(blind(316), rules=[ERRORS], stages=stages).start().run(315).claim().run(600).start("full").run(600)
    calls = [signal for signal in story.signals if signal.kind is SignalKind.STAGE_BLIND]
    assert [(call.stage, call.at - samples.NOW) for call in calls] == [(samples.CANARY, 630), ("full", 1230)]


def test_waiting_for_the_first_samples_is_no_blindness_yet() -> None:
    story = told(blind(0, reason=NoDataReason.ABSENT), on_blind=BLIND_5M).run(345)
    assert story.phase() is Phase.BAKING
    story.run(15)
    assert story.phase() is Phase.ROLLING_BACK
