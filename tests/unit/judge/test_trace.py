"""Which looks are kept for charts, and what is kept of them."""

import itertools

from gated.judge.trace import with_gaps
from gated.model.trace import RulePoint, TracePoint
from gated.model.verdict import Outcome, Verdict
from tests import samples
from tests.judge_story import Story, one_stage
from tests.unit.judge.stage_stories import ERRORS, failing, told

HOURS = 3600.0
LONG = one_stage(bake_min_seconds=47 * HOURS, bake_max_seconds=48 * HOURS)


def kept(story: Story) -> list[TracePoint]:
    return [point for step in story.steps for point in step.trace]


def test_a_young_release_keeps_every_look() -> None:
    story = Story(stages=[LONG]).start().run(1800)
    assert [point.at for point in kept(story)] == [samples.NOW + at for at in range(15, 1801, 15)]


def test_an_old_release_keeps_looks_that_are_a_share_of_its_age_apart() -> None:
    story = Story(stages=[LONG]).start().run(24 * HOURS)
    ages = [point.at - samples.NOW for point in kept(story)]
    gaps = [after - before for before, after in itertools.pairwise(ages)]
    assert all(gap <= max(15.0, age / 120 + 15.0) for gap, age in zip(gaps, ages[1:], strict=False))
    assert len(ages) < 120 * (1 + 3.9)  # ln(24 h / 30 min) = 3.87


def test_no_look_that_was_left_out_is_taken_for_a_gap() -> None:
    looks = kept(Story(stages=[LONG]).start().run(24 * HOURS))
    assert list(with_gaps(looks, samples.NOW, 45.0)) == looks


def test_where_nobody_looked_is_a_hold_without_numbers() -> None:
    """The gate was down: it told nobody the verdict it had had before."""
    before, after = samples.trace_point(verdict=Verdict.PROMOTE), samples.trace_point(at=samples.NOW + 3600)
    gap = list(with_gaps([before, after], samples.NOW, 45.0))[1]
    assert (gap.at, gap.verdict, gap.is_unseen) == (samples.NOW + 45, Verdict.HOLD, True)
    back = samples.trace_point(verdict=Verdict.ROLLBACK)
    assert list(with_gaps([back, after], samples.NOW, 45.0))[1].verdict is Verdict.ROLLBACK


def test_nothing_has_no_gaps() -> None:
    assert list(with_gaps([], samples.NOW, 45.0)) == []


def test_waiting_to_be_started_does_not_make_a_release_old() -> None:
    story = Story(stages=[LONG]).run(24 * HOURS).start().run(900)
    assert len([point for point in kept(story) if point.stage]) == 60


def test_a_look_that_changes_something_is_kept_whenever_it_comes() -> None:
    breach_at = 20 * HOURS + 45
    story = Story(failing(breach_at), rules=[ERRORS], stages=[LONG]).start().run(21 * HOURS)
    turn = next(point for point in kept(story) if point.verdict is Verdict.ROLLBACK)
    assert (turn.at, turn.rules[0].outcome) == (samples.NOW + breach_at, Outcome.BREACH)


def test_a_look_is_kept_with_what_every_rule_said() -> None:
    story = told(failing(60), ERRORS).run(60)
    first, last = kept(story)[0], kept(story)[-1]
    assert (first.stage, first.verdict) == (samples.CANARY, Verdict.PENDING)
    assert (first.rules[0].value, first.rules[0].limit) == (0.0, 0.02)
    assert (last.rules[0].value, last.rules[0].limit) == (0.5, 0.02)


def test_numbers_are_kept_to_six_digits() -> None:
    point = RulePoint.of(samples.rule_result(value=1 / 3, interval=(1 / 7, 2 / 3), odds=None))
    assert (point.value, point.low, point.high, point.odds) == (0.333333, 0.142857, 0.666667, None)


def test_a_limit_without_a_value_is_not_kept() -> None:
    """There is nothing beside it, and while a rule learns it may be in another unit."""
    assert RulePoint.of(samples.rule_result(value=None, limit=0.02)).limit is None
