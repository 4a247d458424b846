"""What the evidence does to a release: it goes back, goes on, or waits and says for what."""

from dataclasses import replace

import pytest

from gated.model.evidence import BaselineKind
from gated.model.ids import RuleName
from gated.model.plan import InconclusiveAction
from gated.model.reading import FailureReason
from gated.model.release import Phase
from gated.model.rule import Limit, OnBreach, SequentialRule, Side, WorseThanBaseline
from gated.model.units import Unit
from gated.model.verdict import Outcome, Verdict
from gated.store.codec import RELEASE
from tests import samples
from tests.judge_story import Facts, Story, World, one_stage
from tests.unit.judge.sequential_stories import (
    ERRORS,
    SLOW,
    STEADY,
    VERSUS,
    limit_rule,
    slow_rule,
    slower_rule,
    started,
    versus_rule,
    waf_rule,
    world,
)

SLOWED = {0.1: 0.3, 0.4: 0.6, 0.8: 0.7, 1.6: 1.0}


def seconds_to_rollback(story: Story, seconds: float = 3600) -> float:
    """How long after its start the stage went back."""
    began = story.time
    story.run(seconds)
    assert story.release.rollback is not None, story.reason()
    return story.release.rollback.triggered_at - story.now + story.time - began


@pytest.mark.parametrize(
    ("rule", "at"),
    [
        (limit_rule(), world(0.2, from_seconds=615)),
        (limit_rule(limit=Limit(0.98, Side.BELOW), events='requests{code!~"5.."}'), world(0.2, from_seconds=615)),
        (versus_rule(), world(0.05, from_seconds=615)),
        (slow_rule(), lambda t: replace(world()(t), fast=SLOWED if t > 615 else Facts().fast)),
        (slower_rule(), lambda t: replace(world()(t), fast=SLOWED if t > 615 else Facts().fast)),
    ],
    ids=["errors", "availability", "errors against the baseline", "latency", "latency against the baseline"],
)
def test_harm_in_mid_bake_goes_back_within_a_minute(rule: object, at: object) -> None:
    story = started(at, rule)  # type: ignore[arg-type]  # a lambda is a world
    assert 600 < seconds_to_rollback(story) <= 660
    assert story.phase() is Phase.ROLLING_BACK


def test_the_beginning_of_the_harm_is_estimated() -> None:
    story = started(world(0.1, from_seconds=1215), versus_rule())
    story.run(3600)
    rollback = story.release.rollback
    assert rollback is not None
    assert rollback.first_harm_at - (story.now - story.time) == pytest.approx(1215, abs=30)


def test_a_healthy_release_is_promoted_as_soon_as_it_is_proved() -> None:
    story = started(world(), limit_rule(), versus_rule(), slow_rule(), slower_rule()).run(315)
    assert story.verdict() is Verdict.PROMOTE
    assert story.result(ERRORS).health_odds is not None


def test_a_pending_verdict_says_how_long_the_proof_will_take() -> None:
    """4 errors in a thousand against a limit of 6 need some thousands of requests to be told apart."""
    story = started(world(requests_per_second=5.0), limit_rule(limit=Limit(0.006, Side.ABOVE))).run(600)
    result = story.result(ERRORS)
    assert (story.verdict(), result.outcome, result.code) == (Verdict.PENDING, Outcome.PENDING, "unproved")
    assert result.eta_seconds is not None
    assert result.eta_seconds > 0
    assert "not proved yet" in story.reason()


@pytest.mark.parametrize(
    ("action", "verdict"),
    [(InconclusiveAction.HOLD, Verdict.HOLD), (InconclusiveAction.PROMOTE, Verdict.PROMOTE)],
    ids=["hold", "promote"],
)
def test_what_cannot_be_told_by_the_deadline_is_for_the_plan_to_say(
    action: InconclusiveAction, verdict: Verdict
) -> None:
    stages = (one_stage(on_inconclusive=action),)
    story = started(world(requests_per_second=0.1), limit_rule(), stages=stages).run(660)
    assert story.verdict() is verdict
    if verdict is Verdict.HOLD:
        assert "the evidence is short" in story.reason()
        assert "not proved yet" in story.reason()


