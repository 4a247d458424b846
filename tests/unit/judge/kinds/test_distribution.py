"""What look after look says about a gauge beside the baseline's."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import cycle, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gated.judge.assessment import Assessment, Finding
from gated.judge.kinds import distribution
from gated.judge.kinds.distribution import Samples
from gated.model.evidence import BaselineKind
from gated.model.ids import RuleName
from gated.model.reading import Instant, Newest, NoDataReason, Query, Reading, Value
from gated.model.rule import Direction, DistributionRule, WorseThanBaseline
from gated.model.selection import Matcher, Workload
from tests.judge_story import BLINDNESSES, Blindness, unseen
from tests.unit.judge.kinds.one_look import AT, FRESH, STALE, WORKLOAD, count, finding_of
from tests.unit.judge.stats.simulated_service import seeded
from tests.unit.judge.stats.wandering_gauge import wander

BASELINE: Workload = (Matcher("service", "checkout"), Matcher("version", "v1"))
GOOD = DistributionRule(
    name=RuleName("memory"), query="sum by (version) (rss)", selectors=("rss",), limit=WorseThanBaseline(0.25)
)
LOOKS = 20
"""In a window of these tests."""

STEADY = (99.0, 101.0, 100.0, 98.0, 102.0)
"""A healthy gauge, over and over."""


def look(
    new: Reading | None,
    old: Reading | None,
    samples: Samples = (),
    *,
    rule: DistributionRule = GOOD,
    newest: tuple[Reading | None, Reading | None] = (FRESH, FRESH),
    looks: int = LOOKS,
) -> tuple[Assessment, Samples]:
    """Assess one look.

    Args:
        new: the new version's value; None for an answer that never came.
        old: the baseline's.
        samples: what was collected before.
        rule: with one selector.
        newest: the newest sample of the new version and of the baseline.
        looks: in a window.
    """
    answers = zip(distribution.queries(rule, WORKLOAD, BASELINE), (new, newest[0], old, newest[1]), strict=True)
    readings = {query: reading for query, reading in answers if reading is not None}
    return distribution.assess(rule, WORKLOAD, BASELINE, readings, samples, looks)


def watch(new: Iterable[float], old: Iterable[float]) -> list[Assessment]:
    """What every look says."""
    found: list[Assessment] = []
    samples: Samples = ()
    for one, other in zip(new, old, strict=True):
        assessment, samples = look(count(one), count(other), samples)
        found.append(assessment)
    return found


def judged(new: Sequence[float], old: Sequence[float] = STEADY, rule: DistributionRule = GOOD) -> Assessment:
    """What a full window of these values, over and over, says."""
    return window_of(zip(cycle_of(new), cycle_of(old), strict=True), rule)


def window_of(pairs: Iterable[tuple[float, float]], rule: DistributionRule = GOOD) -> Assessment:
    """What a full window of these (new, old) says."""
    *before, (new, old) = pairs
    return look(count(new), count(old), tuple(before), rule=rule, looks=len(before) + 1)[0]


def cycle_of(values: Sequence[float], looks: int = LOOKS) -> list[float]:
    """So many looks at values over and over."""
    return list(islice(cycle(values), looks))


def times(factor: float) -> list[float]:
    """The healthy gauge, so many times as high."""
    return [value * factor for value in STEADY]


def test_both_versions_are_asked_for_the_value_and_its_age() -> None:
    rule = replace(GOOD, selectors=("a", "b"))
    measures = (Instant(rule.query), Newest("a"), Newest("b"))
    asked = [Query(rule.source, measure, side) for side in (WORKLOAD, BASELINE) for measure in measures]
    assert list(distribution.queries(rule, WORKLOAD, BASELINE)) == asked
    assert list(distribution.queries(rule, WORKLOAD, None)) == asked[:3]
    assert list(distribution.queries(rule, WORKLOAD, WORKLOAD)) == asked[:3]


@pytest.mark.parametrize(
    ("baseline", "code"), [(None, "no_baseline"), (WORKLOAD, "same_series")], ids=["none", "the same"]
)
def test_without_a_baseline_of_its_own_nothing_is_compared(baseline: Workload | None, code: str) -> None:
    """Compared with itself, every version would be as good as the baseline."""
    queries = distribution.queries(GOOD, WORKLOAD, baseline)
    found, kept = distribution.assess(
        GOOD, WORKLOAD, baseline, dict(zip(queries, (count(1), FRESH), strict=True)), ((1.0, 1.0),), LOOKS
    )
    assert (found.finding, found.code, kept) == (Finding.ERROR, code, ((1.0, 1.0),))


def test_until_a_window_is_full_it_is_collected() -> None:
    *before, full = watch(cycle_of(times(9)), cycle_of(STEADY))
    assert {(found.finding, found.code, found.value) for found in before} == {(Finding.UNSURE, "collecting", None)}
    assert before[6].reason == "collecting values of both versions: 7 of 20 looks"
    assert full.finding is Finding.PAST


def test_between_two_judgements_the_last_one_stands() -> None:
    """Three windows: well, worse, well. Each is judged once, and speaks until the next is full."""
    new = cycle_of(STEADY) + cycle_of(times(2)) + cycle_of(STEADY)
    found = [found.finding for found in watch(new, cycle_of(STEADY, 3 * LOOKS))]
    assert found == [Finding.UNSURE] * 19 + [Finding.INSIDE] * 20 + [Finding.PAST] * 20 + [Finding.INSIDE]


def test_no_value_is_in_two_windows() -> None:
    """A quarter of a bad window in each of two good ones would be judged twice."""
    samples: Samples = ()
    sizes = []
    for n in range(3 * LOOKS):
        _, samples = look(count(float(n)), count(0.0), samples)
        sizes.append(len(samples))
    assert sizes == [*range(1, 40), 20, *range(21, 40), 20]
    assert [new for new, _ in samples] == [float(n) for n in range(40, 60)]


def test_windows_of_another_length_are_cut_anew() -> None:
    """The interval of the looks was changed in mid-release; what was collected is not lost."""
    samples: Samples = tuple((float(n), 0.0) for n in range(39))
    found, shorter = look(count(39.0), count(0.0), samples, looks=15)
    assert (found.samples, shorter) == (15.0, (*samples[15:], (39.0, 0.0)))
    found, longer = look(count(39.0), count(0.0), samples, looks=60)
    assert (found.code, longer) == ("collecting", (*samples, (39.0, 0.0)))


@pytest.mark.parametrize(
    ("looks", "min_samples", "size"),
    [(4, 15, 15), (60, 15, 60), (0, 0, 1), (1000, 15, 240), (4, 1000, 240)],
    ids=["too short a window", "a usual one", "no window at all", "too long a window", "too much asked for"],
)
def test_a_window_is_full_with_enough_looks_and_not_too_many(looks: int, min_samples: int, size: int) -> None:
    rule = replace(GOOD, min_samples=min_samples)
    samples: Samples = ((1.0, 1.0),) * (size - 1)
    if samples:
        assert look(count(1.0), count(1.0), samples[1:], rule=rule, looks=looks)[0].code == "collecting"
    assert look(count(1.0), count(1.0), samples, rule=rule, looks=looks)[0].finding is Finding.INSIDE


@pytest.mark.parametrize(
    ("factor", "direction", "finding"),
    [
        pytest.param(1.0, Direction.INCREASE, Finding.INSIDE, id="as before"),
        pytest.param(1.2, Direction.INCREASE, Finding.INSIDE, id="higher, and tolerated"),
        pytest.param(1.25, Direction.INCREASE, Finding.INSIDE, id="at the limit is harmless"),
        pytest.param(1.26, Direction.INCREASE, Finding.OPEN, id="just beyond, within chance"),
        pytest.param(1.4, Direction.INCREASE, Finding.PAST, id="certainly too high"),
        pytest.param(0.1, Direction.INCREASE, Finding.INSIDE, id="lower is no harm"),
        pytest.param(0.8, Direction.DECREASE, Finding.INSIDE, id="lower, and tolerated"),
        pytest.param(0.74, Direction.DECREASE, Finding.OPEN, id="just below, within chance"),
        pytest.param(0.6, Direction.DECREASE, Finding.PAST, id="certainly too low"),
        pytest.param(9.0, Direction.DECREASE, Finding.INSIDE, id="higher is no harm"),
        pytest.param(1.4, Direction.EITHER, Finding.PAST, id="either way: too high"),
        pytest.param(0.6, Direction.EITHER, Finding.PAST, id="either way: too low"),
        pytest.param(1.2, Direction.EITHER, Finding.INSIDE, id="either way: tolerated"),
        pytest.param(0.74, Direction.EITHER, Finding.OPEN, id="either way: within chance"),
    ],
)
def test_a_gauge_is_compared_with_the_baselines(factor: float, direction: Direction, finding: Finding) -> None:
    found = judged(times(factor), rule=replace(GOOD, direction=direction))
    assert (found.finding, found.code) == (finding, "not_proved" if finding is Finding.OPEN else "")
    assert found.value == pytest.approx(100 * factor)
    assert found.baseline_value == 100.0


def test_everything_that_was_compared_is_told() -> None:
    found = judged(times(1.5))
    assert (found.value, found.baseline_value, found.limit) == (150.0, 100.0, 125.0)
    assert (found.samples, found.baseline_samples, found.baseline) == (20.0, 20.0, BaselineKind.BESIDE)
    assert found.interval is not None
    assert 145 < found.interval[0] < 150 < found.interval[1] < 155


@pytest.mark.parametrize(
    ("factor", "direction", "limit"),
    [
        (1.5, Direction.INCREASE, 125.0),
        (1.5, Direction.DECREASE, 75.0),
        (1.5, Direction.EITHER, 125.0),
        (0.5, Direction.EITHER, 75.0),
        (1.0, Direction.EITHER, 125.0),
    ],
    ids=["above", "below", "either, on this side", "either, on that side", "either, on neither side"],
)
def test_the_limit_moves_with_the_baseline(factor: float, direction: Direction, limit: float) -> None:
    assert judged(times(factor), rule=replace(GOOD, direction=direction)).limit == limit


def test_a_steady_gauge_that_crept_up_a_little_is_harmless() -> None:
    """Certainly higher, by next to nothing. Kayenta would call this High: its tolerance is a share of the shift."""
    assert judged([100.1], [100.0]).finding is Finding.INSIDE


def test_gauges_that_stand_still_are_compared_exactly() -> None:
    assert judged([5.0], [4.0]).finding is Finding.INSIDE
    assert judged([5.000001], [4.0]).finding is Finding.PAST


def test_whole_numbers_at_the_limit_are_harmless() -> None:
    """4 workers before, mostly 5 now; 25 % are tolerated. The error of a search must not decide."""
    assert judged([5.0, 5.0, 5.0, 6.0], [4.0]).finding is Finding.INSIDE


def test_beside_nothing_any_proved_rise_is_harm() -> None:
    found = judged([3.0, 4.0], [0.0])
    assert found.finding is Finding.PAST
    assert found.reason == "3.5 higher than on the baseline, where it is 0 (interval 3 to 4); tolerated 25 %"


def test_beside_nothing_a_blip_proves_nothing() -> None:
    assert judged([0.0] * 19 + [3.0], [0.0]).finding is Finding.INSIDE


def test_a_gauge_below_zero_rises_by_a_share_of_its_size() -> None:
    found = judged([-60.0], [-100.0])
    assert (found.finding, found.limit) == (Finding.PAST, -75.0)
    assert judged([-80.0], [-100.0]).finding is Finding.INSIDE


@pytest.mark.parametrize(
    ("factor", "direction", "finding"),
    [
        (1.9, Direction.INCREASE, Finding.INSIDE),
        (2.0, Direction.INCREASE, Finding.PAST),
        (0.55, Direction.DECREASE, Finding.INSIDE),
        (0.5, Direction.DECREASE, Finding.PAST),
    ],
    ids=["not doubled", "doubled", "not halved", "halved"],
)
def test_a_rule_may_ask_for_a_larger_effect(factor: float, direction: Direction, finding: Finding) -> None:
    found = judged(times(factor), rule=replace(GOOD, direction=direction, effect=2.0))
    assert found.finding is finding
    assert ("the means differ by a factor of less than 2" in found.reason) is (finding is Finding.INSIDE)


def test_no_effect_is_asked_for_where_a_ratio_says_nothing() -> None:
    assert judged([3.0, 4.0], [0.0], replace(GOOD, effect=2.0)).finding is Finding.PAST


def test_outliers_count_unless_the_rule_leaves_them_out() -> None:
    spiked = [*cycle_of(STEADY, 19), 10_000.0]
    kept, dropped = judged(spiked), judged(spiked, rule=replace(GOOD, drop_outliers=True))
    assert (kept.samples, dropped.samples, dropped.baseline_samples) == (20.0, 19.0, 20.0)
    assert kept.value == pytest.approx(594.9)
    assert dropped.value == pytest.approx(99.895, abs=0.01)


@pytest.mark.parametrize("confidence", [0.5, 0.98])
def test_less_confidence_proves_more(confidence: float) -> None:
    found = judged(times(1.26), rule=replace(GOOD, confidence=confidence))
    assert found.finding is (Finding.PAST if confidence < 0.9 else Finding.OPEN)


def test_the_greatest_number_there_is_can_be_compared() -> None:
    """An exporter's word for "unlimited"."""
    unlimited = [1.7e308] * LOOKS
    found = watch(unlimited, [1.0] * LOOKS)[-1]
    assert found.finding is Finding.PAST
    assert found.value == pytest.approx(1e300)
    assert watch(unlimited, unlimited)[-1].finding is Finding.INSIDE


