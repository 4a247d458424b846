"""Nothing is lost between two looks, and nothing is counted twice."""

from dataclasses import replace

import pytest

from gated.judge.queries import queries_for
from gated.judge.sequential.history import ATTEMPTS, bracket, spans
from gated.model.evidence import BaselineKind, Counts
from gated.model.reading import (
    CountHistory,
    Events,
    FailureReason,
    NoData,
    NoDataReason,
    Observations,
    Query,
    Reading,
    Value,
)
from gated.model.release import RuleState
from gated.model.rule import Limit, QuantileRule, Side
from gated.model.verdict import Outcome, Verdict
from tests.judge_story import Facts, Story, one_stage
from tests.unit.judge.sequential_stories import (
    ERRORS,
    SLOW,
    SLOWER,
    VERSUS,
    limit_rule,
    slow_rule,
    slower_rule,
    started,
    versus_rule,
    waf_rule,
    world,
)


def counted(story: Story, rule: str) -> float:
    """Requests of the new version that a rule has counted in this stage."""
    evidence = story.state(rule).evidence
    assert evidence is not None
    return evidence.canary.total


def measures(story: Story) -> list[object]:
    """What the next look asks."""
    at = story.now + story.interval
    asked = queries_for(story.release, story.policy, now=at, interval_seconds=story.interval)
    return [query.measure for query in asked]


def test_history_is_asked_once_before_the_first_stage() -> None:
    story = Story(world(), rules=(limit_rule(), versus_rule()))
    assert any(isinstance(measure, CountHistory) for measure in measures(story))
    story.run(15)
    assert not any(isinstance(measure, CountHistory | Events) for measure in measures(story))


def test_each_look_asks_from_where_the_last_one_ended() -> None:
    """A gap or an overlap would make the counts untrue."""
    story = started(world(), limit_rule()).run(45)
    story.time += 20
    spans_asked = {(m.since, m.until) for m in measures(story) if isinstance(m, Events)}
    assert spans_asked == {(story.now - 20, story.now + 15)}


def test_rules_of_one_release_share_their_questions() -> None:
    story = started(world(), limit_rule(), versus_rule()).run(30)
    asked = [measure for measure in measures(story) if isinstance(measure, Events)]
    assert len(asked) == 4, "events and total, of the new version and of the baseline"


@pytest.mark.parametrize("rule", [limit_rule(), versus_rule(), slow_rule(), slower_rule()], ids=lambda rule: rule.name)
def test_every_request_of_the_stage_is_counted_once(rule: object) -> None:
    story = started(world(), rule).run(300)
    assert counted(story, story.policy.rules[0].name) == pytest.approx(300 * 100)


def test_what_happened_while_history_was_learned_is_counted_too() -> None:
    """A quantile needs two looks for its history; the third covers all three."""
    story = Story(world(), rules=(slow_rule(),), stages=(one_stage(),)).start()
    story.run(60)
    assert counted(story, SLOW) == pytest.approx(60 * 100)


def test_what_happened_before_a_late_first_look_is_counted() -> None:
    """The gate was away while the release was opened and its first stage began."""
    story = Story(world(), rules=(limit_rule(),), stages=(one_stage(),)).start().skip(600).run(60)
    assert counted(story, ERRORS) == pytest.approx(660 * 100)


def test_a_look_without_an_answer_loses_nothing() -> None:
    blind = {limit_rule().name: FailureReason.TIMEOUT}
    of_another_gateway = limit_rule(events='gateway_total{code=~"5.."}', total="gateway_total")
    story = started(
        lambda t: replace(world()(t), blind=blind if 60 < t <= 120 else {}), of_another_gateway, versus_rule()
    ).run(45)
    story.run(60)
    assert story.outcome(ERRORS) is Outcome.ERROR
    assert counted(story, ERRORS) < counted(story, VERSUS)
    story.run(45)
    assert counted(story, ERRORS) == counted(story, VERSUS) == pytest.approx(150 * 100)


def test_a_missed_look_is_made_up_for() -> None:
    story = started(world(), limit_rule()).run(30).skip(600).run(30)
    assert counted(story, ERRORS) == pytest.approx(660 * 100)


def test_after_an_hour_without_looks_counting_goes_on_from_there() -> None:
    story = started(world(), limit_rule()).run(30).skip(2 * 3600).run(15)
    assert counted(story, ERRORS) == pytest.approx(30 * 100)
    assert story.result(ERRORS).code == "gap"


def test_a_new_stage_counts_anew() -> None:
    state: RuleState = started(world(), limit_rule()).run(60).state(ERRORS).with_new_stage()
    assert state.evidence is not None
    assert (state.evidence.canary.total, state.evidence.proof.total) == (0.0, 0.0)
    assert state.evidence.processes, "the evidence of harm goes on"


