"""Warnings: what is allowed and probably not meant, and the same rule written so that it is meant."""

import pytest

from gated.rulebook.fault import Severity
from tests.rule_text import SEQUENTIAL, load_text, spoiled

RATIO = "    above: 2%\n    for: 5m\n"
LATENCY = "    above: 800ms\n    for: 5m\n"


def warnings_of(text: str) -> list[str]:
    loaded = load_text(text)
    assert loaded.errors == ()
    return [f"{fault.line}:{fault.column}: {fault.key}: {fault.message}" for fault in loaded.faults]


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        pytest.param(
            RATIO,
            "    above: 2%\n    min_samples: 50\n",
            "3:3 rules.error-rate",
            "without for, a single look past the limit rolls back",
            id="no for",
        ),
        pytest.param(
            RATIO,
            "    above: 2%\n    for: 30s\n    min_samples: 50\n",
            "8:10 rules.error-rate.for",
            "one short burst stays in the window for 1m",
            id="for shorter than the window",
        ),
        pytest.param(
            RATIO,
            "    above: 2%\n    for: 0s\n",
            "3:3 rules.error-rate",
            "a single event among 20 passes the limit; write min_samples: 50",
            id="one failure decides",
        ),
        pytest.param(
            RATIO,
            "    above: 2%\n    for: 0s\n    min_samples: 49\n",
            "9:18 rules.error-rate.min_samples",
            "a single event among 49",
            id="one failure of 49 decides",
        ),
        pytest.param(
            LATENCY,
            "    above: 800ms\n    for: 0s\n    min_samples: 19\n",
            "16:18 rules.latency-p95.min_samples",
            "a single observation among 19 passes the limit; write min_samples: 20",
            id="one slow request decides",
        ),
        pytest.param(
            "    below: 1\n    for: 2m\n",
            "    below: 1\n",
            "17:3 rules.target-down",
            "without for, a single look",
            id="a value without for",
        ),
        pytest.param(
            "target-down, waf",
            "waf",
            "17:3 rules.target-down",
            "no plan uses this rule; add it to a plan, or remove it",
            id="an unused rule",
        ),
        pytest.param(
            "bake: {min: 15m, max: 30m}",
            "warmup: 25m, bake: {min: 1m, max: 5m}",
            "36:71 plans.standard.stages[0].bake.max",
            "over before error-rate can be in breach, 6m after it begins; write at least 6m",
            id="a bake that is over before a window after the warm-up can be judged",
        ),
        pytest.param(
            "bake: {min: 15m, max: 30m}",
            "bake: {min: 1m, max: 4m}",
            "36:58 plans.standard.stages[0].bake.max",
            "the bake is over before error-rate can be in breach, 5m after it begins",
            id="a stage shorter than for",
        ),
    ],
)
def test_what_will_surprise_its_author_is_a_warning(old: str, new: str, place: str, message: str) -> None:
    (told,) = warnings_of(spoiled(old, new))
    assert told.startswith(f"{place.replace(' ', ': ')}: ")
    assert message in told
    assert all(fault.severity is Severity.WARNING for fault in load_text(spoiled(old, new)).faults)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(RATIO, "    above: 2%\n    for: 0s\n    min_samples: 50\n", id="at once, on enough requests"),
        pytest.param(RATIO, "    above: 2%\n    for: 1m\n    min_samples: 50\n", id="for as long as the window"),
        pytest.param(RATIO, "    above: 2%\n    on_breach: hold\n", id="a rule that only holds"),
        pytest.param(
            RATIO, "    above: 2%\n    for: 61s\n    min_samples: 1\n", id="few samples, for longer than one can stay"
        ),
        pytest.param(LATENCY, "    above: 800ms\n    for: 0s\n    min_samples: 20\n", id="p95 of twenty"),
        pytest.param("    for: 1m\n", "", id="alerts wait in Prometheus"),
        pytest.param(
            "bake: {min: 15m, max: 30m}",
            "warmup: 24m, bake: {min: 1m, max: 6m}",
            id="just enough time after the warm-up",
        ),
    ],
)
def test_what_is_meant_is_no_warning(old: str, new: str) -> None:
    assert warnings_of(spoiled(old, new)) == []


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        pytest.param(
            "baseline: before, ",
            "",
            "46:31 plans.standard.stages[1].traffic",
            "no old version is left beside all traffic, so errors-vs-baseline will have no evidence",
            id="all traffic beside nothing",
        ),
        pytest.param(
            "min_requests: 500",
            "min_requests: 150",
            "45:79 plans.standard.stages[0].min_requests",
            "error-rate takes 197 requests to be proved healthy even without a single failure, so this asks for",
            id="fewer requests than any proof needs",
        ),
        pytest.param(
            "bake: {min: 15m, max: 30m}",
            "bake: {min: 5m, max: 10m}",
            "45:58 plans.standard.stages[0].bake.max",
            "over before memory can be in breach, 15m after it begins",
            id="a bake shorter than the window of a distribution",
        ),
        pytest.param(
            "min_samples: 100",
            "min_samples: 69",
            "35:18 rules.fast-burn.min_samples",
            "a single event among 69 passes the limit; write min_samples: 70, or for: longer than the short window",
            id="one failure burns too fast",
        ),
    ],
)
def test_what_will_surprise_about_evidence_is_a_warning(old: str, new: str, place: str, message: str) -> None:
    (told,) = warnings_of(spoiled(old, new, SEQUENTIAL))
    assert told.startswith(f"{place.replace(' ', ': ')}: ")
    assert message in told


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("baseline: before, ", "baseline: none, ", id="all traffic beside nothing, on purpose"),
        pytest.param(
            "min_requests: 500",
            "min_requests: 100, on_inconclusive: promote",
            id="few requests, where proof is not asked for",
        ),
        pytest.param("min_samples: 100", "min_samples: 2\n    for: 6m", id="a burn that outlasts one failure"),
        pytest.param(
            "bake: {min: 1h, max: 2h}",
            "bake: {min: 5m, max: 10m}",
            id="a bake shorter than the window of a distribution that rests there",
        ),
    ],
)
def test_what_is_meant_about_evidence_is_no_warning(old: str, new: str) -> None:
    assert warnings_of(spoiled(old, new, SEQUENTIAL)) == []


def test_a_rule_that_only_warns_does_not_mind_that_no_old_version_is_left() -> None:
    text = spoiled("baseline: before, ", "", SEQUENTIAL)
    assert warnings_of(text.replace("    worse_than_baseline", "    on_breach: warn\n    worse_than_baseline")) == []


def test_rules_without_any_plan_are_one_warning_not_one_each() -> None:
    text = spoiled("plans:", "#plans:").split("#plans")[0]
    assert warnings_of(text) == [
        "1:1: : there is no plan in these files, so no release can be opened; add one under plans"
    ]


def test_warnings_leave_the_rulebook_usable() -> None:
    loaded = load_text(spoiled(RATIO, "    above: 2%\n"))
    assert loaded.rulebook is not None
    assert len(loaded.warnings) == 2
