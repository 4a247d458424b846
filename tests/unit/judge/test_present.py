"""What a poll is shown: a stored verdict, for as long as it may be believed."""

from collections.abc import Callable

import pytest

from gated.judge.present import is_claimable
from gated.model.errors import NotFound
from gated.model.ids import VerdictId
from gated.model.reading import FailureReason
from gated.model.release import Phase
from gated.model.verdict import Verdict
from tests import samples
from tests.judge_story import BLINDNESSES, INTERVAL, VALIDITY, Facts, Story, World, healthy, one_stage

RULE = samples.ratio_rule(for_seconds=0.0)


def breaking_at(time: float) -> World:
    """Half of all requests fail from then on."""
    return lambda t: Facts(error_share=0.5 if t >= time else 0.0)


def two_stages(world: World = healthy) -> Story:
    """A release of two stages of 5 to 10 minutes, just opened."""
    return Story(world, rules=[RULE], stages=[one_stage(), one_stage(name="full")])


def promotable(world: World = healthy) -> Story:
    """Its first stage has just become a promote, at 315."""
    story = two_stages(world).start().run(315)
    assert story.verdict() is Verdict.PROMOTE
    return story


# --- stage by stage ----------------------------------------------------------------------------------------------


def test_a_stage_that_has_not_started_is_pending() -> None:
    story = two_stages().run(INTERVAL)
    shown = story.shown("full")
    assert (shown.verdict, shown.reason, shown.since, shown.is_final) == (
        Verdict.PENDING,
        "full has not started",
        None,
        False,
    )


def test_a_stage_that_waits_for_its_first_look_is_pending_and_believed_as_long_as_a_look() -> None:
    """The last look may be older than the stage; the stage is not older than itself."""
    story = two_stages().run(INTERVAL).skip(VALIDITY + 1).start()
    shown = story.shown()
    assert (shown.verdict, shown.reason) == (Verdict.PENDING, "the first look is due")
    assert shown.valid_until == story.now + VALIDITY
    story.skip(VALIDITY + 1)
    assert story.shown().verdict is Verdict.HOLD


def test_a_running_stage_tells_its_coverage_its_traffic_and_how_long_it_will_take() -> None:
    story = two_stages().start().run(60)
    shown = story.shown()
    assert shown.requests == pytest.approx(6000)
    assert (shown.verdict, shown.coverage, shown.eta_seconds) == (Verdict.PENDING, 1.0, 255.0)
    assert (shown.evaluated_at, shown.valid_until) == (story.now, story.now + VALIDITY)
    story.skip(10)
    assert story.shown().eta_seconds == 245.0


def test_only_the_stage_started_last_has_coverage_and_traffic() -> None:
    story = promotable()
    assert (story.shown("full").coverage, story.shown("full").requests) == (0.0, 0.0)
    assert story.shown("full").eta_seconds is None
    running = story.shown()
    claimed = story.claim().shown()
    assert (claimed.coverage, claimed.requests) == (running.coverage, running.requests), "what the promote rested on"
    story.run(15).start("full")
    assert (story.shown("canary-5").coverage, story.shown("canary-5").requests) == (0.0, 0.0)


def test_what_is_not_pending_has_no_eta() -> None:
    story = promotable()
    assert story.shown().eta_seconds is None
    assert story.shown("full").eta_seconds is None


def test_a_claimed_stage_stays_promoted_under_the_id_that_was_claimed() -> None:
    story = promotable()
    claimed = story.shown().id
    story.claim().run(60)
    shown = story.shown(samples.CANARY)
    assert (shown.verdict, shown.id) == (Verdict.PROMOTE, claimed)
    assert shown.reason.startswith("claimed by deploy-pipeline: 1 blocking rule was fine")
    assert shown.claim is not None
    assert shown.since == samples.NOW + 315
    story.start("full").run(60)
    assert story.shown(samples.CANARY).id == claimed
    assert story.shown("full").verdict is Verdict.PENDING


def test_a_completed_release_needs_no_further_poll() -> None:
    story = Story(rules=[RULE], stages=[one_stage()]).start().run(315).claim()
    story.skip(1e6)
    shown = story.shown()
    assert (shown.verdict, shown.is_final, shown.valid_until) == (Verdict.PROMOTE, True, None)


def test_a_poll_of_an_unknown_stage_is_told_which_there_are() -> None:
    with pytest.raises(NotFound, match="plan standard has no stage 'canary-50'; it has canary-5, full"):
        two_stages().shown("canary-50")


# --- how long a verdict is believed ------------------------------------------------------------------------------


def test_a_verdict_is_believed_until_it_expires() -> None:
    story = promotable().skip(VALIDITY)
    assert story.shown().verdict is Verdict.PROMOTE
    story.skip(1)
    shown = story.shown()
    assert shown.verdict is Verdict.HOLD
    assert shown.reason == "the gate has not looked for 46s; nothing is promoted on old evidence"
    assert shown.since == shown.valid_until == samples.NOW + 315 + VALIDITY