def test_what_was_served_before_a_stage_proves_nothing_about_it() -> None:
    """Nobody looked for most of an hour; then the next stage began, and its first look covers all of that."""
    stages = (one_stage(), one_stage(name="next"))
    story = started(world(), limit_rule(), stages=stages).run(315).claim()
    story.skip(3000).start("next").run(15)
    assert counted(story, ERRORS) == 0.0
    assert story.outcome(ERRORS) is Outcome.PENDING
    story.run(285)
    assert counted(story, ERRORS) == pytest.approx(285 * 100)


def test_harm_before_a_stage_is_evidence_in_it() -> None:
    stages = (one_stage(), one_stage(name="next"))
    story = started(world(0.5, from_seconds=400), limit_rule(), stages=stages).run(315).claim()
    before = story.result(ERRORS).odds
    after = story.skip(3000).start("next").run(15).result(ERRORS).odds
    assert before is not None
    assert after is not None
    assert after > 2 * before


def test_history_that_never_answers_is_given_up() -> None:
    story = Story(
        lambda t: replace(world()(t), blind={limit_rule().name: FailureReason.TIMEOUT} if t <= 15 * ATTEMPTS else {}),
        rules=(limit_rule(),),
        stages=(one_stage(),),
    ).start()
    story.run(15 * ATTEMPTS + 30)
    evidence = story.state(ERRORS).evidence
    assert evidence is not None
    assert evidence.calibration is not None
    assert evidence.calibration.note.startswith("without history")
    assert counted(story, ERRORS) > 0


def test_a_block_is_counted_when_it_is_over() -> None:
    story = started(world(), waf_rule())
    seen = []
    for _ in range(60):
        story.run(15)
        seen.append(counted(story, "waf-blocks"))
    assert len(set(seen)) - 1 == 3, "15 minutes have three ends of blocks of 5 minutes"
    assert story.outcome("waf-blocks") is Outcome.OK


def test_the_warm_up_is_not_counted() -> None:
    stages = (replace(started(world(), limit_rule()).policy.plan.stages[0], warmup_seconds=60.0),)
    story = started(world(0.5, to_seconds=60), limit_rule(), stages=stages).run(300)
    evidence = story.state(ERRORS).evidence
    assert evidence is not None
    assert evidence.canary.share == pytest.approx(0.004)
    assert evidence.canary.total >= 200 * 100


@pytest.mark.parametrize(
    ("bounds", "tolerance", "expected"),
    [
        ({0.1: 0.90, 0.2: 0.96, 0.4: 1.0}, 0.5, ((0.1, 0.2), (0.2, 0.4))),
        ({0.1: 0.96, 0.2: 1.0}, 0.5, ((0.1, 0.2),)),
        ({0.1: 0.90, 0.2: 0.96}, 1.0, ((0.1, 0.2),)),
        ({0.1: 0.2, 0.2: 0.3}, 1.0, ()),
        ({0.1: 0.90, 0.2: 0.96}, 3.0, ()),
    ],
    ids=["both sides", "the first bucket holds it", "one beyond the last", "all above the last", "too far up"],
)
def test_a_quantile_is_compared_at_the_boundaries_around_it(
    bounds: dict[float, float], tolerance: float, expected: tuple[tuple[float, float], ...]
) -> None:
    buckets = tuple((bound, share * 1000) for bound, share in bounds.items())
    assert bracket(0.95, tolerance, buckets, 1000.0) == expected


def test_nothing_is_learned_from_hours_of_a_version_that_was_rolled_back() -> None:
    now = 1_700_000_000.0
    all_hours = spans(now, ())
    tainted = ((now - 86400 + 600, now - 86400 + 700),)
    assert len(all_hours) == 8
    assert spans(now, tainted) == [hour for hour in all_hours if hour[0] != now - 86400]


def test_a_quantile_asks_for_counts_not_for_quantiles() -> None:
    story = started(world(), slower_rule()).run(60)
    assert any(isinstance(measure, Observations) for measure in measures(story))
    assert story.outcome(SLOWER) is Outcome.OK


@pytest.mark.parametrize("rule", [slow_rule(), slower_rule()], ids=["a limit", "a comparison"])
def test_a_histogram_without_observations_and_buckets_counts_nothing(rule: QuantileRule) -> None:
    story = started(world(), rule).run(60)
    before, story.time = counted(story, rule.name), story.time + 15
    nothing: dict[Query, Reading] = {
        query: Value(0.0, story.now) if isinstance(query.measure, Observations) else reading
        for query, reading in story.readings().items()
    }
    story.look(nothing)
    assert not story.outcome(rule.name).is_blind
    assert counted(story, rule.name) == before


def test_a_fixed_limit_is_told_with_the_boundary_at_which_the_new_version_is_counted() -> None:
    """Its buckets need not be those of the old version."""
    story = started(lambda t: replace(world()(t), fast={0.1: 0.6, 1.0: 0.97, 1.6: 1.0}), slow_rule()).run(60)
    assert "were slower than 1 s" in story.result(SLOW).reason


