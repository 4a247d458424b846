"""What sequential tests have learned, and what they rest on. Saved with the release, as plain numbers.

The verbs are in `judge.stats`; there stands what each number means and why. Nothing here computes.
"""

import enum
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Counts:
    """How many events there were, and how many of them were bad.

    Args:
        bad: harmful events, 0 <= bad <= total.
        total: all events.
    """

    bad: float = 0.0
    total: float = 0.0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.bad + other.bad, self.total + other.total)

    @property
    def share(self) -> float:
        """The share of bad events; 0 when there were none at all."""
        return self.bad / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How unsteady a healthy service is, learned from its own history before the release.

    The defaults are what is assumed of a service without any history: safe, and slow.

    Args:
        correlation: how strongly the errors of one look come in clusters; 0 independent, 1 all of them together.
        drift_sd: standard deviation of the harmless drift of the logarithm of one instance's error rate.
        drift_seconds: how long a drift lasts (its autocorrelation falls to 1/e).
        burst_size: logarithm of the factor of the largest harmless burst that is allowed for; 0 for no bursts at all.
        burst_seconds: how long a burst lasts, in the mean.
        burst_share: of the time, how much is spent in bursts.
        dispersion: variance of one instance's error counts over that of independent errors, at least 1; for tests
            without a baseline and for the proof of health.
        service_dispersion: the same of all instances together: what they share does not average out.
        can_bet: whether history allows the betting bettor, see `judge.stats.betting`.
        is_warm_start: history shows enough starts of instances, none with a harmless excess of errors.
        hours: of history it rests on; 0 for none.
        note: what it rests on, for people.
    """

    correlation: float = 0.5
    drift_sd: float = 0.29356037920852396  # sqrt(ln(1 + 0.3^2)): a coefficient of variation of 0.3
    drift_seconds: float = 300.0
    dispersion: float = 10.0
    service_dispersion: float = 10.0
    can_bet: bool = False
    is_warm_start: bool = False
    hours: float = 0.0
    note: str = "no history"
    burst_size: float = 0.0
    burst_seconds: float = 60.0
    burst_share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRate:
    """What the service was like before the release, for stages that have no old version beside the new one.

    Args:
        share: of bad events in the history.
        drift_sd: standard deviation of the drift of its logarithm within an hour.
        drift_seconds: how long such a drift lasts.
        day_sd: standard deviation of its logarithm from one hour or day to another.
        dispersion: variance of the counts over Poisson's, at least 1.
        hours: of history it rests on.
    """

    share: float
    drift_sd: float
    drift_seconds: float
    day_sd: float
    dispersion: float = 1.0
    hours: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One sequential test between two looks. Its odds are `value`: 1 at the start, large when harm is likely.

    Args:
        value: the evidence E, never negative.
        looks: how many looks were counted.
        idle: wealth that still waits for a fault to begin.
        unmoved: wealth that left `idle` and joins the experts and bets at the next look with events.
        unmoved_seconds: time the drift has had since the last look with events.
        null: law of the drift given all looks, if the new version is healthy; sums to 1.
        experts: for every expert the same law times its wealth.
        bets: wealth of every betting expert.
    """

    value: float = 1.0
    looks: int = 0
    idle: float = 0.0
    unmoved: float = 0.0
    unmoved_seconds: float = 0.0
    null: tuple[float, ...] = ()
    experts: tuple[tuple[float, ...], ...] = ()
    bets: tuple[float, ...] = ()


class BaselineKind(enum.Enum):
    """What a stage compares the new version with."""

    BESIDE = "beside"
    """The old version, at the same time, under the same traffic. Drift that hits both cancels."""
    BEFORE = "before"
    """The service before the release: the hour before, and the same hour of earlier days. Drift does not cancel."""
    NONE = "none"
    """Nothing: rules that compare have no say in this stage."""


@dataclass(frozen=True, slots=True)
class EarlyLook:
    """What both versions did in one of the first looks of the new version's life.

    Args:
        at: the time of the look.
        canary: of the new version.
        baseline: of the old one; empty when the rule has a fixed limit.
    """

    at: float
    canary: Counts
    baseline: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a sequential rule has learned since its release began. The budget is the release's, so stages share it.

    Args:
        counted_until: events up to here have been counted, and none after.
        calibration: what history says; None until it was asked and has answered, or was given up.
        unanswered: how many looks asked history in vain.
        boundaries: for a quantile: the bucket boundaries compared, (of the baseline, of the new version); for a fixed
            limit one pair of twice the boundary above it. Empty until known.
        canary: events of the new version in this stage.
        baseline: events of the old version in this stage.
        proof: the new version's events in this stage as the proof of health counts them: for a quantile, slow are
            those above the boundary below the limit; otherwise the same as `canary`.
        lowest: the smallest odds there were.
        lowest_at: the last look with these odds: if harm is found, this is when it is thought to have begun.
        suspected_at: since when an early crossing is held to be a cold start.
        recent_baseline: the old version's counts in its last looks, newest last; they excuse looks of shared outages.
        processes: the tests of the new version against what the rule compares with, one per pair of boundaries.
        unexcused: the same without excuses; None where nothing is excused.
        tenfold: the test of "more than ten times worse", while the new version is young.
        past: what the service was like before; None unless a stage needs it.
        before: the test against it.
        born_at: when the new version's first events were seen.
        early: its first looks.
    """

    counted_until: float
    calibration: Calibration | None = None
    unanswered: int = 0
    boundaries: tuple[tuple[float, float], ...] = ()
    canary: Counts = Counts()
    baseline: Counts = Counts()
    proof: Counts = Counts()
    lowest: float = 1.0
    lowest_at: float | None = None
    suspected_at: float | None = None
    recent_baseline: tuple[Counts, ...] = ()
    processes: tuple[Process, ...] = ()
    unexcused: Process | None = None
    tenfold: Process | None = None
    past: PastRate | None = None
    before: Process | None = None
    born_at: float | None = None
    early: tuple[EarlyLook, ...] = ()

    def of_another_version(self, now: float) -> "Evidence":
        """What history taught, and nothing of the version that was looked at so far."""
        return Evidence(
            counted_until=now,
            calibration=self.calibration,
            unanswered=self.unanswered,
            boundaries=self.boundaries,
            past=self.past,
        )

    def with_new_stage(self) -> "Evidence":
        """The same at the start of a stage: health is proved anew, the evidence of harm goes on.

        What is ten times worse depends on what the stage compares with.
        """
        return replace(self, canary=Counts(), baseline=Counts(), proof=Counts(), tenfold=None)