def test_an_expired_verdict_has_another_id() -> None:
    """A poll that waits for another id must hear that the promote has expired, and that it is back."""
    story = promotable()
    promote = story.shown().id
    story.skip(VALIDITY + 1)
    expired = story.shown().id
    story.look()
    assert expired != promote
    assert (story.shown().verdict, story.shown().id) == (Verdict.PROMOTE, promote)


def test_every_look_makes_a_verdict_believable_anew() -> None:
    story = promotable()
    for _ in range(10):
        story.skip(20).look()
        assert story.shown().verdict is Verdict.PROMOTE
        assert story.shown().valid_until == story.now + VALIDITY


@pytest.mark.parametrize("reason", BLINDNESSES)
def test_a_promote_that_goes_blind_is_a_hold_at_the_very_next_look(reason: FailureReason) -> None:
    story = promotable(lambda t: Facts(blind={RULE.name: reason} if t > 315 else {})).run(INTERVAL)
    assert story.shown().verdict is Verdict.HOLD


def test_a_look_from_the_future_is_not_believed() -> None:
    """The clock is set back by an hour while nobody looks: the promote must not live an hour longer."""
    story = promotable().skip(-3600)
    shown = story.shown()
    assert shown.verdict is Verdict.HOLD
    assert shown.reason == "the last look lies 1h in the future; nothing is promoted on its evidence"
    assert not is_claimable(story.release, story.release.stages[0], VerdictId(shown.id), story.now, VALIDITY)


def test_the_clocks_of_two_replicas_may_differ_a_little() -> None:
    story = promotable().skip(-VALIDITY)
    assert story.shown().verdict is Verdict.PROMOTE


# --- rollback, for ever ------------------------------------------------------------------------------------------


def rolling_back() -> Story:
    """Rolled back by a rule at its second stage, at 360."""
    story = promotable(breaking_at(360)).claim().start("full").run(45)
    assert story.phase() is Phase.ROLLING_BACK
    return story


@pytest.mark.parametrize(
    "then",
    [
        pytest.param(lambda story: story.skip(0), id="at once"),
        pytest.param(lambda story: story.skip(1e6), id="nobody looked for days"),
        pytest.param(lambda story: story.run(600), id="while it rolls back"),
        pytest.param(lambda story: story.report_rolled_back(), id="when the tool says it is done"),
        pytest.param(lambda story: story.report_rolled_back().run(3600), id="when the watch has ended"),
        pytest.param(lambda story: story.supersede(), id="when another version took its place"),
    ],
)
@pytest.mark.parametrize("stage", [samples.CANARY, "full"])
def test_a_rollback_is_shown_for_ever_at_every_stage(then: Callable[[Story], Story], stage: str) -> None:
    """I2: also at stages that were promoted before, for a tool may still poll them."""
    shown = then(rolling_back()).shown(stage)
    assert (shown.verdict, shown.valid_until, shown.is_final) == (Verdict.ROLLBACK, None, True)
    assert shown.reason == "error-rate: 50 % of 6,000 were bad; limit 2 %"
    assert shown.since == samples.NOW + 360


def test_a_rollback_has_one_id_for_ever() -> None:
    story = rolling_back()
    before = story.shown().id
    assert story.run(60).shown().id == before
    assert story.report_rolled_back().run(3600).shown().id == before


def test_a_rollback_the_tool_made_of_its_own_accord_is_shown_since_it_was_told() -> None:
    story = two_stages().start().run(60).report_rolled_back()
    shown = story.shown()
    assert (shown.verdict, shown.reason, shown.since) == (
        Verdict.ROLLBACK,
        "the deploy tool rolled back",
        samples.NOW + 60,
    )


@pytest.mark.parametrize("end", [Story.abort, Story.supersede])
@pytest.mark.parametrize("stage", [samples.CANARY, "full"])
def test_a_release_that_was_ended_goes_nowhere(end: Callable[[Story], Story], stage: str) -> None:
    shown = end(promotable()).shown(stage)
    assert (shown.verdict, shown.is_final, shown.valid_until) == (Verdict.HOLD, True, None)
    assert shown.reason in {"the release was aborted", "the release was superseded"}
    assert shown.since == samples.NOW + 315


# --- what may be claimed -----------------------------------------------------------------------------------------


def test_only_the_promote_that_is_shown_can_be_claimed() -> None:
    story = promotable()
    state, shown = story.release.stages[0], story.shown().id
    assert is_claimable(story.release, state, shown, story.now, VALIDITY)
    assert not is_claimable(story.release, state, VerdictId(f"{shown}x"), story.now, VALIDITY)
    assert not is_claimable(story.release, state, shown, story.now + VALIDITY + 1, VALIDITY)
    assert not is_claimable(story.release, story.release.stages[1], story.shown("full").id, story.now, VALIDITY)


def test_an_expired_promote_cannot_be_claimed_under_any_id() -> None:
    story = promotable()
    promote = story.shown().id
    story.skip(VALIDITY + 1)
    for identity in (promote, story.shown().id):
        assert not is_claimable(story.release, story.release.stages[0], identity, story.now, VALIDITY)
