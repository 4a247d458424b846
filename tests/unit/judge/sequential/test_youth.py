"""A cold start looks like a fault, and is none."""

from dataclasses import replace
from math import exp

import pytest

from gated.model.evidence import BaselineKind
from gated.model.ids import RuleName
from gated.model.reading import FailureReason
from gated.model.release import Phase
from gated.model.rule import Limit, Side, WorseThanBaseline
from gated.model.verdict import Verdict
from tests.judge_story import Facts, Story, World, one_stage
from tests.unit.judge.sequential_stories import STEADY, VERSUS, limit_rule, started, versus_rule, world


def cold_start(times: float, decay_seconds: float = 60.0) -> World:
    """Errors that begin so many times as frequent as usual, and fall back to it."""

    def at(seconds: float) -> Facts:
        share = 0.004 * (1 + (times - 1) * exp(-max(0.0, seconds - 15) / decay_seconds))
        return Facts(error_share=share, baseline_error_share=0.004, history=STEADY)

    return at


def test_a_cold_start_holds_and_is_promoted_when_it_is_over() -> None:
    story = started(cold_start(6.0), versus_rule())
    verdicts = set()
    for _ in range(60):
        verdicts.add(story.run(15).verdict())
    assert story.release.rollback is None
    assert Verdict.HOLD in verdicts
    assert story.verdict() is Verdict.PROMOTE


def test_the_hold_says_that_it_may_be_a_cold_start() -> None:
    story = started(cold_start(6.0), versus_rule())
    while story.time < 300 and story.result(VERSUS).code != "cold_start":
        story.run(15)
    assert story.verdict() is Verdict.HOLD
    assert "may be a cold start" in story.reason()


def test_without_the_protection_a_cold_start_goes_back() -> None:
    """Otherwise the tests above would show nothing."""
    assert started(cold_start(6.0), versus_rule(), cold_start_seconds=0.0).run(300).phase() is Phase.ROLLING_BACK


CASES = pytest.mark.parametrize(
    ("rule", "kind"),
    [
        (versus_rule(), BaselineKind.BESIDE),
        (versus_rule(), BaselineKind.BEFORE),
        (limit_rule(limit=Limit(0.005, Side.ABOVE)), BaselineKind.BESIDE),
    ],
    ids=["baseline", "before the release", "fixed limit"],
)


@CASES
def test_a_fault_from_the_start_that_does_not_fall_goes_back_after_two_minutes(
    rule: object, kind: BaselineKind
) -> None:
    stages = (one_stage(bake_max_seconds=3600.0, baseline=kind),)
    story = started(world(0.02), rule, stages=stages).run(200)
    assert story.release.rollback is not None
    seconds = story.release.rollback.triggered_at - story.now + story.time - 15
    assert 100 < seconds < 200


@CASES
def test_more_than_tenfold_harm_goes_back_at_once(rule: object, kind: BaselineKind) -> None:
    stages = (one_stage(bake_max_seconds=3600.0, baseline=kind),)
    story = started(world(0.3), rule, stages=stages).run(60)
    assert story.phase() is Phase.ROLLING_BACK


def test_a_young_version_may_pass_on_to_a_stage_that_compares_with_something_else() -> None:
    """What is known of more than tenfold harm is known by another test there."""
    short = {"bake_min_seconds": 60.0, "bake_max_seconds": 60.0}
    kinds = (BaselineKind.BESIDE, BaselineKind.BEFORE, BaselineKind.NONE, BaselineKind.BESIDE)
    stages = tuple(one_stage(name=f"s{at}", baseline=kind, **short) for at, kind in enumerate(kinds))
    story = started(world(), versus_rule(), stages=stages)
    for stage in stages[1:]:
        evidence = story.run(60).claim().start(stage.name).state(VERSUS).evidence
        assert evidence is not None
        assert evidence.tenfold is None
    assert story.run(60).verdict() is Verdict.PROMOTE


@pytest.mark.timeout(10)
def test_a_rule_that_went_blind_after_it_was_the_cause_does_not_stop_the_gate() -> None:
    """Its share is still enough by itself, and the others are too young to be the cause in its place."""
    gateway = limit_rule(name=RuleName("gateway"), events='gateway_total{code=~"5.."}', total="gateway_total")

    def at(seconds: float) -> Facts:
        blind = {gateway.name: FailureReason.TIMEOUT} if seconds > 60 else {}
        return replace(world(0.9)(seconds), blind=blind)

    story = started(at, gateway, versus_rule(limit=WorseThanBaseline(1000.0))).run(120)
    assert story.phase() is Phase.ROLLING_BACK
    assert story.result("gateway").code == "timeout"


def test_after_its_first_minutes_a_version_is_no_longer_excused() -> None:
    story = started(world(0.02, from_seconds=330), versus_rule()).run(450)
    assert story.phase() is Phase.ROLLING_BACK


def test_youth_counts_from_the_first_request_not_from_the_stage() -> None:
    story = started(
        lambda t: replace(cold_start(6.0)(t - 600), requests_per_second=100.0 if t > 600 else 0.0), versus_rule()
    )
    story.run(900)
    assert story.release.rollback is None
    evidence = story.state(VERSUS).evidence
    assert evidence is not None
    assert evidence.born_at == story.now - story.time + 615


def test_early_looks_are_few_however_short_the_interval() -> None:
    story: Story = started(world(), versus_rule(), interval=1.0).run(290)
    evidence = story.state(VERSUS).evidence
    assert evidence is not None
    assert len(evidence.early) <= 40
    assert sum(look.canary.total for look in evidence.early) == pytest.approx(evidence.canary.total)
