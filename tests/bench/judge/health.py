"""The proof of health: how soon a good version has it, and how often one at its limit gets it.

A version at its limit harms users; whoever proves it healthy promotes a fault. The odds are looked at every 15 s for
an hour, and 20 : 1 is proof.
"""

from gated.judge.stats import health
from gated.model.evidence import Counts
from tests.bench.judge import simulation
from tests.bench.judge.ours import DEFAULT
from tests.bench.judge.simulation import Scenario, Watched
from tests.bench.judge.traffic import LOOKS, Look

PROOF = 20.0
"""Odds: at most 5 % of the versions at their limit are called healthy."""
AT_LIMIT = Scenario(2.0)
"""All limits are twice the healthy error rate."""
GOOD, VERY_GOOD = Scenario(), Scenario(0.5)

LEARNED, NAIVE = "dispersion learned", "errors taken as independent"


def watch(batch: simulation.Batch) -> list[Watched]:
    """Prove the health of a batch's releases; an alarm is a proof here."""
    dispersions = {LEARNED: simulation.knowledge(batch)[DEFAULT].dispersion, NAIVE: 1.0}
    done = []
    for scenario in batch.scenarios:
        bakes = [[next(bake) for _ in range(LOOKS)] for bake in simulation.bakes(batch, scenario)]
        for judge, dispersion in dispersions.items():
            proofs = [proved(bake, batch.cell.limit, dispersion) for bake in bakes]
            done.append(Watched(batch.model, batch.cell, scenario, judge, proofs))
    return done


def proved(bake: list[Look], limit: float, dispersion: float) -> int | None:
    """At which look health is proved, if ever."""
    seen = Counts()
    for look, (canary, _) in enumerate(bake):
        seen += canary
        if health.odds(limit, seen, dispersion) >= PROOF:
            return look
    return None
