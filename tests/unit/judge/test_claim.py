"""Claims: won by one, once, for the verdict that is shown, while it is shown."""

from collections.abc import Callable

import pytest

from gated.judge import commands
from gated.model.errors import Conflict
from gated.model.ids import Actor, VerdictId
from gated.model.release import Phase, StageState
from gated.model.step import DecisionKind, SignalKind, Step
from gated.model.verdict import Verdict
from tests import samples
from tests.judge_story import BLINDNESSES, INTERVAL, VALIDITY, Blindness, Facts, Story
from tests.unit.judge.phase_stories import ADA, BOB, FULL, IN_PHASE, RULE, opened, promotable


def test_a_claimed_promote_is_the_stages_one_decision() -> None:
    story = promotable().claim()
    step = story.steps[-1]
    state = story.release.stages[0]
    assert (story.phase(), state.ended_at) == (Phase.BETWEEN, story.now)
    assert state.claim is not None
    assert (state.claim.by, state.claim.at) == (samples.PIPELINE, story.now)
    (decision,) = step.decisions
    assert (decision.stage, decision.kind, decision.cause, decision.actor) == (
        samples.CANARY,
        DecisionKind.PROMOTED,
        "evidence",
        samples.PIPELINE,
    )
    assert decision.reason.startswith("1 blocking rule was fine")
    assert decision.results == story.release.results
    assert [signal.kind for signal in step.signals] == [SignalKind.STAGE_PROMOTED]
    assert [entry.action for entry in step.audit] == ["promote_claimed"]


def test_the_last_claim_completes_the_release() -> None:
    story = IN_PHASE[Phase.COMPLETED]()
    step = story.steps[-1]
    assert [signal.kind for signal in step.signals] == [SignalKind.STAGE_PROMOTED, SignalKind.RELEASE_COMPLETED]
    assert len({signal.id for signal in step.signals}) == 2
    assert story.release.ended_at == story.now
    assert [(decision.stage, decision.kind) for decision in story.decisions] == [
        (samples.CANARY, DecisionKind.PROMOTED),
        (FULL, DecisionKind.PROMOTED),
    ]


def take(story: Story, verdict_id: str, actor: Actor = samples.PIPELINE) -> tuple[StageState, Step | None]:
    """Claim a verdict by its id."""
    return commands.claim(story.release, VerdictId(verdict_id), actor, story.now, VALIDITY)


@pytest.mark.parametrize("later", [0.0, 1e6], ids=["at once", "days later"])
@pytest.mark.parametrize(
    "then",
    [
        pytest.param(lambda story: story, id="before the next stage"),
        pytest.param(lambda story: story.start("full"), id="when the next stage runs"),
        pytest.param(lambda story: story.start("full").run(315).claim(), id="when the release is complete"),
    ],
)
def test_who_claimed_a_promote_may_ask_again(then: Callable[[Story], Story], later: float) -> None:
    """The answer was lost on its way; the tool must not stop half-way, nor a second decision be made."""
    story = promotable()
    promote = story.shown().id
    then(story.claim()).skip(later)
    state, step = take(story, promote)
    assert step is None
    assert (state.name, state.claim and state.claim.verdict_id) == (samples.CANARY, promote)


def test_a_promote_is_claimed_by_one_only() -> None:
    """I4: two pipelines for one release; the second must not move traffic."""
    story = promotable()
    promote = story.shown().id
    story.claim(ADA)
    with pytest.raises(Conflict, match="was already claimed by ada"):
        take(story, promote, BOB)


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.BAKING])
def test_nothing_can_be_claimed_unless_a_stage_is_running(phase: Phase) -> None:
    story = IN_PHASE[phase]()
    for identity in (f"{story.release.id}.full.1", "", story.shown("full").id if phase is not Phase.COMPLETED else "?"):
        with pytest.raises(Conflict):
            take(story, identity)


def test_a_pending_verdict_cannot_be_claimed() -> None:
    story = opened().start().run(60)
    with pytest.raises(Conflict, match="is not a promote that can be claimed now"):
        take(story, story.shown().id)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda _: "", id="none"),
        pytest.param(lambda promote: f"{promote} ", id="almost"),
        pytest.param(lambda promote: promote.replace("canary-5", "full"), id="another stage's"),
        pytest.param(lambda promote: promote.replace("v2", "v3"), id="another release's"),
    ],
)
def test_a_claim_names_the_verdict_that_is_shown(wrong: Callable[[str], str]) -> None:
    story = promotable()
    with pytest.raises(Conflict, match="is not a promote that can be claimed now"):
        take(story, wrong(story.shown().id))


def test_an_expired_promote_cannot_be_claimed() -> None:
    story = promotable().skip(VALIDITY + 1)
    promote = story.release.stages[0].verdict
    assert promote is not None
    for identity in (promote.id, story.shown().id):
        with pytest.raises(Conflict):
            take(story, identity)


def test_a_promote_that_came_back_has_another_id() -> None:
    """The one that was refuted in between stays refuted."""
    story = promotable()
    first = story.shown().id
    story.pause().resume().run(INTERVAL)
    assert story.verdict() is Verdict.PROMOTE
    with pytest.raises(Conflict):
        take(story, first)
    state, _ = take(story, story.shown().id)
    assert state.claim is not None


@pytest.mark.parametrize("reason", BLINDNESSES)
def test_a_promote_is_gone_when_the_next_look_is_blind(reason: Blindness) -> None:
    story = promotable(lambda t: Facts(blind={RULE.name: reason} if t > 315 else {}))
    promote = story.shown().id
    story.run(INTERVAL)
    with pytest.raises(Conflict):
        take(story, promote)


def test_a_trigger_before_the_claim_wins() -> None:
    """I4."""
    story = promotable(lambda t: Facts(error_share=0.5 if t > 315 else 0.0))
    promote = story.shown().id
    story.run(INTERVAL)
    with pytest.raises(Conflict):
        take(story, promote)
    assert [decision.kind for decision in story.decisions] == [DecisionKind.ROLLED_BACK]


def test_a_claim_asked_again_after_a_trigger_is_refused() -> None:
    """The tool lost the answer to its claim, and meanwhile the gate saw harm: it must not go on."""
    story = promotable(lambda t: Facts(error_share=0.5 if t > 315 else 0.0))
    promote = story.shown().id
    story.claim().run(INTERVAL)
    assert story.phase() is Phase.ROLLING_BACK
    with pytest.raises(Conflict):
        take(story, promote)


@pytest.mark.parametrize("end", [Story.abort, Story.supersede])
def test_a_claim_asked_again_after_the_end_is_refused(end: Callable[[Story], Story]) -> None:
    story = promotable()
    promote = story.shown().id
    end(story.claim())
    with pytest.raises(Conflict):
        take(story, promote)


def test_a_paused_promote_cannot_be_claimed() -> None:
    story = promotable()
    promote = story.shown().id
    story.pause()
    for identity in (promote, story.shown().id):
        with pytest.raises(Conflict):
            take(story, identity)
