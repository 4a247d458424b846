"""Releases told as stories: a world that changes with time, and a gate that looks at it.

    story = Story(lambda t: Facts(error_share=0.5 if t >= 600 else 0.0), rules=(samples.ratio_rule(),))
    story.start("canary-5")
    story.run(900)
    assert story.verdicts == [Verdict.PENDING, Verdict.PROMOTE, Verdict.ROLLBACK]

Times in a story are seconds since the release was opened; nothing waits and nothing reads a clock. Every step goes
through `decide` and `commands` as in the daemon, and is kept for the tests to look at.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from gated.judge import commands
from gated.judge.decide import decide
from gated.judge.present import Shown, show
from gated.judge.queries import queries_for
from gated.model.ids import Actor, RuleName, StageName
from gated.model.plan import Policy, Stage
from gated.model.reading import (
    Buckets,
    CountHistory,
    Events,
    FailureReason,
    FiringAlert,
    FiringAlerts,
    HttpProbe,
    Increase,
    Instant,
    Newest,
    NoData,
    NoDataReason,
    Observations,
    Query,
    QueryFailed,
    Reading,
    Readings,
    Track,
    Value,
)
from gated.model.release import Phase, Release, RuleResult, RuleState
from gated.model.rule import Rule
from gated.model.step import Decision, Signal, Step
from gated.model.verdict import Outcome, Verdict
from tests import samples

Blindness = NoDataReason | FailureReason
"""Why a rule sees nothing."""

BLINDNESSES: tuple[Blindness, ...] = (*NoDataReason, *FailureReason)
"""Every way in which a source can fail to say something that can be judged."""

ALL_FAST: Mapping[float, float] = {0.1: 0.6, 0.4: 0.97, 0.8: 0.99, 1.6: 1.0}
"""A healthy histogram: p95 between 100 ms and 400 ms."""

INTERVAL = 15.0
"""Seconds between two looks."""

VALIDITY = 45.0
"""Seconds for which a verdict is believed after its look."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is true at one instant. The good release, unless a field is spoilt.

    Args:
        requests_per_second: of the workload.
        error_share: share of them that fail.
        fast: for every bucket boundary, the share of observations at or below it.
        value: what every `value` rule's query yields.
        alerts: what fires.
        probe_works: whether endpoints answer.
        sample_age_seconds: age of the newest sample.
        blind: for every rule that sees nothing, why.
        baseline_requests_per_second: of the old version beside it.
        baseline_error_share: share of those that fail.
        baseline_fast: as `fast`, of the old version.
        baseline_value: what `value` is on the old version.
        baseline_is_absent: whether the old version has no series.
        history: the old version's error share on each of its instances before the release; empty for no history.
    """

    requests_per_second: float = 100.0
    error_share: float = 0.0
    baseline_requests_per_second: float = 900.0
    baseline_error_share: float = 0.0
    baseline_fast: Mapping[float, float] = field(default_factory=lambda: ALL_FAST)
    baseline_value: float = 1.0
    baseline_is_absent: bool = False
    history: tuple[float, ...] = ()
    fast: Mapping[float, float] = field(default_factory=lambda: ALL_FAST)
    value: float = 1.0
    alerts: tuple[FiringAlert, ...] = ()
    probe_works: bool = True
    sample_age_seconds: float = 5.0
    blind: Mapping[RuleName, Blindness] = field(default_factory=dict)


World = Callable[[float], Facts]
"""The facts at a time of the story. Windows are filled as if each had always been like its last instant."""


def healthy(_at: float) -> Facts:
    """A world in which nothing ever happens."""
    return Facts()


def policy_of(rules: Sequence[Rule], *stages: Stage, **plan_changes: Any) -> Policy:
    """A policy with these rules and, unless stages are given, the sample plan's three stages."""
    changes = {"rules": tuple(rule.name for rule in rules), **plan_changes}
    plan = samples.plan(**changes, **({"stages": stages} if stages else {}))
    return samples.policy(plan=plan, rules=tuple(rules))


def one_stage(**changes: Any) -> Stage:
    """A stage without warm-up or demands, 5 to 10 minutes long."""
    good = {"warmup_seconds": 0.0, "bake_min_seconds": 300.0, "bake_max_seconds": 600.0, "min_requests": 0}
    return samples.stage(**{**good, **changes})


def unseen(reason: Blindness) -> NoData | QueryFailed:
    """The answer of a source that has nothing to judge, or gives no answer."""
    return NoData(reason) if isinstance(reason, NoDataReason) else QueryFailed(reason)


