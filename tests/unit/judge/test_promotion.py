"""Never promote without fresh and complete evidence (I1), whatever the sources say and however long one looks.

Random sequences of looks, each with a random reading of every kind for every blocking rule, random gaps between
them; at every look the promises are checked from the outside, by counting what was really seen.
"""

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from gated.judge.queries import rule_queries
from gated.judge.workloads import workload_of
from gated.model.ids import RuleName
from gated.model.plan import BlindAction, OnBlind
from gated.model.reading import FiringAlert, NoDataReason, Query, Reading
from gated.model.release import Phase
from gated.model.rule import OnBreach, Rule
from gated.model.verdict import Outcome, Verdict
from tests import samples
from tests.judge_story import BLINDNESSES, INTERVAL, Blindness, Facts, Story, one_stage, unseen

RULES: tuple[Rule, ...] = (
    samples.ratio_rule(name=RuleName("errors"), for_seconds=30.0),
    samples.quantile_rule(name=RuleName("latency"), for_seconds=30.0),
    samples.value_rule(name=RuleName("down"), for_seconds=30.0),
    samples.alerts_rule(name=RuleName("alerts"), on_breach=OnBreach.HOLD),
    samples.probe_rule(name=RuleName("login"), failures=3),
    samples.ratio_rule(name=RuleName("warns"), events="shed_total", total="asked_total", on_breach=OnBreach.WARN),
)
"""One rule of every kind that blocks, and one that only warns, of other series."""
BLOCKING = [rule for rule in RULES if rule.is_blocking]
STAGE = one_stage(
    bake_min_seconds=90.0,
    bake_max_seconds=180.0,
    min_requests=2_000,
    on_blind=OnBlind(hold_for_seconds=3600.0, then=BlindAction.PAGE),
)
"""A stage that never goes back for blindness, so that long sequences of it are seen."""


@dataclass(frozen=True)
class Look:
    """One look.

    Args:
        after: seconds since the one before.
        bad: the rules that are past their limit.
        few: whether there is hardly any traffic.
        old: whether all samples are older than counts.
        lost: whether the answers never came.
        blind: the question of a rule, by its place among those of the rule, that gets no value, and why.
    """

    after: float
    bad: frozenset[RuleName] = frozenset()
    few: bool = False
    old: bool = False
    lost: bool = False
    blind: tuple[tuple[Rule, int, Blindness], ...] = ()


GOOD = st.builds(Look, after=st.just(INTERVAL))
"""Most looks are good, else nothing would ever be promoted."""
ANY = st.builds(
    Look,
    after=st.sampled_from([1.0, INTERVAL, INTERVAL, 22.0, 29.0, 31.0, 60.0, 200.0]),
    bad=st.frozensets(st.sampled_from([rule.name for rule in RULES]), max_size=2),
    few=st.booleans(),
    old=st.booleans(),
    lost=st.booleans(),
    blind=st.lists(st.tuples(st.sampled_from(RULES), st.integers(0, 2), st.sampled_from(BLINDNESSES)), max_size=2).map(
        tuple
    ),
)
SPOILT = st.one_of(
    st.builds(
        Look,
        after=st.just(INTERVAL),
        blind=st.tuples(st.tuples(st.sampled_from(BLOCKING), st.integers(0, 2), st.sampled_from(BLINDNESSES))),
    ),
    st.builds(Look, after=st.just(INTERVAL), few=st.just(True)),
    st.builds(Look, after=st.just(INTERVAL), old=st.just(True)),
    st.builds(Look, after=st.just(INTERVAL), lost=st.just(True)),
    st.builds(Look, after=st.just(INTERVAL), bad=st.sampled_from(BLOCKING).map(lambda rule: frozenset({rule.name}))),
    st.builds(Look, after=st.sampled_from([31.0, 60.0, 200.0])),
)
"""One thing wrong, just as it might all be over."""
LOOKS = st.lists(st.one_of(GOOD, GOOD, GOOD, GOOD, SPOILT, ANY), min_size=1, max_size=40)
NEARLY_DONE = st.builds(lambda last: [*[Look(INTERVAL)] * 8, *last], st.lists(st.one_of(GOOD, SPOILT), max_size=16))


