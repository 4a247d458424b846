"""The document of a whole replay: what `--output json` prints, and what the page is drawn from."""

import enum
from collections.abc import Iterable, Mapping, Sequence

import gated
from gated.model.ids import PlanName
from gated.model.plan import Policy
from gated.operations.documents import Document
from gated.operations.replay.rehearsal import LeftOut
from gated.operations.replay.results import Ending, Replayed
from gated.operations.replay.totals import Totals, totals


class LeftOutDocument(Document):
    """A rule that was not replayed."""

    rule: str
    reason: str


class ReplayedPlan(Document):
    """One plan, as far as it was replayed."""

    plan: str
    policy_digest: str
    rules: tuple[str, ...]
    left_out: tuple[LeftOutDocument, ...]


class ReplayReport(Document):
    """A whole replay."""

    gated: str
    """The version of gated that judged."""
    interval_seconds: float
    plans: tuple[ReplayedPlan, ...]
    totals: Totals
    requests: int
    """How often sources were asked; what came from the state file cost none."""
    releases: tuple[Replayed, ...]
    """By time."""


class Expectation(enum.Enum):
    """What a replay has to show."""

    NONE = "none"
    """No rollout goes back."""
    ROLLBACK = "rollback"
    """Every rollout goes back."""
    ONSETS = "onsets"
    """Those with an onset go back after it, and no other."""


def report(
    replayed: Iterable[Replayed],
    policies: Mapping[PlanName, Policy],
    left_out: Mapping[PlanName, Sequence[LeftOut]],
    *,
    interval_seconds: float,
    requests: int,
) -> ReplayReport:
    """Put a report together.

    Args:
        replayed: what came of every rollout.
        policies: what they were judged by.
        left_out: of every plan, the rules that were not replayed.
        interval_seconds: between two looks.
        requests: how often sources were asked.
    """
    in_order = tuple(sorted(replayed, key=lambda each: (each.opened_at, each.key)))
    used = dict.fromkeys(each.plan for each in in_order)
    return ReplayReport(
        gated=gated.__version__,
        interval_seconds=interval_seconds,
        plans=tuple(_plan(policies[PlanName(name)], left_out.get(PlanName(name), ())) for name in used),
        totals=totals(in_order),
        requests=requests,
        releases=in_order,
    )


def unexpected(found: ReplayReport, expectation: Expectation) -> tuple[Replayed, ...]:
    """The rollouts that did not end as they had to."""
    return tuple(each for each in found.releases if not _is_expected(each, expectation))


def _is_expected(replayed: Replayed, expectation: Expectation) -> bool:
    is_back = replayed.ending is Ending.ROLLED_BACK
    match expectation:
        case Expectation.NONE:
            return not is_back
        case Expectation.ROLLBACK:
            return is_back
        case Expectation.ONSETS if replayed.onset_at is None:
            return not is_back
        case Expectation.ONSETS:
            return replayed.rollback is not None and replayed.rollback.triggered_at >= replayed.onset_at


def _plan(policy: Policy, left_out: Sequence[LeftOut]) -> ReplayedPlan:
    return ReplayedPlan(
        plan=policy.plan.name,
        policy_digest=policy.digest,
        rules=tuple(rule.name for rule in policy.rules),
        left_out=tuple(LeftOutDocument(rule=each.rule, reason=each.reason) for each in left_out),
    )
