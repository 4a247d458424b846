"""A healthy release goes back at most as often as its budget says, through the whole judge and however oddly it looks.

Looks that are missed, late or blind, several stages of different kinds, several rules, and the patience with young
versions: none of them may add to the chance of going back. The versions here stand exactly at their lines, where that
chance is largest.
"""

import math
from dataclasses import dataclass
from random import Random

import pytest

from gated.model.evidence import BaselineKind
from gated.model.plan import BlindAction, OnBlind, Stage
from gated.model.rule import Limit, Rule, Side, WorseThanBaseline
from tests.judge_story import one_stage
from tests.unit.judge.sequential_stories import (
    limit_rule,
    slow_rule,
    slower_rule,
    versus_rule,
    waf_rule,
)
from tests.unit.judge.sequential_traffic import Service, followed
from tests.unit.judge.stats.sequential_runs import is_promise_kept
from tests.unit.judge.stats.simulated_service import seeded

BUDGET = 0.05
"""A chance of 1 % alone is not much of a test of a few dozen releases."""

P95 = round(0.15 * math.exp(0.8 * 1.6448536), 6)
"""Of a version one and a half times as slow as the old one. 1.6448536 is the normal law's 95th percentile."""

BESIDE, BEFORE, NONE = BaselineKind.BESIDE, BaselineKind.BEFORE, BaselineKind.NONE


def stages(*kinds: BaselineKind) -> tuple[Stage, ...]:
    """Stages of 3 to 8 minutes."""
    bounds = {"bake_min_seconds": 180.0, "bake_max_seconds": 480.0, "on_blind": OnBlind(1e9, BlindAction.PAGE)}
    return tuple(one_stage(name=f"stage-{at}", baseline=kind, **bounds) for at, kind in enumerate(kinds))


@dataclass(frozen=True, kw_only=True)
class Case:
    """Releases that are all alike.

    Args:
        service: what both versions are like.
        rules: what guards the release.
        kinds: what its stages compare with.
        cold_start_seconds: how long the version is young.
    """

    service: Service
    rules: tuple[Rule, ...]
    kinds: tuple[BaselineKind, ...] = (BESIDE,)
    cold_start_seconds: float = 0.0

    def highest_odds(self, number: int) -> list[dict[str, float]]:
        """Of so many releases: the highest odds of all rules together, infinite once gone back, and of each alone."""
        return [self._highest(seeded(3100 + at)) for at in range(number)]

    def _highest(self, random: Random) -> dict[str, float]:
        highest = dict.fromkeys(["all", *(str(rule.name) for rule in self.rules)], 0.0)
        for story in followed(
            self.service,
            self.rules,
            random,
            looks=40,
            stages=stages(*self.kinds),
            cold_start_seconds=self.cold_start_seconds,
            false_rollback_budget=BUDGET,
            history_seconds=3600.0,
        ):
            shares = {str(result.rule): result.odds or 0.0 for result in story.release.results}
            total = math.inf if story.release.rollback is not None else sum(shares.values())
            odds = {"all": total, **{name: share * len(self.rules) for name, share in shares.items()}}
            highest = {name: max(highest[name], now) for name, now in odds.items()}
        return highest


AT_ITS_LINE = Service(ratio=1.1, slowness=1.5, bounds=(0.05, 0.1, 0.2, 0.4, P95, 0.8, 1.6))
ALL = (
    limit_rule(limit=Limit(0.055, Side.ABOVE)),
    versus_rule(),
    slow_rule(limit=Limit(P95, Side.ABOVE)),
    slower_rule(),
    waf_rule(events='blocked{code=~"4.."}', block_seconds=120.0, limit=WorseThanBaseline(0.1)),
)


NARROW = Service(slowness=1.1, bounds=tuple(0.02 * 1.25**n for n in range(26)))
OUTAGE = Service(ratio=1.1, outage=(300.0, 420.0))
UNEVEN = Service(slowness=1.5, bounds=(0.1, 0.3, 0.45, 0.5))


@pytest.mark.parametrize(
    ("number", "case"),
    [
        (20, Case(service=AT_ITS_LINE, rules=ALL, kinds=(BESIDE, BESIDE, BEFORE))),
        (30, Case(service=AT_ITS_LINE, rules=ALL[:1], kinds=(BESIDE, NONE))),
        (30, Case(service=AT_ITS_LINE, rules=ALL[:2], cold_start_seconds=600.0)),
        (30, Case(service=Service(ratio=1.25), rules=(versus_rule(),), kinds=(BEFORE,))),
        (20, Case(service=NARROW, rules=(slower_rule(limit=WorseThanBaseline(0.1)),))),
        (20, Case(service=UNEVEN, rules=(slower_rule(),), kinds=(BESIDE, BEFORE))),
        (20, Case(service=OUTAGE, rules=(limit_rule(limit=Limit(0.06, Side.ABOVE)), versus_rule()))),
    ],
    ids=[
        "all rules",
        "a fixed limit",
        "young versions",
        "the past",
        "narrow buckets",
        "uneven buckets",
        "an outage of both",
    ],
)
def test_a_version_exactly_at_its_lines_goes_back_within_the_budget(number: int, case: Case) -> None:
    found = case.highest_odds(number)
    for name in found[0]:
        for alpha in (0.2, BUDGET):
            crossings = sum(highest[name] >= 1 / alpha for highest in found)
            assert is_promise_kept(crossings, number, alpha), f"{name}: {crossings} of {number} at {alpha}"


@pytest.mark.parametrize(
    "case",
    [
        Case(service=Service(ratio=4.0), rules=ALL[:1]),
        Case(service=Service(ratio=4.0), rules=(versus_rule(),)),
        Case(service=Service(slowness=6.0), rules=(slower_rule(),)),
        Case(service=Service(ratio=10.0), rules=(versus_rule(),), kinds=(BEFORE,)),
    ],
    ids=["a fixed limit", "errors", "latency", "the past"],
)
def test_a_harmful_version_goes_back_in_the_same_world(case: Case) -> None:
    """Otherwise the tests above would show nothing."""
    assert [highest["all"] for highest in case.highest_odds(4)] == [math.inf] * 4
