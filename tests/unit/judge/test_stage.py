"""The verdict of a stage: each one, and every reason for it."""

import pytest

from gated.model.errors import NotAllowed
from gated.model.ids import RuleName
from gated.model.reading import FailureReason, FiringAlert
from gated.model.release import Phase
from gated.model.rule import OnBreach
from gated.model.step import SignalKind
from gated.model.verdict import Outcome, Verdict
from tests import samples
from tests.judge_story import BLINDNESSES, INTERVAL, Blindness, Facts, Story, healthy
from tests.unit.judge.stage_stories import ALERTS, DOWN, ERRORS, LOGIN, SLOW, blind, blind_when, failing, told

# --- pending and promote -----------------------------------------------------------------------------------------


def test_a_healthy_stage_is_promoted_early_once_it_is_proved() -> None:
    story = told().run(300)
    assert story.verdict() is Verdict.PENDING
    assert story.reason() == "healthy so far; to be promoted in about 15s if it stays so"
    story.run(15)
    assert story.verdict() is Verdict.PROMOTE
    assert story.reason() == "1 blocking rule was fine at every look for 5m; coverage 100%, 31,500 requests"


def test_a_promote_changes_nothing_by_itself() -> None:
    """It is provisional until it is claimed: no decision, no signal."""
    story = told().run(315)
    assert story.phase() is Phase.BAKING
    assert story.decisions == []
    assert [signal.kind for signal in story.signals] == [SignalKind.RELEASE_OPENED, SignalKind.STAGE_STARTED]


def test_a_stage_with_a_blemish_is_promoted_at_its_deadline() -> None:
    """One bad look of a patient rule delays the proof beyond the deadline; it refutes nothing."""
    story = told(failing(405, 406), SLOW, bake_min_seconds=450.0).run(599)
    assert story.verdict() is Verdict.PENDING
    story.skip(1).look()
    assert story.verdict() is Verdict.PROMOTE
    assert story.reason().startswith("1 blocking rule was fine at the end of a bake of 10m; coverage 100%")


def test_a_proof_is_as_long_as_the_rules_own_for() -> None:
    """A rule that takes 8 minutes to speak has not spoken for health after 5."""
    story = told(healthy, samples.ratio_rule(for_seconds=480.0)).run(480)
    assert story.verdict() is Verdict.PENDING
    story.run(15)
    assert story.verdict() is Verdict.PROMOTE


def test_a_proof_is_of_every_blocking_rule() -> None:
    story = told(lambda t: Facts(value=0.0 if t == 60 else 1.0), ERRORS, samples.value_rule()).run(360)
    assert story.verdict() is Verdict.PENDING
    story.run(15)
    assert story.verdict() is Verdict.PROMOTE
    assert story.reason().startswith("2 blocking rules were fine at every look for 5m")


def test_a_stage_is_never_promoted_before_its_minimum() -> None:
    story = told(bake_min_seconds=300.0, bake_max_seconds=300.0).run(299)
    assert story.verdict() is Verdict.PENDING
    story.skip(1).look()
    assert story.verdict() is Verdict.PROMOTE


def test_a_rule_that_only_warns_never_stands_in_the_way() -> None:
    warns = samples.value_rule(name=RuleName("warns"), on_breach=OnBreach.WARN, for_seconds=0.0)
    story = told(lambda _: Facts(value=0.0), ERRORS, warns).run(315)
    assert (story.outcome("warns"), story.verdict()) == (Outcome.BREACH, Verdict.PROMOTE)
    blinded = told(lambda _: Facts(blind={warns.name: FailureReason.TIMEOUT}), ERRORS, warns).run(315)
    assert (blinded.outcome("warns"), blinded.verdict()) == (Outcome.ERROR, Verdict.PROMOTE)
    assert blinded.release.blind_since is None


