"""The new version against the old one, at the same time under the same traffic.

Hypothesis H0: the new version's rate is at most (1 + tolerance) times the old one's, times harmless drift. Given that a
look brought e errors in all, how many of them fall on the new version is binomial [1] with the chance

    theta = (1 + d) n_c / ((1 + d) n_c + n_b)             d: tolerance;  n_c, n_b: requests of new and old version

so the error rate itself drops out: outages and ramps that hit both cancel, and theta is made anew at every look. At a
log-ratio eta the chance becomes theta e^eta / (1 - theta + theta e^eta), hence the log-likelihood of e_c out of e:

    l(eta) = [e_c eta - e ln(1 - theta + theta e^eta)] / phi

Errors in clusters count for fewer than they are, therefore the likelihood is tempered:

    phi = max(1,  1 + (e - 1) rho,  e theta (1 - theta) s^2 / 4)        rho: correlation;  s: sd of the drift

The first is the design effect of e events with a common correlation; the second keeps a look with very many errors from
telling the nine levels of the drift apart more sharply than nine levels can describe a drift.

The evidence is E = idle wealth + w_L * likelihood bettor + (1 - w_L) * betting bettor; a breach iff E >= 1/alpha.

What is guaranteed, for P(E ever reaches 1/alpha) <= alpha while H0 holds [2]:

- rho = 0 and s = 0: an exact supermartingale, at any schedule of looks, with pauses and restarts.
- s > 0, with bursts or without: exact for the modelled chain; measured, for log-normal drift with true parameters: at
  most 1.1 % where alpha is 1 %. (Very many errors at once are tempered, too; that was on the safe side wherever it was
  tried.)
- rho = 1: any dependence inside a look.
- 0 < rho < 1, and everything estimated from history: measured, NOT proved.

[1] Lindon & Malek, Anytime-valid inference for multinomial count data, NeurIPS 2022, arXiv 2011.03567.
[2] Ville, Étude critique de la notion de collectif, 1939.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul, truediv

from gated.judge.stats import betting, drift, likelihood, start
from gated.model.evidence import Calibration, Counts, Process

COARSENESS = 0.25
"""How much of the drift's variance one look may resolve; see phi above, and `past_baseline`."""
_SQUARED_STEPS = drift.COINS / 4
"""The variance of the drift, measured in squared steps of its lattice."""
_NEAREST = 1e-15
"""theta is kept this far from 0 and from 1, so that logarithms and quotients exist."""


@dataclass(frozen=True, slots=True)
class TwoSample:
    """The test of one rule of one release. Cheap to make: what is expensive is remembered between looks.

    Args:
        tolerance: d, the relative increase that does no harm; at least 0.
        planned_looks: how many looks the release is expected to have.
        calibration: what history says about clusters and drift.
    """

    tolerance: float
    planned_looks: int
    calibration: Calibration

    def opened(self) -> Process:
        """The test before its first look."""
        wander = self._drift
        bets = betting.opened() if self.calibration.can_bet else ()
        return start.opened(wander.law, likelihood.opened(wander), bets)

    def looked(self, process: Process, canary: Counts, baseline: Counts, elapsed_seconds: float) -> Process:
        """The test after one more look.

        Without errors on either side, or without requests on one side, there is nothing to compare: time passes and
        the evidence stays.

        Args:
            process: the test before the look.
            canary: events of the new version since the look before.
            baseline: events of the old one in the same time.
            elapsed_seconds: since the look before.
        """
        canary_errors = max(canary.bad, 0.0)
        errors = canary_errors + max(baseline.bad, 0.0)
        if errors <= 0 or canary.total <= 0 or baseline.total <= 0:
            return start.waited(process, self.planned_looks, elapsed_seconds)
        grid, stakes = likelihood.grid(self._drift), self._stakes
        null, experts = likelihood.arrived(process, self._drift, elapsed_seconds)

        theta = self._chance(canary.total, baseline.total)
        phi = self._tempering(errors, theta)
        norms = [1 - theta + theta * ratio for ratio in grid.ratios]  # they make chances of weights, at every eta
        logs = _log_likelihoods(canary_errors / phi, errors / phi, grid.log_ratios, norms)
        bets = process.bets
        if bets:
            expected = theta * sum(map(mul, null, map(truediv, grid.ratios[grid.null], norms[grid.null])))
            surprise = canary_errors / errors / max(expected, _NEAREST)
            bets = betting.updated(bets, process.unmoved, surprise, stakes.at_most)
        null, experts = likelihood.updated(null, experts, grid, logs, stakes.at_most)
        return start.settled(process, self.planned_looks, null, experts, bets, stakes.likelihood)

    @property
    def _stakes(self) -> betting.Stakes:
        return betting.stakes(is_clustered=self.calibration.correlation > 0, can_bet=self.calibration.can_bet)

    @property
    def _drift(self) -> drift.Drift:
        known = self.calibration
        if known.burst_size > 0:  # history showed bursts
            bursts = drift.Bursts(known.burst_size, known.burst_seconds, known.burst_share)
            return drift.bursting(known.drift_sd, known.drift_seconds, bursts)
        return drift.drift(known.drift_sd, known.drift_seconds)

    @property
    def _coarse_variance(self) -> float:
        """What one look may resolve: a share of the variance of the drift as it is laid out (with bursts, wider)."""
        if self.calibration.burst_size > 0:
            return _SQUARED_STEPS * self._drift.step**2 * COARSENESS
        return self.calibration.drift_sd**2 * COARSENESS

    def _chance(self, canary_total: float, baseline_total: float) -> float:
        """theta: the chance that an error falls on the new version, where H0 only just holds."""
        exposed = (1 + self.tolerance) * canary_total
        return min(max(exposed / (exposed + baseline_total), _NEAREST), 1 - _NEAREST)

    def _tempering(self, errors: float, theta: float) -> float:
        """phi: what the errors of this look count for is this many times less than if they were independent."""
        design_effect = 1 + (errors - 1) * self.calibration.correlation
        sharpness = errors * theta * (1 - theta) * self._coarse_variance
        return max(1.0, design_effect, sharpness)


def _log_likelihoods(
    canary_errors: float, errors: float, log_ratios: Sequence[float], norms: Sequence[float]
) -> list[float]:
    """l(eta) at every eta, of counts that were divided by phi."""
    return [canary_errors * eta - errors * math.log(norm) for eta, norm in zip(log_ratios, norms, strict=True)]
