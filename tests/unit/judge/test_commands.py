"""What people and deploy tools may do to a release: every command in every phase, and twice."""

from collections.abc import Callable

import pytest

from gated.judge import commands
from gated.judge.lifecycle import Event, allows
from gated.model.errors import NotAllowed, NotFound
from gated.model.ids import StageName
from gated.model.reading import FailureReason
from gated.model.release import Phase, Release, Rollback, RollbackCause, RuleState, StageState
from gated.model.step import DecisionKind, SignalKind, Step
from gated.model.verdict import Verdict
from tests import samples
from tests.judge_story import Facts, Story, one_stage
from tests.unit.judge.phase_stories import ADA, BOB, FULL, IN_PHASE, RULE, opened, rolling_back

# --- every command in every phase --------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", Phase)
def test_a_story_leads_to_every_phase(phase: Phase) -> None:
    assert IN_PHASE[phase]().phase() is phase


Command = Callable[[Story], Step | None]


def start_next(story: Story) -> Step | None:
    """Start the stage due next, or the last one."""
    due = story.release.next_stage or story.release.stages[-1]
    return commands.start_stage(story.release, story.policy, due.name, ADA, story.now)


def start_again(story: Story) -> Step | None:
    """Start the stage that was started last."""
    current = story.release.current_stage or story.release.stages[-1]
    return commands.start_stage(story.release, story.policy, current.name, ADA, story.now)


COMMANDS: dict[str, tuple[Command, Event]] = {
    "start the next stage": (start_next, Event.START_STAGE),
    "start the same stage again": (start_again, Event.START_STAGE),
    "report the rollback": (
        lambda story: commands.report_rolled_back(story.release, ADA, "", story.now),
        Event.REPORT_ROLLED_BACK,
    ),
    "pause": (lambda story: commands.pause(story.release, ADA, "why", story.now), Event.PAUSE),
    "resume": (lambda story: commands.resume(story.release, ADA, "why", story.now), Event.RESUME),
    "abort": (lambda story: commands.abort(story.release, ADA, "", story.now), Event.ABORT),
    "supersede": (lambda story: commands.supersede(story.release, "v3", ADA, story.now), Event.SUPERSEDE),
}

OPEN, BAKING, BETWEEN = "open", "baking", "between"
SAME, REFUSED = None, "refused"
EXPECTED: dict[str, dict[Phase, str | None]] = {
    "start the next stage": {Phase.OPEN: BAKING, Phase.BETWEEN: BAKING},
    "start the same stage again": {Phase.BAKING: SAME},
    "report the rollback": {
        Phase.BAKING: "recovering",
        Phase.BETWEEN: "recovering",
        Phase.ROLLING_BACK: "recovering",
        Phase.RECOVERING: SAME,
        Phase.ROLLED_BACK: SAME,
    },
    "pause": {Phase.OPEN: OPEN, Phase.BAKING: BAKING, Phase.BETWEEN: BETWEEN},
    "resume": {Phase.OPEN: SAME, Phase.BAKING: SAME, Phase.BETWEEN: SAME},
    "abort": {Phase.OPEN: "aborted", Phase.BAKING: "aborted", Phase.BETWEEN: "aborted", Phase.ABORTED: SAME},
    "supersede": {
        Phase.OPEN: "superseded",
        Phase.BAKING: "superseded",
        Phase.BETWEEN: "superseded",
        Phase.ROLLING_BACK: "superseded",
        Phase.RECOVERING: "superseded",
    },
}
"""Where a command leads; None when there is nothing to do. What is not here is refused."""


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_does_what_its_phase_allows(command: str, phase: Phase) -> None:
    story = IN_PHASE[phase]()
    before = story.release
    run, event = COMMANDS[command]
    leads_to = EXPECTED[command].get(phase, REFUSED)
    if leads_to is REFUSED:
        with pytest.raises(NotAllowed):
            run(story)
        return
    step = run(story)
    if leads_to is SAME:
        assert step is None
        return
    assert step is not None
    assert step.release.phase is Phase(leads_to)
    assert allows(phase, event)
    assert step.release.revision == before.revision + 1
    assert [(entry.actor, entry.at, entry.release) for entry in step.audit] == [(ADA, story.now, before.id)]
    assert all(signal.at == story.now and signal.release == before.id for signal in step.signals)
    assert step.release.policy_digest == before.policy_digest
    assert (step.release.ended_at is not None) == (not step.release.phase.is_active)


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "supersede"])
def test_a_command_given_twice_is_done_once(command: str, phase: Phase) -> None:
    """A tool that lost the answer asks again; that must neither fail nor happen twice."""
    if EXPECTED[command].get(phase, REFUSED) in {SAME, REFUSED}:
        return
    story = IN_PHASE[phase]()
    run, _ = COMMANDS[command]
    step = run(story)
    assert step is not None
    started = step.release.current_stage
    story.release = step.release
    again = start_again(story) if command == "start the next stage" else run(story)
    assert started == story.release.current_stage
    assert again is None


