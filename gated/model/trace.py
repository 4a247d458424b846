"""What a release leaves behind for charts: what every rule judged, look by look.

Numbers are shortened to six significant digits: a chart shows three. Nothing is decided by them.
"""

from dataclasses import dataclass
from typing import NamedTuple

from gated.model.release import RuleResult
from gated.model.verdict import Outcome, Verdict


class RulePoint(NamedTuple):
    """What one rule said at one look. A tuple, for there are many: stored, it is an array without keys.

    Args:
        outcome: what it said.
        value: the number judged, in the rule's unit; None when there was none.
        limit: the line beside it; None when there was none to compare with.
        low: the lower end of the value's confidence interval.
        high: the upper end.
        odds: a sequential rule's share of the odds against the version.
    """

    outcome: Outcome
    value: float | None
    limit: float | None
    low: float | None
    high: float | None
    odds: float | None

    @classmethod
    def of(cls, result: RuleResult) -> "RulePoint":
        """What is drawn of a result.

        A limit without a value beside it compares with nothing; while a rule learns it may be of another unit, too.
        """
        low, high = result.interval if result.interval is not None else (None, None)
        return cls(
            outcome=result.outcome,
            value=_short(result.value),
            limit=_short(result.limit) if result.value is not None else None,
            low=_short(low),
            high=_short(high),
            odds=_short(result.odds),
        )


UNSEEN = RulePoint(Outcome.NO_DATA, None, None, None, None, None)
"""What a rule says where nobody looked."""


@dataclass(frozen=True, slots=True)
class TracePoint:
    """What one look saw.

    Args:
        at: the time of the look, Unix seconds.
        stage: the stage that had begun last; empty before the first.
        verdict: what was said of it; None while nothing was.
        rules: what every rule said, in the order of the policy.
    """

    at: float
    stage: str
    verdict: Verdict | None
    rules: tuple[RulePoint, ...]

    @property
    def is_unseen(self) -> bool:
        """Whether it stands where nobody looked."""
        return UNSEEN in self.rules and set(self.rules) == {UNSEEN}


def _short(number: float | None) -> float | None:
    return None if number is None else float(f"{number:.6g}")
