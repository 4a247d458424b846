"""After the rollback: whether the service is well again, on the version it went back to."""

from collections.abc import Callable

import pytest

from gated.judge.queries import queries_for
from gated.model.ids import GATE, RuleName
from gated.model.plan import OnBlind
from gated.model.reading import FailureReason, FiringAlert, NoDataReason
from gated.model.release import Phase, RollbackCause
from gated.model.rule import OnBreach, Rule
from gated.model.selection import Matcher
from gated.model.step import SignalKind
from gated.model.verdict import Outcome
from tests import samples
from tests.judge_story import BLINDNESSES, Blindness, Facts, Story, World, one_stage

ERRORS = samples.ratio_rule(name=RuleName("errors"), for_seconds=0.0)
LOGIN = samples.probe_rule(name=RuleName("login"), failures=1)


def rolled_back_at_60(after: World, *rules: Rule, baseline: str = "v1") -> Story:
    """Errors from 30 on trigger a rollback that is done at 60; then the world is as `after` says."""

    def world(t: float) -> Facts:
        return after(t) if t > 60 else Facts(error_share=0.5 if t >= 30 else 0.0)

    story = Story(world, rules=rules or [ERRORS], stages=[one_stage()], baseline=baseline).start().run(60)
    assert story.phase() is Phase.ROLLING_BACK
    return story.report_rolled_back()


def told_the_end(story: Story) -> list[SignalKind]:
    """How the watch over the recovery ended, if it did."""
    ends = {SignalKind.RECOVERED, SignalKind.NOT_RECOVERED}
    return [signal.kind for signal in story.signals if signal.kind in ends]


def test_a_service_that_is_well_again_has_recovered() -> None:
    story = rolled_back_at_60(lambda _: Facts()).run(15)
    assert (story.phase(), told_the_end(story)) == (Phase.ROLLED_BACK, [SignalKind.RECOVERED])
    rollback = story.release.rollback
    assert rollback is not None
    assert (rollback.reported_at, rollback.recovered_at) == (samples.NOW + 60, samples.NOW + 75)
    assert story.release.ended_at == samples.NOW + 75
    (entry,) = story.steps[-1].audit
    assert (entry.actor, entry.action, entry.detail) == (
        GATE,
        "recovered",
        "well again 15s after the rollback was done",
    )


def test_the_version_looked_at_is_the_one_gone_back_to() -> None:
    story = rolled_back_at_60(lambda _: Facts())
    workloads = {
        query.workload
        for query in queries_for(story.release, story.policy, now=story.now, interval_seconds=story.interval)
    }
    assert workloads == {(Matcher("service", "checkout"), Matcher("version", "v1"))}


def test_a_service_that_still_fails_is_watched() -> None:
    story = rolled_back_at_60(lambda t: Facts(error_share=0.5 if t < 300 else 0.0)).run(225)
    assert (story.phase(), told_the_end(story)) == (Phase.RECOVERING, [])
    story.run(15)
    assert told_the_end(story) == [SignalKind.RECOVERED]


def test_a_service_that_does_not_recover_is_told_once_and_watched_no_longer() -> None:
    story = rolled_back_at_60(lambda _: Facts(error_share=0.5)).run(3600)
    assert (story.phase(), story.time) == (Phase.ROLLED_BACK, 960)
    assert told_the_end(story) == [SignalKind.NOT_RECOVERED]
    rollback = story.release.rollback
    assert rollback is not None
    assert rollback.recovered_at is None
    assert story.signals[-1].reason == "not seen well again within 15m after the rollback was done"


@pytest.mark.parametrize("baseline", ["v1", ""], ids=["with a baseline", "without a baseline"])
@pytest.mark.parametrize("reason", FailureReason)
def test_nobody_recovers_unseen(reason: Blindness, baseline: str) -> None:
    """The source is away when the rollback is done: that proves nothing about the service."""
    story = rolled_back_at_60(lambda _: Facts(blind={ERRORS.name: reason}), baseline=baseline).run(3600)
    assert told_the_end(story) == [SignalKind.NOT_RECOVERED]


@pytest.mark.parametrize("reason", NoDataReason)
def test_a_version_gone_back_to_that_shows_nothing_has_not_recovered(reason: Blindness) -> None:
    story = rolled_back_at_60(lambda _: Facts(blind={ERRORS.name: reason})).run(3600)
    assert told_the_end(story) == [SignalKind.NOT_RECOVERED]


def test_without_a_version_to_go_back_to_the_harm_is_over_when_its_series_end() -> None:
    story = rolled_back_at_60(lambda _: Facts(blind={ERRORS.name: NoDataReason.ABSENT}), baseline="").run(15)
    assert (story.outcome(), told_the_end(story)) == (Outcome.NO_DATA, [SignalKind.RECOVERED])


