"""Where a case is run: in memory, or on a Prometheus of its own."""

import enum
import time
from dataclasses import dataclass
from pathlib import Path

from gated.operations.trial import world
from gated.operations.trial.run import Trial, run
from gated.promql.engine.errors import Unsupported
from gated.promql.engine.evaluate import Engine
from gated.rulebook.case import Case
from gated.sources.own_prometheus import NoPrometheus, OwnPrometheus
from gated.sources.prometheus import Prometheus
from gated.sources.scripted import Answers, InMemory, ScriptedSource
from gated.sources.settings import Access
from gated.sources.transport import Transport

_MAX_BYTES = 64 * 1024 * 1024


class Stand(enum.Enum):
    """Where cases are run."""

    AUTO = "auto"
    """In memory; on a Prometheus what the engine in memory does not know."""
    MEMORY = "memory"
    """In memory."""
    PROMETHEUS = "prometheus"
    """Each on a Prometheus of its own."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a case, and where.

    Args:
        trial: the run; None when there was none.
        trouble: why there was none; empty when there was.
        place: where it was run, for people: `in memory`.
        duration_seconds: how long that took.
    """

    trial: Trial | None
    trouble: str
    place: str
    duration_seconds: float

    @property
    def has_passed(self) -> bool:
        """Whether every expectation was met."""
        return self.trial is not None and not self.trial.failures


def put(case: Case, stand: Stand, program: Path | None) -> Tried:
    """Run a case.

    Args:
        case: the test.
        stand: where.
        program: the Prometheus to run; None when there is none.
    """
    began = time.monotonic()
    place, trial, trouble = "in memory", None, ""
    if stand is not Stand.PROMETHEUS:
        try:
            trial = _run(case, InMemory(Engine(world.series(case))))
        except Unsupported as unsupported:
            trouble = f"gated's own engine does not know {unsupported}"
    if trial is None and stand is not Stand.MEMORY:
        if program is None:
            trouble += "; install Prometheus, or name one with --prometheus"
        else:
            place, trial, trouble = _on_prometheus(case, program)
    return Tried(trial, trouble, place, time.monotonic() - began)


def _run(case: Case, answers: Answers) -> Trial:
    probed = world.Probed(case.probes, case.interval_seconds)
    return run(case, ScriptedSource(answers, probed, can_alert=case.can_alert))


def _on_prometheus(case: Case, program: Path) -> tuple[str, Trial | None, str]:
    """Where it was, what came of it, and the trouble with it."""
    place = "on Prometheus"
    transport = Transport(Access(), concurrency=1, max_bytes=_MAX_BYTES)
    try:
        with OwnPrometheus(program) as server:
            place = f"on {server.version}"
            server.record((series.labels, series.samples) for series in world.series(case))
            return place, _run(case, Prometheus(server.url, transport)), ""
    except NoPrometheus as error:
        return place, None, str(error)
    finally:
        transport.close()
