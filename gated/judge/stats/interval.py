"""A confidence interval for a rate that holds at every look at once, for people to see.

e bad events of n. The likelihood mixed over all rates, by that at the true rate, is a martingale that starts at 1. By
Ville's inequality it ever reaches 1/alpha with a chance of at most alpha, so rates where it did can be left out [1, 2].
What is left::

    { p :  e ln p + (n - e) ln(1 - p)  >  ln B(a + e, b + n - e) - ln B(a, b) + ln alpha }

with a Beta(a, b) law over rates: an interval around e / n.

What is guaranteed: with independent events, the true rate is in all intervals of a release, at any schedule of looks,
with a chance of at least 1 - alpha. Counts that were divided by a dispersion above 1: an approximation, NOT proved.

[1] Robbins, Statistical methods related to the law of the iterated logarithm, Annals of Mathematical Statistics, 1970.
[2] Howard & Ramdas, Sequential estimation of quantiles with applications to A/B testing and best-arm identification.
"""

import math

from gated.model.evidence import Counts

JEFFREYS = (0.5, 0.5)
"""The law over rates that favours none of them: Beta(1/2, 1/2)."""
_FEWEST = 1e-9
"""Fewer events are none: somebody's rounding."""
_STEPS = 60
"""Newton's steps to an end, at most; five are usual."""
_PRECISION = 1e-6
"""Of the last step, in log-odds. Newton's steps square what is left, so the end is exact to a dozen digits."""


def confidence_sequence(
    counts: Counts, alpha: float, dispersion: float, prior: tuple[float, float] = JEFFREYS
) -> tuple[float, float]:
    """Both ends of the interval.

    Args:
        counts: all events so far. None at all: (0, 1). None bad: the lower end is 0; all bad: the upper end is 1.
        alpha: chance of an interval without the true rate, ever; 0 < alpha < 1.
        dispersion: variance of the counts over that of independent events; less than 1 counts as 1.
        prior: (a, b), both more than 0.

    Returns:
        (lower, upper), 0 <= lower <= share <= upper <= 1.
    """
    bad = _events(min(counts.bad, counts.total) / max(dispersion, 1.0))
    good = _events(counts.total / max(dispersion, 1.0) - bad)
    a, b = prior
    if not bad and not good:
        return 0.0, 1.0
    mixture = _log_beta(a + bad, b + good) - _log_beta(a, b)
    # No mixture of rates is likelier than the best of them; of billions of events, rounding can say so.
    smallest = min(mixture, _highest(bad, good)) + math.log(alpha)
    share = bad / (bad + good)
    lower = min(share, _rate(-_upper_log_odds(good, bad, smallest))) if bad else 0.0
    upper = max(share, _rate(_upper_log_odds(bad, good, smallest))) if good else 1.0
    return lower, upper


def _events(number: float) -> float:
    return number if number > _FEWEST else 0.0


def _upper_log_odds(bad: float, good: float, smallest: float) -> float:
    """Where the interval ends above, as u = ln(p / (1 - p)); the end below is this one with bad and good exchanged.

    In u the log-likelihood is h(u) = e u - n ln(1 + exp u): concave, and nowhere steep, however small the rates are. So
    one of Newton's steps leads from anywhere on this side of its peak to a point outside the interval, and all others
    from there towards the edge without ever passing it. They begin at the nearer of two guesses: where the parabola
    through the peak ends (many bad events), and Bernstein's bound e + h + sqrt(2eh + h^2) for them (few).

    Args:
        bad: events that count for the rate, at least 0.
        good: the others, more than 0.
        smallest: the log-likelihood at the edge, below its peak.
    """
    total = bad + good
    if not bad:
        return _log_odds(-math.expm1(smallest / good), math.exp(smallest / good))
    above_edge = _highest(bad, good) - smallest
    log_odds = math.log(bad / good) + math.sqrt(2 * above_edge * total / bad / good)
    most = bad + above_edge + math.sqrt(2 * bad * above_edge + above_edge * above_edge)
    if most < total:
        log_odds = min(log_odds, math.log(most / (total - most)))
    for _ in range(_STEPS):
        height = bad * log_odds - total * (max(log_odds, 0.0) + math.log1p(math.exp(-abs(log_odds)))) - smallest
        slope = bad - total * _rate(log_odds)
        if slope >= 0:  # on the peak: it is sharper than numbers this large can tell apart
            break
        step = height / slope
        log_odds -= step
        if abs(step) <= _PRECISION:
            break
    return log_odds


def _highest(bad: float, good: float) -> float:
    """The log-likelihood of the rate that explains the events best: their own share."""
    total = bad + good
    return sum(events * math.log(events / total) for events in (bad, good) if events)


def _log_odds(rate: float, rest: float) -> float:
    """ln(p / (1 - p)), of a rate and what it lacks to 1."""
    return math.log(rate / rest) if rest > 0 else math.inf


def _rate(log_odds: float) -> float:
    """The rate p with these log-odds ln(p / (1 - p))."""
    if log_odds < 0:
        odds = math.exp(log_odds)
        return odds / (1 + odds)
    return 1 / (1 + math.exp(-log_odds))


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
