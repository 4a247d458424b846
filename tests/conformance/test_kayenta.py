"""gated says of a gauge what Kayenta's judge says, on the vectors of Kayenta's own tests (Apache-2.0)."""

import math
from collections.abc import Mapping

import pytest

from gated.judge.assessment import Finding
from gated.judge.kinds import distribution
from gated.judge.stats.gauges import is_outlier
from gated.judge.stats.mann_whitney import Pairs
from gated.model.ids import RuleName
from gated.model.reading import NoData, NoDataReason, Value
from gated.model.rule import DistributionRule, WorseThanBaseline
from gated.model.selection import Matcher, Workload
from tests.conformance.kayenta import CASES, Case, cases_of, classify, effect, shift_as_r, title

NOT_APPLICABLE: Mapping[str, str] = {
    "judgement_window": "Kayenta judges a growing window again and again; gated's windows do not overlap",
}
"""Units of which gated has no counterpart, and why."""

APPLICABLE = {
    "MannWhitneyClassifier",
    "IQRDetector",
    "EffectSizes.meanRatio",
    "EffectSizes.cles",
    "wilcoxonDiff",
    "mannWhitneyUTest",
}

NEW: Workload = (Matcher("version", "v2"),)
OLD: Workload = (Matcher("version", "v1"),)


def test_every_vector_is_checked_or_has_no_counterpart() -> None:
    assert {case["unit"] for case in CASES} == APPLICABLE | NOT_APPLICABLE.keys()
    assert len(CASES) == 29


@pytest.mark.parametrize("case", cases_of("wilcoxonDiff"), ids=title)
def test_the_statistic_is_the_same(case: Case) -> None:
    found = Pairs(case["x"], case["y"]).statistic(case["params"]["mu"]) - case["params"]["quantile"]
    assert found == pytest.approx(case["expected"]["value"], abs=case["tolerance"]["value"])


@pytest.mark.parametrize("case", cases_of("mannWhitneyUTest"), ids=title)
def test_the_interval_is_the_same_to_the_digit_where_r_looks_for_it(case: Case) -> None:
    """What R finds depends on where its search stops; the same search on our statistic stops at the same place."""
    found = shift_as_r(case["x"], case["y"], case["params"]["confidenceLevel"])
    expected, tolerance = case["expected"], case["tolerance"]
    assert found.low == pytest.approx(expected["ci_low"], abs=tolerance["ci_low"])
    assert found.high == pytest.approx(expected["ci_high"], abs=tolerance["ci_high"])
    assert found.estimate == pytest.approx(expected["estimate"], abs=tolerance["estimate"])


@pytest.mark.parametrize("case", cases_of("mannWhitneyUTest"), ids=title)
def test_the_exact_interval_lies_where_r_stopped_looking(case: Case) -> None:
    """In "Problem Case" the data differ by less than R's 1e-4, and its interval is some hundred times too wide."""
    found = Pairs(case["x"], case["y"]).shift(case["params"]["confidenceLevel"])
    expected = case["expected"]
    assert found.low == pytest.approx(expected["ci_low"], abs=1e-4)
    assert found.high == pytest.approx(expected["ci_high"], abs=1e-4)
    assert found.estimate == pytest.approx(expected["estimate"], abs=1e-4)


@pytest.mark.parametrize("case", [case for case in cases_of("MannWhitneyClassifier") if case["experiment"]], ids=title)
def test_the_classification_is_the_same(case: Case) -> None:
    assert case["expected"].items() <= classify(case).items()


@pytest.mark.parametrize(
    "case", [case for case in cases_of("MannWhitneyClassifier") if not case["experiment"]], ids=title
)
def test_missing_data_are_no_data_and_stand_in_the_way(case: Case) -> None:
    """Kayenta's `Nodata` of a critical metric: nothing to judge, with a sentence that says so."""
    rule = DistributionRule(name=RuleName("memory"), query="memory", selectors=(), limit=WorseThanBaseline(0.25))
    sides = zip(distribution.queries(rule, NEW, OLD), (case["experiment"], case["control"]), strict=True)
    readings = {query: Value(values[-1], 0.0) if values else NoData(NoDataReason.ABSENT) for query, values in sides}
    found, collected = distribution.assess(rule, NEW, OLD, readings, (), 60)
    assert case["expected"].get("classification", "Nodata") == "Nodata"
    assert case["expected"].get("critical", True) is rule.is_blocking
    assert (found.finding, collected) == (Finding.NO_DATA, ())
    assert found.reason


@pytest.mark.parametrize("case", cases_of("IQRDetector"), ids=title)
def test_the_outliers_are_the_same(case: Case) -> None:
    assert is_outlier(case["data"], case["params"]["factor"]) == case["expected"]["outlier"]


@pytest.mark.parametrize("case", [*cases_of("EffectSizes.meanRatio"), *cases_of("EffectSizes.cles")], ids=title)
def test_the_effect_size_is_the_same(case: Case) -> None:
    found, expected = (
        effect(case["unit"].removeprefix("EffectSizes."), case["experiment"], case["control"]),
        case["expected"],
    )
    assert found == expected["value"] or (expected["value"] == "NaN" and math.isnan(found))
