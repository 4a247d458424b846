"""Rules: what is watched, where the line is, and what passing it means.

One dataclass per kind. They carry parsed, checked values only: durations in seconds, shares as ratios, PromQL
that is known to parse. How a rule is spelled in a file is the rulebook's business; how it is judged, the judge's.
"""

import enum
from dataclasses import dataclass, field
from typing import Literal, TypeGuard

from gated.model.ids import DEFAULT_SOURCE, RuleName, SourceName
from gated.model.units import Unit


class OnBreach(enum.Enum):
    """What a breach of the rule does to the stage."""

    ROLLBACK = "rollback"
    """Go back."""
    HOLD = "hold"
    """Do not go on while it lasts."""
    WARN = "warn"
    """Say so and nothing else; such a rule never stands in the way of a promotion."""


class Scope(enum.Enum):
    """Whose series a rule looks at."""

    VERSION = "version"
    """Those of the new version: every label of the plan's workload is matched."""
    SERVICE = "service"
    """Those of the service in all versions: workload labels that depend on the version are left out."""
    GLOBAL = "global"
    """Exactly those the rule itself selects."""


class Side(enum.Enum):
    """On which side of the limit harm lies."""

    ABOVE = "above"
    BELOW = "below"


@dataclass(frozen=True, slots=True)
class Limit:
    """The line.

    Args:
        bound: the last harmless value, in the rule's unit.
        side: on which side of it users are harmed.
    """

    bound: float
    side: Side

    def is_passed_by(self, value: float) -> bool:
        """Whether a value lies strictly on the harmful side."""
        return value > self.bound if self.side is Side.ABOVE else value < self.bound


@dataclass(frozen=True, slots=True)
class WorseThanBaseline:
    """A line that moves with the baseline.

    Args:
        tolerance: the relative increase over the baseline that is still harmless; 0.1 for a tenth.
    """

    tolerance: float


