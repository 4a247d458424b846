"""One release watched through a case, look by look."""

from dataclasses import dataclass

from gated.judge import commands
from gated.judge.decide import decide
from gated.judge.present import VALID_LOOKS
from gated.judge.queries import queries_for
from gated.model.ids import Actor, ReleaseId
from gated.model.release import Phase, Release
from gated.model.verdict import Verdict
from gated.operations.tick import Eyes
from gated.operations.trial.finding import Failure, check
from gated.rulebook.case import EPOCH, Case

TOOL = Actor("test")
"""Who opens, starts and claims in a trial."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Moment:
    """What was so after one look.

    Args:
        at_seconds: since the first stage started.
        release: as it was then.
    """

    at_seconds: float
    release: Release


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a case.

    Args:
        moments: every look, in order.
        failures: the expectations that were not met.
    """

    moments: tuple[Moment, ...]
    failures: tuple[Failure, ...]


def run(case: Case, eyes: Eyes) -> Trial:
    """Watch the release of a case up to the last expectation.

    The deploy tool takes every promote at once and starts the next stage. The promote of the last stage is left, so
    that its rules are watched for as long as the case goes on.

    Args:
        case: the test.
        eyes: see the world of the case.

    Raises:
        Whatever `eyes` raise.
    """
    release = _begun(case)
    moments: list[Moment] = []
    looks = int(case.expectations[-1].at_seconds / case.look_seconds + _ROUNDING)
    for number in range(1, looks + 1):
        now = EPOCH + number * case.look_seconds
        queries = queries_for(release, case.policy, now=now, interval_seconds=case.look_seconds)
        readings = eyes.read(queries, now).readings
        release = decide(release, case.policy, readings, now=now, interval_seconds=case.look_seconds).release
        moments.append(Moment(number * case.look_seconds, release))
        release = _led_on(release, case, now)
    failures = (
        check(expectation, moments[int(expectation.at_seconds / case.look_seconds + _ROUNDING) - 1].release)
        for expectation in case.expectations
    )
    return Trial(tuple(moments), tuple(failure for failure in failures if failure is not None))


def _begun(case: Case) -> Release:
    """The release at the start of its first stage."""
    opened = commands.open_release(
        identity=ReleaseId("case"),
        service=case.service,
        environment=case.environment,
        version=case.version,
        baseline=case.baseline,
        policy=case.policy,
        actor=TOOL,
        now=EPOCH,
    ).release
    return _started(opened, case, EPOCH)


def _started(release: Release, case: Case, now: float) -> Release:
    """The release with its next stage started."""
    following = release.next_stage
    step = following and commands.start_stage(release, case.policy, following.name, TOOL, now)
    return step.release if step else release


def _led_on(release: Release, case: Case, now: float) -> Release:
    """The release after the deploy tool had its turn."""
    current = release.current_stage
    if release.phase is not Phase.BAKING or release.next_stage is None or current is None or current.verdict is None:
        return release
    if current.verdict.verdict is not Verdict.PROMOTE:
        return release
    _, step = commands.claim(release, current.verdict.id, TOOL, now, VALID_LOOKS * case.look_seconds)
    return _started(step.release if step is not None else release, case, now)
