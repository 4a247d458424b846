"""For how long a limit was passed: read off time stamps, whatever happened to the looks."""

import pytest

from gated.model.reading import FailureReason, FiringAlert
from gated.model.rule import OnBreach, Rule
from gated.model.verdict import Outcome
from tests import samples
from tests.judge_story import BLINDNESSES, INTERVAL, Blindness, Facts
from tests.unit.judge.rule_stories import DOWN, DOWN_NOW, ERRORS, blind_at, down_between, started

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
    assert "for 38s so far" in story.result().reason, "as long as one missed and one late look would take"
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