class Test(enum.Enum):
    """How a rule makes up its mind."""

    THRESHOLD = "threshold"
    """Past the limit at every look for as long as `for` says."""
    SEQUENTIAL = "sequential"
    """Evidence is added up from look to look, and the odds decide; see `judge.stats`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """What all kinds share.

    Args:
        name: its key in the rule file.
        on_breach: what a breach does.
        for_seconds: how long the limit must be passed without interruption before it is a breach.
        scope: whose series are looked at.
        source: who is asked.
        max_sample_age_seconds: older evidence is no evidence.
        runbook: where a person reads on; empty for none.
    """

    name: RuleName
    on_breach: OnBreach = OnBreach.ROLLBACK
    for_seconds: float = 0.0
    scope: Scope = Scope.VERSION
    source: SourceName = DEFAULT_SOURCE
    max_sample_age_seconds: float = 120.0
    runbook: str = ""

    @property
    def is_blocking(self) -> bool:
        """Whether a promotion needs this rule to be fine."""
        return self.on_breach is not OnBreach.WARN


def is_sequential(rule: "Rule") -> "TypeGuard[SequentialRule]":
    """Whether a rule adds up evidence from look to look."""
    return isinstance(rule, RatioRule | QuantileRule | ActivityRule) and rule.test is Test.SEQUENTIAL


def look_back_seconds(rule: "Rule") -> float:
    """How far back one look at a rule sees: the window of a threshold.

    A sequential rule sees only what is new, and a distribution collects what it sees at an instant.
    """
    return 0.0 if is_sequential(rule) or isinstance(rule, DistributionRule) else rule.window_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioRule(_Rule):
    """A share of events: failed of all requests, or good of all.

    Args:
        events: selector of the counted events, the numerator.
        total: selector of all events, the denominator.
        limit: the share, above for bad events, below for good ones; or how much worse than the baseline.
        is_good: whether the counted events are the harmless ones.
        test: how it makes up its mind. Policies written before there was a choice hold thresholds.
        window_seconds: threshold: over how long events are counted at each look.
        min_samples: threshold: fewer events than this in the window say nothing.
    """

    kind: Literal["ratio"] = field(default="ratio", init=False)
    events: str
    total: str
    limit: Limit | WorseThanBaseline
    is_good: bool = False
    test: Test = Test.THRESHOLD
    window_seconds: float = 60.0
    min_samples: int = 20

    unit = Unit.RATIO


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileRule(_Rule):
    """A quantile of a classic histogram, judged by counting, never by interpolation.

    Args:
        histogram: selector of the histogram's base name.
        quantile: which one, 0 < quantile < 1.
        limit: seconds (or the histogram's unit), always above; or how much worse than the baseline.
        test: how it makes up its mind. Policies written before there was a choice hold thresholds.
        window_seconds: threshold: over how long observations are counted at each look.
        min_samples: threshold: fewer observations than this in the window say nothing.
    """

    kind: Literal["quantile"] = field(default="quantile", init=False)
    histogram: str
    quantile: float
    limit: Limit | WorseThanBaseline
    test: Test = Test.THRESHOLD
    window_seconds: float = 60.0
    min_samples: int = 20

    unit = Unit.SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRule(_Rule):
    """Any PromQL that yields one number.

    Args:
        query: an expression of type instant vector.
        selectors: every series selector in it, for freshness.
        limit: the line.
        window_seconds: the longest range the query looks back, 0 when it looks at instants only.
    """

    kind: Literal["value"] = field(default="value", init=False)
    query: str
    selectors: tuple[str, ...]
    limit: Limit
    window_seconds: float = 0.0

    unit = Unit.NUMBER


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsRule(_Rule):
    """Firing alerts.

    Args:
        match: selector of the alerts, without a metric name.
        heartbeat: selector of an alert that always fires; empty for none.
    """

    kind: Literal["alerts"] = field(default="alerts", init=False)
    match: str
    heartbeat: str = ""
    scope: Scope = Scope.GLOBAL

    unit = Unit.COUNT
    window_seconds = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeRule(_Rule):
    """An HTTP endpoint that must answer.

    Args:
        url: where to ask.
        status: the status that counts.
        within_seconds: how long the answer may take.
        body_contains: text the body must contain; empty for any.
        failures: how many failures in a row are a breach.
    """

    kind: Literal["probe"] = field(default="probe", init=False)
    url: str
    status: int = 200
    within_seconds: float = 2.0
    body_contains: str = ""
    failures: int = 3
    scope: Scope = Scope.GLOBAL

    unit = Unit.COUNT
    window_seconds = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityRule(_Rule):
    """Rare events that come in bursts, counted in blocks and compared with the baseline.

    Args:
        events: selector of a counter of the events.
        exposure: selector of a counter of what they are measured against, such as requests.
        limit: how much more often than on the baseline.
        block_seconds: how long a block is; events within one may depend on each other in any way.
    """

    kind: Literal["activity"] = field(default="activity", init=False)
    events: str
    exposure: str
    limit: WorseThanBaseline
    block_seconds: float = 300.0

    unit = Unit.RATIO
    test = Test.SEQUENTIAL
    window_seconds = 0.0


class Direction(enum.Enum):
    """Which way a gauge moves when users are harmed."""

    INCREASE = "increase"
    DECREASE = "decrease"
    EITHER = "either"


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionRule(_Rule):
    """A gauge compared with the baseline's, as Kayenta does: Mann-Whitney's test over one window after another.

    Args:
        query: PromQL that yields one number per workload.
        selectors: every series selector in it, for freshness.
        limit: the relative shift of the location that is harmless, as a share of the baseline's mean.
        direction: which way is harm.
        confidence: of the interval of the shift, 0 < confidence < 1.
        effect: the ratio of the means (new to old) from which a significant shift matters at all; at least 1.
        window_seconds: how long samples are collected for one judgement.
        min_samples: no window is judged with fewer looks than this, however short it is.
        drop_outliers: whether samples outside 3 interquartile ranges are left out, if they are rare.
    """

    kind: Literal["distribution"] = field(default="distribution", init=False)
    query: str
    selectors: tuple[str, ...]
    limit: WorseThanBaseline
    direction: Direction = Direction.INCREASE
    confidence: float = 0.98
    effect: float = 1.0
    window_seconds: float = 900.0
    min_samples: int = 15
    drop_outliers: bool = False

    unit = Unit.NUMBER


@dataclass(frozen=True, slots=True)
class BurnWindow:
    """One alert of a multi-window burn rate rule.

    Args:
        long_seconds: the window that says that it matters.
        short_seconds: the window that says that it still goes on.
        factor: how many times faster than sustainable the error budget is used up.
    """

    long_seconds: float
    short_seconds: float
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnRateRule(_Rule):
    """How fast an error budget is used up, in several windows: Site Reliability Workbook, chapter 5.

    Args:
        events: selector of a counter of bad events.
        total: selector of a counter of all events.
        objective: the share of good events that is promised, 0 < objective < 1.
        windows: any of these passes the limit.
        min_samples: a window with fewer events than this says nothing.
    """

    kind: Literal["burn_rate"] = field(default="burn_rate", init=False)
    events: str
    total: str
    objective: float
    windows: tuple[BurnWindow, ...]
    min_samples: int = 20

    unit = Unit.NUMBER

    @property
    def window_seconds(self) -> float:
        """The shortest window: for so long a look speaks."""
        return min(window.short_seconds for window in self.windows)


SequentialRule = RatioRule | QuantileRule | ActivityRule
"""The kinds whose test may be sequential."""

Rule = RatioRule | QuantileRule | ActivityRule | DistributionRule | BurnRateRule | ValueRule | AlertsRule | ProbeRule