class Story:
    """One release, told from its opening.

    Args:
        world: what is true when.
        rules: what guards the release; the six sample rules unless given.
        stages: the plan's stages; the sample plan's unless given.
        interval: seconds between looks.
        baseline: the version to go back to.
        plan: further changes of the sample plan.
    """

    def __init__(
        self,
        world: World = healthy,
        *,
        rules: Sequence[Rule] | None = None,
        stages: Sequence[Stage] = (),
        interval: float = INTERVAL,
        baseline: str = "v1",
        **plan: Any,
    ) -> None:
        self.world = world
        self.policy = policy_of(samples.rules() if rules is None else rules, *stages, **plan)
        self.interval = interval
        self.time = 0.0
        self.steps: list[Step] = []
        self.release: Release
        self._take(
            commands.open_release(
                identity=samples.RELEASE,
                service="checkout",
                environment="production",
                version="v2",
                baseline=baseline,
                policy=self.policy,
                actor=samples.PIPELINE,
                now=self.now,
            )
        )

    # --- what happens -------------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """The story's time as the gate sees it, Unix seconds."""
        return samples.NOW + self.time

    def start(self, stage: str = samples.CANARY) -> "Story":
        """Traffic reaches a stage."""
        self._take(commands.start_stage(self.release, self.policy, StageName(stage), samples.PIPELINE, self.now))
        return self

    def look(self, readings: Readings | None = None) -> Step:
        """The gate looks once, now: at the world, or at the readings given."""
        seen = self.readings() if readings is None else readings
        step = decide(self.release, self.policy, seen, now=self.now, interval_seconds=self.interval)
        self._take(step)
        return step

    def run(self, seconds: float) -> "Story":
        """Time passes; the gate looks at every interval, and at the end."""
        end = self.time + seconds
        while self.time < end and self.release.phase.is_active:
            self.time = min(self.time + self.interval, end)
            self.look()
        return self

    def skip(self, seconds: float) -> "Story":
        """Time passes and the gate does not look. Less than 0: the clock is set back."""
        self.time += seconds
        return self

    def claim(self, actor: Actor = samples.PIPELINE) -> "Story":
        """The deploy tool takes the promote that is shown."""
        current = self.release.current_stage
        assert current is not None
        _, step = commands.claim(self.release, self.shown().id, actor, self.now, VALIDITY)
        self._take(step)
        return self

    def pause(self, reason: str = "looking into it") -> "Story":
        """A person pauses the release."""
        self._take(commands.pause(self.release, Actor("ada"), reason, self.now))
        return self

    def resume(self) -> "Story":
        """A person resumes the release."""
        self._take(commands.resume(self.release, Actor("ada"), "all is well", self.now))
        return self

    def abort(self) -> "Story":
        """A person ends the release."""
        self._take(commands.abort(self.release, Actor("ada"), "not today", self.now))
        return self

    def supersede(self) -> "Story":
        """Another version takes the release's place."""
        self._take(commands.supersede(self.release, "v3", samples.PIPELINE, self.now))
        return self

    def report_rolled_back(self) -> "Story":
        """The deploy tool says that the old version is back."""
        self._take(commands.report_rolled_back(self.release, samples.PIPELINE, "", self.now))
        return self

    def _take(self, step: Step | None) -> None:
        if step is not None:
            self.steps.append(step)
            self.release = step.release

    # --- what the world answers ---------------------------------------------------------------------------------

    def readings(self) -> dict[Query, Reading]:
        """The world's answers to everything the gate asks now."""
        facts = self.world(self.time)
        asked = queries_for(self.release, self.policy, now=self.now, interval_seconds=self.interval)
        readings = {query: self._answer(query, facts) for query in asked}
        for rule in self.policy.rules:
            if rule.name in facts.blind:
                readings.update(dict.fromkeys(self._asked_by(rule), unseen(facts.blind[rule.name])))
        return readings

    def _asked_by(self, rule: Rule) -> tuple[Query, ...]:
        """What one rule asks now."""
        alone = replace(self.policy, rules=(rule,))
        state = next(state for state in self.release.rules if state.rule == rule.name)
        return queries_for(replace(self.release, rules=(state,)), alone, now=self.now, interval_seconds=self.interval)

    def _answer(self, query: Query, facts: Facts) -> Reading:
        is_old = any(matcher.value == self.release.baseline for matcher in query.workload)
        if is_old and self.release.phase is not Phase.RECOVERING:
            if facts.baseline_is_absent:
                return NoData(NoDataReason.ABSENT)
            facts = _of_baseline(facts)
        if isinstance(query.measure, CountHistory):
            return _history(query.measure, facts, self.now)
        match query.measure:
            case Events() | Increase():
                n = facts.requests_per_second * _seconds(query.measure)
                return Value(n * _share(query.measure.selector, facts), self.now)
            case Observations() | Buckets():
                n = facts.requests_per_second * _seconds(query.measure)
                return Value(n, self.now, buckets=tuple((bound, share * n) for bound, share in facts.fast.items()))
            case Instant():
                return Value(facts.value, self.now)
            case Newest():
                return Value(self.now - facts.sample_age_seconds, self.now)
            case FiringAlerts():
                return Value(float(len(facts.alerts)), self.now, alerts=facts.alerts)
            case HttpProbe():
                return Value(float(facts.probe_works), self.now)
            case _:
                assert_never(query.measure)

    # --- what came of it ----------------------------------------------------------------------------------------

    def phase(self) -> Phase:
        """Where the release stands."""
        return self.release.phase

    def verdict(self) -> Verdict:
        """The verdict of the stage started last, as it was stored."""
        current = self.release.current_stage
        assert current is not None
        assert current.verdict is not None
        return current.verdict.verdict

    def reason(self) -> str:
        """Its sentence."""
        current = self.release.current_stage
        assert current is not None
        assert current.verdict is not None
        return current.verdict.reason

    @property
    def verdicts(self) -> list[Verdict]:
        """Every verdict the running stage went through, as often as it changed."""
        told: list[Verdict] = []
        for step in self.steps:
            current = step.release.current_stage
            verdict = current.verdict.verdict if current is not None and current.verdict is not None else None
            if verdict is not None and (not told or told[-1] is not verdict):
                told.append(verdict)
        return told

    def shown(self, stage: str | None = None) -> Shown:
        """What a poll sees now; of the stage started last unless another is named."""
        current = self.release.current_stage
        name = StageName(stage) if stage is not None else (current or self.release.stages[0]).name
        return show(self.release, self.policy, name, self.now, VALIDITY)

    def result(self, rule: str | None = None) -> RuleResult:
        """What a rule said at the last look; the first one unless another is named."""
        return next(result for result in self.release.results if rule in {None, result.rule})

    def state(self, rule: str | None = None) -> RuleState:
        """What a rule remembers; the first one unless another is named."""
        return next(state for state in self.release.rules if rule in {None, state.rule})

    def outcome(self, rule: str | None = None) -> Outcome:
        """What a rule said at the last look, in one word."""
        return self.result(rule).outcome

    @property
    def decisions(self) -> list[Decision]:
        """Every decision, oldest first."""
        return [decision for step in self.steps for decision in step.decisions]

    @property
    def signals(self) -> list[Signal]:
        """Every signal, oldest first."""
        return [signal for step in self.steps for signal in step.signals]


