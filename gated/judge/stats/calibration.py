"""How unsteady a healthy service is, learned from its own history before a release.

Two things make a healthy new version look harmful. Errors come in clusters (fast: gone by the next look), and the rate
of a single instance drifts while the others' does not (slow: it lasts). Both are measured where they can do no harm:
steady instances of the old version play canary against the rest, one after the other.

For every look, r = e_c - eθ is the pseudo-canary's surprise and w = eθ(1 - θ) its variance if errors were independent.
What is correlated between looks is drift; what is left over within a look is clusters:

    E[r_t · r_{t+k}] = a · p_k · w_t · w_{t+k}                      (k > 0: `autocovariance`)
    E[r_t²] = w_t + ρ · w_t · (e_t - 1) + a · w_t²                  (k = 0)

NOT guaranteed: that the release will be as steady as its history. `drift_floor` is the reserve for that.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from operator import mul

from gated.judge.stats import bursts, cold_start, history
from gated.judge.stats.autocovariance import Drift, Noise, lasting
from gated.judge.stats.dispersion import dispersion
from gated.judge.stats.history import PairedStretch, Stretch
from gated.judge.stats.surprise import Surprises
from gated.model.evidence import Calibration
from gated.model.reading import Track

ENOUGH_HOURS = 1.0
"""Less history than one instance's hour teaches nothing about a bake that lasts an hour."""

DRIFT_SIGNIFICANCE = 1.5
"""The z beyond which drift is believed; fully so two standard errors later."""

FEWEST_ERRORS = 20
"""With fewer errors of pseudo-canaries, clusters cannot be ruled out, and bets cannot be trusted."""

CORRELATION_UNTESTED = 0.3
"""The least correlation that is assumed then."""

BIAS_SIGNIFICANCE = 1.5
"""The z beyond which a bet would have had the odds on its side while nothing was wrong."""


def learn(bad: Sequence[Track], total: Sequence[Track], step_seconds: float, drift_floor: float) -> Calibration:
    """All that history teaches about a rule: `calibrate` over its instances, and whether they start warm.

    Args:
        bad: harmful events per look and instance; an instance that is missing had none.
        total: all events per look and instance.
        step_seconds: from look to look, positive.
        drift_floor: the coefficient of variation that is always allowed for, not negative.

    Returns:
        The calibration, with the hours of history and the number of instances in its note.
    """
    everyone = history.instances(bad, total)
    if not everyone:
        return Calibration()
    turns = history.in_turn(everyone, step_seconds)
    singles = [history.stretch(instance, hour) for instance, hour in turns]
    if not singles:  # no instance lived for an hour: then all of them together are the best witness there is
        singles = [history.stretch(history.service(everyone), slice(None))]
    hours = len(everyone[0].seen) * step_seconds / history.HOUR_SECONDS
    learned = calibrate(
        history.paired(everyone, turns),
        singles,
        step_seconds,
        drift_floor,
        basis=f"{hours:.3g} h of {len(everyone)} instance{'s' if len(everyone) > 1 else ''}",
    )
    return replace(
        learned,
        service_dispersion=_spread(history.service_hours(everyone, step_seconds), step_seconds),
        is_warm_start=cold_start.starts_warm(everyone, step_seconds),
        hours=hours if learned.hours else 0.0,
    )


def pseudo_canaries(bad: Sequence[Track], total: Sequence[Track], step_seconds: float) -> list[PairedStretch]:
    """Let steady instances play canary against all the others, an hour each, in turn.

    Two dozen turns of an hour at most, evenly over instances and hours, see `history.in_turn`; so the work does not
    grow with the service. Every instance gets its turn in a service of up to two dozen, so that one odd instance is
    seen.

    Args:
        bad: harmful events per look and instance; an instance that is missing had none.
        total: all events per look and instance.
        step_seconds: from look to look, positive.

    Returns:
        For each turn, its looks; empty with fewer than two instances.
    """
    everyone = history.instances(bad, total)
    return history.paired(everyone, history.in_turn(everyone, step_seconds))


