"""The proof that a rate is below its limit, and how long it will take.

Hypothesis H0': the rate p is at least the limit T. Refuting it, not the failure to refute its opposite, proves health.
The evidence is Wald's likelihood ratio of rates below T, mixed over eight of them [1]; S bad events of N so far::

    M = 1/8 * sum over r of [r^S * ((1 - rT) / (1 - T))^(N - S)]^(1/phi)

It rests on the sums alone, so it does not matter how the events were cut into looks. Healthy is proved iff M >= 1/beta.

What is guaranteed, for P(M ever reaches 1/beta) <= beta while H0' holds [2]: with independent events (phi = 1) exact at
any schedule of looks. phi > 1: measured, NOT proved: up to 0.5 % false proofs at a beta of 5 %. Without phi, clustered
errors would promote most releases that stand exactly at the limit.

[1] Wald, Sequential tests of statistical hypotheses, Annals of Mathematical Statistics 16, 1945.
[2] Ville, Étude critique de la notion de collectif, 1939.
"""

import math
from functools import lru_cache

from gated.judge.stats.wald import Score, inside, log_ratios
from gated.model.evidence import Counts

RATIOS = (0.9, 0.75, 0.6, 0.45, 0.3, 0.15, 0.05, 0.005)
"""Rates that are bet on, as parts of the limit; all alike."""
_MOST_LOG_ODDS = 700.0
"""Odds stop at exp of this, far beyond any limit and just before overflow."""
_HALVINGS = 12
"""Of what is certainly enough, when the events needed are sought: the answer is right to a tenth of a percent."""


def odds(limit: float, counts: Counts, dispersion: float) -> float:
    """How much more likely the counts are at a rate below the limit than at the limit; 1 when there are none.

    Args:
        limit: T, 0 < limit < 1; others count as the nearest inside.
        counts: all events so far.
        dispersion: phi, variance of the counts over that of independent events; at least 1.

    Returns:
        M, at least 0.
    """
    logs = log_ratios(_scores(inside(limit), dispersion), counts)
    best = max(logs)
    return math.exp(min(best, _MOST_LOG_ODDS)) * sum(math.exp(log - best) for log in logs) / len(logs)


def events_needed(limit: float, counts: Counts, dispersion: float, odds_limit: float = 20.0) -> float:
    """How many more events prove health, if bad ones stay as frequent among them as they were so far.

    Args:
        limit: T, 0 < limit < 1; others count as the nearest inside.
        counts: all events so far. When there are none: as if none were bad, the fewest events that can prove it.
        dispersion: phi; at least 1.
        odds_limit: 1/beta, at least 1.

    Returns:
        Events, 0 if health is proved already; infinity if it will not be, because the rate is not clearly enough below
        the limit.
    """
    if odds(limit, counts, dispersion) >= odds_limit:
        return 0.0
    scores = _scores(inside(limit), dispersion)
    bad = min(max(counts.share, 0.0), 1.0)
    target = math.log(odds_limit)
    # What each of the mixed rates has, and what it gains by one more event on average.
    logs, gains = log_ratios(scores, counts), log_ratios(scores, Counts(bad, 1.0))
    if max(gains) <= 0:
        return math.inf
    # A single rate whose term alone is 8/beta is enough. M is convex in the events to come, so it crosses once.
    most = target + math.log(len(scores))
    too_few, enough = 0.0, min((most - log) / gain for log, gain in zip(logs, gains, strict=True) if gain > 0)
    for _ in range(_HALVINGS):
        middle = (too_few + enough) / 2
        is_proved = odds(limit, counts + Counts(bad * middle, middle), dispersion) >= odds_limit
        too_few, enough = (too_few, middle) if is_proved else (middle, enough)
    return enough


@lru_cache(maxsize=2048)
def _scores(limit: float, dispersion: float) -> tuple[Score, ...]:
    return tuple(Score.between(limit, ratio, dispersion) for ratio in RATIOS)