def test_a_superseded_release_cannot_be_superseded_again() -> None:
    """There is another release in its place by now; superseding that one is another command."""
    with pytest.raises(NotAllowed, match="cannot supersede a release that is superseded"):
        commands.supersede(IN_PHASE[Phase.SUPERSEDED]().release, "v4", ADA, 0.0)


# --- open --------------------------------------------------------------------------------------------------------


def test_a_release_is_opened_with_all_it_is_pinned_to() -> None:
    """I8."""
    story = opened()
    (step,) = story.steps
    release = story.release
    assert (release.phase, release.revision, release.opened_by, release.opened_at) == (
        Phase.OPEN,
        1,
        samples.PIPELINE,
        samples.NOW,
    )
    assert (release.plan, release.policy_digest) == (story.policy.plan.name, story.policy.digest)
    assert release.stages == (StageState(samples.CANARY), StageState(FULL))
    assert release.rules == (RuleState(RULE.name),)
    assert [signal.kind for signal in step.signals] == [SignalKind.RELEASE_OPENED]
    assert [(entry.action, entry.detail) for entry in step.audit] == [
        ("release_opened", "checkout v2 in production along standard")
    ]
    assert step.decisions == ()


# --- start -------------------------------------------------------------------------------------------------------


def test_a_stage_that_is_not_in_the_plan_cannot_be_started() -> None:
    with pytest.raises(NotFound, match="has no stage 'canary-50'"):
        opened().start("canary-50")


@pytest.mark.parametrize(
    ("story", "stage", "why"),
    [
        pytest.param(opened, "full", "cannot start full: the stage due next is canary-5", id="skipping the first"),
        pytest.param(
            IN_PHASE[Phase.BAKING],
            "full",
            "cannot start full: canary-5 is still undecided; claim its promote first",
            id="before the claim",
        ),
        pytest.param(
            IN_PHASE[Phase.BETWEEN],
            "canary-5",
            "cannot start canary-5: the stage due next is full",
            id="one that was decided",
        ),
        pytest.param(
            IN_PHASE[Phase.ROLLING_BACK],
            "full",
            "cannot start a stage of a release that is rolling back",
            id="while it goes back",
        ),
        pytest.param(
            IN_PHASE[Phase.COMPLETED],
            "full",
            "cannot start a stage of a release that is completed",
            id="when all is done",
        ),
    ],
)
def test_stages_are_started_in_their_order(story: Callable[[], Story], stage: str, why: str) -> None:
    with pytest.raises(NotAllowed, match=why):
        story().start(stage)


@pytest.mark.parametrize("phase", [Phase.OPEN, Phase.BETWEEN])
def test_a_paused_release_starts_no_stage(phase: Phase) -> None:
    story = IN_PHASE[phase]().pause()
    due = story.release.next_stage
    assert due is not None
    with pytest.raises(NotAllowed, match="is paused by ada; resume it before going on"):
        story.start(due.name)
    story.resume().start(due.name)
    assert story.phase() is Phase.BAKING


def test_a_stage_that_runs_may_be_told_to_start_although_it_is_paused() -> None:
    """The tool repeats itself; nothing moves."""
    story = IN_PHASE[Phase.BAKING]().pause()
    assert start_again(story) is None


def test_a_stage_starts_with_no_memory_but_that_of_harm() -> None:
    def world(t: float) -> Facts:
        return Facts(error_share=0.5 if t > 315 else 0.0)

    story = Story(world, rules=[samples.ratio_rule()], stages=[one_stage(), one_stage(name="full")])
    story.start().run(315).claim().run(45).start("full")
    state = story.state()
    assert (state.past_since, state.first_past_at, state.past_looks) == (samples.NOW + 330, samples.NOW + 330, 3)
    assert (state.scheduled, state.evaluated, state.requests, state.ok_since) == (0, 0, 0.0, None)


# --- report, abort, supersede ------------------------------------------------------------------------------------


def test_a_rollback_done_as_signalled_makes_no_second_decision() -> None:
    """I3."""
    story = rolling_back().skip(40).report_rolled_back()
    assert len(story.decisions) == 1
    step = story.steps[-1]
    assert [signal.kind for signal in step.signals] == [SignalKind.ROLLED_BACK]
    assert [entry.action for entry in step.audit] == ["rolled_back_reported"]
    rollback = story.release.rollback
    assert rollback is not None
    assert (rollback.cause, rollback.triggered_at, rollback.reported_at) == (
        RollbackCause.RULE,
        samples.NOW + 15,
        samples.NOW + 55,
    )