@pytest.mark.parametrize("reason", BLINDNESSES)
def test_a_version_that_cannot_be_seen_is_blind_and_collects_nothing(reason: Blindness) -> None:
    samples: Samples = ((1.0, 1.0),) * (LOOKS - 1)
    found, kept = look(unseen(reason), count(1.0), samples)
    assert (found.finding, found.code, kept) == (finding_of(reason), reason.value, samples)


@pytest.mark.parametrize("reason", BLINDNESSES)
def test_a_baseline_that_cannot_be_seen_is_blind_and_named(reason: Blindness) -> None:
    samples: Samples = ((1.0, 1.0),) * (LOOKS - 1)
    found, kept = look(count(1.0), unseen(reason), samples)
    assert (found.finding, found.code, kept) == (finding_of(reason), reason.value, samples)
    assert found.reason.startswith("of the baseline, ")


def test_a_baseline_without_series_is_shown_with_what_was_asked() -> None:
    absent = replace(unseen(NoDataReason.ABSENT), expression='rss{version="v1"}')
    found, _ = look(count(1.0), absent)
    assert (found.reason, found.query) == (
        'of the baseline, no series match: rss{version="v1"}',
        'rss{version="v1"}',
    )


def test_a_look_without_sight_is_not_hidden_by_the_last_window() -> None:
    samples: Samples = ((1.0, 1.0),) * LOOKS
    assert look(count(1.0), count(1.0), samples)[0].finding is Finding.INSIDE
    assert look(unseen(NoDataReason.ABSENT), count(1.0), samples)[0].finding is Finding.NO_DATA