def test_a_plan_of_warnings_promotes_nothing() -> None:
    """Nothing was asked that could have stood in the way."""
    warns = samples.ratio_rule(on_breach=OnBreach.WARN)
    story = told(healthy, warns).run(900)
    assert story.verdict() is Verdict.HOLD
    assert story.reason() == "after 15m the evidence is short: coverage 0% of at least 90%"


def test_a_promote_waits_for_enough_requests() -> None:
    story = told(lambda t: Facts(requests_per_second=1.0 if t < 400 else 10.0), min_requests=500).run(390)
    assert story.verdict() is Verdict.PENDING
    assert story.reason() == "no promotion yet, the bake ends in 3m30s: 390 of at least 500 requests"
    story.run(30)
    assert story.verdict() is Verdict.PROMOTE


def test_the_rule_seen_least_is_the_coverage() -> None:
    story = told(blind_when(lambda t: 120 <= t < 240), ERRORS, DOWN).run(300)
    assert (story.state("down").evaluated, story.state("errors").evaluated) == (20, 12)
    assert story.shown().coverage == pytest.approx(0.6)


def test_nothing_is_covered_before_the_first_evidence() -> None:
    assert told(warmup_seconds=60.0).run(30).shown().coverage == 0.0


def test_the_rule_that_counts_most_requests_is_the_traffic() -> None:
    """Each may count a part of them: the logins, the payments, all."""
    narrow = samples.ratio_rule(
        name=RuleName("narrow"), total='http_requests_total{route=~"/login"}', on_breach=OnBreach.WARN
    )
    story = told(lambda _: Facts(error_share=0.01), narrow, ERRORS).run(60)
    assert (story.state("narrow").requests, story.state("errors").requests) == pytest.approx((60.0, 6000.0))
    assert story.shown().requests == pytest.approx(6000)


def test_a_stage_tells_how_long_it_will_take_at_least() -> None:
    story = told(failing(300, 301), SLOW).run(285)
    assert story.shown().eta_seconds == 30.0
    story.run(15)
    assert story.shown().eta_seconds == 300.0
    story.run(150)
    assert story.shown().eta_seconds == 150.0
    story.run(149)
    assert story.shown().eta_seconds == 1.0


def test_a_stage_that_could_be_proved_any_moment_takes_no_time() -> None:
    """The proof is complete, and a rule is unsettled at this very look: the soonest is the next one."""
    story = told(lambda t: Facts(requests_per_second=0.1 if t == 330 else 1.0), min_requests=10_000).run(315)
    assert story.shown().eta_seconds == 0.0
    story.skip(10)
    assert story.shown().eta_seconds == 0.0


def test_a_proof_is_not_complete_a_moment_before_it_is() -> None:
    story = told(interval=1.0).run(300.5)
    assert (story.verdict(), story.reason()) == (
        Verdict.PENDING,
        "healthy so far; to be promoted in about 1s if it stays so",
    )
    story.skip(0.5).look()
    assert story.verdict() is Verdict.PROMOTE


def test_what_is_unsettled_is_told_while_it_lasts() -> None:
    story = told(failing(60), SLOW).run(75)
    assert story.verdict() is Verdict.PENDING
    assert story.reason() == (
        "no promotion before about 5m: "
        "slow-errors: 50 % of 6,000 were bad; limit 2 %; for 15s so far, a breach after 2m"
    )


# --- hold --------------------------------------------------------------------------------------------------------


def test_a_stage_short_of_evidence_is_held_at_its_deadline_and_promoted_when_it_comes() -> None:
    story = told(lambda t: Facts(requests_per_second=1.0 if t <= 600 else 200.0), min_requests=700).run(600)
    assert story.verdict() is Verdict.HOLD
    assert story.reason() == "after 10m the evidence is short: 600 of at least 700 requests"
    story.run(15)
    assert story.verdict() is Verdict.PROMOTE


