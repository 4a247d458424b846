"""Stories of sequential rules: what their tests have in common."""

from typing import Any

from gated.model.ids import RuleName
from gated.model.rule import ActivityRule, QuantileRule, RatioRule, Test, WorseThanBaseline
from tests import samples
from tests.judge_story import Facts, Story, World, one_stage

ERRORS = "error-rate"
VERSUS = "errors-vs-baseline"
SLOW = "latency-p95"
SLOWER = "latency-vs-baseline"

STEADY = (0.004,) * 6
"""Six instances that are all alike: history without drift or clusters."""


def limit_rule(**changes: Any) -> RatioRule:
    """At most 2 % errors, judged by the evidence."""
    return samples.ratio_rule(**{"test": Test.SEQUENTIAL, "for_seconds": 0.0, **changes})


def versus_rule(**changes: Any) -> RatioRule:
    """At most a tenth more errors than the baseline."""
    return limit_rule(**{"name": RuleName(VERSUS), "limit": WorseThanBaseline(0.1), **changes})


def slow_rule(**changes: Any) -> QuantileRule:
    """A p95 of at most 800 ms, judged by the evidence."""
    return samples.quantile_rule(**{"test": Test.SEQUENTIAL, **changes})


def slower_rule(**changes: Any) -> QuantileRule:
    """A p95 at most one and a half times the baseline's."""
    return slow_rule(**{"name": RuleName(SLOWER), "limit": WorseThanBaseline(0.5), **changes})


def waf_rule(**changes: Any) -> ActivityRule:
    """At most twice as many blocked requests as on the baseline."""
    good: dict[str, Any] = {
        "name": RuleName("waf-blocks"),
        "events": 'waf_blocked{code=~"4.."}',
        "exposure": "http_requests_total",
        "limit": WorseThanBaseline(1.0),
    }
    return ActivityRule(**{**good, **changes})


def world(
    error_share: float = 0.004,
    *,
    from_seconds: float = 0.0,
    to_seconds: float = 1e9,
    share: float = 0.004,
    **facts: Any,
) -> World:
    """A steady world in which the new version's errors are different for a while."""
    good: dict[str, Any] = {"baseline_error_share": 0.004, "history": STEADY, **facts}

    def at(seconds: float) -> Facts:
        return Facts(error_share=error_share if from_seconds < seconds <= to_seconds else share, **good)

    return at


def started(at: World, *rules: Any, **plan: Any) -> Story:
    """A release that was looked at once before its only stage of 5 to 60 minutes started."""
    stages = plan.pop("stages", (one_stage(bake_max_seconds=3600.0),))
    story = Story(at, rules=rules, stages=stages, **plan).run(15)
    return story.start(stages[0].name)
