"""The rollouts that are played again, and the rules that can be."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from gated.model.errors import NotFound
from gated.model.evidence import BaselineKind
from gated.model.ids import PlanName, RuleName, SourceName, StageName
from gated.model.plan import LabelTemplate, Plan, Policy
from gated.model.rule import ProbeRule
from gated.model.selection import MatchOp, literal_pattern


@dataclass(frozen=True, slots=True)
class StageTimes:
    """When a stage of a rollout really was.

    Args:
        name: the stage.
        started_at: when traffic reached it, Unix seconds.
        promoted_at: when its promote was taken; None when nobody knows: then as soon as there is one.
    """

    name: StageName
    started_at: float
    promoted_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """One rollout of the past.

    Args:
        service: what was rolled out.
        environment: where.
        version: which.
        baseline: what it replaced; empty when there was none.
        plan: along which plan it is judged.
        opened_at: when it began, Unix seconds.
        stages: the stages whose times are known, the plan's first ones, in order. The others start when the one before
            would have been promoted.
        ends_at: how far it is followed at most, Unix seconds.
        onset_at: when a known fault began; None when there is none known.
        is_made_up: whether there was no rollout at all: what ran anyway is taken for a new version.
        instance: the one instance that is taken for it; empty when it is all of them.
        tainted: stretches of time, (from, to), from which nothing is learned: versions ran that had to go back.
    """

    service: str
    environment: str
    version: str
    baseline: str
    plan: PlanName
    opened_at: float
    stages: tuple[StageTimes, ...]
    ends_at: float
    onset_at: float | None = None
    is_made_up: bool = False
    instance: str = ""
    tainted: tuple[tuple[float, float], ...] = ()

    @property
    def key(self) -> str:
        """Its name within a replay."""
        return f"{self.service}/{self.environment}/{self.version}/{self.plan}/{self.opened_at:.3f}"

    def followed(self, *, onset_at: float | None, ends_at: float | None) -> "Rehearsal":
        """The same with what else is known of it; None leaves it as it is."""
        return replace(
            self,
            onset_at=self.onset_at if onset_at is None else onset_at,
            ends_at=self.ends_at if ends_at is None else ends_at,
        )


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A rule that cannot be replayed.

    Args:
        rule: which.
        reason: why, in a few words.
    """

    rule: RuleName
    reason: str


def replayable(policy: Policy, with_history: Collection[SourceName]) -> tuple[Policy, tuple[LeftOut, ...]]:
    """A policy without the rules that history says nothing about; its digest stays.

    Args:
        policy: as loaded.
        with_history: the sources that remember.

    Returns:
        The policy, and what was left out of it.

    Raises:
        NotFound: no rule remains.
    """
    left_out = []
    for rule in policy.rules:
        if isinstance(rule, ProbeRule):
            left_out.append(LeftOut(rule.name, "a probe leaves no history"))
        elif rule.source not in with_history:
            left_out.append(LeftOut(rule.name, f"source {rule.source} keeps no history"))
    names = {each.rule for each in left_out}
    rules = tuple(rule for rule in policy.rules if rule.name not in names)
    if not rules:
        raise NotFound(f"plan {policy.plan.name} has no rule that history could say anything about")
    plan = replace(policy.plan, rules=tuple(rule.name for rule in rules))
    return replace(policy, plan=plan, rules=rules), tuple(left_out)


def policy_for(rehearsal: Rehearsal, policy: Policy) -> Policy:
    """What a rollout is judged by: the policy of its plan, or what of it fits a made-up rollout."""
    if not rehearsal.is_made_up:
        return policy
    return with_pseudo_canary(policy, rehearsal.version) if rehearsal.instance else without_comparison(policy)


def with_pseudo_canary(policy: Policy, version: str) -> Policy:
    """The policy of a rollout whose new version is one instance of a version, and whose old one is all the others.

    The release's `version` is then the instance's name: the labels tell instances apart where they told versions apart,
    and what a rule asks of the whole service is asked of the whole version.
    """
    plan = policy.plan
    fixed = tuple(_of_version(label, version) for label in plan.workload)
    instance = LabelTemplate(plan.instance_label, "{version}")
    others = replace(instance, op=MatchOp.NOT_EQUAL)
    return replace(policy, plan=replace(plan, workload=(*fixed, instance), baseline=(*fixed, others)))


def without_comparison(policy: Policy) -> Policy:
    """The policy of a rollout that can be compared with nothing: rules that compare have no say."""
    stages = tuple(replace(stage, baseline=BaselineKind.NONE) for stage in policy.plan.stages)
    return replace(policy, plan=replace(policy.plan, stages=stages))


def planned_seconds(plan: Plan, interval_seconds: float) -> float:
    """How long a rollout lasts at most that is never held up: every stage ends with a look after its last second."""
    return plan.bake_seconds + interval_seconds * len(plan.stages)


def followed_until(plan: Plan, stages: tuple[StageTimes, ...], interval_seconds: float) -> float:
    """When a rollout is over at the latest that is never held up, given when its first stages were.

    Args:
        plan: its plan.
        stages: those whose times are known, at least one.
        interval_seconds: between two looks.
    """
    left = plan.stages[len(stages) - 1 :]
    return stages[-1].started_at + planned_seconds(replace(plan, stages=left), interval_seconds)


def _of_version(label: LabelTemplate, version: str) -> LabelTemplate:
    """A label that selects one version, whatever a release is called."""
    text = literal_pattern(version) if label.op.is_pattern else version
    text = text.replace("{", "{{").replace("}", "}}")
    return replace(label, template=label.template.replace("{version}", text))
