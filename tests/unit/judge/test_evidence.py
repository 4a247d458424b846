"""What counts as evidence: warm-ups, first samples, coverage, traffic, and what a result tells of it."""

from dataclasses import replace

import pytest

from gated.model.reading import NoDataReason
from gated.model.rule import Limit, Rule, Scope, Side
from gated.model.verdict import Outcome
from tests import samples
from tests.judge_story import BLINDNESSES, INTERVAL, Blindness, Facts, Story, World, one_stage, unseen
from tests.unit.judge.rule_stories import DOWN, DOWN_NOW, ERRORS, PATIENT, down_between, started

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


def test_one_missed_tick_and_a_late_one_do_not_end_spotlessness() -> None:
    story = started(down_between(1e9), DOWN).run(60)
    story.skip(37).look()
    assert story.state().ok_since == samples.NOW + 15


def test_a_gap_nobody_observed_ends_spotlessness() -> None:
    story = started(down_between(1e9), DOWN).run(60)
    story.skip(38).look()
    assert story.state().ok_since == samples.NOW + 98


def test_a_look_before_the_stage_began_counts_for_nothing() -> None:
    """A stage is started while the tick's queries are on their way: their answers are about the time before."""
    story = Story(rules=[ERRORS], stages=[PATIENT]).skip(100)
    readings = story.readings()
    story.skip(5).start().skip(-5)
    story.look(readings)
    assert story.outcome() is Outcome.PENDING
    assert (story.state().scheduled, story.state().evaluated, story.state().ok_since) == (0, 0, None)


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
