"""The values that a limit, a tolerance, a block or the drift floor could have instead: round numbers, near ones first.

Each is tried with its rule alone, under the share of the false rollback budget that the rule has in its plan.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gated.model.ids import RuleName
from gated.model.plan import Policy
from gated.model.rule import (
    ActivityRule,
    DistributionRule,
    Limit,
    OnBreach,
    QuantileRule,
    RatioRule,
    Rule,
    Side,
    WorseThanBaseline,
    is_sequential,
)
from gated.model.units import Unit, format_duration

Movable = RatioRule | QuantileRule | ActivityRule | DistributionRule
"""The kinds whose line can be found by trying. What any other number means only people know."""

_STEPS = 6
"""How many values are tried on one side of the present one: enough for ten times as much."""
_ROUND = (1.0, 1.5, 2.0, 3.0, 5.0, 7.5)
_TOLERANCES = (0.0, 0.05, 0.1, 0.15, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0)
_BLOCKS_SECONDS = (60.0, 120.0, 300.0, 600.0, 900.0, 1800.0)
_DRIFT_FLOORS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One value of one key.

    Args:
        key: in the rule file: `above`, `below`, `worse_than_baseline`, `block` or `drift_floor`.
        text: the value as it is written there.
        policy: the plan with one rule, which has this value.
    """

    key: str
    text: str
    policy: Policy

    @property
    def rule(self) -> RuleName:
        """The one rule."""
        return self.policy.rules[0].name


def movable(policy: Policy) -> Iterator[Movable]:
    """The rules whose line can be found by trying."""
    for rule in policy.rules:
        if isinstance(rule, RatioRule | QuantileRule | ActivityRule | DistributionRule):
            yield rule


def compares(rule: Rule) -> bool:
    """Whether a rule's line moves with the baseline, so that harmless drift matters to it."""
    return isinstance(rule, RatioRule | QuantileRule | ActivityRule) and isinstance(rule.limit, WorseThanBaseline)


def present(policy: Policy, rule: Movable) -> Candidate:
    """A rule as it is."""
    return _with(policy, rule, rule.limit)


def looser(policy: Policy, rule: Movable, bounds: Sequence[float]) -> list[Candidate]:
    """Values that let more pass, the nearest first.

    Args:
        policy: the plan.
        rule: one of its rules.
        bounds: for a quantile, the finite boundaries of its histogram, ascending: between two of them nothing changes.
    """
    return [_with(policy, rule, limit) for limit in _limits(rule, bounds, is_looser=True)]


def tighter(policy: Policy, rule: Movable, bounds: Sequence[float]) -> list[Candidate]:
    """Values that let less pass, the nearest first; otherwise as `looser`."""
    return [_with(policy, rule, limit) for limit in _limits(rule, bounds, is_looser=False)]


def drift_floors(policy: Policy, rule: Rule) -> list[Candidate]:
    """A rule that compares, with larger drift floors of its plan."""
    floors = [floor for floor in _DRIFT_FLOORS if floor > policy.plan.drift_floor]
    alone = _alone(policy, rule)
    return [
        Candidate("drift_floor", share(floor), replace(alone, plan=replace(alone.plan, drift_floor=floor)))
        for floor in floors
    ]


def longer_blocks(policy: Policy, rule: Rule) -> list[Candidate]:
    """A rule that counts in blocks, with longer ones, which forgive longer bursts; none for other rules."""
    if not isinstance(rule, ActivityRule):
        return []
    return [
        Candidate("block", format_duration(seconds), _alone(policy, replace(rule, block_seconds=seconds)))
        for seconds in _beyond(_BLOCKS_SECONDS, rule.block_seconds, upwards=True)
    ]


def key_of(limit: Limit | WorseThanBaseline) -> str:
    """What a limit is called in a rule file."""
    return "worse_than_baseline" if isinstance(limit, WorseThanBaseline) else limit.side.value


def text_of(limit: Limit | WorseThanBaseline, unit: Unit) -> str:
    """A limit as it is written in a rule file."""
    if isinstance(limit, WorseThanBaseline):
        return share(limit.tolerance)
    match unit:
        case Unit.RATIO:
            return share(limit.bound)
        case Unit.SECONDS:
            return format_duration(limit.bound)
        case _:
            return f"{limit.bound:.6g}"


def share(value: float) -> str:
    """A share as it is written in a rule file."""
    return f"{value * 100:.6g}%"


def _limits(rule: Movable, bounds: Sequence[float], *, is_looser: bool) -> Iterator[Limit | WorseThanBaseline]:
    limit = rule.limit
    match limit:
        case WorseThanBaseline(tolerance=tolerance):
            for other in itertools.islice(_beyond(_TOLERANCES, tolerance, upwards=is_looser), _STEPS):
                yield WorseThanBaseline(other)
        case Limit(bound=bound, side=Side.ABOVE) if isinstance(rule, QuantileRule):
            for other in itertools.islice(_beyond(bounds, bound, upwards=is_looser), _STEPS):
                yield Limit(other, limit.side)
        case Limit(bound=bound, side=Side.ABOVE):
            for other in itertools.islice(_beyond(_round_shares(bound), bound, upwards=is_looser), _STEPS):
                yield Limit(other, limit.side)
        case Limit(bound=bound):
            # 99.5 % good is 0.5 % bad: round numbers are those of the bad ones.
            bad = 1 - bound
            for other in itertools.islice(_beyond(_round_shares(bad), bad, upwards=is_looser), _STEPS):
                yield Limit(round(1 - other, 9), limit.side)


def _round_shares(near: float) -> list[float]:
    """Round shares from a hundredth to a hundred times of one."""
    tens = math.floor(math.log10(near))
    every = [float(f"{digits}e{tens + step}") for step in (-2, -1, 0, 1, 2) for digits in _ROUND]
    return [each for each in every if each < 1]


def _beyond(values: Sequence[float], present_one: float, *, upwards: bool) -> Iterator[float]:
    """The values beyond one, the nearest first."""
    slack = abs(present_one) * 1e-9
    if upwards:
        return (value for value in values if value > present_one + slack)
    return (value for value in reversed(values) if value < present_one - slack)


def _with(policy: Policy, rule: Movable, limit: Limit | WorseThanBaseline) -> Candidate:
    moved: Rule
    match rule, limit:
        case (RatioRule() | QuantileRule(), _):
            moved = replace(rule, limit=limit)
        case (ActivityRule() | DistributionRule(), WorseThanBaseline()):
            moved = replace(rule, limit=limit)
        case _:
            raise AssertionError(f"rules of kind {rule.kind} have no fixed limit")
    return Candidate(key_of(limit), text_of(limit, rule.unit), _alone(policy, moved))


def _alone(policy: Policy, rule: Rule) -> Policy:
    """The plan with one rule, which has the share of the budget that it has among all."""
    sharing = sum(is_sequential(each) and each.on_breach is OnBreach.ROLLBACK for each in policy.rules)
    budget = policy.plan.false_rollback_budget
    if is_sequential(rule) and rule.on_breach is OnBreach.ROLLBACK:
        budget /= max(1, sharing)
    return replace(policy, plan=replace(policy.plan, rules=(rule.name,), false_rollback_budget=budget), rules=(rule,))