def test_no_traffic_is_never_promoted() -> None:
    stages = (one_stage(on_inconclusive=InconclusiveAction.PROMOTE),)
    story = started(world(requests_per_second=0.0), limit_rule(), versus_rule(), stages=stages).run(1200)
    assert story.verdict() is Verdict.HOLD
    assert story.result(ERRORS).code == story.result(VERSUS).code == "no_traffic"


@pytest.mark.parametrize("rule", [versus_rule(), waf_rule(block_seconds=60.0)], ids=["errors", "events"])
def test_an_idle_baseline_is_nothing_to_compare_with(rule: SequentialRule) -> None:
    """Of a version without a counterpart no comparison can say that it does no harm, and it fails half of the time."""
    story = started(world(0.5, baseline_requests_per_second=0.0), rule).run(3700)
    assert (story.verdict(), story.result().code) == (Verdict.HOLD, "no_baseline_traffic")
    assert "v1 served nothing in this stage yet" in story.reason()


def test_a_rule_that_saw_nothing_in_this_stage_may_still_be_the_cause() -> None:
    """What it saw in the stage before counts, and the release's odds have reached the limit."""
    rules = (waf_rule(limit=WorseThanBaseline(0.0)), limit_rule())
    stages = (one_stage(), one_stage(name="next", bake_max_seconds=3600.0))
    story = started(world(), *rules, stages=stages).run(610).claim()
    seen = story.state("waf-blocks").evidence
    assert seen is not None
    much = replace(seen, processes=(replace(seen.processes[0], value=190.0),))
    states = tuple(
        replace(state, evidence=much) if state.rule == "waf-blocks" else state for state in story.release.rules
    )
    story.release = replace(story.release, rules=states)
    story.skip(1).start("next").world = world(0.1)
    while story.release.rollback is None and sum(result.odds or 0.0 for result in story.release.results) < 100.0:
        story.run(15)
    assert story.release.rollback is not None
    assert story.release.rollback.rule == "waf-blocks"


def test_without_a_single_error_anywhere_a_release_is_promoted() -> None:
    """A comparison of nothing with nothing must not stand in the way for ever."""
    story = started(lambda _: Facts(history=(0.0,) * 4), limit_rule(), versus_rule()).run(330)
    assert story.verdict() is Verdict.PROMOTE


def test_harm_that_the_baseline_suffers_too_holds_and_does_not_go_back() -> None:
    story = started(world(0.3, from_seconds=615, baseline_error_share=0.3), limit_rule()).run(900)
    assert (story.verdict(), story.result(ERRORS).code) == (Verdict.HOLD, "baseline_breaches")
    assert "the baseline v1 breaches too" in story.reason()


def test_an_outage_of_both_that_is_over_is_told_as_over() -> None:
    def at(seconds: float) -> Facts:
        share = 0.3 if 615 < seconds <= 900 else 0.004
        return Facts(error_share=share, baseline_error_share=share, history=STEADY)

    story = started(at, limit_rule()).run(1200)
    assert story.result(ERRORS).code == "baseline_breaches"
    assert "the baseline v1 breached at the same time, so" in story.reason()


def test_two_rules_share_the_odds_and_go_back_together() -> None:
    """Each alone would need twice the odds; together they are enough."""
    rules = (versus_rule(), limit_rule(limit=Limit(0.005, Side.ABOVE)))
    story = started(world(0.008, from_seconds=615), *rules)
    while story.release.rollback is None:
        story.run(15)
    rollback = story.release.rollback
    assert rollback is not None
    shares = [result.odds for result in story.release.results]
    assert sum(share for share in shares if share is not None) >= 100.0
    assert rollback.rule == max(story.release.results, key=lambda result: result.odds or 0.0).rule


def test_a_smaller_budget_asks_for_more_evidence() -> None:
    at = world(0.006, from_seconds=615)
    usual = seconds_to_rollback(started(at, versus_rule()))
    careful = seconds_to_rollback(started(at, versus_rule(), false_rollback_budget=1e-6))
    assert usual < careful


