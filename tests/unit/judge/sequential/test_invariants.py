"""What holds of sequential rules whatever the world does, whoever is blind, and however oddly the gate looks.

S1  a look reads only what was asked for it
S2  a look counts all events since the last one that counted, or none; so none is lost, and none is counted twice
S3  a look that counts nothing moves no odds
S4  what is left out for good is left out for a reason that is said
S5  a promote rests on what every blocking rule has just counted, of both versions where it compares them
S6  the release goes back if and only if the shares of its rules reach the limit
S7  a fixed limit is fine only when it is proved
S8  what is saved and read again is the same
S9  what a stage proves was served in it
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gated.judge.decide import decide
from gated.judge.queries import queries_for
from gated.judge.sequential.standing import HEALTH_ODDS
from gated.model.evidence import BaselineKind, Counts, Evidence
from gated.model.ids import RuleName
from gated.model.plan import BlindAction, OnBlind, Stage
from gated.model.reading import (
    Events,
    Newest,
    NoDataReason,
    Query,
    Reading,
    Track,
    Value,
)
from gated.model.release import Phase, Release
from gated.model.rule import ActivityRule, Limit, OnBreach, QuantileRule, SequentialRule, Side, WorseThanBaseline
from gated.model.verdict import Outcome, Verdict
from gated.store.codec import RELEASE
from tests.judge_story import BLINDNESSES, Blindness, Story, one_stage, unseen
from tests.unit.judge.sequential_stories import limit_rule, slow_rule, slower_rule, versus_rule, waf_rule
from tests.unit.judge.sequential_world import HEALTHY, Asked, Traffic, World
from tests.unit.judge.stats.simulated_service import seeded

RULES: tuple[SequentialRule, ...] = (
    limit_rule(),
    limit_rule(name=RuleName("availability"), events='r{code!~"5.."}', total="r", limit=Limit(0.97, Side.BELOW)),
    versus_rule(),
    slow_rule(),
    slower_rule(on_breach=OnBreach.HOLD),
    waf_rule(block_seconds=180.0, on_breach=OnBreach.WARN),
)
SHORT = {
    "bake_min_seconds": 60.0,
    "bake_max_seconds": 240.0,
    "on_blind": OnBlind(1e9, BlindAction.PAGE),  # going back because of blindness is another story
}
STAGES = (
    one_stage(**SHORT),
    one_stage(name="alone", baseline=BaselineKind.NONE, **SHORT),
    one_stage(name="warm", warmup_seconds=90.0, **SHORT),
    one_stage(name="late", baseline=BaselineKind.BEFORE, **SHORT),
)
INTERVAL = 60.0
LEFT_OUT = frozenset({"not_started", "warming_up", "gap", "no_history"})
"""Codes that say why events are left out for good. A clock set back before its stage looks like a warm-up."""


class Deed(enum.Enum):
    """What people, tools and machines do."""

    LOOK = enum.auto()
    MISS = enum.auto()
    RESTART = enum.auto()
    CHANGE_INTERVAL = enum.auto()
    PAUSE = enum.auto()
    REPORT = enum.auto()


@dataclass(frozen=True)
class Turn:
    """Time passes, something is served in the middle of it, and something is done at its end.

    Args:
        seconds: less than 0: the clock is set back.
        served: by the new and by the old version.
        missing: which questions nobody answers, and why not.
        deed: what is done.
    """

    seconds: float
    served: tuple[Traffic, Traffic]
    missing: Mapping[int, Blindness]
    deed: Deed


TRAFFIC = st.builds(
    lambda total, share, buckets: Traffic(total, round(total * share), buckets),
    st.sampled_from([300, 3000, 0, 1, 7, 10**7]),
    st.sampled_from([0.01, 0.0, 0.01, 0.0, 0.05, 0.2, 1.0]),
    st.sampled_from([4, 3, 2, 2, 1, 0]),
)
TURNS = st.lists(
    st.builds(
        Turn,
        st.sampled_from([*(INTERVAL,) * 20, *(61.0,) * 4, 1.0, 30.0, 150.0, 3700.0, -20.0, -200.0]),
        st.one_of(*(st.just(HEALTHY),) * 6, st.tuples(TRAFFIC, TRAFFIC)),
        st.one_of(
            *(st.just({}),) * 9,
            st.dictionaries(st.integers(0, 40), st.sampled_from(BLINDNESSES), min_size=1, max_size=3),
        ),
        st.sampled_from([*(Deed.LOOK,) * 24, *Deed]),
    ),
    min_size=20,
    max_size=50,
)


class Watch:
    """One release guarded by sequential rules, and a world that remembers everything."""

    def __init__(self, stages: tuple[Stage, ...]) -> None:
        self.world = World()
        self.stages = stages
        self.story = Story(
            rules=RULES, stages=stages, interval=INTERVAL, history_seconds=3600.0, cold_start_seconds=150.0
        )

    def take(self, turn: Turn) -> None:
        """Let it happen."""
        story = self.story
        story.skip(turn.seconds / 2)
        self.world.batches.append((story.now, *turn.served))
        story.skip(turn.seconds / 2)
        match turn.deed:
            case Deed.LOOK if story.phase().is_active:
                self.look(turn.missing)
                self.go_on()
            case Deed.RESTART:
                saved = RELEASE.decode(RELEASE.encode(story.release))
                assert saved == story.release, "S8"
                story.release = saved
            case Deed.CHANGE_INTERVAL:
                story.interval = 2.5 * INTERVAL - story.interval
            case Deed.PAUSE if story.phase().is_undecided and story.release.pause:
                story.resume()
            case Deed.PAUSE if story.phase().is_undecided:
                story.pause()
            case Deed.REPORT if story.phase() is Phase.ROLLING_BACK:
                story.report_rolled_back()

    def go_on(self) -> None:
        """The tool does what is due next."""
        story, due = self.story, self.story.release.next_stage
        if story.phase() is Phase.BAKING and story.shown().verdict is Verdict.PROMOTE:
            story.claim()
        elif story.phase() in {Phase.OPEN, Phase.BETWEEN} and due is not None and story.release.pause is None:
            story.start(due.name)

    def look(self, missing: Mapping[int, Blindness]) -> None:
        """Ask the world, and judge."""
        story, before = self.story, self.story.release
        asked = queries_for(before, story.policy, now=story.now, interval_seconds=story.interval)
        readings = Asked({query: self.world.answer(query, story.now) for query in asked})
        for place, reason in missing.items():
            spoilt = asked[place % len(asked)] if asked else None
            if spoilt is not None and not (reason is NoDataReason.ABSENT and is_numerator(spoilt)):
                readings[spoilt] = unseen(reason)
        step = decide(before, story.policy, readings, now=story.now, interval_seconds=story.interval)
        story.release = step.release
        assert before.rollback is None or not story.phase().is_undecided, "a rollback is for ever"
        for number, rule in enumerate(RULES):
            old, new = before.rules[number].evidence, story.release.rules[number].evidence
            if old is not None and new is not None:
                self.check_counting(rule, before, old, new, story.release.results[number].code)
                self.check_stage(new)
        self.check_odds(before)
        self.check_promotion()

    # --- what must hold of a look -------------------------------------------------------------------------------

    def check_counting(self, rule: SequentialRule, before: Release, old: Evidence, new: Evidence, code: str) -> None:
        """S2, S3 and S4."""
        if new.counted_until == old.counted_until:
            assert counted(new) == counted(old), "S3"
            return
        assert new.counted_until == self.story.now > old.counted_until, "S2"
        if code in LEFT_OUT or not self.has_say(rule, before, new):
            assert counted(new) == replace(counted(old), counted_until=new.counted_until), "S4"
            return
        is_back = before.phase is Phase.RECOVERING
        served = self.world.between(old.counted_until, new.counted_until, is_old=is_back)
        if self.spans_a_start(rule, old):
            assert new.canary == old.canary, "S9"
            return
        assert new.canary == old.canary + expected(rule, new, served), "S2"

    def has_say(self, rule: SequentialRule, before: Release, evidence: Evidence) -> bool:
        """Whether a rule counts anything at all at this look."""
        if isinstance(rule, QuantileRule) and not evidence.boundaries:
            return False
        current = before.current_stage
        kind = self.story.policy.stage(current.name).baseline if current is not None else BaselineKind.NONE
        return not compares(rule) or not (before.phase is Phase.RECOVERING or kind is BaselineKind.NONE)

    def spans_a_start(self, rule: SequentialRule, old: Evidence) -> bool:
        """Whether a look reaches from the running stage so far back that it says little of it."""
        began = self.began()
        step = max(rule.block_seconds, self.story.interval) if isinstance(rule, ActivityRule) else self.story.interval
        return began is not None and began - old.counted_until > step

    def began(self) -> float | None:
        """When the running stage began."""
        current = self.story.release.current_stage
        return current.started_at if current is not None and current.ended_at is None else None

    def check_stage(self, evidence: Evidence) -> None:
        """S9; a step before it may count as well."""
        began = self.began()
        if began is not None and self.story.phase() is Phase.BAKING:
            served = self.world.between(began - 180.0, evidence.counted_until, is_old=False)
            assert evidence.proof.total <= sum(traffic.total for traffic in served), "S9"

    def check_odds(self, before: Release) -> None:
        """S6 and S7."""
        release = self.story.release
        sharing = [result for result in release.results if result.on_breach is OnBreach.ROLLBACK]
        total = sum(result.odds or 0.0 for result in sharing)
        assert isfinite(total)
        if before.phase in {Phase.BAKING, Phase.BETWEEN}:
            went_back = release.phase is Phase.ROLLING_BACK
            assert total >= 100.0 or not went_back, "S6"
            assert went_back or total < 100.0 or any(result.outcome.is_blind for result in sharing), "S6"
        for result, rule in zip(release.results, RULES, strict=True):
            if isinstance(rule.limit, Limit) and result.outcome is Outcome.OK:
                assert result.health_odds is not None, "S7"
                assert result.health_odds >= HEALTH_ODDS, "S7"

    def check_promotion(self) -> None:
        """S5."""
        release = self.story.release
        if release.phase is not Phase.BAKING or self.story.verdict() is not Verdict.PROMOTE:
            return
        current = release.current_stage
        assert current is not None
        kind = self.story.policy.stage(current.name).baseline
        for rule, state, result in zip(RULES, release.rules, release.results, strict=True):
            if not rule.is_blocking:
                continue
            assert result.outcome is Outcome.OK, "S5"
            assert state.evidence is not None
            assert 0 <= self.story.now - state.evidence.counted_until <= rule.max_sample_age_seconds, "S5"
            if compares(rule) and kind is BaselineKind.BESIDE:
                assert state.evidence.baseline.total > 0, "S5"


def counted(evidence: Evidence) -> Evidence:
    """What only counted events may change; tests begin anew when the version is too young for what they found."""
    learned = replace(evidence, calibration=None, past=None, unanswered=0, boundaries=())
    if evidence.suspected_at is None:
        return learned
    return replace(learned, processes=(), before=None, unexcused=None, lowest=1.0, lowest_at=None, suspected_at=None)


def compares(rule: SequentialRule) -> bool:
    """Whether its line moves with the baseline."""
    return isinstance(rule.limit, WorseThanBaseline)


def is_numerator(query: Query) -> bool:
    """Whether it asks for events of which there may be none: then no series at all means none."""
    return isinstance(query.measure, Events) and "~" in query.measure.selector


def expected(rule: SequentialRule, evidence: Evidence, served: list[Traffic]) -> Counts:
    """What a rule must have counted of what a version served."""
    total = float(sum(traffic.total for traffic in served))
    if not isinstance(rule, QuantileRule):
        return Counts(float(sum(traffic.bad for traffic in served)), total)
    bound = 0.8 if isinstance(rule.limit, Limit) else evidence.boundaries[-1][1]
    return Counts(total - sum(traffic.within(bound) for traffic in served), total)


@given(TURNS, st.permutations(STAGES).map(tuple))
@settings(max_examples=50, deadline=None)
def test_nothing_is_lost_counted_twice_or_promoted_unseen(turns: list[Turn], stages: tuple[Stage, ...]) -> None:
    watch = Watch(stages)
    for turn in turns:
        watch.take(turn)


# --- sources that answer nonsense -----------------------------------------------------------------------------------

ODD_NUMBERS = (0.0, 1.0, 0.5, 1e-12, 1e15, 1e16, 1e300, 1.7e308, -1.0, -1e300)
ODD_BOUNDS = (-1.0, 0.0, 0.1, 0.4, 0.8, 0.8000000001, 1.6, 1e300)


def nonsense(random: Random) -> Reading:
    """Any answer that the model can hold."""
    if random.random() < 0.1:
        return unseen(random.choice(BLINDNESSES))

    def number() -> float:
        return random.choice(ODD_NUMBERS) if random.random() < 0.5 else float(random.randrange(5000))

    def track() -> Track:
        looks = (None if random.random() < 0.2 else number() for _ in range(random.randrange(70)))
        return Track(random.choice("abc"), tuple(looks))

    bounds = sorted(random.sample(ODD_BOUNDS, random.randrange(6)))
    tracks = tuple(track() for _ in range(random.randrange(4)))
    return Value(number(), 0.0, buckets=tuple((bound, number()) for bound in bounds), tracks=tracks)


@pytest.mark.parametrize("seed", range(12))
def test_no_answer_stops_the_gate(seed: int) -> None:
    """The other rules of a release, and the other releases, must not pay for what a source answers."""
    random = seeded(seed)
    stages = random.sample(STAGES, len(STAGES))
    story = Story(rules=RULES, stages=stages, interval=INTERVAL, history_seconds=3600.0, cold_start_seconds=150.0)
    for turn in range(40):
        story.skip(INTERVAL)
        asked = queries_for(story.release, story.policy, now=story.now, interval_seconds=INTERVAL)
        readings = Asked({query: nonsense(random) for query in asked})
        fresh = Value(story.now - 5.0, story.now)
        readings.update(
            {query: fresh for query in asked if isinstance(query.measure, Newest) and random.random() < 0.9}
        )
        story.look(readings)
        assert RELEASE.decode(RELEASE.encode(story.release)) == story.release, "S8"
        for result in story.release.results:
            assert result.odds is not None
            assert 0 <= result.odds < 1e41
            assert result.value is None or 0 <= result.value <= 1
            assert result.interval is None or 0 <= result.interval[0] <= result.interval[1] <= 1
        due = story.release.next_stage
        if turn % 8 == 0 and due is not None and story.phase().is_undecided:
            story.release = replace(story.release, phase=Phase.BETWEEN if turn else Phase.OPEN)
            story.start(due.name)