def test_a_histogram_that_ends_below_the_limit_is_an_error() -> None:
    short = {0.1: 0.9, 0.4: 0.99}
    story = started(lambda _: Facts(fast=short, baseline_fast=short), slow_rule()).run(60)
    assert (story.outcome(SLOW), story.result(SLOW).code) == (Outcome.ERROR, "limit_above_last_bucket")


def test_a_version_scraped_less_often_than_it_is_looked_at_is_not_blind() -> None:
    """With looks every 15 s and scrapes every 30 s, every other look finds nothing new, and must not lose it either."""
    story = started(world(), limit_rule(), versus_rule(), slow_rule()).run(45)
    for _ in range(8):
        story.time += 15
        nothing_new = {
            query: NoData(NoDataReason.ABSENT) if isinstance(query.measure, Events | Observations) else reading
            for query, reading in story.readings().items()
        }
        story.look(nothing_new)
        assert {result.outcome for result in story.release.results} <= {Outcome.OK, Outcome.PENDING}
        story.run(15)
    assert counted(story, ERRORS) == counted(story, VERSUS) == pytest.approx(285 * 100)
    assert story.shown().coverage == 1.0


def test_a_clock_that_was_set_back_neither_counts_twice_nor_promotes_on_what_was_counted_before() -> None:
    """Until it has caught up nothing is seen of the version, so nothing may be said for it."""
    story = started(world(), limit_rule(), versus_rule()).run(900).skip(-120)
    story.world = world(0.9)
    story.run(105)
    assert {result.code for result in story.release.results} == {"clock_set_back"}
    assert story.verdict() is not Verdict.PROMOTE
    assert counted(story, ERRORS) == pytest.approx(900 * 100)
    story.run(45)
    assert counted(story, ERRORS) == pytest.approx(930 * 100)


def test_a_clock_that_was_set_back_in_a_stage_that_compares_nothing_counts_nothing_twice() -> None:
    stages = (one_stage(), one_stage(name="alone", baseline=BaselineKind.NONE), one_stage(name="beside"))
    story = started(world(), versus_rule(), stages=stages).run(315).claim().start("alone").run(315)
    until = story.now
    story.skip(-60).run(15)
    evidence = story.state(VERSUS).evidence
    assert evidence is not None
    assert evidence.counted_until == until


@pytest.mark.parametrize(
    ("bad", "total", "expected"),
    [
        (7.0, 5.0, Counts(5.0, 5.0)),
        (-3.0, 5.0, Counts()),
        (1.0, -5.0, Counts()),
        (1e300, 1e300, Counts()),
        (0.0, 1e-12, Counts()),
    ],
    ids=["more bad than all", "negative", "all negative", "absurd", "a rounding"],
)
@pytest.mark.parametrize("events", ['requests{code=~"5.."}', 'requests{code!~"5.."}'], ids=["bad ones", "good ones"])
def test_what_is_no_count_counts_for_nothing(bad: float, total: float, expected: Counts, events: str) -> None:
    """Sources refuse what is negative; sums of what is absurd would be no numbers any more."""
    rule = limit_rule(events=events, limit=Limit(0.5, Side.ABOVE if "=~" in events else Side.BELOW))
    story = started(world(), rule).run(30)
    evidence = story.state(ERRORS).evidence
    assert evidence is not None
    before = evidence.canary
    story.time += 15
    readings: dict[Query, Reading] = {
        query: Value(total if query.measure.selector == "http_requests_total" else bad, story.now)
        if isinstance(query.measure, Events)
        else reading
        for query, reading in story.readings().items()
    }
    story.look(readings)
    evidence = story.state(ERRORS).evidence
    assert evidence is not None
    counted_bad = expected.total - expected.bad if "!~" in events else expected.bad
    assert evidence.canary == before + Counts(counted_bad, expected.total)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_layout_that_changed_is_an_error_and_no_other_boundary_is_taken(version: str) -> None:
    """The next boundary of the old version counts fewer slow requests, and would make the new one look worse."""
    other = {0.1: 0.6, 0.5: 0.97, 1.6: 1.0}

    def at(seconds: float) -> Facts:
        facts = world()(seconds)
        if seconds <= 60:
            return facts
        return replace(facts, baseline_fast=other) if version == "v1" else replace(facts, fast=other)

    story = started(at, slower_rule()).run(75)
    assert (story.outcome(), story.result().code) == (Outcome.ERROR, "no_such_boundary")
    assert ("the baseline v1" if version == "v1" else "the new version") in story.result().reason


def test_a_version_that_is_fresh_and_has_no_events_for_longer_than_a_scrape_may_take_is_no_data() -> None:
    """What says that it is live and what is counted do not fit together, as in a histogram without `+Inf`."""
    story = started(world(), limit_rule()).run(30)
    codes = []
    for _ in range(12):
        story.time += 15
        nothing: dict[Query, Reading] = {
            query: NoData(NoDataReason.ABSENT) if isinstance(query.measure, Events) else reading
            for query, reading in story.readings().items()
        }
        story.look(nothing)
        codes.append(story.result().code)
    assert codes == [""] * 8 + ["absent"] * 4
