"""Which values would have been quiet enough over rollouts that are known to have been healthy.

A limit says what harms users, so it is not moved without need: only where a rule would have stopped more of them than
it may is a looser value looked for, and a tighter one only when that is asked for. A rule that counts in blocks is
first given longer ones, and a rule that compares a larger drift floor, which says how unsteady instances are; only then
is its tolerance raised.
"""

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gated.judge.assessment import reading_of
from gated.judge.workloads import workload_of
from gated.model.ids import PlanName, RuleName
from gated.model.plan import Policy
from gated.model.reading import Observations, Query, Value
from gated.model.rule import QuantileRule
from gated.operations.calibrate import candidates
from gated.operations.calibrate.candidates import Candidate, Movable
from gated.operations.calibrate.proposal import CalibratedRule, CalibrationReport, Steadiness, Trial
from gated.operations.replay.course import Course
from gated.operations.replay.rehearsal import Rehearsal, policy_for
from gated.operations.replay.results import LearnedDocument, Replayed
from gated.operations.replay.run import answered
from gated.operations.replay.totals import rate
from gated.operations.tick import Eyes

_HOUR = 3600.0

Play = Callable[[Sequence[Rehearsal], Mapping[PlanName, Policy]], Iterable[Replayed]]
"""Plays rollouts again."""


@dataclass(frozen=True, slots=True)
class _Tried:
    """What came of one candidate."""

    candidate: Candidate
    trial: Trial
    learned: tuple[LearnedDocument, ...]

    def is_quiet(self, target: float) -> bool:
        return self.trial.stopped.share <= target


def calibrate(
    rehearsals: Sequence[Rehearsal],
    policy: Policy,
    bounds: Mapping[RuleName, Sequence[float]],
    play: Play,
    *,
    tightens: bool,
) -> CalibrationReport:
    """Find values for the rules of a plan.

    Args:
        rehearsals: rollouts of healthy versions along the plan.
        policy: the plan.
        bounds: of every quantile's histogram, the finite boundaries, ascending.
        play: plays rollouts again.
        tightens: whether rules that are quiet are tightened as far as they stay so.

    Returns:
        What is proposed; `requests` is left at 0.
    """
    target = policy.plan.false_rollback_budget
    rules = list(candidates.movable(policy))
    known = {
        each.candidate.rule: each for each in _try([candidates.present(policy, r) for r in rules], rehearsals, play)
    }
    loud = [rule for rule in rules if not known[rule.name].is_quiet(target)]
    tried: defaultdict[RuleName, list[_Tried]] = defaultdict(list)
    blocks = [candidate for rule in loud for candidate in candidates.longer_blocks(policy, rule)]
    for each in _try(blocks, rehearsals, play):
        tried[each.candidate.rule].append(each)
    left = [rule for rule in loud if not any(each.is_quiet(target) for each in tried[rule.name])]
    floor = _drift_floor([rule for rule in left if candidates.compares(rule)], policy, rehearsals, play, target)
    wanted: list[Candidate] = []
    for rule in rules:
        if rule in left and not (floor is not None and candidates.compares(rule)):
            wanted += candidates.looser(policy, rule, bounds.get(rule.name, ()))
        elif rule not in loud and tightens:
            wanted += candidates.tighter(policy, rule, bounds.get(rule.name, ()))
    for each in _try(wanted, rehearsals, play):
        tried[each.candidate.rule].append(each)
    return CalibrationReport(
        plan=policy.plan.name,
        target=target,
        rollouts=len(rehearsals),
        rules=tuple(_calibrated(rule, known[rule.name], tried[rule.name], target, rule in loud) for rule in rules),
        drift_floor=floor,
        left_out=tuple(
            f"{rule.name}: only people know what its number means" for rule in policy.rules if rule not in rules
        ),
        requests=0,
    )


