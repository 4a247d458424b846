"""Every test agrees with an independent implementation, look by look."""

import pytest

from gated.judge.stats import health, interval
from gated.judge.stats.one_sample import OneSample, is_excused
from gated.judge.stats.past_baseline import PastBaseline
from gated.judge.stats.two_sample import TwoSample
from gated.model.evidence import Calibration, Counts, PastRate
from tests.unit.judge.stats.golden_traces import Trace, sums, traces

TWO_SAMPLE, ONE_SAMPLE, PAST = (traces(f"{name}.json") for name in ("two_sample", "one_sample", "past_baseline"))


@pytest.mark.parametrize("trace", TWO_SAMPLE.values(), ids=TWO_SAMPLE.keys())
def test_two_samples(trace: Trace) -> None:
    of = trace.settings
    calibration = Calibration(
        correlation=of["correlation"],
        drift_sd=of["drift_sd"],
        drift_seconds=of["drift_seconds"],
        can_bet=of["can_bet"],
    )
    test = TwoSample(of["tolerance"], of["planned_looks"], calibration)
    process, values = test.opened(), []
    for bad, total, baseline_bad, baseline_total in trace.looks:
        process = test.looked(process, Counts(bad, total), Counts(baseline_bad, baseline_total), of["elapsed_seconds"])
        values.append(process.value)
    assert values == pytest.approx(trace.values, rel=1e-9, abs=0)


def test_the_defaults_are_those_of_a_service_without_history() -> None:
    of = TWO_SAMPLE["no-history"].settings
    assumed = Calibration()
    assert assumed.drift_sd == pytest.approx(of["drift_sd"], rel=1e-15)
    assert assumed.correlation == of["correlation"]
    assert assumed.drift_seconds == of["drift_seconds"]
    assert assumed.can_bet == of["can_bet"]


@pytest.mark.parametrize("trace", ONE_SAMPLE.values(), ids=ONE_SAMPLE.keys())
def test_a_fixed_limit(trace: Trace) -> None:
    of = trace.settings
    test = OneSample(of["limit"], of["planned_looks"], of["dispersion"])
    process, values, recent = test.opened(), [], list[Counts]()
    for bad, total, *baseline in trace.looks:
        excused = False
        if baseline:
            recent = [*recent, Counts(baseline[0], baseline[1])][-4:]
            excused = is_excused(recent, of["limit"])
            assert excused == bool(baseline[2])
        process = test.looked(process, Counts(bad, total), is_excused=excused)
        values.append(process.value)
    assert values == pytest.approx(trace.values, rel=1e-9, abs=0)


@pytest.mark.parametrize("trace", PAST.values(), ids=PAST.keys())
def test_a_past_baseline(trace: Trace) -> None:
    of = trace.settings
    past = PastRate(
        share=of["share"],
        drift_sd=of["drift_sd"],
        drift_seconds=of["drift_seconds"],
        day_sd=of["day_sd"],
        dispersion=of["dispersion"],
    )
    test = PastBaseline(of["tolerance"], of["planned_looks"], past)
    process, values = test.opened(), []
    for bad, total in trace.looks:
        process = test.looked(process, Counts(bad, total), of["elapsed_seconds"])
        values.append(process.value)
    assert values == pytest.approx(trace.values, rel=1e-9, abs=0)


def test_the_proof_of_health_and_the_interval() -> None:
    for limit, dispersion, bad, total, odds, lower, upper in sums():
        counts = Counts(bad, total)
        assert health.odds(limit, counts, dispersion) == pytest.approx(odds, rel=1e-9, abs=0), counts
        ends = interval.confidence_sequence(counts, 0.05, dispersion)
        assert ends == pytest.approx((lower, upper), rel=1e-9, abs=1e-14), counts  # an end is sought 1e-15 from 0
