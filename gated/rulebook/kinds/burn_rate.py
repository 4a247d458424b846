"""How burn rates of error budgets are spelled."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from gated.model.ids import RuleName
from gated.model.rule import BurnRateRule, BurnWindow
from gated.model.units import Unit, format_duration, format_quantity
from gated.rulebook.entry import Entry
from gated.rulebook.kinds.shared import LastingEntry, SampledEntry
from gated.rulebook.spelling import LimitShare, PositiveDuration, Selector, count, number, spelled

_ROUNDING = 1e-9
"""Relative slack for shares that went through decimal text."""


class BurnWindowEntry(Entry):
    """Two windows with one limit, which both must pass."""

    long: PositiveDuration
    """The window that says that it matters. Until the new version is as old, all of its life."""
    short: PositiveDuration
    """The window that says that it still goes on; shorter."""
    factor: Annotated[float, number(above=0)]
    """How many times faster than the objective allows the error budget may be used up."""

    @field_validator("short")
    @classmethod
    def _shorter(cls, value: float, info: ValidationInfo) -> float:
        longer = info.data.get("long")
        if longer is not None and value >= longer:
            raise ValueError(f"not shorter than long ({format_duration(longer)})")
        return value

    def to_model(self) -> BurnWindow:
        """The windows of the model."""
        return BurnWindow(self.long, self.short, self.factor)


def _workbook() -> list[BurnWindowEntry]:
    """The pairs that call somebody at once: Beyer et al., *The Site Reliability Workbook* (2018), table 5-8."""
    pairs = [("1h", "5m", "14.4"), ("6h", "30m", "6")]
    return [BurnWindowEntry.model_validate(dict(zip(("long", "short", "factor"), pair, strict=True))) for pair in pairs]


class BurnRateEntry(LastingEntry, SampledEntry):
    """How fast an error budget is used up, in several windows at once, as in the Site Reliability Workbook."""

    kind: Literal["burn_rate"]
    """How fast an error budget is used up."""
    bad: Selector
    """A counter of harmful events. No series beside a live total means that none happened."""
    total: Selector
    """A counter of all events. No series means that nothing is known."""
    objective: LimitShare
    """The share of events that is promised to be good, for example 99.9%. The rest is the error budget."""
    windows: Annotated[list[BurnWindowEntry], Field(min_length=1)] = Field(default_factory=_workbook)
    """Any of these passes the limit. Without it the workbook's two that call somebody at once: 1h and 5m with factor
    14.4, 6h and 30m with factor 6."""
    min_samples: Annotated[int, count(1)] = spelled("20")
    """A window with fewer events says nothing. A young version's windows are as short as its life, so this alone keeps
    one early failure from going back."""

    @field_validator("windows")
    @classmethod
    def _reachable(cls, windows: list[BurnWindowEntry], info: ValidationInfo) -> list[BurnWindowEntry]:
        budget = 1 - info.data.get("objective", 1.0)
        for window in windows:
            if window.factor * budget >= 1 - _ROUNDING:
                raise ValueError(
                    f"a factor of {window.factor:g} is never passed: when all events are bad, a budget of "
                    f"{format_quantity(budget, Unit.RATIO)} is used up {1 / budget:.3g} times too fast; "
                    "write windows with lower factors"
                )
        return windows

    def to_rule(self, name: RuleName) -> BurnRateRule:
        """The rule of the model."""
        return BurnRateRule(
            **self._shared(name),
            events=self.bad,
            total=self.total,
            objective=self.objective,
            windows=tuple(window.to_model() for window in self.windows),
            min_samples=self.min_samples,
        )