@pytest.mark.parametrize(
    ("newest", "named"), [((STALE, FRESH), False), ((FRESH, STALE), True)], ids=["new version", "baseline"]
)
def test_an_old_value_of_either_is_no_evidence(newest: tuple[Reading, Reading], named: bool) -> None:
    found, kept = look(count(1.0), count(1.0), newest=newest)
    assert (found.finding, found.code, kept) == (Finding.NO_DATA, "stale", ())
    assert found.reason.startswith("of the baseline, ") is named


def test_a_comparison_is_as_old_as_its_oldest_ingredient() -> None:
    found, _ = look(count(1.0), count(1.0), newest=(Value(AT - 90, AT), FRESH))
    assert found.sample_age_seconds == 90.0
    found, _ = look(count(1.0), count(1.0), newest=(FRESH, Value(AT - 80, AT)))
    assert found.sample_age_seconds == 80.0
    rule = replace(GOOD, selectors=("a", "b", "c"))
    ages = (Value(AT - 7, AT), Value(AT - 70, AT), Value(AT - 3, AT))
    answers = (count(1.0), *ages, count(1.0), *ages)
    readings = dict(zip(distribution.queries(rule, WORKLOAD, BASELINE), answers, strict=True))
    assert distribution.assess(rule, WORKLOAD, BASELINE, readings, (), LOOKS)[0].sample_age_seconds == 70.0


