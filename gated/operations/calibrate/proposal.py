"""What came of a calibration, as it is published."""

from gated.operations.documents import Document
from gated.operations.replay.totals import Rate


class Trial(Document):
    """One value, and what it would have done."""

    key: str
    value: str
    """As it is written in a rule file."""
    breached: int
    """Rollouts in which the rule would have been in breach."""
    stopped: Rate
    """Rollouts that it would not have let through: in breach, or not fine when there was nothing more to look at."""


class Steadiness(Document):
    """How unsteady the service was, as the rule learned it: the median of all rollouts, and the largest."""

    correlation: tuple[float, float]
    drift: tuple[float, float]
    """Of the error rate of one instance, as a coefficient of variation."""
    dispersion: tuple[float, float]


class CalibratedRule(Document):
    """One rule."""

    rule: str
    present: Trial
    trials: tuple[Trial, ...]
    """Other values that were tried."""
    proposed: Trial | None
    """The one that is proposed; null when the present one should stay, or none of them would be quiet enough."""
    steadiness: Steadiness | None
    """Null for rules that do not learn."""


class CalibrationReport(Document):
    """A whole calibration."""

    plan: str
    target: float
    """The share of healthy rollouts that a rule may stop."""
    rollouts: int
    rules: tuple[CalibratedRule, ...]
    drift_floor: Trial | None
    """The drift floor that is proposed for the plan; null when the present one should stay."""
    left_out: tuple[str, ...]
    """Rules that were not calibrated, each with the reason."""
    requests: int
