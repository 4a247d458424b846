"""Our judge on simulated releases: its rules, alone and together, with much, little and no history."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count, repeat

from gated.judge.stats import calibration, one_sample
from gated.judge.stats.one_sample import OneSample
from gated.judge.stats.two_sample import TwoSample
from gated.model.evidence import Calibration
from gated.model.reading import Track
from tests.bench.judge.series import Series
from tests.bench.judge.traffic import LOOKS, STEP_SECONDS, Cell, Look

ODDS = 100.0
"""At which a release goes back: a budget of 1 %."""
TOLERANCE = 0.10
"""An error rate a tenth above the baseline's does no harm."""
DRIFT_FLOOR = 0.10
"""A plan's default."""

DEFAULT, DAY, NOTHING = "4 h", "24 h", "no history"
"""How much history the comparison with the baseline has."""
LIMIT = "limit"
"""The rule with a fixed limit."""
TOGETHER = 5
"""Rules of a release that is guarded by many."""
MANY_RULES = f"gated, {TOGETHER} rules"


def learned(bad: tuple[Track, ...], total: tuple[Track, ...], seconds: float) -> Calibration:
    """What the last so many seconds of a history teach, as the daemon learns it."""
    looks = round(seconds / STEP_SECONDS)
    bad, total = (tuple(Track(t.instance, t.counts[-looks:]) for t in tracks) for tracks in (bad, total))
    return calibration.learn(bad, total, STEP_SECONDS, DRIFT_FLOOR)


def nothing_learned() -> Calibration:
    """What is assumed without any history."""
    return calibration.learn((), (), STEP_SECONDS, DRIFT_FLOOR)


class Release:
    """One rollout of a new version, as far as anybody watches it.

    Args:
        cell: the service.
        bake: its traffic.
        known: what was learned before, by how much history.

    Attributes:
        limit: of its error rate.
        known: as above.
        bake: as above, as far as anybody looks.
        odds: of every rule, look after look.
    """

    def __init__(self, cell: Cell, bake: Iterator[Look], known: Mapping[str, Calibration]) -> None:
        self.limit = cell.limit
        self.known = known
        self.bake = Series(bake)
        self.odds = {much: Series(against_baseline(self.bake, calibrated)) for much, calibrated in known.items()}
        self.odds[LIMIT] = Series(against_limit(self.bake, cell.limit, known[DEFAULT].dispersion))


def against_baseline(bake: Series[Look], calibrated: Calibration, warmup_looks: int = 0) -> Iterator[float]:
    """The evidence that the new version is worse than the old one; its first looks can be left out."""
    test = TwoSample(TOLERANCE, LOOKS, calibrated)
    process = test.opened()
    yield from repeat(process.value, warmup_looks)
    for look in count(warmup_looks):
        process = test.looked(process, *bake[look], STEP_SECONDS)
        yield process.value


def against_limit(bake: Series[Look], limit: float, dispersion: float) -> Iterator[float]:
    """The evidence that its error rate is above a limit, not counting looks at which the baseline's is as well."""
    test = OneSample(limit, LOOKS, dispersion)
    process = test.opened()
    for look in count():
        canary, _ = bake[look]
        recent = [baseline for _, baseline in bake.upto(look + 1)[max(0, look - 3) : look + 1]]
        process = test.looked(process, canary, is_excused=one_sample.is_excused(recent, limit))
        yield process.value


def first(odds: Callable[[int], float]) -> int | None:
    """The look at which evidence reaches the line, if it does within the hour."""
    return next((look for look in range(LOOKS) if odds(look) >= ODDS), None)


def alone(rule: str) -> Callable[[Release], int | None]:
    """A release guarded by one rule."""
    return lambda release: first(release.odds[rule].__getitem__)


def both(release: Release) -> int | None:
    """A release guarded by two rules: no worse than the baseline, and below the limit."""
    rules = release.odds[DEFAULT], release.odds[LIMIT]
    return first(lambda look: sum(odds[look] for odds in rules) / 2)


def warmed_up(seconds: float) -> Callable[[Release], int | None]:
    """A release guarded by one rule after a warm-up of fixed length."""
    looks = round(seconds / STEP_SECONDS)

    def judge(release: Release) -> int | None:
        return first(Series(against_baseline(release.bake, release.known[DEFAULT], looks)).__getitem__)

    return judge


def together(releases: Sequence[Release]) -> int | None:
    """One release guarded by several comparisons of unrelated errors, played by several releases."""
    return first(lambda look: sum(release.odds[DEFAULT][look] for release in releases) / len(releases))


OURS: dict[str, Callable[[Release], int | None]] = {
    "gated": alone(DEFAULT),
    "gated, 24 h": alone(DAY),
    "gated, no history": alone(NOTHING),
    "gated, limit": alone(LIMIT),
    "gated, both rules": both,
    "gated, warm-up 2 min": warmed_up(120.0),
    "gated, warm-up 5 min": warmed_up(300.0),
}
