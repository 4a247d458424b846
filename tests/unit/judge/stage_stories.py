"""Stories of one stage: its rules, and the worlds it is in."""

from collections.abc import Callable

from gated.model.ids import RuleName
from gated.model.reading import FailureReason
from gated.model.rule import Rule
from tests import samples
from tests.judge_story import INTERVAL, Blindness, Facts, Story, World, healthy, one_stage

ERRORS = samples.ratio_rule(name=RuleName("errors"), for_seconds=0.0)
SLOW = samples.ratio_rule(name=RuleName("slow-errors"), for_seconds=120.0)
DOWN = samples.value_rule(name=RuleName("down"), for_seconds=0.0)
ALERTS = samples.alerts_rule(name=RuleName("alerts"))
LOGIN = samples.probe_rule(name=RuleName("login"), failures=1)


def told(world: World = healthy, *rules: Rule, interval: float = INTERVAL, **stage: object) -> Story:
    """One stage of 5 to 10 minutes, started; guarded by one rule unless others are given."""
    return Story(world, rules=rules or [ERRORS], stages=[one_stage(**stage)], interval=interval).start()


def failing(start: float, end: float = float("inf")) -> World:
    """Half of all requests fail for a while."""
    return lambda t: Facts(error_share=0.5 if start <= t < end else 0.0)


def blind(start: float, end: float = float("inf"), *, reason: Blindness = FailureReason.TIMEOUT) -> World:
    """Nothing is to be seen of the errors for a while."""
    return lambda t: Facts(blind={ERRORS.name: reason} if start <= t < end else {})


def blind_when(condition: Callable[[float], bool]) -> World:
    """Nothing is to be seen of the errors at these times."""
    return lambda t: Facts(blind={ERRORS.name: FailureReason.TIMEOUT} if condition(t) else {})


def broken(_t: float) -> Facts:
    """Everything is down and half of all requests fail."""
    return Facts(value=0.0, error_share=0.5)
