"""The comparison with the baseline as it ships, with what it makes of a young version's first minutes.

Everywhere else the bare tests run, on versions that are warm from the start. Here runs the rule of `judge.sequential`
itself, from one look's counts to a rollback; only queries and readings are left out.
"""

from dataclasses import replace
from functools import cache

from gated.judge.sequential import evidence as weighing
from gated.judge.sequential import youth
from gated.judge.sequential.counting import Counted
from gated.judge.sequential.setting import Setting, setting_of
from gated.model.evidence import Evidence
from gated.model.ids import RuleName
from gated.model.rule import RatioRule, Test, WorseThanBaseline
from tests import samples
from tests.bench.judge import ours
from tests.bench.judge.traffic import LOOKS, STEP_SECONDS

RULE = RatioRule(
    name=RuleName("errors-vs-baseline"),
    events="failed",
    total="served",
    limit=WorseThanBaseline(ours.TOLERANCE),
    test=Test.SEQUENTIAL,
)


def as_shipped(release: ours.Release) -> int | None:
    """At which look the rule rolls the release back, with a plan's default settings and history."""
    evidence = Evidence(counted_until=0.0, calibration=release.known[ours.DEFAULT])
    for look in range(LOOKS):
        setting = replace(_setting(), now=(look + 1) * STEP_SECONDS)
        canary, baseline = release.bake[look]
        counted = Counted(pairs=((canary, baseline),), proof=canary, query="")
        evidence = weighing.weighed(RULE, evidence, counted, setting)
        if weighing.odds(RULE, evidence, setting) >= setting.odds_limit:
            if not youth.is_excused_by_youth(RULE, evidence, setting):
                return look
            evidence = youth.suspected(evidence, setting)
    return None


@cache
def _setting() -> Setting:
    """One stage of an hour, guarded by this rule alone, beside the old version."""
    stage = samples.stage(warmup_seconds=0.0, bake_max_seconds=LOOKS * STEP_SECONDS)
    policy = samples.policy(plan=samples.plan(rules=(RULE.name,), stages=(stage,)), rules=(RULE,))
    return setting_of(samples.baking_release(), policy, now=0.0, interval_seconds=STEP_SECONDS)
