"""Histories that come out the same on every machine: of whole numbers and products, without a logarithm."""

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from gated.judge.stats.history import PairedStretch, Stretch
from gated.model.evidence import Counts
from tests.unit.judge.stats.simulated_service import seeded

PairedLook = tuple[Counts, Counts]
"""What one side did in a look, and the other."""


def paired(looks: Iterable[PairedLook]) -> PairedStretch:
    """Looks one by one as stretches side by side."""
    canary, others = zip(*looks, strict=True) if (looks := list(looks)) else ((), ())
    return Stretch.of(canary), Stretch.of(others)


@dataclass(frozen=True)
class Shape:
    """What a golden history is made of.

    Args:
        seed: of its random numbers.
        turns: how many pseudo-canaries, or hours.
        looks: of each.
        canary: errors of the one side in a look, on average.
        others: errors of the other side.
        cluster: errors that come together.
        wobble: by how many per cent the canary's rate moves from look to look, at most.
        pull: how many per cent of the way back it goes.
    """

    seed: int
    turns: int
    looks: int
    canary: float
    others: float
    cluster: int
    wobble: int
    pull: int

    def history(self) -> list[PairedStretch]:
        """The looks of every turn."""
        random = seeded(self.seed)
        return [self._turn(random) for _ in range(self.turns)]

    def _turn(self, random: Random) -> PairedStretch:
        looks, level = [], 100.0
        for _ in range(self.looks):
            level += (100 - level) * self.pull / 100 + (2 * random.random() - 1) * self.wobble
            level = min(300.0, max(30.0, level))
            canary, others = 150 + int(random.random() * 100), 1600 + int(random.random() * 400)
            bad = self._errors(self.canary * level / 100, random)
            rest = self._errors(self.others, random)
            looks.append((Counts(min(bad, canary), canary), Counts(min(rest, others), others)))
        return paired(looks)

    def _errors(self, mean: float, random: Random) -> int:
        """Between none and twice the mean, in clusters."""
        return self.cluster * int(random.random() * 2 * mean / self.cluster + random.random())