def _seconds(measure: Events | Increase | Observations | Buckets) -> float:
    """Over how long a measure counts."""
    if isinstance(measure, Events | Observations):
        return measure.until - measure.since
    return measure.window_seconds


def _of_baseline(facts: Facts) -> Facts:
    """The same facts, seen by those who ask for the old version."""
    return replace(
        facts,
        requests_per_second=facts.baseline_requests_per_second,
        error_share=facts.baseline_error_share,
        fast=facts.baseline_fast,
        value=facts.baseline_value,
    )


def _history(measure: CountHistory, facts: Facts, now: float) -> Reading:
    """Steady instances, each with its own share of errors: two looks of requests, one after the other, add up to it."""
    if not facts.history:
        return NoData(NoDataReason.ABSENT)
    looks = round((measure.until - measure.since) / measure.step_seconds)
    n = facts.requests_per_second * measure.step_seconds / len(facts.history)
    shares = [1.0 if measure.selector.endswith(("total", "count")) else share for share in facts.history]
    tracks = tuple(Track(f"pod-{at}", (round(n * share),) * looks) for at, share in enumerate(shares))
    if not measure.by:
        tracks = (Track("", tuple(sum(counts) for counts in zip(*(t.counts for t in tracks), strict=True))),)
    return Value(sum(sum(t.counts) for t in tracks), now, tracks=tracks)  # type: ignore[arg-type, misc]  # likewise


def _share(selector: str, facts: Facts) -> float:
    """The share of all requests that a selector counts: those with a 5xx code, those without, or all."""
    if "!~" in selector:
        return 1.0 - facts.error_share
    return facts.error_share if "=~" in selector else 1.0
