"""The invariants of a release, whatever people, tools and the world do to it in whatever order.

I1  a promote is shown only when the last look of every blocking rule was fine and recent
I2  a rollback never turns back
I3  every stage gets at most one decision
I4  a promote is claimed once, by one, while it is shown
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from gated.judge import commands
from gated.judge.decide import decide
from gated.model.errors import Conflict, NotAllowed, NotFound
from gated.model.ids import Actor, RuleName, StageName, VerdictId
from gated.model.plan import BlindAction, OnBlind
from gated.model.reading import FiringAlert
from gated.model.release import Phase, Release
from gated.model.rule import OnBreach
from gated.model.step import DecisionKind, Step
from gated.model.verdict import Outcome, Verdict
from tests import samples
from tests.judge_story import BLINDNESSES, INTERVAL, VALIDITY, Facts, Story, one_stage

RULES = (
    samples.ratio_rule(name=RuleName("errors"), for_seconds=30.0),
    samples.alerts_rule(name=RuleName("alerts"), on_breach=OnBreach.HOLD),
    samples.probe_rule(name=RuleName("login"), failures=2),
)
SHORT = {"bake_min_seconds": 30.0, "bake_max_seconds": 60.0}
STAGES = (
    one_stage(on_blind=OnBlind(60.0, BlindAction.ROLLBACK), **SHORT),
    one_stage(name="canary-25", warmup_seconds=30.0, on_blind=OnBlind(60.0, BlindAction.PAGE), **SHORT),
    one_stage(name="full", on_blind=OnBlind(600.0, BlindAction.ROLLBACK), **SHORT),
)
ACTORS = st.sampled_from([samples.PIPELINE, Actor("ada")])
NAMES = st.sampled_from([*(stage.name for stage in STAGES), StageName("canary-50")])
SPOILT = st.builds(
    Facts,
    requests_per_second=st.sampled_from([0.0, 0.1, 100.0, 100.0]),
    error_share=st.sampled_from([0.0, 0.0, 0.5]),
    alerts=st.sampled_from([(), (), (FiringAlert("Waf", 0.0),), (FiringAlert("Waf", samples.NOW + 30.0),)]),
    probe_works=st.sampled_from([True, True, False]),
    sample_age_seconds=st.sampled_from([5.0, 5.0, 500.0]),
    blind=st.dictionaries(st.sampled_from([one.name for one in RULES]), st.sampled_from(BLINDNESSES), max_size=1),
)


@dataclass
class Told:
    """What the outside world has heard of a release, kept apart from the release itself."""

    decisions: dict[StageName, DecisionKind] = field(default_factory=dict)
    signals: set[str] = field(default_factory=set)
    claims: dict[VerdictId, Actor] = field(default_factory=dict)
    promoted: list[StageName] = field(default_factory=list)
    has_rolled_back: bool = False


class ReleaseMachine(RuleBasedStateMachine):
    """One release, and everybody who may do something to it."""

    verdicts = Bundle("verdicts")

    def __init__(self) -> None:
        super().__init__()
        self.story = Story(rules=RULES, stages=STAGES)
        self.told = Told()
        self.hear(self.story.steps[-1], 0)

    # --- what may happen ----------------------------------------------------------------------------------------

    def do(self, step: Step | None) -> None:
        """Commit a step, as the store would."""
        if step is not None:
            self.hear(step, self.story.release.revision)
            self.story.release = step.release

    def hear(self, step: Step, revision: int) -> None:
        """The outside world hears of a step."""
        assert step.release.revision == revision + 1
        for decision in step.decisions:
            assert decision.stage not in self.told.decisions, "I3"
            assert decision.release == step.release.id
            self.told.decisions[decision.stage] = decision.kind
        for signal in step.signals:
            assert signal.id not in self.told.signals
            self.told.signals.add(signal.id)
        assert step.triggered_rule is None or step.release.phase is Phase.ROLLING_BACK

    @rule(facts=SPOILT, seconds=st.sampled_from([1.0, INTERVAL, INTERVAL, 40.0, 120.0]))
    def look(self, facts: Facts, seconds: float) -> None:
        """The gate looks at a world in which something may be wrong."""
        self.look_at(facts, seconds)

    @rule(steps=st.integers(1, 12))
    def go_on(self, steps: int) -> None:
        """All goes well for a while: the tool does what is due next, and the gate looks at a good world."""
        self.resume(samples.PIPELINE)
        for _ in range(steps):
            due, shown = self.story.release.next_stage, self.story.shown()
            if self.story.phase() in {Phase.OPEN, Phase.BETWEEN} and due is not None:
                self.start(due.name, samples.PIPELINE)
            elif self.story.phase() is Phase.BAKING and shown.verdict is Verdict.PROMOTE:
                self.claim(shown.id, samples.PIPELINE)
            self.look_at(Facts(), INTERVAL)

    def look_at(self, facts: Facts, seconds: float) -> None:
        """One look, some time after whatever came last."""
        story = self.story
        story.world = lambda _: facts
        story.skip(seconds)
        if not story.phase().is_active:
            return
        step = decide(story.release, story.policy, story.readings(), now=story.now, interval_seconds=story.interval)
        blind = any(result.outcome.is_blind for result in step.release.results)
        self.do(step)
        current = story.release.current_stage
        if blind and current is not None and story.phase() is Phase.BAKING:
            assert story.shown().verdict in {Verdict.HOLD, Verdict.ROLLBACK}, "I1"

    @rule(seconds=st.sampled_from([1.0, VALIDITY + 1.0, 3600.0, -30.0, -300.0]))
    def wait(self, seconds: float) -> None:
        """Nobody does anything; or the clock is set back."""
        self.story.skip(seconds)

    @rule(name=NAMES, actor=ACTORS)
    def start(self, name: StageName, actor: Actor) -> None:
        """Somebody says that traffic is at a stage."""
        story, before = self.story, self.story.release
        try:
            step = commands.start_stage(before, story.policy, name, actor, story.now)
        except (NotAllowed, NotFound):
            return
        self.do(step)
        current = story.release.current_stage
        assert current is not None
        assert current.name == name
        assert step is None or before.phase in {Phase.OPEN, Phase.BETWEEN}
        assert [stage.name for stage in STAGES][: len(self.told.promoted)] == self.told.promoted
        assert STAGES[len(self.told.promoted)].name == name

    @rule(target=verdicts)
    def poll(self) -> VerdictId:
        """Somebody remembers the verdict shown now."""
        return self.story.shown().id

    @rule(identity=verdicts, actor=ACTORS)
    def claim_a_remembered(self, identity: VerdictId, actor: Actor) -> None:
        """Somebody claims a verdict that was shown at some time."""
        self.claim(identity, actor)

    @rule(actor=ACTORS)
    def claim_the_shown(self, actor: Actor) -> None:
        """Somebody claims the verdict shown now."""
        self.claim(self.story.shown().id, actor)

    def claim(self, identity: VerdictId, actor: Actor) -> None:
        """I4: won by one, once, and only while it is shown as a promote."""
        story, shown, phase = self.story, self.story.shown(), self.story.phase()
        try:
            state, step = commands.claim(story.release, identity, actor, story.now, VALIDITY)
        except Conflict:
            assert (shown.id, shown.verdict, phase) != (identity, Verdict.PROMOTE, Phase.BAKING)
            return
        assert not self.told.has_rolled_back, "I2"
        if step is None:
            assert self.told.claims[identity] == actor, "I4"
        else:
            assert identity not in self.told.claims, "I4"
            assert (shown.id, shown.verdict) == (identity, Verdict.PROMOTE), "I4"
            self.told.claims[identity] = actor
            self.told.promoted.append(state.name)
            self.do(step)

    @precondition(lambda self: self.told.decisions)
    @rule(actor=ACTORS)
    def report_rolled_back(self, actor: Actor) -> None:
        """The tool says that the old version is back; late, so that there is something to go back from."""
        self.try_to(lambda release, now: commands.report_rolled_back(release, actor, "", now))

    @rule(actor=ACTORS)
    def pause(self, actor: Actor) -> None:
        """Somebody pauses."""
        self.try_to(lambda release, now: commands.pause(release, actor, "", now))

    @rule(actor=ACTORS)
    def resume(self, actor: Actor) -> None:
        """Somebody resumes."""
        self.try_to(lambda release, now: commands.resume(release, actor, "", now))

    @precondition(lambda self: len(self.told.decisions) > 1)
    @rule(actor=ACTORS)
    def abort(self, actor: Actor) -> None:
        """Somebody ends the release; late, so that there is something to end."""
        self.try_to(lambda release, now: commands.abort(release, actor, "", now))

    @precondition(lambda self: len(self.told.decisions) > 1)
    @rule(actor=ACTORS)
    def supersede(self, actor: Actor) -> None:
        """Another version comes; late, so that there is something to supersede."""
        self.try_to(lambda release, now: commands.supersede(release, "v3", actor, now))

    def try_to(self, command: Callable[[Release, float], Step | None]) -> None:
        """Do something that may not be allowed; what is refused leaves no trace, for commands are pure."""
        try:
            step = command(self.story.release, self.story.now)
        except NotAllowed:
            return
        self.do(step)

    # --- what must be true --------------------------------------------------------------------------------------

    @invariant()
    def a_rollback_never_turns_back(self) -> None:
        """I2, for every stage of the release."""
        shown = {self.story.shown(stage.name).verdict for stage in STAGES}
        if self.told.has_rolled_back:
            assert shown == {Verdict.ROLLBACK}
            assert self.story.release.rollback is not None
            assert not self.story.phase().is_undecided
        self.told.has_rolled_back = Verdict.ROLLBACK in shown

    @invariant()
    def a_promote_rests_on_the_last_look(self) -> None:
        """I1."""
        story, shown = self.story, self.story.shown()
        if shown.verdict is Verdict.PROMOTE and shown.claim is None:
            assert {result.outcome for result in story.release.results} == {Outcome.OK}
            assert story.release.evaluated_at is not None
            assert abs(story.now - story.release.evaluated_at) <= VALIDITY
            assert story.release.pause is None
            assert story.phase() is Phase.BAKING

    @invariant()
    def decisions_tell_how_the_stages_ended(self) -> None:
        """I3."""
        for stage in self.story.release.stages:
            assert (stage.ended_at is not None) == (stage.name in self.told.decisions)
            promoted = self.told.decisions.get(stage.name) is DecisionKind.PROMOTED
            assert promoted == (stage.claim is not None) == (stage.name in self.told.promoted)

    @invariant()
    def the_phase_fits_the_stages(self) -> None:
        """What is stored twice agrees."""
        release = self.story.release
        running = [stage for stage in release.stages if stage.started_at is not None and stage.ended_at is None]
        assert len(running) == (release.phase is Phase.BAKING)
        assert (release.phase is Phase.COMPLETED) == (self.told.promoted == [stage.name for stage in STAGES])
        assert (release.ended_at is not None) == (not release.phase.is_active)
        assert release.rollback is not None or release.phase not in {
            Phase.ROLLING_BACK,
            Phase.RECOVERING,
            Phase.ROLLED_BACK,
        }


TestReleaseMachine = ReleaseMachine.TestCase
TestReleaseMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
