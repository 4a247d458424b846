"""What is asked of the past, how often, and what is done without an answer."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from gated.judge.queries import queries_for
from gated.judge.sequential.history import ATTEMPTS
from gated.model.evidence import BaselineKind
from gated.model.ids import RuleName, StageName
from gated.model.plan import Stage
from gated.model.reading import CountHistory, FailureReason, QueryFailed
from gated.model.rule import SequentialRule
from gated.model.verdict import Outcome
from tests.judge_story import Facts, Story, one_stage
from tests.unit.judge.sequential_stories import (
    ERRORS,
    SLOW,
    SLOWER,
    VERSUS,
    limit_rule,
    slow_rule,
    slower_rule,
    versus_rule,
    waf_rule,
    world,
)

BEFORE = one_stage(baseline=BaselineKind.BEFORE)


def unanswered_until(seconds: float, rule: str) -> Callable[[float], Facts]:
    """A source that is away at first, for one rule."""
    return lambda t: replace(world()(t), blind={RuleName(rule): FailureReason.TIMEOUT} if t <= seconds else {})


def asks_history(story: Story) -> bool:
    """Whether the next look asks for history."""
    asked = queries_for(story.release, story.policy, now=story.now + 15, interval_seconds=15.0)
    return any(isinstance(query.measure, CountHistory) for query in asked)


def test_a_comparison_of_quantiles_waits_for_its_boundaries_however_long_the_source_is_away() -> None:
    """Without boundaries nothing can be compared; giving up on them would be giving up the rule."""
    story = Story(unanswered_until(15 * (ATTEMPTS + 2), SLOWER), rules=(slower_rule(),), stages=(one_stage(),)).start()
    story.run(15 * (ATTEMPTS + 1))
    assert (story.outcome(), story.result().code) == (Outcome.ERROR, "timeout")
    story.run(75)
    assert story.outcome() is Outcome.OK


def test_history_has_as_many_attempts_as_the_boundaries_had() -> None:
    story = Story(unanswered_until(15 * (ATTEMPTS - 1), SLOW), rules=(slow_rule(),), stages=(one_stage(),)).start()
    story.run(15 * ATTEMPTS)
    story.world = unanswered_until(story.time + 15, SLOW)
    story.run(60)
    evidence = story.state(SLOW).evidence
    assert evidence is not None
    assert evidence.calibration is not None
    assert "6 instances" in evidence.calibration.note


@pytest.mark.parametrize(
    "rule", [limit_rule(), versus_rule(), slow_rule(), slower_rule(), waf_rule()], ids=lambda rule: str(rule.name)
)
@pytest.mark.parametrize("kind", BaselineKind)
def test_history_is_asked_only_until_it_has_answered(rule: SequentialRule, kind: BaselineKind) -> None:
    """Hours of samples of every instance, every 15 seconds, would be what costs most."""
    story = Story(world(), rules=(rule,), stages=(one_stage(baseline=kind), one_stage(name="next"))).start()
    story.run(60)
    assert not asks_history(story)


def test_a_stage_that_compares_nothing_learns_for_those_that_do() -> None:
    """The past is that of before the release, not of its first stages."""
    stages = (one_stage(baseline=BaselineKind.NONE), one_stage(name="next"))
    story = Story(world(), rules=(versus_rule(), limit_rule()), stages=stages).start().run(315)
    story.claim().start("next").run(15)
    assert story.outcome(VERSUS) is Outcome.OK


@pytest.mark.parametrize(
    ("baseline", "stage"),
    [("", one_stage()), ("v1", one_stage(baseline=BaselineKind.BEFORE))],
    ids=["no baseline", "no label of the service"],
)
def test_what_cannot_be_judged_asks_no_history(baseline: str, stage: Stage) -> None:
    story = Story(world(), rules=(versus_rule(),), stages=(stage,), baseline=baseline)
    if stage.baseline is BaselineKind.BEFORE:
        only_version = story.policy.plan.workload[1:]
        story.policy = replace(story.policy, plan=replace(story.policy.plan, workload=only_version))
    assert not asks_history(story.start())


def test_a_week_without_an_untainted_hour_teaches_nothing_and_is_not_waited_for() -> None:
    story = Story(world(), rules=(versus_rule(),), stages=(BEFORE,), history_seconds=0.0).start()
    story.release = replace(story.release, tainted=((story.now - 9 * 86400, story.now - 60),))
    story.run(45)
    assert (story.outcome(), story.result().code) == (Outcome.NO_DATA, "no_history")


def test_a_rule_that_failed_to_learn_still_counts_from_where_the_release_began() -> None:
    story = Story(unanswered_until(15 * ATTEMPTS, ERRORS), rules=(limit_rule(),), stages=(one_stage(),)).start()
    story.run(15 * ATTEMPTS + 30)
    evidence = story.state(ERRORS).evidence
    assert evidence is not None
    assert evidence.canary.total == pytest.approx((15 * ATTEMPTS + 30) * 100)


def test_what_happened_while_boundaries_were_waited_for_is_counted() -> None:
    story = Story(unanswered_until(15 * (ATTEMPTS + 6), SLOWER), rules=(slower_rule(),), stages=(one_stage(),)).start()
    story.run(15 * (ATTEMPTS + 10))
    evidence = story.state(SLOWER).evidence
    assert evidence is not None
    assert evidence.canary.total == pytest.approx(15 * (ATTEMPTS + 10) * 100)


@pytest.mark.parametrize("away", [ATTEMPTS - 1, ATTEMPTS, 3 * ATTEMPTS])
def test_a_past_that_a_stage_compares_with_is_waited_for_however_long_the_source_is_away(away: int) -> None:
    """A source that was away for a minute would end the release ten minutes later, when it has long been back."""
    story = Story(unanswered_until(15 * away, VERSUS), rules=(versus_rule(),), stages=(BEFORE,)).start()
    story.run(15 * away)
    assert (story.outcome(), story.result().code) == (Outcome.ERROR, "timeout")
    story.run(90)
    assert story.outcome() is Outcome.OK
    evidence = story.state(VERSUS).evidence
    assert evidence is not None
    assert evidence.canary.total == pytest.approx((15 * away + 90) * 100)


def test_a_past_that_was_not_learned_in_time_is_asked_for_again_by_the_stage_that_needs_it() -> None:
    stages = (one_stage(), replace(BEFORE, name=StageName("alone")))
    at = unanswered_until(15 * ATTEMPTS, VERSUS)
    story = Story(at, rules=(versus_rule(), limit_rule()), stages=stages).start().run(615)
    assert (story.outcome(VERSUS), asks_history(story)) == (Outcome.OK, False)
    opened_at = story.now - story.time
    story.claim().start("alone")
    asked = queries_for(story.release, story.policy, now=story.now + 15, interval_seconds=15.0)
    ends = [query.measure.until for query in asked if isinstance(query.measure, CountHistory)]
    assert max(ends) == opened_at, "the new version is no part of the past"
    story.run(30)
    assert (story.outcome(VERSUS), asks_history(story)) == (Outcome.OK, False)


def test_a_stage_that_compares_with_the_past_can_do_without_the_history_of_instances() -> None:
    """Hours of samples of every instance may be more than a source hands out; hours of the service are not."""
    story = Story(world(), rules=(versus_rule(),), stages=(BEFORE,)).start()
    for _ in range(ATTEMPTS + 4):
        story.time += story.interval
        too_large = QueryFailed(FailureReason.TOO_LARGE)
        of_instances = {
            query: too_large
            for query in story.readings()
            if isinstance(query.measure, CountHistory) and query.measure.by
        }
        story.look({**story.readings(), **of_instances})
    assert story.outcome() is Outcome.OK
