"""The new version against what the service was like before, where no old version runs beside it.

Hypothesis H0: the rate is at most (1 + tolerance) times that of history, times drift, times a day effect. Nothing
cancels here: one hour is not like another, so a slow day effect joins the drift, a second chain that changes over
hours. An effect that never changed would be learned once, and its first change be taken for a fault.

Bad events are rare among many, so their count is Poisson with the mean mu = n p0 (1 + d) exp(eta), hence::

    l(eta) = [e eta - mu e^eta] / phi,          phi = max(dispersion,  1,  mu s^2 / 4)

with the same experts and the same filter as in `two_sample`, and no bets: their mean would be that of history.

What is guaranteed: exact for the modelled chains while phi = 1. p0, drift and day effect estimated from seven days of
history: measured, NOT proved; false rollbacks at a limit of 1 % were at most 1.2 % in the worst kind of traffic.

The sources are those of `two_sample`.
"""

from dataclasses import dataclass

from gated.judge.stats import betting, drift, likelihood, start
from gated.judge.stats.two_sample import COARSENESS
from gated.model.evidence import Counts, PastRate, Process


@dataclass(frozen=True, slots=True)
class PastBaseline:
    """The test of one rule of one release. Cheap to make: what is expensive is remembered between looks.

    Args:
        tolerance: d, the relative increase that does no harm; at least 0.
        planned_looks: how many looks the release is expected to have.
        past: what history says.
    """

    tolerance: float
    planned_looks: int
    past: PastRate

    def opened(self) -> Process:
        """The test before its first look."""
        return start.opened(self._drift.law, likelihood.opened(self._drift), ())

    def looked(self, process: Process, counts: Counts, elapsed_seconds: float) -> Process:
        """The test after one more look. Without events time passes and the evidence stays.

        Args:
            process: the test before the look.
            counts: events of the new version since the look before.
            elapsed_seconds: since the look before.
        """
        if counts.total <= 0:
            return start.waited(process, self.planned_looks, elapsed_seconds)
        grid, stakes = likelihood.grid(self._drift), betting.stakes(is_clustered=False, can_bet=False)
        null, experts = likelihood.arrived(process, self._drift, elapsed_seconds)

        expected = counts.total * self.past.share * (1 + self.tolerance)
        phi = max(self.past.dispersion, 1.0, expected * self.past.drift_sd**2 * COARSENESS)
        bad, mean = max(counts.bad, 0.0) / phi, expected / phi
        logs = [bad * eta - mean * ratio for eta, ratio in zip(grid.log_ratios, grid.ratios, strict=True)]
        null, experts = likelihood.updated(null, experts, grid, logs, stakes.at_most)
        return start.settled(process, self.planned_looks, null, experts, (), stakes.likelihood)

    @property
    def _drift(self) -> drift.Drift:
        return drift.drift(self.past.drift_sd, self.past.drift_seconds, self.past.day_sd)