def test_a_number_made_of_no_series_has_no_age() -> None:
    rule = replace(GOOD, selectors=())
    readings = dict.fromkeys(distribution.queries(rule, WORKLOAD, BASELINE), count(1.0, "vector(1)"))
    found, kept = distribution.assess(rule, WORKLOAD, BASELINE, readings, (), LOOKS)
    assert (found.sample_age_seconds, found.query, kept) == (None, "vector(1)", ((1.0, 1.0),))


@pytest.mark.parametrize("missing", range(4), ids=["new", "new's age", "baseline", "baseline's age"])
def test_a_question_without_any_answer_is_an_error(missing: int) -> None:
    answers = [count(1.0), FRESH, count(1.0), FRESH]
    queries = distribution.queries(GOOD, WORKLOAD, BASELINE)
    readings = {query: answer for n, (query, answer) in enumerate(zip(queries, answers, strict=True)) if n != missing}
    found, kept = distribution.assess(GOOD, WORKLOAD, BASELINE, readings, (), LOOKS)
    assert (found.finding, found.code, kept) == (Finding.ERROR, "unreachable", ())


@pytest.mark.parametrize(
    ("factor", "sentence"),
    [
        (1.5, "50 % higher than on the baseline (interval 48.5 % to 51.5 %); tolerated 25 %"),
        (0.5, "50 % lower than on the baseline (interval -51 % to -49 %); tolerated 25 %"),
        (1.0, "0 % higher than on the baseline (interval -1 % to 1 %); tolerated 25 %"),
    ],
    ids=["higher", "lower", "as before"],
)
def test_a_comparison_is_told_in_shares_of_the_baseline(factor: float, sentence: str) -> None:
    assert judged(times(factor)).reason == sentence


