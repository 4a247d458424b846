"""What the judge's numbers cost: one look of every test, one calibration, one evaluation of twenty rules."""

import itertools
import time
from collections.abc import Callable
from dataclasses import replace

from gated.judge.stats import health
from gated.judge.stats.interval import confidence_sequence
from gated.judge.stats.one_sample import OneSample
from gated.judge.stats.past_baseline import PastBaseline
from gated.judge.stats.two_sample import TwoSample
from gated.model import rule
from gated.model.evidence import Calibration, Counts, PastRate
from gated.model.ids import RuleName
from tests import samples
from tests.bench.judge import ours, peers, sampling, simulation, traffic
from tests.bench.judge.series import Series
from tests.bench.judge.traffic import LOOKS, STEP_SECONDS, Cell, Look
from tests.judge_story import Facts, Story, one_stage

CELL = Cell(100.0, 0.001)
REPEATS = 5
RULES = 20


def microseconds() -> dict[str, float]:
    """Microseconds per call, by what was called; the fastest of some repetitions."""
    bake = list(itertools.islice(traffic.looks(traffic.INDEPENDENT, CELL, sampling.seeded("speed")), LOOKS))
    tracks = traffic.history(traffic.INDEPENDENT, CELL, sampling.seeded("speed"), 4 * 3600.0)
    steady = Calibration(correlation=0.0, drift_sd=0.0, dispersion=1.0, can_bet=True)
    drifting = replace(steady, drift_sd=0.1)
    bursting = replace(drifting, burst_size=2.0, burst_seconds=60.0, burst_share=0.05)
    seen = Counts(30.0, 20_000.0)
    costs = {
        "comparison, no drift": _per_look(lambda: _compare(bake, steady)),
        "comparison, drift": _per_look(lambda: _compare(bake, drifting)),
        "comparison, drift and bursts": _per_look(lambda: _compare(bake, bursting)),
        "limit": _per_look(lambda: _limit(bake)),
        "past baseline": _per_look(lambda: _past(bake)),
        "proof of health": _per_call(lambda: health.odds(CELL.limit, seen, 1.0)),
        "confidence sequence": _per_call(lambda: confidence_sequence(seen, 0.01, 1.0)),
        "calibration, 4 h of 10 pods": _fastest(
            lambda: ours.learned(*tracks, simulation.HISTORY_SECONDS[ours.DEFAULT])
        ),
        "Kayenta, four judgements of an hour": _fastest(lambda: peers.kayenta(Series(bake), CELL.limit)),
    }
    limits = ("limit", "proof of health", "confidence sequence", "confidence sequence")
    costs[f"{RULES} rules, half of them comparisons"] = (
        RULES / 2 * (costs["comparison, drift"] + sum(costs[what] for what in limits))
    )
    costs[f"one evaluation of {RULES} rules, all of it"] = _evaluation()
    return costs


def _evaluation() -> float:
    """A whole look at a release, from readings to outcomes, verdict and sentences; the mean of an hour of looks."""
    line = (rule.Limit(0.05, rule.Side.ABOVE), rule.WorseThanBaseline(ours.TOLERANCE))
    guards = tuple(
        samples.ratio_rule(
            name=RuleName(f"rule-{number}"),
            test=rule.Test.SEQUENTIAL,
            for_seconds=0.0,
            limit=line[number % 2],
            events=f'http_requests_total{{code=~"5..",path="/{number}"}}',
            total=f'http_requests_total{{path="/{number}"}}',
        )
        for number in range(RULES)
    )
    spread = tuple(0.01 * (1 + 0.1 * number) for number in range(10))
    stage = one_stage(bake_min_seconds=3600.0, bake_max_seconds=7200.0)
    facts = Facts(error_share=0.011, baseline_error_share=0.01, history=spread)
    story = Story(lambda _: facts, rules=guards, stages=(stage,)).start().run(300.0)
    took = 0.0
    for _ in range(LOOKS):
        story.skip(STEP_SECONDS)
        readings = story.readings()
        began = time.perf_counter()
        story.look(readings)
        took += time.perf_counter() - began
    return took / LOOKS * 1e6


def _compare(bake: list[Look], calibration: Calibration) -> None:
    test = TwoSample(ours.TOLERANCE, LOOKS, calibration)
    process = test.opened()
    for canary, baseline in bake:
        process = test.looked(process, canary, baseline, STEP_SECONDS)


def _limit(bake: list[Look]) -> None:
    test = OneSample(CELL.limit, LOOKS, 1.0)
    process = test.opened()
    for canary, _ in bake:
        process = test.looked(process, canary)


def _past(bake: list[Look]) -> None:
    test = PastBaseline(
        ours.TOLERANCE, LOOKS, PastRate(share=CELL.share, drift_sd=0.2, drift_seconds=300.0, day_sd=0.2)
    )
    process = test.opened()
    for canary, _ in bake:
        process = test.looked(process, canary, STEP_SECONDS)


def _per_look(action: Callable[[], object]) -> float:
    return _fastest(action) / LOOKS


def _per_call(action: Callable[[], object]) -> float:
    def often() -> None:
        for _ in range(LOOKS):
            action()

    return _fastest(often) / LOOKS


def _fastest(action: Callable[[], object]) -> float:
    took = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        action()
        took.append(time.perf_counter() - began)
    return min(took) * 1e6
