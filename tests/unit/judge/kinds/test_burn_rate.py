"""What one look's readings say about how fast an error budget is used up."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gated.judge.assessment import Assessment, Finding
from gated.judge.kinds import burn_rate
from gated.model.ids import RuleName
from gated.model.reading import Increase, Newest, NoDataReason, Query, Reading, Value
from gated.model.rule import BurnRateRule, BurnWindow
from tests.judge_story import BLINDNESSES, Blindness, unseen
from tests.unit.judge.kinds.one_look import ABSENT, AT, FRESH, STALE, WORKLOAD, count, finding_of

M5, M30, H1, H6 = 300.0, 1800.0, 3600.0, 21_600.0
FAST, SLOW = BurnWindow(H1, M5, 14.4), BurnWindow(H6, M30, 6.0)
GOOD = BurnRateRule(name=RuleName("fast-burn"), events="bad", total="all", objective=0.999, windows=(FAST,))
BOTH = replace(GOOD, windows=(FAST, SLOW))
REQUESTS = 100_000.0


def assess_burn(
    shares: Mapping[float, float],
    rule: BurnRateRule = GOOD,
    newest: Reading | None = FRESH,
    instead: Mapping[tuple[str, float], Reading | None] | None = None,
    requests: float = REQUESTS,
) -> Assessment:
    """Assess a rule on so many requests in each window.

    Args:
        shares: the share of bad ones, by window.
        rule: the rule.
        newest: the answer about the newest sample.
        instead: other answers, by selector and window; None for one that never came.
        requests: in each window.
    """
    answers: dict[Query, Reading | None] = {}
    for query in burn_rate.queries(rule, WORKLOAD):
        match query.measure:
            case Newest():
                answers[query] = newest
            case Increase(selector, seconds):
                usual = count(requests * (shares[seconds] if selector == "bad" else 1), f"{selector} {seconds:g}")
                answers[query] = (instead or {}).get((selector, seconds), usual)
            case _:
                pytest.fail(f"{query} asks for something else")
    return burn_rate.assess(rule, WORKLOAD, {query: reading for query, reading in answers.items() if reading})


def test_each_window_is_asked_for_once() -> None:
    """Two pairs that share a window, and the shortest first."""
    rule = replace(GOOD, windows=(SLOW, BurnWindow(H1, M30, 10.0)))
    asked = [query.measure for query in burn_rate.queries(rule, WORKLOAD)]
    counted = [Increase(selector, seconds) for seconds in (M30, H1, H6) for selector in ("bad", "all")]
    assert asked == [*counted, Newest("all")]


@pytest.mark.parametrize(
    ("long", "short", "finding", "value"),
    [
        pytest.param(0.0, 0.0, Finding.INSIDE, 0.0, id="no errors"),
        pytest.param(0.001, 0.001, Finding.INSIDE, 1.0, id="just sustainable"),
        pytest.param(0.0144, 0.0144, Finding.INSIDE, 14.4, id="at the limit is harmless"),
        pytest.param(0.0145, 0.0145, Finding.PAST, 14.5, id="past the limit"),
        pytest.param(0.018, 0.022, Finding.PAST, 18.0, id="worse and worse"),
        pytest.param(0.022, 0.018, Finding.PAST, 18.0, id="past, and getting better"),
        pytest.param(0.022, 0.0, Finding.INSIDE, 0.0, id="it is over"),
        pytest.param(0.0, 0.5, Finding.INSIDE, 0.0, id="a spike too short to matter"),
        pytest.param(1.0, 1.0, Finding.PAST, 1000.0, id="everything fails"),
    ],
)
def test_both_windows_have_to_pass_the_limit(long: float, short: float, finding: Finding, value: float) -> None:
    found = assess_burn({H1: long, M5: short})
    assert found.value == pytest.approx(value)
    assert (found.finding, found.code, found.limit, found.sample_age_seconds) == (finding, "", 14.4, 5.0)


@pytest.mark.parametrize("objective", [0.9, 0.99, 0.995, 0.999, 0.9995, 0.9999, 0.99999])
def test_a_budget_burnt_at_just_the_limit_is_harmless_whatever_the_objective(objective: float) -> None:
    """1 - 0.9999 is a little less than 0.0001 in binary."""
    share = round((1 - objective) * 8, 9)
    rule = replace(GOOD, objective=objective, windows=(BurnWindow(H1, M5, 8.0),))
    assert assess_burn({H1: share, M5: share}, rule).finding is Finding.INSIDE


@pytest.mark.parametrize(
    ("fast", "slow", "finding", "value", "limit"),
    [
        pytest.param(0.020, 0.0, Finding.PAST, 20.0, 14.4, id="the first"),
        pytest.param(0.0, 0.007, Finding.PAST, 7.0, 6.0, id="the second"),
        pytest.param(0.020, 0.012, Finding.PAST, 12.0, 6.0, id="both; the second is twice its limit"),
        pytest.param(0.010, 0.005, Finding.INSIDE, 5.0, 6.0, id="neither; the second is nearer to it"),
        pytest.param(0.012, 0.001, Finding.INSIDE, 12.0, 14.4, id="neither; the first is nearer to it"),
    ],
)
def test_any_pair_of_windows_passes_the_limit(
    fast: float, slow: float, finding: Finding, value: float, limit: float
) -> None:
    found = assess_burn({H1: fast, M5: fast, H6: slow, M30: slow}, BOTH)
    assert found.value == pytest.approx(value)
    assert (found.finding, found.limit) == (finding, limit)


def test_more_errors_than_requests_count_as_all() -> None:
    assert assess_burn({H1: 1.1, M5: 1.2}).value == pytest.approx(1000)


def test_no_error_series_is_no_errors() -> None:
    found = assess_burn({H1: 0.5, M5: 0.5}, instead={("bad", M5): ABSENT, ("bad", H1): ABSENT})
    assert (found.finding, found.value) == (Finding.INSIDE, 0.0)


def test_errors_that_have_long_stopped_may_have_left_the_short_window() -> None:
    assert assess_burn({H1: 0.5, M5: 0.5}, instead={("bad", M5): ABSENT}).finding is Finding.INSIDE


@pytest.mark.parametrize(
    ("long", "short", "finding"),
    [
        pytest.param((0.5, 1000), (1.0, 19), Finding.UNSURE, id="bad, and too little to say that it goes on"),
        pytest.param((1.0, 19), (1.0, 19), Finding.UNSURE, id="too little altogether"),
        pytest.param((0.0, 0), (0.0, 0), Finding.UNSURE, id="no traffic"),
        pytest.param((0.0, 1000), (1.0, 19), Finding.INSIDE, id="too little to spoil a good hour"),
        pytest.param((1.0, 20), (1.0, 20), Finding.PAST, id="just enough"),
    ],
)
def test_few_events_prove_no_harm(long: tuple[float, float], short: tuple[float, float], finding: Finding) -> None:
    """One failed request of three would be a burn rate of 333."""
    instead = {(name, seconds): count(n * (share if name == "bad" else 1))
               for seconds, (share, n) in ((H1, long), (M5, short)) for name in ("bad", "all")}  # fmt: skip
    found = assess_burn({H1: 0, M5: 0}, instead=instead)
    assert found.finding is finding
    assert found.code == ("too_few_samples" if finding is Finding.UNSURE else "")
    assert (found.value is None) is (finding is Finding.UNSURE)
    assert found.samples == short[1]


def test_a_rule_that_asks_for_no_events_still_needs_one() -> None:
    found = assess_burn({H1: 0, M5: 0}, replace(GOOD, min_samples=0), requests=0)
    assert (found.finding, found.reason) == (
        Finding.UNSURE,
        "0 events over 1h and 0 events over 5m; at least 1 are needed to judge",
    )


def test_harm_in_one_pair_is_harm_whatever_another_cannot_say() -> None:
    instead = {("bad", M5): count(10.0), ("all", M5): count(10.0)}
    found = assess_burn({H1: 0.5, M5: 0, H6: 0.5, M30: 0.5}, BOTH, instead=instead)
    assert (found.finding, found.limit) == (Finding.PAST, 6.0)


def test_what_one_pair_cannot_say_is_not_peace() -> None:
    instead = {("bad", M5): count(10.0), ("all", M5): count(10.0)}
    found = assess_burn({H1: 0.5, M5: 0, H6: 0.0, M30: 0.0}, BOTH, instead=instead)
    assert (found.finding, found.code) == (Finding.UNSURE, "too_few_samples")
    assert found.reason == "10 events over 5m; at least 20 are needed to judge"


@pytest.mark.parametrize("window", [M5, H1], ids=["short", "long"])
@pytest.mark.parametrize("reason", BLINDNESSES)
def test_a_total_that_cannot_be_judged_is_blind_in_either_window(reason: Blindness, window: float) -> None:
    found = assess_burn({H1: 0.5, M5: 0.5}, instead={("all", window): unseen(reason)})
    assert (found.finding, found.code, found.value) == (finding_of(reason), reason.value, None)


@pytest.mark.parametrize("window", [M5, H1], ids=["short", "long"])
@pytest.mark.parametrize("reason", [reason for reason in BLINDNESSES if reason is not NoDataReason.ABSENT])
def test_a_numerator_that_cannot_be_judged_is_not_zero(reason: Blindness, window: float) -> None:
    found = assess_burn({H1: 0.0, M5: 0.0}, instead={("bad", window): unseen(reason)})
    assert (found.finding, found.code, found.value) == (finding_of(reason), reason.value, None)


@pytest.mark.parametrize("reason", BLINDNESSES)
def test_burn_rates_of_unknown_age_are_no_evidence(reason: Blindness) -> None:
    assert assess_burn({H1: 0.5, M5: 0.5}, newest=unseen(reason)).finding is finding_of(reason)


def test_old_burn_rates_are_no_evidence() -> None:
    found = assess_burn({H1: 0.5, M5: 0.5}, newest=STALE)
    assert (found.finding, found.code) == (Finding.NO_DATA, "stale")


@pytest.mark.parametrize("missing", [("bad", M5), ("bad", H1), ("all", M5), ("all", H1), None], ids=str)
def test_a_question_without_any_answer_is_an_error_never_zero(missing: tuple[str, float] | None) -> None:
    changes: dict[str, Any] = {"instead": {missing: None}} if missing else {"newest": None}
    found = assess_burn({H1: 0.0, M5: 0.0}, **changes)
    assert (found.finding, found.code) == (Finding.ERROR, "unreachable")


def test_a_burnt_budget_is_told_with_both_windows_and_the_limit() -> None:
    found = assess_burn({H1: 0.018, M5: 0.022})
    assert found.reason == "the error budget burns 18 times too fast over 1h and 22 times over 5m; limit 14.4"


def test_peace_says_that_it_takes_both_windows() -> None:
    """A person who sees 18 beside a limit of 14.4 has to learn why nothing happens."""
    found = assess_burn({H1: 0.018, M5: 0.0004})
    assert found.reason == (
        "the error budget burns 18 times as fast as it may over 1h and 0.4 times over 5m;"
        " both windows would have to pass 14.4"
    )


def test_a_window_that_says_nothing_is_not_told() -> None:
    found = assess_burn({H1: 0.002, M5: 0}, instead={("all", M5): count(3.0), ("bad", M5): count(0.0)})
    assert found.reason == (
        "the error budget burns 2 times as fast as it may over 1h; both windows would have to pass 14.4"
    )


def test_the_question_told_is_that_of_the_shortest_window() -> None:
    """Its events are what a look counts as served."""
    found = assess_burn({H1: 0.0, M5: 0.0})
    assert (found.query, found.samples) == ("bad 300 / all 300", REQUESTS)
    assert GOOD.window_seconds == M5


SHARE = st.floats(0, 1)


@given(SHARE, SHARE, SHARE, SHARE)
def test_the_value_is_above_the_limit_if_and_only_if_a_limit_is_passed(
    hour: float, minutes: float, hours: float, half: float
) -> None:
    found = assess_burn({H1: hour, M5: minutes, H6: hours, M30: half}, BOTH)
    assert found.value is not None
    assert found.limit is not None
    assert (found.finding is Finding.PAST) is (found.value > found.limit)


@given(SHARE, SHARE, st.floats(0, 1))
def test_fewer_errors_never_make_it_worse(long: float, short: float, factor: float) -> None:
    before, after = assess_burn({H1: long, M5: short}), assess_burn({H1: long * factor, M5: short * factor})
    assert not (before.finding is Finding.INSIDE and after.finding is Finding.PAST)


@given(st.permutations([FAST, SLOW, BurnWindow(H6, M5, 10.0)]), SHARE)
def test_the_order_of_the_windows_does_not_matter(windows: list[BurnWindow], share: float) -> None:
    shares = {H1: share, M5: share / 2, H6: share / 3, M30: share}
    found = assess_burn(shares, replace(GOOD, windows=tuple(windows)))
    other = assess_burn(shares, replace(GOOD, windows=tuple(reversed(windows))))
    assert (found.finding, found.value) == (other.finding, other.value)


def test_a_budget_nobody_touches_is_told_against_the_first_limit() -> None:
    """All pairs stand equally well then."""
    assert assess_burn({H1: 0, M5: 0, H6: 0, M30: 0}, BOTH).limit == 14.4
    assert assess_burn({H1: 0, M5: 0, H6: 0, M30: 0}, replace(BOTH, windows=(SLOW, FAST))).limit == 6.0


def test_a_sample_of_exactly_the_greatest_age_counts() -> None:
    assert assess_burn({H1: 0.0, M5: 0.0}, newest=Value(AT - 120.0, AT)).finding is Finding.INSIDE
