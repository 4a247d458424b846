"""Whose fault harm is: the release's own, or there before it."""

from dataclasses import replace

import pytest

from gated.model.reading import FiringAlert
from gated.model.release import Phase
from gated.model.rule import OnBreach, Rule, Scope
from gated.model.verdict import Outcome
from tests import samples
from tests.judge_story import Facts, Story, World
from tests.unit.judge.rule_stories import DOWN, DOWN_NOW, PATIENT, SERVICE_ERRORS, down_between, started


def opened_before(world: World, rule: Rule) -> Story:
    """A release opened at 0 and looked at since, whose stage starts at 300."""
    return Story(world, rules=[rule], stages=[PATIENT]).run(300).start()


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