def test_a_rule_that_cannot_tell_is_held_at_the_deadline() -> None:
    story = told(lambda _: Facts(requests_per_second=0.1)).run(600)
    assert story.verdict() is Verdict.HOLD
    assert "errors: 6 events in the window; at least 20 are needed to judge" in story.reason()
    assert "coverage 0% of at least 90%" in story.reason()
    assert story.phase() is Phase.BAKING


def test_downtime_lengthens_a_stage() -> None:
    """Five minutes without a look: the deadline alone promotes nothing until the coverage is made up for."""
    story = told().run(150).skip(300)
    story.run(150)
    assert story.time == 600
    assert story.verdict() is Verdict.HOLD
    assert story.reason() == "after 10m the evidence is short: coverage 50% of at least 90%"
    story.run(2385)
    assert story.verdict() is Verdict.HOLD
    story.run(15)
    assert story.verdict() is Verdict.PROMOTE


def test_a_restart_that_missed_no_look_changes_nothing() -> None:
    """All memory is in the release: two daemons in turn see the same as one."""
    story, other = told(), told()
    story.run(315)
    for _ in range(21):
        resumed = told()
        resumed.release, resumed.time = other.release, other.time
        other = resumed.run(INTERVAL)
    assert other.release == story.release


def test_a_hold_rule_in_breach_holds_while_it_lasts() -> None:
    firing = FiringAlert("WafBlocks", samples.NOW + 300)
    story = told(lambda t: Facts(alerts=(firing,) if 300 <= t < 360 else ()), ERRORS, ALERTS).run(345)
    assert (story.verdict(), story.reason()) == (Verdict.HOLD, "alerts: firing: WafBlocks")
    story.run(15)
    assert story.verdict() is Verdict.PENDING
    story.run(300)
    assert story.verdict() is Verdict.PROMOTE


def test_harm_from_before_the_release_holds_it_and_says_so() -> None:
    rule = samples.alerts_rule(name=RuleName("alerts"), on_breach=OnBreach.ROLLBACK)
    firing = FiringAlert("WafBlocks", samples.NOW - 60)
    story = told(lambda t: Facts(alerts=(firing,) if t < 60 else ()), rule).run(45)
    assert story.verdict() is Verdict.HOLD
    assert story.reason() == "alerts (in breach before the release began): firing: WafBlocks"
    story.run(315)
    assert story.verdict() is Verdict.PROMOTE


