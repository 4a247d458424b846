"""What came of all rollouts together, and how sure one can be of it."""

import math
import statistics
from collections.abc import Callable, Sequence

from gated.model.release import RollbackCause
from gated.model.rule import OnBreach
from gated.operations.documents import Document
from gated.operations.replay.results import Ending, Replayed, ReplayedRule

CONFIDENCE = 0.95


class Rate(Document):
    """How often something happened."""

    count: int
    of: int
    share: float
    low: float
    """Lower end of the 95 % confidence interval (Clopper and Pearson), as if the rollouts were independent."""
    high: float


class RuleTotal(Document):
    """What came of one rule."""

    rule: str
    on_breach: OnBreach
    breached: Rate
    """Rollouts in which it was in breach, of those in which it had evidence."""
    caused: int
    """Rollouts that went back because of it."""
    held: int
    """Rollouts that ended neither promoted nor rolled back, with this rule not fine."""
    median_seconds_to_breach: float | None
    blind_share: float
    """Share of its looks without evidence."""


class Totals(Document):
    """What came of all rollouts."""

    rolled_back: Rate
    blind: int
    """Of these, the ones that went back because the gate was blind."""
    completed: int
    unfinished: int
    before_onset: int
    """Rollouts with a known onset that went back before it."""
    looks: int
    rules: tuple[RuleTotal, ...]


def totals(replayed: Sequence[Replayed]) -> Totals:
    """Count."""
    endings = [each.ending for each in replayed]
    backs = [each.rollback for each in replayed if each.rollback is not None]
    names = dict.fromkeys(rule.rule for each in replayed for rule in each.rules)
    return Totals(
        rolled_back=rate(len(backs), len(replayed)),
        blind=sum(back.cause is RollbackCause.BLIND for back in backs),
        completed=endings.count(Ending.COMPLETED),
        unfinished=endings.count(Ending.UNFINISHED),
        before_onset=sum(
            each.onset_at is not None and each.rollback.triggered_at < each.onset_at
            for each in replayed
            if each.rollback is not None
        ),
        looks=sum(each.looks for each in replayed),
        rules=tuple(_of_rule(name, replayed) for name in names),
    )


def rate(count: int, of: int) -> Rate:
    """A share with its confidence interval."""
    low, high = clopper_pearson(count, of)
    return Rate(count=count, of=of, share=count / of if of else 0.0, low=low, high=high)


def clopper_pearson(count: int, of: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The exact confidence interval of a share.

    Clopper and Pearson, *The use of confidence or fiducial limits*, Biometrika 26 (1934): the shares at which what was
    seen, or more (or less) extreme, still has the probability (1 - confidence) / 2.

    Args:
        count: how often it happened, 0 <= count <= of.
        of: how often it could have happened. 0: nothing is known, and the interval is all of (0, 1).
        confidence: of the interval, 0 < confidence < 1.

    Returns:
        The lower and the upper end.
    """
    tail = (1 - confidence) / 2
    low = _root(lambda share: 1 - _at_most(count - 1, of, share) >= tail) if count > 0 else 0.0
    high = _root(lambda share: _at_most(count, of, share) <= tail) if count < of else 1.0
    return low, high


def _root(is_reached: Callable[[float], bool]) -> float:
    """The smallest share at which something holds that holds for all larger ones."""
    low, high = 0.0, 1.0
    for _ in range(60):  # 2^-60 is beyond a float's precision
        middle = (low + high) / 2
        low, high = (low, middle) if is_reached(middle) else (middle, high)
    return high


def _at_most(count: int, of: int, share: float) -> float:
    """The probability of at most so many: the binomial distribution."""
    if count < 0:
        return 0.0
    yes, no = math.log(share), math.log1p(-share)
    whole = math.lgamma(of + 1)
    return math.fsum(
        math.exp(whole - math.lgamma(k + 1) - math.lgamma(of - k + 1) + k * yes + (of - k) * no)
        for k in range(count + 1)
    )


def _of_rule(name: str, replayed: Sequence[Replayed]) -> RuleTotal:
    pairs = [(each, rule) for each in replayed for rule in each.rules if rule.rule == name]
    seen: list[ReplayedRule] = [rule for _, rule in pairs if rule.looks]
    waits = [rule.seconds_to_breach for rule in seen if rule.seconds_to_breach is not None]
    looks = sum(rule.looks + rule.blind_looks for _, rule in pairs)
    return RuleTotal(
        rule=name,
        on_breach=pairs[0][1].on_breach,
        breached=rate(sum(rule.breached_at is not None for rule in seen), len(seen)),
        caused=sum(each.rollback is not None and each.rollback.rule == name for each, _ in pairs),
        held=sum(rule.held for _, rule in pairs),
        median_seconds_to_breach=statistics.median(waits) if waits else None,
        blind_share=sum(rule.blind_looks for _, rule in pairs) / looks if looks else 0.0,
    )
