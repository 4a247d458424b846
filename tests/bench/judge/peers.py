"""Other gates, by their documented rules, on the same traffic. Each says at which look it rolls back, if ever.

All thresholds are twice the healthy error rate, as ours. What is left of each is its rule for one error rate: no
retries, no provider errors, traffic at all times.
"""

import math
from collections.abc import Callable, Iterator, Sequence

from gated.judge.stats import mann_whitney
from gated.model.evidence import Counts
from gated.model.rule import Direction
from tests.bench.judge.series import Series
from tests.bench.judge.traffic import LOOKS, STEP_SECONDS, Look

ALPHA = 0.01
"""The budget of the sequential tests among them: the same as ours."""

Bake = Series[Look]
Peer = Callable[[Bake, float], int | None]
"""At which look (the first is 0) a release is rolled back, given its bake and the limit of its error rate."""

_MINUTE = round(60.0 / STEP_SECONDS)


def threshold(bake: Bake, limit: float) -> int | None:
    """Above the limit at any look."""
    return next((look for look in range(LOOKS) if bake[look][0].share > limit), None)


def argo(bake: Bake, limit: float) -> int | None:
    """Argo Rollouts analysis, `interval: 60s`, `failureLimit: 3`, `rate[1m]`.

    Source: `assessMetricFailureInconclusiveOrError` in analysis/analysis.go: Failed as soon as the failed
    measurements of the whole run, consecutive or not, outnumber the limit.
    """
    return _nth(4, (look for look in _every(_MINUTE) if _window(bake, look, 1).share > limit))


def flagger(bake: Bake, limit: float) -> int | None:
    """Flagger's canary analysis, `interval: 1m`, `threshold: 5`.

    Source: `advanceCanary` in pkg/controller/scheduler.go: failed checks are never forgotten, and a run that finds as
    many as the threshold, made by the runs before it, rolls back.
    """
    last = _nth(5, (look for look in _every(_MINUTE) if _window(bake, look, 1).share > limit))
    return last + _MINUTE if last is not None and last + _MINUTE < LOOKS else None


def alert(bake: Bake, limit: float) -> int | None:
    """A Prometheus alert on `rate[5m]` with `for: 5m`, evaluated every minute.

    Source: `Eval` in rules/alerting.go: it fires once it has been active for at least `for`; one evaluation below the
    limit starts it anew.
    """
    since = None
    for look in _every(_MINUTE):
        if _window(bake, look, 5).share <= limit:
            since = None
        elif since is None:
            since = look
        elif look - since >= 5 * _MINUTE:
            return look
    return None


def kayenta(bake: Bake, _limit: float) -> int | None:
    """Kayenta's NetflixACAJudge, one error rate by the minute, judged after 15, 30, 45 and 60 minutes.

    Source: MannWhitneyClassifier with its defaults (confidence .98, tolerance .25), direction increase; each judgement
    sees everything since the start. One metric that fails scores 0 of 100, and that ends a canary.
    """
    minutes = Series((_window(bake, look, 1, side=0).share, _window(bake, look, 1, side=1).share) for look in _every(4))
    for quarter in (15, 30, 45, 60):
        canary, baseline = zip(*minutes.upto(quarter)[:quarter], strict=True)
        if _is_higher(canary, baseline):
            return quarter * _MINUTE - 1
    return None


def multinomial(bake: Bake, _limit: float) -> int | None:
    """Lindon and Malek's sequential multinomial test of how errors fall on both versions.

    Source: "Anytime-valid inference for multinomial count data" (NeurIPS 2022), equation 5: the Bayes factor of a
    Dirichlet prior around the null with concentration 100, as published implementations have it. The null is that
    errors fall as traffic does; only an excess on the canary counts.
    """
    concentration = 100.0
    bad = [0.0, 0.0]
    requests = [0.0, 0.0]
    for look in range(LOOKS):
        for version, counts in enumerate(bake[look]):
            bad[version] += counts.bad
            requests[version] += counts.total
        null = [total / sum(requests) for total in requests]
        log_factor = math.lgamma(concentration) - math.lgamma(concentration + sum(bad))
        for errors, share in zip(bad, null, strict=True):
            prior = concentration * share
            log_factor += math.lgamma(prior + errors) - math.lgamma(prior) - errors * math.log(share)
        if bad[0] > null[0] * sum(bad) and log_factor >= -math.log(ALPHA):
            return look
    return None


def mean_difference(bake: Bake, _limit: float) -> int | None:
    """GrowthBook's one-sided sequential test of the difference of two proportions, tuning parameter 5000.

    Source: I. Waudby-Smith et al., "Time-uniform central limit theory and asymptotic confidence sequences"
    (arXiv 2103.06476v7), equations 134 (the lower bound) and 161 (rho for 2 alpha, as it is one-sided).
    """
    log = -2.0 * math.log(2.0 * ALPHA)
    rho2 = (log + math.log(log + 1.0)) / 5000.0
    canary, baseline = Counts(), Counts()
    for look in range(LOOKS):
        canary, baseline = canary + bake[look][0], baseline + bake[look][1]
        n = canary.total + baseline.total
        variance = sum(c.share * (1.0 - c.share) / c.total for c in (canary, baseline) if c.total)
        spread = 2.0 * (n * rho2 + 1.0) / (n * rho2) * math.log1p(math.sqrt(n * rho2 + 1.0) / (2.0 * ALPHA))
        if variance and canary.share - baseline.share > math.sqrt(variance * spread):
            return look
    return None


PEERS: dict[str, Peer] = {
    "threshold": threshold,
    "Argo": argo,
    "Flagger": flagger,
    "for: 5m": alert,
    "Kayenta": kayenta,
    "Lindon-Malek": multinomial,
    "GrowthBook": mean_difference,
}


def _every(looks: int) -> Iterator[int]:
    """The last look of every so many."""
    return iter(range(looks - 1, LOOKS, looks))


def _window(bake: Bake, look: int, minutes: int, side: int = 0) -> Counts:
    """One version's counts in the minutes that end with this look; shorter at the start of the bake."""
    seen = bake.upto(look + 1)[max(0, look + 1 - minutes * _MINUTE) : look + 1]
    return Counts(sum(counts[side].bad for counts in seen), sum(counts[side].total for counts in seen))


def _nth(number: int, looks: Iterator[int]) -> int | None:
    """The look at which something happens for the n-th time."""
    return next((look for seen, look in enumerate(looks, 1) if seen == number), None)


def _is_higher(canary: Sequence[float], baseline: Sequence[float]) -> bool:
    """Kayenta's classification "High" of one metric."""
    shift = mann_whitney.Pairs(canary, baseline).shift(confidence=0.98)
    return shift.beyond(0.25 * abs(shift.estimate)) is Direction.INCREASE
