"""Plans: the stages of a rollout, the rules that guard them, and the policy a release is pinned to."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from gated.model.errors import NotFound
from gated.model.evidence import BaselineKind
from gated.model.ids import PlanName, RuleName, StageName
from gated.model.rule import Rule
from gated.model.selection import MatchOp


class BlindAction(enum.Enum):
    """What happens when the gate has been blind for longer than a stage allows."""

    ROLLBACK = "rollback"
    """Go back: a version nobody can see is not left in front of users."""
    PAGE = "page"
    """Keep holding and call a person; for stages where going back is worse than waiting."""


@dataclass(frozen=True, slots=True)
class OnBlind:
    """How long blindness is borne, and then what.

    Args:
        hold_for_seconds: how long the gate may hold without evidence.
        then: what it does afterwards.
    """

    hold_for_seconds: float = 600.0
    then: BlindAction = BlindAction.ROLLBACK


class InconclusiveAction(enum.Enum):
    """What happens when the bake is over and a sequential rule can still not tell."""

    HOLD = "hold"
    """Wait for proof."""
    PROMOTE = "promote"
    """Nothing was refuted; that is enough here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step of a plan.

    Args:
        name: unique in its plan.
        traffic: the share of traffic the new version gets here, 0 < traffic <= 1; for people and tools, gated
            moves no traffic itself.
        warmup_seconds: a fresh instance's first seconds, kept out of the evidence of version-scoped rules; the bake is
            counted from their end.
        bake_min_seconds: never promoted earlier.
        bake_max_seconds: the planned length; promoted then unless refuted or short of evidence.
        min_requests: requests the new version must have served at this stage; 0 for no such demand.
        on_blind: how blindness is bounded.
        baseline: what rules that compare compare with.
        on_inconclusive: what happens when the bake ends without proof.
    """

    name: StageName
    traffic: float
    bake_min_seconds: float
    bake_max_seconds: float
    warmup_seconds: float = 0.0
    min_requests: int = 0
    on_blind: OnBlind = OnBlind()
    baseline: BaselineKind = BaselineKind.BESIDE
    on_inconclusive: InconclusiveAction = InconclusiveAction.HOLD


@dataclass(frozen=True, slots=True)
class LabelTemplate:
    """How one Prometheus label of the workload follows from a release.

    Args:
        name: the label.
        template: text with `{service}`, `{environment}`, `{version}` and `{baseline}` to be filled in.
        op: equality, or a regular expression in which the filled-in texts stay literal.
    """

    name: str
    template: str
    op: MatchOp = MatchOp.EQUAL

    @property
    def depends_on_version(self) -> bool:
        """Whether the label tells versions apart."""
        return "{version}" in self.template


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a release proceeds.

    Args:
        name: its key in the rule file.
        workload: the labels of the new version, ordered by name.
        rules: which rules guard it, in the order people read them.
        stages: in order; at least one.
        discovery_grace_seconds: how long a stage waits for the first samples before their absence counts.
        recovery_watch_seconds: how long a rolled back service is watched for its recovery.
        baseline: the labels of the baseline, ordered by name; empty for those of the workload, with the baseline's
            version in the place of the new one.
        false_rollback_budget: the probability with which a healthy release may be rolled back by its sequential rules,
            all of them and all looks together.
        drift_floor: the least harmless drift that is assumed, as a coefficient of variation: a new version may be
            less steady than its history.
        history_seconds: how much history calibrates the sequential rules; 0 for none.
        instance_label: the label that tells the instances of a version apart in that history.
        cold_start_seconds: how long a new version is young: crossing the line then means hold, unless it is clear
            that this is no cold start. 0 for no such protection.
    """

    name: PlanName
    workload: tuple[LabelTemplate, ...]
    rules: tuple[RuleName, ...]
    stages: tuple[Stage, ...]
    discovery_grace_seconds: float = 60.0
    recovery_watch_seconds: float = 900.0
    baseline: tuple[LabelTemplate, ...] = ()
    false_rollback_budget: float = 0.01
    drift_floor: float = 0.10
    history_seconds: float = 4 * 3600.0
    instance_label: str = "instance"
    cold_start_seconds: float = 300.0

    @property
    def bake_seconds(self) -> float:
        """The planned length of all stages together."""
        return sum(stage.warmup_seconds + stage.bake_max_seconds for stage in self.stages)


@dataclass(frozen=True, slots=True)
class Policy:
    """One plan with its rules: what a release is pinned to, whatever the files say later.

    Args:
        plan: the plan.
        rules: its rules, in the plan's order.
        digest: `sha256:` and the hash of the canonical form of both.
    """

    plan: Plan
    rules: tuple[Rule, ...]
    digest: str

    def stage(self, name: StageName) -> Stage:
        """The stage of that name.

        Raises:
            NotFound: the plan has none; the message names those it has.
        """
        for stage in self.plan.stages:
            if stage.name == name:
                return stage
        known = ", ".join(stage.name for stage in self.plan.stages)
        raise NotFound(f"plan {self.plan.name} has no stage {name!r}; it has {known}")


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Everything the rule files say.

    Args:
        rules: by name.
        policies: one per plan, by the plan's name.
    """

    rules: Mapping[RuleName, Rule]
    policies: Mapping[PlanName, Policy]

    def policy(self, plan: PlanName) -> Policy:
        """The policy of a plan.

        Raises:
            NotFound: there is no such plan; the message names those there are.
        """
        try:
            return self.policies[plan]
        except KeyError:
            known = ", ".join(sorted(self.policies)) or "none"
            raise NotFound(f"there is no plan {plan!r}; there is {known}") from None