def calibrate(
    hours: Sequence[PairedStretch],
    singles: Sequence[Stretch],
    step_seconds: float,
    drift_floor: float,
    *,
    basis: str = "",
    tells_bursts: bool = True,
) -> Calibration:
    """Measure clusters and drift, and tell bursts from drift.

    Args:
        hours: turns of pseudo-canaries, see `pseudo_canaries`; of any number and lengths.
        singles: stretches of single instances, or of the service, for the tests without a baseline.
        step_seconds: from look to look, positive.
        drift_floor: the coefficient of variation that is always allowed for, not negative.
        basis: which history this is, for the note; by default, how many hours of turns.
        tells_bursts: whether short and large excesses are told from drift; otherwise all that lasts is drift.

    Returns:
        Finite numbers, whatever history holds. With less than an hour of pseudo-canaries, or without any error, what
        is assumed of a service without history; only the dispersion is then taken from `singles`, if they have an
        hour.
    """
    spread = _spread(singles, step_seconds)
    turns = [Surprises.of(canary, others) for canary, others in hours]
    looks = Surprises.joined(turns)
    paired_hours = len(looks.variances) * step_seconds / history.HOUR_SECONDS
    if paired_hours < ENOUGH_HOURS or not any(looks.variances):
        note = f"{basis}: too little to learn from" if basis else Calibration().note
        return with_drift_floor(Calibration(dispersion=spread, note=note), drift_floor)
    drift = lasting([Noise(turn.excesses, turn.variances) for turn in turns], step_seconds)
    is_tested = sum(looks.bad) >= FEWEST_ERRORS
    correlation = _correlation(looks, drift)
    learned = Calibration(
        correlation=correlation if is_tested else max(correlation, CORRELATION_UNTESTED),
        drift_sd=_drift_sd(drift, paired_hours),
        drift_seconds=drift.seconds,
        dispersion=spread,
        can_bet=is_tested and not _favours_bets(looks),
        hours=paired_hours,
    )
    if tells_bursts and drift.significance > DRIFT_SIGNIFICANCE:
        learned = _with_bursts(learned, turns, drift, step_seconds)
    learned = with_drift_floor(learned, drift_floor)
    basis = basis or f"{paired_hours:.3g} h of single instances"
    return replace(learned, note=f"{basis}: {_clusters(looks, correlation)}, {_drifting(learned, drift_floor)}")


def _spread(hours: Sequence[Stretch], step_seconds: float) -> float:
    """The dispersion of counts; with less than an hour of them, at least what is assumed without history."""
    spread = dispersion(hours)
    length_seconds = sum(len(hour.total) for hour in hours) * step_seconds
    is_enough = length_seconds >= ENOUGH_HOURS * history.HOUR_SECONDS
    return spread if is_enough else max(spread, Calibration().dispersion)


def with_drift_floor(calibration: Calibration, drift_floor: float) -> Calibration:
    """The calibration; with the floor as its drift, of five minutes, where it is steadier than that.

    Args:
        calibration: what was learned or assumed.
        drift_floor: a coefficient of variation c, not negative; the drift's sd is √ln(1 + c²), that of a log-normal.
    """
    floor = _sd_of_logarithm(drift_floor * drift_floor)
    if calibration.drift_sd >= floor:
        return calibration
    return replace(calibration, drift_sd=floor, drift_seconds=Calibration().drift_seconds)


def _with_bursts(learned: Calibration, turns: Sequence[Surprises], drift: Drift, step_seconds: float) -> Calibration:
    """What lasts, divided into bursts and the drift that is left without them; all of it drift if there are none."""
    noises = [_bare_noise(turn) for turn in turns]
    found = bursts.bursts(noises, drift, step_seconds)
    if found is None:
        return learned
    calm = lasting([bursts.calmed(noise, found) for noise in noises], step_seconds)
    return replace(
        learned,
        drift_sd=_drift_sd(calm, learned.hours),
        drift_seconds=calm.seconds,
        burst_size=found.size,
        burst_seconds=found.seconds,
        burst_share=found.share,
    )


def _bare_noise(turn: Surprises) -> Noise:
    """The same beside what the others alone predict, m = e_b·θ/(1 - θ): a burst must not raise what it is measured by.

    (In r/w it does: an instance with all the errors there are has r/w = 1/θ, however many they are.)
    """
    columns = zip(turn.bad, turn.events, turn.shares, turn.variances, strict=True)
    predicted = [max(0.0, e - bad) * share / (1 - share) if w > 0 else 0.0 for bad, e, share, w in columns]
    excesses = [bad - m if w > 0 else 0.0 for bad, m, w in zip(turn.bad, predicted, turn.variances, strict=True)]
    return Noise(excesses, predicted)