def facts(look: Look) -> Facts:
    """What the world is like at a look."""
    return Facts(
        requests_per_second=0.2 if look.few else 20.0,
        error_share=0.5 if {"errors", "warns"} & look.bad else 0.0,
        fast={0.4: 0.5, 0.8: 0.6, 1.6: 1.0} if "latency" in look.bad else {0.4: 0.97, 0.8: 0.99, 1.6: 1.0},
        value=0.0 if "down" in look.bad else 1.0,
        alerts=(FiringAlert("Waf", 0.0),) if "alerts" in look.bad else (),
        probe_works="login" not in look.bad,
        sample_age_seconds=500.0 if look.old else 5.0,
    )


def questions(story: Story, rule: Rule) -> tuple[Query, ...]:
    """What a rule asks."""
    return rule_queries(rule, workload_of(story.release, story.policy, rule.scope))


def readings(story: Story, look: Look) -> dict[Query, Reading]:
    """The answers of a look."""
    if look.lost:
        return {}
    story.world = lambda _: facts(look)
    answers = story.readings()
    for rule, place, reason in look.blind:
        asked = questions(story, rule)
        answers[asked[place % len(asked)]] = unseen(reason)
    return answers


def has_evidence(outcome: Outcome, code: str) -> bool:
    """Whether a result rests on something that was seen and could be judged."""
    return outcome in {Outcome.OK, Outcome.BREACH} or code == "past_limit"


def is_harmless(rule: Rule, place: int, reason: Blindness) -> bool:
    """Whether a missing value says all the same that nothing is wrong: no series of errors is no error."""
    return not rule.is_blocking or (rule.name == "errors" and place == 0 and reason is NoDataReason.ABSENT)


def check_promises(looks: list[Look]) -> None:
    """Tell a story of these looks, and check every one of them."""
    story = Story(rules=RULES, stages=[STAGE]).start()
    began = story.now
    evidence = dict.fromkeys((rule.name for rule in BLOCKING), 0)
    rolled_back = False
    for look in looks:
        story.skip(look.after)
        step = story.look(readings(story, look))
        blocking = [result for result in step.release.results if result.on_breach is not OnBreach.WARN]
        verdict = story.shown().verdict
        for result in blocking:
            evidence[result.rule] += has_evidence(result.outcome, result.code)

        if rolled_back:
            assert verdict is Verdict.ROLLBACK
        rolled_back = verdict is Verdict.ROLLBACK
        if any(result.outcome.is_blind for result in blocking):
            assert verdict in {Verdict.HOLD, Verdict.ROLLBACK}
        if verdict is Verdict.PROMOTE:
            elapsed = story.now - began
            assert {result.outcome for result in blocking} == {Outcome.OK}
            assert elapsed >= STAGE.bake_min_seconds
            # Looks closer together than planned are all due; else one is due in each interval, by rounding.
            assert all(count >= 0.9 * elapsed / (1.5 * INTERVAL) for count in evidence.values())
            assert all(state.evaluated >= 0.9 * state.scheduled for state in story.release.rules[: len(BLOCKING)])
            assert all(state.evaluated <= evidence[state.rule] for state in story.release.rules[: len(BLOCKING)])
            assert max(state.requests for state in story.release.rules) >= STAGE.min_requests
            assert not any([look.lost, look.old, look.few])
            assert all(is_harmless(rule, place, reason) for rule, place, reason in look.blind)


@settings(max_examples=300, deadline=None)
@given(LOOKS)
def test_a_promote_rests_on_fresh_and_complete_evidence(looks: list[Look]) -> None:
    check_promises(looks)


@settings(max_examples=300, deadline=None)
@given(NEARLY_DONE)
def test_the_last_look_before_a_promote_decides(looks: list[Look]) -> None:
    check_promises(looks)


def test_good_looks_are_promoted() -> None:
    """Else the promises above would be kept by promoting nothing."""
    story = Story(rules=RULES, stages=[STAGE]).start().run(105)
    assert story.verdict() is Verdict.PROMOTE


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.one_of(GOOD, SPOILT, ANY), max_size=20),
    st.sampled_from([rule for rule in BLOCKING if rule.on_breach is OnBreach.ROLLBACK]),
)
def test_lasting_harm_is_rolled_back_whatever_came_before(before: list[Look], rule: Rule) -> None:
    """A fault that any rollback rule sees for long enough is found, at whatever moment it begins."""
    story = Story(rules=RULES, stages=[STAGE]).start()
    for look in [*before, *[Look(INTERVAL, bad=frozenset({rule.name}))] * 4]:
        story.skip(look.after)
        story.look(readings(story, look))
    assert story.phase() is Phase.ROLLING_BACK
