"""When does a fault begin? Nobody knows, so the wealth of a test waits and is paid out a little after every look.

A test begins with a wealth of 1. Its evidence E is what that wealth has become by betting on a fault. Wealth that was
staked before a fault began is mostly lost by the time it shows; wealth that is staked when it begins grows at once.
Paying it out over the looks is a mixture over the time at which the fault begins [1], kept in one running sum as in
the fixed share of [2]: faults in mid-release are found nearly as fast as faults at the start.

At every moment, and however the looks fall::

    value = idle + unmoved + w_L * (sum of experts) + (1 - w_L) * (sum of bets)

Wealth that waits neither grows nor shrinks, so paying it out changes nothing that is guaranteed.

[1] Shin, Ramdas & Rinaldo, E-detectors: a nonparametric framework for sequential change detection.
[2] Herbster & Warmuth, Tracking the best expert, Machine Learning 32, 1998.
"""

from gated.model.evidence import Process

AT_ONCE = 0.6
"""Share of the wealth staked at the first look: a release that is bad is most often bad from its first request."""
AFTERWARDS = 0.05
"""Share kept for looks beyond the planned ones; after each of them, one part in `planned_looks` of the rest is paid."""
DURING = 1 - AT_ONCE - AFTERWARDS
"""Share paid out evenly over the planned looks."""

Rows = tuple[tuple[float, ...], ...]


def opened(null: tuple[float, ...], experts: Rows, bets: tuple[float, ...]) -> Process:
    """A test before its first look.

    Args:
        null: law of the drift when nothing is known.
        experts: one row of zeros as long as `null` per expert.
        bets: a zero per bet; empty where there are none.
    """
    return Process(idle=1 - AT_ONCE, unmoved=AT_ONCE, null=null, experts=experts, bets=bets)


def waited(process: Process, planned_looks: int, elapsed_seconds: float) -> Process:
    """The test after a look that says nothing: time passes, a little wealth is paid out, the evidence stays.

    The laws of the drift are not touched. Chains of coins compose and prediction is linear, so the time and the wealth
    that gather here are applied together, and exactly, at the next look that does say something.

    Args:
        process: the test before the look.
        planned_looks: how many looks the release is expected to have.
        elapsed_seconds: since the look before.
    """
    paid = _wage(process, planned_looks)
    return Process(
        value=process.value,
        looks=process.looks + 1,
        idle=process.idle - paid,
        unmoved=process.unmoved + paid,
        unmoved_seconds=process.unmoved_seconds + elapsed_seconds,
        null=process.null,
        experts=process.experts,
        bets=process.bets,
    )


def settled(
    process: Process,
    planned_looks: int,
    null: tuple[float, ...],
    experts: Rows,
    bets: tuple[float, ...],
    likelihood_share: float,
) -> Process:
    """The test after a look that said something, and the evidence there is now.

    Args:
        process: the test before the look.
        planned_looks: how many looks the release is expected to have.
        null: law of the drift after the look, if the new version is healthy.
        experts: their weights after the look, with all that was unmoved before.
        bets: their wealth after the look, with all that was unmoved before.
        likelihood_share: w_L, the share of the experts in the evidence; the rest is the bets'.
    """
    paid = _wage(process, planned_looks)
    return Process(
        value=process.idle + likelihood_share * sum(map(sum, experts)) + (1 - likelihood_share) * sum(bets),
        looks=process.looks + 1,
        idle=process.idle - paid,
        unmoved=paid,
        null=null,
        experts=experts,
        bets=bets,
    )


def _wage(process: Process, planned_looks: int) -> float:
    """How much idle wealth is staked after this look: between 0 and all there is."""
    planned = max(planned_looks, 1)
    wage = DURING / planned if process.looks < planned else process.idle / planned
    return min(wage, process.idle)  # a plan that changed under way must not pay out more than there is