def test_what_is_not_proved_says_so() -> None:
    """A person who sees 26 % beside a limit of 25 % has to learn why nothing happens."""
    assert judged(times(1.26)).reason == (
        "26 % higher than on the baseline (interval 24.7 % to 27.3 %);"
        " tolerated 25 %, which the interval does not exclude"
    )


VALUES = st.integers(1, 400).map(lambda n: n / 4)
WINDOW = st.lists(st.tuples(VALUES, VALUES), min_size=LOOKS, max_size=LOOKS)


@given(WINDOW, st.sampled_from([2.0**-30, 0.5, 1024.0]))
def test_the_unit_of_a_gauge_does_not_matter(pairs: list[tuple[float, float]], unit: float) -> None:
    before, after = window_of(pairs), window_of([(new * unit, old * unit) for new, old in pairs])
    assert (after.finding, after.reason) == (before.finding, before.reason)


@given(WINDOW)
def test_more_tolerance_never_finds_more_harm(pairs: list[tuple[float, float]]) -> None:
    severity = [Finding.INSIDE, Finding.OPEN, Finding.PAST].index
    rules = (replace(GOOD, limit=WorseThanBaseline(tolerance)) for tolerance in (0.0, 0.1, 0.25, 1.0))
    found = [severity(window_of(pairs, rule).finding) for rule in rules]
    assert found == sorted(found, reverse=True)


@given(WINDOW)
def test_harm_is_where_the_whole_interval_lies_beyond_the_limit(pairs: list[tuple[float, float]]) -> None:
    found = window_of(pairs)
    assert found.interval is not None
    assert found.limit is not None
    assert (found.finding is Finding.PAST) is (found.interval[0] > found.limit)


@given(st.lists(st.tuples(st.floats(-1e308, 1e308), st.floats(-1e308, 1e308)), min_size=LOOKS, max_size=LOOKS))
def test_whatever_a_gauge_says_is_told_in_finite_numbers(pairs: list[tuple[float, float]]) -> None:
    found = watch([new for new, _ in pairs], [old for _, old in pairs])[-1]
    assert found.finding in {Finding.INSIDE, Finding.OPEN, Finding.PAST}
    numbers = (found.value, found.baseline_value, found.limit, *(found.interval or ()))
    assert all(number is not None and math.isfinite(number) for number in numbers)


@pytest.mark.parametrize(
    ("factor", "persistence", "at_most"),
    [(1.0, 0.0, 0.0), (1.0, 0.9, 0.01), (1.25, 0.0, 0.03), (1.25, 0.75, 0.05), (1.25, 0.95, 0.06)],
    ids=["healthy", "healthy and wandering", "at the limit", "wandering at the limit", "wandering for minutes at it"],
)
def test_a_harmless_gauge_is_rarely_found_worse(factor: float, persistence: float, at_most: float) -> None:
    """200 windows of 15 minutes, a spread of 30 %. If the values passed for independent, the last were 37 %."""
    random, windows = seeded(11), 200
    past = 0
    for _ in range(windows):
        new, old = wander(random, 100 * factor, 0.3, persistence), wander(random, 100, 0.3, persistence)
        past += window_of(zip(new, old, strict=True)).finding is Finding.PAST
    assert past / windows <= at_most


def test_a_harmful_gauge_is_found() -> None:
    random = seeded(12)
    for _ in range(50):
        new, old = wander(random, 200, 0.3, 0.3), wander(random, 100, 0.3, 0.3)
        assert window_of(zip(new, old, strict=True)).finding is Finding.PAST