def test_without_a_version_to_go_back_to_every_rule_must_have_been_asked() -> None:
    blind = {ERRORS.name: FailureReason.TIMEOUT}
    story = rolled_back_at_60(lambda _: Facts(blind=blind), ERRORS, LOGIN, baseline="").run(3600)
    assert story.outcome("login") is Outcome.OK
    assert told_the_end(story) == [SignalKind.NOT_RECOVERED]


def test_without_a_version_to_go_back_to_harm_that_goes_on_is_no_recovery() -> None:
    story = rolled_back_at_60(lambda _: Facts(error_share=0.5), baseline="").run(3600)
    assert told_the_end(story) == [SignalKind.NOT_RECOVERED]


def test_the_rule_that_triggered_must_be_fine() -> None:
    """A quiet minute after the rollback is not yet a healthy one."""
    story = rolled_back_at_60(lambda t: Facts(requests_per_second=0.1 if t < 120 else 100.0), ERRORS, LOGIN).run(45)
    assert (story.outcome("errors"), story.outcome("login")) == (Outcome.PENDING, Outcome.OK)
    assert told_the_end(story) == []
    story.run(15)
    assert told_the_end(story) == [SignalKind.RECOVERED]


def test_no_other_rule_may_be_past_its_limit() -> None:
    story = rolled_back_at_60(lambda t: Facts(probe_works=t > 120), ERRORS, LOGIN).run(60)
    assert told_the_end(story) == []
    story.run(15)
    assert told_the_end(story) == [SignalKind.RECOVERED]


def test_a_warning_does_not_keep_a_service_from_being_well() -> None:
    """What never stood in the way of the release does not stand in the way of its end."""
    warns = samples.alerts_rule(name=RuleName("warns"), on_breach=OnBreach.WARN)
    firing = (FiringAlert("Waf", samples.NOW),)
    story = rolled_back_at_60(lambda _: Facts(alerts=firing), ERRORS, warns).run(15)
    assert story.outcome("warns") is Outcome.BREACH
    assert told_the_end(story) == [SignalKind.RECOVERED]


def from_blindness(after: Callable[[float], Facts]) -> Story:
    """Rolled back at 75 because the errors were not to be seen since 15; done at once."""

    def world(t: float) -> Facts:
        return after(t) if t > 75 else Facts(blind={ERRORS.name: FailureReason.TIMEOUT})

    story = Story(world, rules=[ERRORS, LOGIN], stages=[one_stage(on_blind=OnBlind(60.0))]).start().run(75)
    rollback = story.release.rollback
    assert rollback is not None
    assert rollback.cause is RollbackCause.BLIND
    return story.report_rolled_back()


def test_a_gate_that_went_back_because_it_was_blind_must_see_again() -> None:
    """A probe that always answered is not what it was blind to."""
    story = from_blindness(lambda t: Facts(blind={ERRORS.name: FailureReason.TIMEOUT} if t < 300 else {}))
    story.run(210)
    assert story.outcome("login") is Outcome.OK
    assert told_the_end(story) == []
    story.run(15)
    assert told_the_end(story) == [SignalKind.RECOVERED]


def test_a_rollback_by_a_person_has_recovered_when_the_gate_sees_no_harm() -> None:
    story = Story(rules=[ERRORS, LOGIN], stages=[one_stage()]).start().run(60).report_rolled_back().run(15)
    assert told_the_end(story) == [SignalKind.RECOVERED]


def test_a_recovery_that_seems_to_end_before_it_began_took_no_time() -> None:
    """The clock is set back in between."""
    story = rolled_back_at_60(lambda _: Facts())
    story.world = lambda _: Facts()
    story.skip(-30).look()
    assert story.signals[-1].reason == "well again 0s after the rollback was done"


def test_a_service_that_is_rolling_back_is_watched_and_told_nothing() -> None:
    story = Story(lambda _: Facts(error_share=0.5), rules=[ERRORS], stages=[one_stage()]).start().run(15)
    revision = story.release.revision
    story.run(600)
    assert story.release.revision == revision + 40
    assert story.steps[-1].signals == ()
    assert story.outcome() is Outcome.BREACH


@pytest.mark.parametrize("reason", BLINDNESSES)
def test_blindness_while_rolling_back_decides_nothing_more(reason: Blindness) -> None:
    def world(t: float) -> Facts:
        return Facts(error_share=0.5, blind={ERRORS.name: reason} if t > 15 else {})

    story = Story(world, rules=[ERRORS], stages=[one_stage()]).start().run(3600)
    assert (story.phase(), len(story.decisions)) == (Phase.ROLLING_BACK, 1)


def test_harm_from_before_the_release_does_not_keep_it_from_recovering() -> None:
    waf = samples.alerts_rule(on_breach=OnBreach.ROLLBACK)
    old = (FiringAlert("WafBlocks", samples.NOW - 3600),)
    story = rolled_back_at_60(lambda _: Facts(alerts=old), ERRORS, waf).run(30)
    assert told_the_end(story) == [SignalKind.RECOVERED]
