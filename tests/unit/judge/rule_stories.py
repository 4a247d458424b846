"""Stories of one rule: what it is about, and what goes wrong."""

from dataclasses import replace

from gated.model.ids import RuleName
from gated.model.reading import FailureReason
from gated.model.rule import Rule, Scope
from tests import samples
from tests.judge_story import INTERVAL, Blindness, Facts, Story, World, one_stage

DOWN = samples.value_rule(name=RuleName("down"), for_seconds=120.0)
"""A rule about an instant, in breach after two minutes."""
DOWN_NOW = replace(DOWN, for_seconds=0.0)
ERRORS = samples.ratio_rule(name=RuleName("errors"), for_seconds=120.0)
"""A rule about a window of one minute, in breach after two minutes."""
SERVICE_ERRORS = replace(ERRORS, for_seconds=0.0, scope=Scope.SERVICE)
PATIENT = one_stage(bake_min_seconds=7200.0, bake_max_seconds=7200.0)


def down_between(start: float, end: float = float("inf")) -> World:
    """Everything is down for a while."""
    return lambda t: Facts(value=0.0 if start <= t < end else 1.0, error_share=0.5 if start <= t < end else 0.0)


def started(world: World, rule: Rule, *, interval: float = INTERVAL) -> Story:
    """A long stage guarded by one rule, started at 0."""
    return Story(world, rules=[rule], stages=[PATIENT], interval=interval).start()


def blind_at(*times: float, rule: Rule = DOWN, reason: Blindness = FailureReason.TIMEOUT, end: float = 0.0) -> World:
    """Down for ever, and nothing to be seen at these times, or until `end`."""
    return lambda t: Facts(value=0.0, error_share=0.5, blind={rule.name: reason} if t in times or t < end else {})