def _drift_sd(drift: Drift, hours: float) -> float:
    """Phased in, and wider after a short history: s = √ln(1 + clip((z - 1.5)/2, 0, 1)·(a⁺ + se)) · (1 + 0.4/hours)."""
    belief = min(1.0, max(0.0, (drift.significance - DRIFT_SIGNIFICANCE) / 2))
    variance = max(0.0, drift.variance) + drift.standard_error
    return _sd_of_logarithm(belief * variance) * (1 + 0.4 / hours)


def _correlation(looks: Surprises, drift: Drift) -> float:
    """ρ: what is left of the variance within looks, as a share of "all errors of a look come together".

    ρ̂ = [Σ(r² - w) - a⁺Σw²] / Σ w·(e - 1), without the drift's part where drift is not believed. The z0 of its
    numerator is taken as if errors were independent (binomial fourth moment); ρ = clip(z0 - 1, 0, 1)·1.5·(ρ̂ + se).
    """
    lasts = max(0.0, drift.variance) if drift.significance > DRIFT_SIGNIFICANCE else 0.0
    squares = [r * r - w for r, w in zip(looks.excesses, looks.variances, strict=True)]
    pairs = _pairs(looks)
    capacity = max(1e-9, sum(pairs))
    excess = sum(squares) - lasts * _squares(looks.variances)
    correlation = excess / capacity
    residuals = [square - correlation * pair for square, pair in zip(squares, pairs, strict=True)]
    error = math.sqrt(_squares(residuals)) / capacity
    by_chance = 2 * _squares(looks.variances) + sum(
        [w * max(0.0, 1 - 6 * share * (1 - share)) for w, share in zip(looks.variances, looks.shares, strict=True)]
    )
    certainty = min(1.0, max(0.0, excess / math.sqrt(max(1e-12, by_chance)) - 1))
    return min(1.0, max(0.0, certainty * 1.5 * (correlation + error)))


def _pairs(looks: Surprises) -> list[float]:
    """w·(e - 1) of every look: by how much its variance would grow if all of its errors came together."""
    return [w * max(e - 1, 0.0) for w, e in zip(looks.variances, looks.events, strict=True)]


def _squares(numbers: Sequence[float]) -> float:
    total: float = sum(map(mul, numbers, numbers))
    return total


def _favours_bets(looks: Surprises) -> bool:
    """Whether betting against the pseudo-canaries would have paid although nothing was wrong.

    A bet is fair while E[e_c/e] <= θ. Few errors, clients that stick to an instance, and errors that come with volume
    break that: then the mean of q = (e_c/e)/θ is above 1, here by more than 1.5 standard errors.
    """
    columns = zip(looks.bad, looks.events, looks.shares, looks.variances, strict=True)
    quotients = [bad / events / share for bad, events, share, variance in columns if variance > 0]
    if len(quotients) < 2:  # noqa: PLR2004 -- one look has no spread: nothing can be said for it
        return True
    mean = sum(quotients) / len(quotients)
    spread = math.sqrt(sum((q - mean) ** 2 for q in quotients) / (len(quotients) - 1))
    return mean - 1 > BIAS_SIGNIFICANCE * spread / math.sqrt(len(quotients))


def _sd_of_logarithm(relative_variance: float) -> float:
    """√ln(1 + c²): of a log-normal rate with coefficient of variation c."""
    return math.sqrt(math.log1p(relative_variance))


def _clusters(looks: Surprises, correlation: float) -> str:
    """In which manner errors come, in words; by the mean φ of the looks, how many come together at worst."""
    together = 1 + correlation * sum(_pairs(looks)) / sum(looks.variances)
    if together < 1.1:  # noqa: PLR2004 -- the words change where a reader would call it something else
        return "errors come one by one"
    if together < 3:  # noqa: PLR2004 -- as above
        return "errors come in small clusters"
    if together < 30:  # noqa: PLR2004 -- as above
        return "errors come in clusters"
    return "errors come in bursts"


def _drifting(learned: Calibration, drift_floor: float) -> str:
    """How far an instance drifts, in words."""
    drift = math.sqrt(math.expm1(learned.drift_sd**2))
    if drift > 10:  # noqa: PLR2004 -- a figure would say no more
        return "one instance drifts by more than 1000 %"
    bursts_too = f", with bursts up to ×{math.exp(learned.burst_size):.2g}" if learned.burst_size > 0 else ""
    if drift <= drift_floor * (1 + 1e-9):
        return f"no instance drifts by more than the {drift_floor * 100:.0f} % that are always allowed{bursts_too}"
    return f"one instance drifts by about {drift * 100:.0f} %{bursts_too}"
