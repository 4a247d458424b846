"""A distribution is judged by full windows: the stage waits for the first, and misses nothing meanwhile."""

from dataclasses import replace

from gated.model.evidence import BaselineKind
from gated.model.ids import RuleName
from gated.model.rule import DistributionRule, WorseThanBaseline
from gated.model.verdict import Outcome, Verdict
from tests.judge_story import Facts, Story, one_stage

MEMORY = DistributionRule(
    name=RuleName("memory"),
    query="process_resident_memory_bytes",
    selectors=("process_resident_memory_bytes",),
    limit=WorseThanBaseline(0.25),
    window_seconds=300.0,
)


def told(new: float, **stage: object) -> Story:
    """Memory of the new version beside that of the old one, which is 1."""
    return Story(lambda t: Facts(value=new + t % 2 / 100), rules=(MEMORY,), stages=(one_stage(**stage),)).start()


def test_a_steady_gauge_is_promoted_once_its_window_was_judged() -> None:
    story = told(1.0, bake_min_seconds=60.0)
    story.run(285)
    assert (story.outcome(), story.result().code) == (Outcome.PENDING, "collecting")
    assert story.verdict() is Verdict.PENDING
    story.run(120)
    assert story.outcome() is Outcome.OK
    assert story.verdict() is Verdict.PROMOTE
    assert story.shown().coverage == 1.0


def test_a_gauge_that_grew_goes_back_with_its_first_window() -> None:
    story = told(1.6).run(600)
    assert story.release.rollback is not None
    assert story.release.rollback.rule == "memory"


def test_the_warm_up_is_not_collected() -> None:
    story = told(1.0, warmup_seconds=120.0).run(105)
    assert story.state().samples == ()
    story.run(30)
    assert len(story.state().samples) == 2, "the look at its end, and one more"


def test_without_an_old_version_beside_it_nothing_is_compared() -> None:
    story = told(9.0, baseline=BaselineKind.NONE).run(30)
    assert story.outcome() is Outcome.OK
    story.policy = replace(story.policy, plan=replace(story.policy.plan, stages=(one_stage(),)))
    assert story.run(30).outcome() is Outcome.PENDING