def test_after_a_blindness_the_estimate_counts_the_looks_it_cost() -> None:
    """Nine looks with evidence make up for one without; until then nothing is promoted."""
    story = told(blind(315, 600), bake_min_seconds=450.0, bake_max_seconds=3600.0).run(615)
    assert "coverage" in story.reason()
    eta_seconds = story.shown().eta_seconds
    assert eta_seconds is not None
    scheduled, evaluated = story.release.rules[0].scheduled, story.release.rules[0].evaluated
    lacking = -(-round(0.9 * scheduled - evaluated, 6) // 0.1)
    assert eta_seconds == pytest.approx(lacking * 15.0, rel=0.1)
    story.run(eta_seconds + 30)
    assert story.verdict() is Verdict.PROMOTE


@pytest.mark.parametrize("reason", BLINDNESSES)
def test_a_blind_stage_is_held(reason: Blindness) -> None:
    story = told(blind(120, reason=reason)).run(120)
    assert story.verdict() is Verdict.HOLD
    assert story.reason().startswith("errors has no evidence: ")


def test_blindness_of_one_rule_is_enough() -> None:
    story = told(blind(120), ERRORS, DOWN, LOGIN).run(120)
    assert story.verdict() is Verdict.HOLD


def test_rules_that_are_blind_for_the_same_reason_are_named_together() -> None:
    """One dead source blinds a dozen rules; a person reads its reason once."""
    unseen = {ERRORS.name: FailureReason.TIMEOUT, SLOW.name: FailureReason.TIMEOUT, DOWN.name: FailureReason.TIMEOUT}
    story = told(lambda _: Facts(blind=unseen), ERRORS, SLOW, DOWN).run(60)
    names = [rule.name for rule in (ERRORS, SLOW, DOWN)]
    assert story.reason().startswith(f"{names[0]}, {names[1]} and {names[2]} have no evidence: the source did not")


def test_every_reason_to_hold_is_told() -> None:
    firing = FiringAlert("WafBlocks", samples.NOW + 50)
    story = told(lambda _: Facts(alerts=(firing,), blind={ERRORS.name: FailureReason.TIMEOUT}), ERRORS, ALERTS)
    story.run(60).pause().run(15)
    assert story.verdict() is Verdict.HOLD
    assert story.reason() == (
        "paused by ada: looking into it; alerts: firing: WafBlocks; "
        "errors has no evidence: the source did not answer in time (source default); "
        "if this lasts, rollback in about 9m"
    )


def test_a_paused_stage_is_held_at_once_and_judged_again_when_resumed() -> None:
    story = told().run(315)
    assert story.verdict() is Verdict.PROMOTE
    story.pause()
    assert (story.verdict(), story.reason()) == (Verdict.HOLD, "paused by ada: looking into it")
    story.run(300).resume()
    assert (story.verdict(), story.reason()) == (Verdict.PENDING, "resumed by ada; the next look decides")
    story.run(15)
    assert story.verdict() is Verdict.PROMOTE


# --- a look ------------------------------------------------------------------------------------------------------


def test_a_look_needs_the_policy_the_release_is_pinned_to() -> None:
    """I8: whatever the rule files say today."""
    story = told()
    story.policy = samples.policy(digest="sha256:other")
    with pytest.raises(NotAllowed, match="is pinned to policy sha256:5a5a"):
        story.look({})


@pytest.mark.parametrize("end", [Story.abort, Story.supersede, lambda story: story.run(315).claim()])
def test_a_release_that_has_ended_is_not_looked_at(end: object) -> None:
    assert callable(end)
    story = told()
    end(story)
    with pytest.raises(NotAllowed, match="has ended; there is nothing left to judge"):
        story.look({})


def test_the_same_look_always_makes_the_same_step() -> None:
    story = told(failing(60), ERRORS, SLOW, DOWN)
    story.run(45).skip(15)
    readings = story.readings()
    again = told(failing(60), ERRORS, SLOW, DOWN)
    again.release, again.time = story.release, story.time
    assert story.look(readings) == again.look(dict(reversed(readings.items())))


def test_a_look_records_the_rules_that_changed_their_mind() -> None:
    said = [
        [(change.result.rule, change.result.outcome) for change in step.outcomes]
        for step in told(failing(60, 75), SLOW, DOWN).run(90).steps
    ]
    assert said == [
        [],
        [],
        [("slow-errors", Outcome.OK), ("down", Outcome.OK)],
        [],
        [],
        [("slow-errors", Outcome.PENDING)],
        [("slow-errors", Outcome.OK)],
        [],
    ]


def test_every_change_of_a_verdict_is_audited_and_nothing_else() -> None:
    story = told(failing(330, 345), SLOW).run(345)
    actions = [entry.action for step in story.steps for entry in step.audit]
    assert actions == ["release_opened", "stage_started", "verdict_pending", "verdict_promote", "verdict_pending"]


def test_the_bake_is_counted_from_the_end_of_the_warm_up() -> None:
    """A stage that is all warm-up was once promoted on a single look at its deadline."""
    story = told(warmup_seconds=600.0, bake_min_seconds=300.0, bake_max_seconds=600.0).run(885)
    assert story.verdict() is Verdict.PENDING
    assert story.shown().eta_seconds is not None
    story.run(120)
    assert story.verdict() is Verdict.PROMOTE
    assert story.steps[-1].release.evaluated_at is not None
    assert story.state().evaluated > 15