@pytest.mark.parametrize("on_breach", [OnBreach.HOLD, OnBreach.WARN])
def test_a_rule_that_does_not_roll_back_takes_nothing_of_the_budget(on_breach: OnBreach) -> None:
    story = started(world(0.2, from_seconds=615), versus_rule(on_breach=on_breach), slow_rule()).run(900)
    assert story.release.rollback is None
    assert story.outcome(VERSUS) is Outcome.BREACH
    assert (story.result(SLOW).odds or 0.0) < 1.0
    assert story.verdict() is (Verdict.HOLD if on_breach is OnBreach.HOLD else Verdict.PROMOTE)


def test_suspicion_is_enough_not_to_promote() -> None:
    story = started(world(0.0052, from_seconds=315, requests_per_second=200.0), versus_rule())
    story.run(300)
    assert story.verdict() is Verdict.PROMOTE
    while story.result(VERSUS).odds is not None and story.release.rollback is None:
        story.run(15)
        if story.result(VERSUS).code == "suspicious":
            break
    assert story.verdict() is Verdict.PENDING
    assert "too suspicious to promote" in story.reason()


def test_an_absent_baseline_is_no_data() -> None:
    story = started(lambda _: Facts(baseline_is_absent=True), versus_rule(), limit_rule()).run(60)
    assert story.outcome(VERSUS) is Outcome.NO_DATA
    assert "the baseline v1" in story.result(VERSUS).reason
    assert story.outcome(ERRORS) is not Outcome.NO_DATA, "a fixed limit needs no baseline"
    assert story.verdict() is Verdict.HOLD


def test_without_a_named_baseline_a_comparison_is_blind() -> None:
    story = started(world(), versus_rule(), baseline="").run(60)
    assert (story.outcome(VERSUS), story.result(VERSUS).code) == (Outcome.NO_DATA, "no_baseline")


def test_a_baseline_with_the_new_versions_own_series_is_an_error() -> None:
    """Compared with itself every version is healthy."""
    labels = Story().policy.plan.workload
    rules = (versus_rule(), slower_rule(), waf_rule())
    story = Story(world(), rules=rules)
    plan = replace(story.policy.plan, baseline=labels)
    story.policy = replace(story.policy, plan=plan)
    story.start().run(60)
    assert {result.code for result in story.release.results} == {"same_series"}
    assert {result.outcome for result in story.release.results} == {Outcome.ERROR}


def test_a_version_is_no_excuse_for_itself() -> None:
    """Labels that pick out the new version for the old one would excuse whatever it does."""
    at = world(0.9, from_seconds=615, baseline_error_share=0.9)
    story = started(at, limit_rule(), baseline="v2").run(900)
    assert story.phase() is Phase.ROLLING_BACK


def test_a_stage_may_compare_with_nothing() -> None:
    stages = (one_stage(baseline=BaselineKind.NONE),)
    story = started(world(0.5, baseline_is_absent=True), versus_rule(), slow_rule(), stages=stages).run(330)
    assert story.outcome(VERSUS) is Outcome.OK
    assert story.verdict() is Verdict.PROMOTE


def test_a_stage_that_compares_nothing_knows_its_requests_from_thresholds() -> None:
    stages = (one_stage(baseline=BaselineKind.NONE, min_requests=500),)
    story = started(world(), versus_rule(), samples.ratio_rule(for_seconds=0.0), stages=stages).run(315)
    assert story.verdict() is Verdict.PROMOTE


def test_a_rule_that_only_warns_and_went_blind_keeps_no_requests_back() -> None:
    warns = limit_rule(on_breach=OnBreach.WARN, events='gateway_total{code=~"5.."}', total="gateway_total")
    threshold = samples.ratio_rule(name=RuleName("threshold"), for_seconds=0.0)
    stages = (one_stage(min_requests=10_000),)
    blind = {warns.name: FailureReason.TIMEOUT}
    story = started(lambda t: replace(world()(t), blind=blind if t > 60 else {}), warns, threshold, stages=stages)
    assert story.run(315).verdict() is Verdict.PROMOTE


def test_a_stage_may_compare_with_the_time_before_the_release() -> None:
    stages = (one_stage(baseline=BaselineKind.BEFORE, bake_max_seconds=3600.0),)
    healthy = started(world(baseline_is_absent=True), versus_rule(), stages=stages).run(330)
    assert healthy.result(VERSUS).baseline is BaselineKind.BEFORE
    assert "before the release" in healthy.result(VERSUS).reason
    assert healthy.verdict() is Verdict.PROMOTE
    harmed = started(world(0.05, from_seconds=915, baseline_is_absent=True), versus_rule(), stages=stages)
    assert 900 < seconds_to_rollback(harmed) <= 1300