def boundaries(rehearsals: Sequence[Rehearsal], policy: Policy, eyes: Eyes) -> dict[RuleName, tuple[float, ...]]:
    """The boundaries of the histograms of a plan's quantiles, as they were in the first of some rollouts.

    Raises:
        Unavailable: a source did not answer.
    """
    first = rehearsals[0]
    course = Course(first, policy_for(first, policy), _HOUR)
    until = math.ceil((first.opened_at + _HOUR) / _HOUR) * _HOUR
    asked = {
        rule.name: Query(
            rule.source,
            Observations(rule.histogram, until - _HOUR, until),
            workload_of(course.release, course.policy, rule.scope),
        )
        for rule in policy.rules
        if isinstance(rule, QuantileRule)
    }
    readings = answered(eyes.read(asked.values(), until)).readings
    found = {name: reading_of(readings, query) for name, query in asked.items()}
    return {
        name: tuple(bound for bound, _ in reading.buckets) if isinstance(reading, Value) else ()
        for name, reading in found.items()
    }


def _drift_floor(
    loud: Sequence[Movable], policy: Policy, rehearsals: Sequence[Rehearsal], play: Play, target: float
) -> Trial | None:
    """The smallest drift floor under which every rule that compares is quiet, with the loudest of them."""
    by_floor: defaultdict[str, list[_Tried]] = defaultdict(list)
    wanted = [candidate for rule in loud for candidate in candidates.drift_floors(policy, rule)]
    for each in _try(wanted, rehearsals, play):
        by_floor[each.trial.value].append(each)
    quiet = (tried for tried in by_floor.values() if all(each.is_quiet(target) for each in tried))
    found = next(quiet, None)
    return max((each.trial for each in found), key=lambda trial: trial.stopped.share) if found else None


def _calibrated(
    rule: Movable, present: _Tried, tried: Sequence[_Tried], target: float, is_loud: bool
) -> CalibratedRule:
    """Of looser values the first quiet one; of tighter ones the last before the first loud one."""
    proposed: Trial | None = None
    for each in tried:
        if each.is_quiet(target):
            proposed = each.trial
            if is_loud:
                break
        elif not is_loud:
            break
    return CalibratedRule(
        rule=rule.name,
        present=present.trial,
        trials=tuple(each.trial for each in tried),
        proposed=proposed,
        steadiness=_steadiness(present.learned),
    )


def _try(wanted: Sequence[Candidate], rehearsals: Sequence[Rehearsal], play: Play) -> list[_Tried]:
    """Play all rollouts with every candidate, all of them at once: they ask the same of the past."""
    names = {PlanName(f"{each.policy.plan.name}#{number}"): each for number, each in enumerate(wanted)}
    again = [replace(each, plan=name) for name in names for each in rehearsals]
    found: defaultdict[str, list[Replayed]] = defaultdict(list)
    for result in play(again, {name: each.policy for name, each in names.items()}) if again else ():
        found[result.plan].append(result)
    return [_tried(each, found[name]) for name, each in names.items()]


def _tried(candidate: Candidate, results: Sequence[Replayed]) -> _Tried:
    rules = [result.rules[0] for result in results if result.rules[0].looks]
    stopped = sum(rule.breached_at is not None or rule.held for rule in rules)
    trial = Trial(
        key=candidate.key,
        value=candidate.text,
        breached=sum(rule.breached_at is not None for rule in rules),
        stopped=rate(stopped, len(rules)),
    )
    return _Tried(candidate, trial, tuple(rule.learned for rule in rules if rule.learned is not None))


def _steadiness(learned: Sequence[LearnedDocument]) -> Steadiness | None:
    if not learned:
        return None
    drifts = [math.sqrt(math.expm1(each.drift_sd**2)) for each in learned]
    return Steadiness(
        correlation=_spread([each.correlation for each in learned]),
        drift=_spread(drifts),
        dispersion=_spread([each.dispersion for each in learned]),
    )


def _spread(numbers: Sequence[float]) -> tuple[float, float]:
    return statistics.median(numbers), max(numbers)
