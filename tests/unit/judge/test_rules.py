"""What a rule remembers from look to look: how long a limit was passed, coverage, traffic, whose fault it is."""

from dataclasses import replace

import pytest

from gated.model.ids import RuleName
from gated.model.reading import FailureReason, FiringAlert, NoDataReason
from gated.model.release import Phase
from gated.model.rule import Limit, OnBreach, Rule, Scope, Side
from gated.model.verdict import Outcome
from tests import samples
from tests.judge_story import BLINDNESSES, INTERVAL, Blindness, Facts, Story, World, one_stage, unseen

DOWN = samples.value_rule(name=RuleName("down"), for_seconds=120.0)
"""A rule about an instant, in breach after two minutes."""
DOWN_NOW = replace(DOWN, for_seconds=0.0)
ERRORS = samples.ratio_rule(name=RuleName("errors"), for_seconds=120.0)
"""A rule about a window of one minute, in breach after two minutes."""
SERVICE_ERRORS = replace(ERRORS, for_seconds=0.0, scope=Scope.SERVICE)
PATIENT = one_stage(bake_min_seconds=7200.0, bake_max_seconds=7200.0)


def down_between(start: float, end: float = float("inf")) -> World:
    """Everything is down for a while."""
    return lambda t: Facts(value=0.0 if start <= t < end else 1.0, error_share=0.5 if start <= t < end else 0.0)


def started(world: World, rule: Rule, *, interval: float = INTERVAL) -> Story:
    """A long stage guarded by one rule, started at 0."""
    return Story(world, rules=[rule], stages=[PATIENT], interval=interval).start()


def blind_at(*times: float, rule: Rule = DOWN, reason: Blindness = FailureReason.TIMEOUT, end: float = 0.0) -> World:
    """Down for ever, and nothing to be seen at these times, or until `end`."""
    return lambda t: Facts(value=0.0, error_share=0.5, blind={rule.name: reason} if t in times or t < end else {})


# --- for how long ------------------------------------------------------------------------------------------------


def test_a_rule_without_a_for_breaches_at_the_first_look_past_its_limit() -> None:
    story = started(down_between(60), DOWN_NOW)
    story.run(45)
    assert story.outcome() is Outcome.OK
    story.run(15)
    assert story.outcome() is Outcome.BREACH


@pytest.mark.parametrize("rule", [DOWN, ERRORS], ids=["instant", "window"])
@pytest.mark.parametrize("interval", [1.0, 15.0, 40.0])
def test_a_limit_passed_for_as_long_as_the_rule_asks_is_a_breach(rule: Rule, interval: float) -> None:
    story = started(down_between(120), rule, interval=interval)
    story.run(239)
    assert story.outcome() is Outcome.PENDING
    assert story.result().code == "past_limit"
    story.skip(1).look()
    assert story.outcome() is Outcome.BREACH


def test_a_limit_passed_for_a_while_says_so() -> None:
    story = started(down_between(15), DOWN).run(60)
    assert story.result().reason == "the value is 0; harm lies below 1; for 45s so far, a breach after 2m"
    story.run(75)
    assert story.result().reason == "the value is 0; harm lies below 1; for 2m"


@pytest.mark.parametrize("rule", [DOWN, ERRORS], ids=["instant", "window"])
def test_one_bad_look_never_breaches_a_rule_with_a_for(rule: Rule) -> None:
    story = started(down_between(600, 601), rule).run(1200)
    said = {result.outcome for step in story.steps for result in step.release.results}
    assert said == {Outcome.OK, Outcome.PENDING}


def test_one_good_look_starts_the_for_anew() -> None:
    story = started(lambda t: Facts(value=1.0 if t == 105 else 0.0), DOWN).run(225)
    assert story.outcome() is Outcome.PENDING
    story.run(15)
    assert story.outcome() is Outcome.BREACH
    assert story.release.rollback is not None
    assert story.release.rollback.first_harm_at == samples.NOW + 120