def test_the_sentence_can_be_understood_at_night() -> None:
    story = started(world(0.031, from_seconds=15), versus_rule(), cold_start_seconds=0.0).run(300)
    reason = story.result(VERSUS).reason
    assert reason.startswith("3.1 % of ")
    assert "against 0.4 % of " in reason
    assert " on v1; odds " in reason
    assert reason.endswith(" : 1 that this is no accident, limit 100 : 1")


@pytest.mark.parametrize(
    "at",
    [world(), world(requests_per_second=0.0), lambda _: Facts(sample_age_seconds=500.0)],
    ids=["seen", "idle", "stale"],
)
def test_value_and_limit_of_a_quantile_are_shares(at: World) -> None:
    """The limit of 800 ms is no share, and would be drawn at 80,000 %."""
    result = started(at, slow_rule()).run(60).result()
    assert (result.limit, result.unit) == (0.05, Unit.RATIO)


def test_results_carry_what_a_chart_needs() -> None:
    result = started(world(), versus_rule()).run(120).result(VERSUS)
    assert result.value == pytest.approx(0.004)
    assert result.baseline_value == pytest.approx(0.004)
    assert result.limit == pytest.approx(0.0044)
    assert result.interval is not None
    assert result.interval[0] < 0.004 < result.interval[1]
    assert (result.odds_limit, result.baseline_samples, result.samples) == (100.0, 108_000.0, 12_000.0)
    assert result.window_seconds == 120.0


@pytest.mark.parametrize("cut_at", [30, 300, 630, 660])
def test_a_restart_changes_nothing(cut_at: float) -> None:
    """What the gate knows is what was saved."""
    rules = (limit_rule(), versus_rule(), slow_rule(), slower_rule(), waf_rule())

    def told(cut: float) -> Story:
        story = started(world(0.012, from_seconds=615), *rules).run(cut)
        story.release = RELEASE.decode(RELEASE.encode(story.release))
        return story.run(900 - cut)

    whole = started(world(0.012, from_seconds=615), *rules).run(900)
    assert told(cut_at).release == whole.release


def test_recovery_waits_until_the_bad_version_is_out_of_the_way() -> None:
    story = started(world(0.2, from_seconds=315), versus_rule(), recovery_watch_seconds=3600.0)
    seconds_to_rollback(story)
    story.report_rolled_back().run(60)
    assert story.phase() is Phase.RECOVERING
    assert "still served" in story.result(VERSUS).reason
    assert story.result(VERSUS).value is None  # what it served is no share of anything
    bad, story.world = story.world, lambda t: replace(bad(t), requests_per_second=0.0)
    story.run(60)
    assert story.phase() is Phase.ROLLED_BACK


def test_a_service_that_nobody_sees_has_not_recovered() -> None:
    """Where the version gone back to is not seen either, no traffic to the bad one proves nothing."""
    story = started(world(0.2, from_seconds=315), versus_rule(), recovery_watch_seconds=3600.0)
    seconds_to_rollback(story)
    story.report_rolled_back().world = lambda _: Facts(requests_per_second=0.0, sample_age_seconds=900.0)
    story.run(60)
    assert (story.phase(), story.outcome(VERSUS)) == (Phase.RECOVERING, Outcome.NO_DATA)
    story.world = lambda _: Facts(requests_per_second=0.0)
    story.run(15)
    assert story.phase() is Phase.ROLLED_BACK


def test_a_tolerance_is_tolerated() -> None:
    doubled = world(0.0079, from_seconds=15)
    story = started(doubled, versus_rule(limit=WorseThanBaseline(1.0)), cold_start_seconds=0.0).run(3600)
    assert story.release.rollback is None


def test_history_says_what_it_rests_on() -> None:
    evidence = started(world(), versus_rule()).run(30).state(VERSUS).evidence
    assert evidence is not None
    assert evidence.calibration is not None
    assert f"{len(STEADY)} instances" in evidence.calibration.note