@pytest.mark.parametrize(
    ("phase", "stage"), [(Phase.BAKING, samples.CANARY), (Phase.BETWEEN, FULL)], ids=["baking", "between"]
)
def test_a_rollback_of_the_tools_own_accord_ends_the_stage(phase: Phase, stage: StageName) -> None:
    story = IN_PHASE[phase]()
    step = commands.report_rolled_back(story.release, ADA, "customers called", story.now)
    assert step is not None
    (decision,) = step.decisions
    assert (decision.stage, decision.kind, decision.cause, decision.reason, decision.actor) == (
        stage,
        DecisionKind.ROLLED_BACK,
        "person",
        "customers called",
        ADA,
    )
    assert step.release.rollback == Rollback(
        cause=RollbackCause.PERSON,
        rule=None,
        reason="customers called",
        first_harm_at=story.now,
        triggered_at=story.now,
        reported_at=story.now,
    )


def test_a_rolled_back_release_forgets_what_it_saw_of_the_new_version() -> None:
    story = rolling_back()
    story.world = lambda _: Facts(blind={RULE.name: FailureReason.TIMEOUT})
    story.run(60).report_rolled_back()
    assert story.release.rules == (RuleState(RULE.name),)
    assert (story.release.results, story.release.blind_since) == ((), None)


@pytest.mark.parametrize(
    ("end", "kind", "signal"),
    [
        pytest.param(Story.abort, DecisionKind.ABORTED, SignalKind.RELEASE_ABORTED, id="abort"),
        pytest.param(Story.supersede, DecisionKind.SUPERSEDED, SignalKind.RELEASE_SUPERSEDED, id="supersede"),
    ],
)
@pytest.mark.parametrize(
    ("phase", "stage"),
    [(Phase.OPEN, None), (Phase.BAKING, samples.CANARY), (Phase.BETWEEN, FULL)],
    ids=["open", "baking", "between"],
)
def test_ending_a_release_ends_its_undecided_stage(
    end: Callable[[Story], Story], kind: DecisionKind, signal: SignalKind, phase: Phase, stage: StageName | None
) -> None:
    story = end(IN_PHASE[phase]())
    step = story.steps[-1]
    assert [(decision.stage, decision.kind) for decision in step.decisions] == ([(stage, kind)] if stage else [])
    assert [told.kind for told in step.signals] == [signal]
    assert story.release.ended_at == story.now


def test_superseding_a_rollback_leaves_it_signalled() -> None:
    story = rolling_back()
    signalled = story.release.rollback
    story.supersede()
    assert story.release.rollback == signalled
    assert [decision.kind for decision in story.decisions] == [DecisionKind.ROLLED_BACK]


def test_a_release_without_a_reason_is_given_one() -> None:
    aborted = commands.abort(opened().release, ADA, "", 0.0)
    assert aborted is not None
    assert [signal.reason for signal in aborted.signals] == ["aborted by ada"]


# --- pause -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", [Phase.OPEN, Phase.BETWEEN])
def test_a_pause_between_stages_changes_no_verdict(phase: Phase) -> None:
    story = IN_PHASE[phase]()
    stages = story.release.stages
    story.pause()
    assert story.release.stages == stages
    assert story.release.pause is not None
    assert (story.release.pause.by, story.release.pause.reason) == (ADA, "looking into it")


def test_a_stage_paused_before_its_first_look_is_held() -> None:
    story = opened().start().pause()
    assert (story.verdict(), story.reason()) == (Verdict.HOLD, "paused by ada: looking into it")


def test_a_pause_needs_no_reason() -> None:
    story = opened().start().pause("")
    assert story.reason() == "paused by ada"


def test_a_pause_is_audited_with_its_reason() -> None:
    story = opened().pause()
    resumed = commands.resume(story.release, BOB, "found it", story.now)
    assert resumed is not None
    assert [(entry.actor, entry.action, entry.detail) for entry in (*story.steps[-1].audit, *resumed.audit)] == [
        (ADA, "release_paused", "looking into it"),
        (BOB, "release_resumed", "found it"),
    ]


def unchanged(before: Release, after: Release) -> bool:
    """Whether nothing but the revision differs."""
    return {name for name in before.__slots__ if getattr(before, name) != getattr(after, name)} <= {"revision"}


def test_pausing_and_resuming_leaves_a_release_as_it_was() -> None:
    story = opened()
    before = story.release
    assert unchanged(before, story.pause().resume().release)