@pytest.mark.parametrize("gap", [30.0, 60.0], ids=["one missed tick", "as long as the window"])
def test_missed_ticks_within_the_window_count_towards_the_for(gap: float) -> None:
    """The look's own window saw what nobody was awake for."""
    story = started(down_between(0), ERRORS)
    for _ in range(int(120 // gap)):
        story.look()
        story.skip(gap)
    story.look()
    assert story.outcome() is Outcome.BREACH


def test_time_nobody_observed_does_not_count_towards_the_for() -> None:
    """The daemon is down for an hour: two bad looks an hour apart are not an hour of harm."""
    story = started(down_between(0), DOWN)
    story.look()
    story.skip(3600).look()
    assert story.outcome() is Outcome.PENDING
    assert "for 30s so far" in story.result().reason
    story.run(75)
    assert story.outcome() is Outcome.PENDING
    story.run(15)
    assert story.outcome() is Outcome.BREACH


def test_a_window_tells_of_the_time_before_its_look() -> None:
    story = started(down_between(0), ERRORS)
    story.look()
    story.skip(3600).look()
    assert "for 1m so far" in story.result().reason


def test_a_changed_interval_does_not_change_what_two_minutes_are() -> None:
    story = started(down_between(0), DOWN)
    story.run(60)
    story.interval = 5.0
    story.run(59)
    assert story.outcome() is Outcome.PENDING
    story.run(16)
    assert story.outcome() is Outcome.BREACH


@pytest.mark.parametrize("reason", BLINDNESSES)
def test_a_blind_look_neither_ends_nor_shortens_a_for(reason: Blindness) -> None:
    """One lost query in the middle of two bad minutes."""
    story = started(blind_at(60, reason=reason), DOWN)
    story.look()
    story.run(60)
    assert story.outcome().is_blind
    story.run(45)
    assert story.outcome() is Outcome.PENDING
    story.run(15)
    assert story.outcome() is Outcome.BREACH


def test_a_blind_look_never_breaches() -> None:
    """The two minutes are over while the source is away: nothing is known, and the breach waits for a look."""
    story = started(blind_at(120, 135), DOWN)
    story.look()
    story.run(135)
    assert story.outcome() is Outcome.ERROR
    story.run(15)
    assert story.outcome() is Outcome.BREACH


def test_too_few_samples_neither_end_nor_lengthen_a_for() -> None:
    def world(t: float) -> Facts:
        return Facts(error_share=0.5, requests_per_second=0.1 if 30 <= t < 600 else 100.0)

    story = started(world, ERRORS)
    story.look()
    story.run(585)
    assert (story.outcome(), story.result().code) == (Outcome.PENDING, "too_few_samples")
    story.run(15)
    assert "for 1m15s so far" in story.result().reason


def test_a_clock_set_back_does_not_put_off_a_breach() -> None:
    story = started(down_between(-1e9), DOWN)
    story.skip(3600).look()
    story.skip(-3600).look()
    assert "for 0s so far" in story.result().reason
    story.run(120)
    assert story.outcome() is Outcome.BREACH


def test_an_alert_has_been_firing_for_as_long_as_its_source_says() -> None:
    rule = samples.alerts_rule(for_seconds=60.0, on_breach=OnBreach.ROLLBACK)
    since = samples.NOW + 100
    story = started(lambda t: Facts(alerts=(FiringAlert("Waf", since),) if t >= 100 else ()), rule)
    story.skip(150).look()
    assert "for 50s so far" in story.result().reason
    story.skip(10).look()
    assert story.outcome() is Outcome.BREACH


def test_an_alert_that_started_in_our_future_has_been_firing_for_no_time() -> None:
    rule = samples.alerts_rule(for_seconds=60.0)
    story = started(lambda _: Facts(alerts=(FiringAlert("Waf", samples.NOW + 500),)), rule)
    story.look()
    assert "for 0s so far" in story.result().reason


# --- probes ------------------------------------------------------------------------------------------------------


def test_a_probe_breaches_when_it_failed_often_enough_in_a_row() -> None:
    story = started(lambda t: Facts(probe_works=t < 30), samples.probe_rule(failures=3))
    said = []
    for _ in range(4):
        story.run(INTERVAL)
        said.append((story.outcome(), story.result().value))
    assert said == [(Outcome.OK, 0.0), (Outcome.PENDING, 1.0), (Outcome.PENDING, 2.0), (Outcome.BREACH, 3.0)]


def test_a_probe_that_answers_once_starts_anew() -> None:
    story = started(lambda t: Facts(probe_works=t == 45), samples.probe_rule(failures=3)).run(75)
    assert (story.outcome(), story.result().value) == (Outcome.PENDING, 2.0)
    assert story.result().reason.endswith("failed 2 of 3 times in a row")


def test_a_probe_that_could_not_be_made_is_no_failure() -> None:
    rule = samples.probe_rule(failures=3)
    story = started(
        lambda t: Facts(probe_works=False, blind={rule.name: FailureReason.UNREACHABLE} if 30 < t < 120 else {}), rule
    )
    story.run(105)
    assert (story.outcome(), story.result().value) == (Outcome.ERROR, 2.0)
    story.run(15)
    assert (story.outcome(), story.result().value) == (Outcome.BREACH, 3.0)


def test_a_probe_with_a_for_needs_both() -> None:
    story = started(lambda _: Facts(probe_works=False), samples.probe_rule(failures=3, for_seconds=60.0))
    story.run(60)
    assert (story.outcome(), story.result().value) == (Outcome.PENDING, 4.0)
    story.run(15)
    assert story.outcome() is Outcome.BREACH


# --- warm-up and the first samples -------------------------------------------------------------------------------


def warming(world: World, *rules: Rule, warmup: float = 120.0) -> Story:
    """A stage with a warm-up, started at 0."""
    return Story(world, rules=rules, stages=[one_stage(warmup_seconds=warmup, bake_max_seconds=7200.0)]).start()


def test_a_cold_start_is_no_evidence() -> None:
    """Errors of the warm-up fill the window until it lies wholly behind it."""
    story = warming(down_between(0, 120), ERRORS).run(175)
    assert (story.outcome(), story.result().code) == (Outcome.PENDING, "warming_up")
    assert story.result().reason.startswith("warming up; evidence counts in 5s (")
    story.run(5)
    assert story.outcome() is Outcome.OK
    assert (story.state().scheduled, story.state().evaluated) == (1, 1)


def test_harm_that_outlasts_the_warm_up_counts_from_its_end() -> None:
    story = warming(down_between(0), replace(ERRORS, for_seconds=30.0)).run(195)
    assert story.outcome() is Outcome.PENDING
    story.run(15)
    assert story.outcome() is Outcome.BREACH


@pytest.mark.parametrize("scope", [Scope.SERVICE, Scope.GLOBAL])
def test_only_fresh_instances_warm_up(scope: Scope) -> None:
    story = warming(down_between(15), replace(DOWN_NOW, scope=scope)).run(15)
    assert story.outcome() is Outcome.BREACH


def test_probes_and_alerts_are_watched_during_the_warm_up() -> None:
    story = warming(lambda _: Facts(probe_works=False), samples.probe_rule(failures=1)).run(15)
    assert story.outcome() is Outcome.BREACH


@pytest.mark.parametrize("reason", BLINDNESSES)
def test_a_warm_up_is_never_fine(reason: Blindness) -> None:
    story = warming(lambda _: Facts(blind={ERRORS.name: reason}), ERRORS).run(60)
    assert story.outcome() is Outcome.PENDING


@pytest.mark.parametrize("reason", [NoDataReason.ABSENT, NoDataReason.STALE])
def test_the_first_samples_may_take_a_moment(reason: Blindness) -> None:
    """Service discovery shows a new version up to one scrape late; that is no blindness yet."""
    story = started(lambda t: Facts(blind={ERRORS.name: reason} if t < 50 else {}), ERRORS).run(45)
    assert (story.outcome(), story.result().code) == (Outcome.PENDING, "awaiting_first_samples")
    assert story.release.blind_since is None
    assert (story.state().scheduled, story.state().evaluated) == (0, 0)
    story.run(15)
    assert story.outcome() is Outcome.OK
    assert (story.state().scheduled, story.state().evaluated) == (1, 1)


@pytest.mark.parametrize("reason", [NoDataReason.ABSENT, NoDataReason.STALE])
def test_samples_that_never_come_are_no_data_after_the_grace(reason: Blindness) -> None:
    story = started(lambda _: Facts(blind={ERRORS.name: reason}), ERRORS).run(45)
    assert story.outcome() is Outcome.PENDING
    story.run(15)
    assert (story.outcome(), story.result().code) == (Outcome.NO_DATA, reason.value)
    assert story.release.blind_since == samples.NOW + 60


@pytest.mark.parametrize(
    "reason", [reason for reason in BLINDNESSES if reason not in {NoDataReason.ABSENT, NoDataReason.STALE}]
)
def test_only_missing_samples_are_waited_for(reason: Blindness) -> None:
    """An unreachable source is blindness from the first look on."""
    story = started(lambda _: Facts(blind={ERRORS.name: reason}), ERRORS).run(15)
    assert story.outcome().is_blind
    assert story.release.blind_since == samples.NOW + 15


def test_the_first_samples_may_take_a_moment_after_the_warm_up() -> None:
    """A version that is not yet warm may not yet be scraped, whoever looks for it."""
    rule = replace(DOWN, scope=Scope.SERVICE)
    story = warming(lambda _: Facts(blind={rule.name: NoDataReason.ABSENT}), rule).run(165)
    assert (story.outcome(), story.result().code) == (Outcome.PENDING, "awaiting_first_samples")
    story.run(15)
    assert story.outcome() is Outcome.NO_DATA


def test_samples_that_vanish_are_not_waited_for() -> None:
    story = started(lambda t: Facts(blind={ERRORS.name: NoDataReason.ABSENT} if t > 15 else {}), ERRORS).run(30)
    assert story.outcome() is Outcome.NO_DATA


# --- coverage and traffic ----------------------------------------------------------------------------------------


def test_every_look_with_evidence_is_counted() -> None:
    story = started(down_between(60), ERRORS).run(150)
    assert (story.state().scheduled, story.state().evaluated) == (10, 10)


@pytest.mark.parametrize("reason", BLINDNESSES)
def test_a_blind_look_was_scheduled_and_not_evaluated(reason: Blindness) -> None:
    story = started(lambda t: Facts(blind={ERRORS.name: reason} if t == 75 else {}), ERRORS).run(150)
    assert (story.state().scheduled, story.state().evaluated) == (10, 9)


def test_a_look_that_cannot_tell_was_not_evaluated() -> None:
    story = started(lambda t: Facts(requests_per_second=0.01 if t == 75 else 100.0), ERRORS).run(150)
    assert (story.state().scheduled, story.state().evaluated) == (10, 9)


def test_missed_ticks_were_scheduled_and_not_evaluated() -> None:
    story = started(down_between(1e9), ERRORS).run(30)
    story.skip(120).look()
    assert (story.state().scheduled, story.state().evaluated) == (10, 3)


def test_looks_missed_before_the_first_one_were_scheduled_too() -> None:
    story = started(down_between(1e9), ERRORS).skip(150)
    story.look()
    assert (story.state().scheduled, story.state().evaluated) == (10, 1)


def test_a_late_look_is_no_missed_one() -> None:
    story = started(down_between(1e9), ERRORS)
    for _ in range(10):
        story.skip(INTERVAL + 5).look()
    assert (story.state().scheduled, story.state().evaluated) == (10, 10)


def test_counts_start_anew_with_every_stage() -> None:
    story = Story(rules=[ERRORS], stages=[one_stage(), one_stage(name="full")]).start().run(315)
    story.claim().run(60)
    before = story.state()
    story.start("full").run(15)
    after = story.state()
    assert (before.scheduled, before.evaluated) == (21, 21)
    assert (after.scheduled, after.evaluated) == (1, 1)
    assert after.ok_since == samples.NOW + 390
    assert after.requests == pytest.approx(1500)


def test_requests_are_counted_once_however_much_the_windows_overlap() -> None:
    story = started(down_between(1e9), ERRORS).run(600)
    assert story.state().requests == pytest.approx(60_000)


def test_requests_of_missed_ticks_are_not_invented() -> None:
    """A window of a minute knows a minute, not the hour before."""
    story = started(down_between(1e9), ERRORS).run(60)
    story.skip(3600).look()
    assert story.state().requests == pytest.approx(12_000)


def test_a_rule_that_counts_nothing_counts_no_requests() -> None:
    story = started(down_between(1e9), DOWN).run(60)
    assert story.state().requests == 0


@pytest.mark.parametrize("scope", [Scope.SERVICE, Scope.GLOBAL])
def test_requests_of_other_versions_are_not_the_new_versions(scope: Scope) -> None:
    """Else a canary that nobody calls would be promoted on the traffic of the version it replaces."""
    story = started(down_between(1e9), replace(ERRORS, scope=scope)).run(60)
    assert story.outcome() is Outcome.OK
    assert story.state().requests == 0


def test_a_rule_is_spotless_since_its_first_good_look() -> None:
    story = started(down_between(0, 60), DOWN).run(150)
    assert story.state().ok_since == samples.NOW + 60


@pytest.mark.parametrize("reason", BLINDNESSES)
def test_a_blind_look_ends_spotlessness(reason: Blindness) -> None:
    story = started(lambda t: Facts(blind={DOWN.name: reason} if t == 75 else {}), DOWN).run(75)
    assert story.state().ok_since is None
    story.run(75)
    assert story.state().ok_since == samples.NOW + 90


def test_one_missed_tick_does_not_end_spotlessness() -> None:
    story = started(down_between(1e9), DOWN).run(60)
    story.skip(30).look()
    assert story.state().ok_since == samples.NOW + 15


def test_a_gap_nobody_observed_ends_spotlessness() -> None:
    story = started(down_between(1e9), DOWN).run(60)
    story.skip(31).look()
    assert story.state().ok_since == samples.NOW + 91


def test_a_look_before_the_stage_began_counts_for_nothing() -> None:
    """A stage is started while the tick's queries are on their way: their answers are about the time before."""
    story = Story(rules=[ERRORS], stages=[PATIENT]).skip(100)
    readings = story.readings()
    story.skip(5).start().skip(-5)
    story.look(readings)
    assert story.outcome() is Outcome.PENDING
    assert (story.state().scheduled, story.state().evaluated, story.state().ok_since) == (0, 0, None)


# --- whose fault -------------------------------------------------------------------------------------------------


def opened_before(world: World, rule: Rule, *, looks_from: float = 0.0) -> Story:
    """A release opened at 0 and looked at since, whose stage starts at 300."""
    story = Story(world, rules=[rule], stages=[PATIENT])
    story.skip(looks_from)
    story.run(300 - looks_from)
    return story.start()


@pytest.mark.parametrize("scope", [Scope.SERVICE, Scope.GLOBAL])
def test_harm_from_before_the_release_is_named_and_not_blamed_on_it(scope: Scope) -> None:
    story = opened_before(down_between(200), replace(DOWN_NOW, scope=scope)).run(60)
    assert (story.outcome(), story.result().is_pre_existing) == (Outcome.BREACH, True)
    assert story.phase() is Phase.BAKING


def test_harm_that_comes_back_is_the_releases_own() -> None:
    rule = replace(DOWN_NOW, scope=Scope.SERVICE)
    story = opened_before(lambda t: Facts(value=1.0 if t == 400 else 0.0), rule)
    story.run(100)
    assert story.outcome() is Outcome.OK
    story.run(15)
    assert (story.outcome(), story.result().is_pre_existing) == (Outcome.BREACH, False)
    assert story.phase() is Phase.ROLLING_BACK


def test_the_new_versions_own_harm_is_never_pre_existing() -> None:
    """Its instances may run before traffic reaches them."""
    story = opened_before(down_between(0), DOWN_NOW).run(15)
    assert (story.outcome(), story.result().is_pre_existing) == (Outcome.BREACH, False)


def test_harm_first_seen_in_a_window_from_before_the_release_is_not_blamed_on_it() -> None:
    """Nobody looked before the start, and the window that shows the harm began before it."""
    story = Story(down_between(0), rules=[SERVICE_ERRORS], stages=[PATIENT]).start().run(45)
    assert (story.outcome(), story.result().is_pre_existing) == (Outcome.BREACH, True)


def test_harm_seen_to_begin_after_the_start_is_the_releases_own_at_once() -> None:
    """Looks before the start saw none of it: no window reaching back may excuse a release that breaks everything."""
    story = opened_before(down_between(301), SERVICE_ERRORS).run(15)
    assert (story.outcome(), story.result().is_pre_existing) == (Outcome.BREACH, False)


def test_harm_seen_to_begin_after_the_first_look_is_the_releases_own() -> None:
    story = Story(down_between(20), rules=[SERVICE_ERRORS], stages=[PATIENT]).start().run(30)
    assert (story.outcome(), story.result().is_pre_existing) == (Outcome.BREACH, False)


def test_harm_that_begins_with_the_release_is_its_own() -> None:
    story = Story(down_between(0), rules=[replace(DOWN_NOW, scope=Scope.SERVICE)], stages=[PATIENT]).start()
    story.look()
    assert (story.outcome(), story.result().is_pre_existing) == (Outcome.BREACH, False)


def test_blindness_does_not_turn_old_harm_into_the_releases_own() -> None:
    """The gate is down for an hour in the middle of harm that was there before the release."""
    rule = replace(DOWN_NOW, scope=Scope.SERVICE)
    story = opened_before(down_between(200), rule).run(30)
    story.skip(3600).look()
    assert (story.outcome(), story.result().is_pre_existing) == (Outcome.BREACH, True)
    assert story.phase() is Phase.BAKING


def test_an_old_alert_beside_a_new_one_excuses_nobody() -> None:
    rule = samples.alerts_rule(on_breach=OnBreach.ROLLBACK)
    old, new = FiringAlert("WafOld", samples.NOW + 10), FiringAlert("WafNew", samples.NOW + 400)
    story = opened_before(lambda t: Facts(alerts=(old, new) if t >= 400 else (old,)), rule).run(90)
    assert (story.outcome(), story.result().is_pre_existing) == (Outcome.BREACH, True)
    story.run(15)
    assert (story.outcome(), story.result().is_pre_existing) == (Outcome.BREACH, False)
    assert story.phase() is Phase.ROLLING_BACK


def test_a_new_alert_that_ends_leaves_the_old_one_as_it_was() -> None:
    rule = samples.alerts_rule(for_seconds=120.0, on_breach=OnBreach.ROLLBACK)
    old, new = FiringAlert("WafOld", samples.NOW + 10), FiringAlert("WafNew", samples.NOW + 400)
    story = opened_before(lambda t: Facts(alerts=(old, new) if 400 <= t < 450 else (old,)), rule).run(300)
    assert (story.outcome(), story.result().is_pre_existing) == (Outcome.BREACH, True)
    assert story.phase() is Phase.BAKING


def test_the_first_harm_is_the_first_look_that_saw_it_whatever_happened_since() -> None:
    """An hour of downtime is taken out of the `for`, not out of the story."""
    story = started(down_between(30), DOWN).run(60)
    story.skip(3600)
    story.run(120)
    assert story.release.rollback is not None
    assert story.release.rollback.first_harm_at == samples.NOW + 30


# --- what is told ------------------------------------------------------------------------------------------------


def test_an_outcome_has_begun_when_it_was_first_said() -> None:
    story = started(down_between(60), DOWN).run(150)
    assert story.result().since == samples.NOW + 60
    story.run(30)
    assert story.result().since == samples.NOW + 180


@pytest.mark.parametrize(
    ("rule", "limit"),
    [
        pytest.param(samples.ratio_rule(), 0.02, id="ratio"),
        pytest.param(samples.quantile_rule(), 0.8, id="quantile"),
        pytest.param(samples.value_rule(limit=Limit(3.0, Side.ABOVE)), 3.0, id="value"),
        pytest.param(samples.alerts_rule(), 0.0, id="alerts"),
        pytest.param(samples.probe_rule(failures=3), 3.0, id="probe"),
    ],
)
def test_a_result_tells_what_it_rests_on(rule: Rule, limit: float) -> None:
    """I9: enough to explain it without asking again."""
    story = started(down_between(1e9), rule).run(15)
    result = story.result()
    assert (result.rule, result.outcome, result.limit, result.unit) == (rule.name, Outcome.OK, limit, rule.unit)
    assert (result.on_breach, result.window_seconds) == (rule.on_breach, rule.window_seconds)
    assert result.value is not None
    assert result.reason


def test_an_unanswered_look_is_an_error_for_every_rule() -> None:
    story = Story(stages=[one_stage()]).start().skip(15)
    story.look({})
    assert {result.outcome for result in story.release.results} == {Outcome.ERROR}
    assert {result.code for result in story.release.results} == {"unreachable"}


@pytest.mark.parametrize("reason", BLINDNESSES)
def test_blindness_is_told_by_its_reason_and_in_words(reason: Blindness) -> None:
    story = started(lambda t: Facts(blind={ERRORS.name: reason} if t > 15 else {}), ERRORS).run(30)
    expected = Outcome.NO_DATA if isinstance(reason, NoDataReason) else Outcome.ERROR
    told = "stale" if reason is NoDataReason.STALE else reason.value
    assert (story.outcome(), story.result().code) == (expected, told)
    assert story.result().reason
    assert unseen(reason).reason is reason
