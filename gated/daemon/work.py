"""One tick's work: look, tell, tidy up; and say in the log what happened."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import structlog

from gated.daemon.clock import Clock
from gated.model.errors import GatedError
from gated.model.release import Release
from gated.model.verdict import Outcome, Verdict
from gated.operations.delivery import Endpoint, deliver
from gated.operations.gate import Gate
from gated.operations.tick import Eyes, Tick, tick
from gated.signals.metrics import Metrics

_PRUNE_EVERY_SECONDS = 3600.0
_log = structlog.get_logger()


class Work:
    """What every tick does, in this order. Runs in one thread; nothing it meets ends the daemon.

    Args:
        gate: releases and their store.
        eyes: who answers queries.
        metrics: what is counted.
        endpoints: who is told.
        clock: for durations.
        retention_seconds: for how long ended releases are kept.
    """

    def __init__(
        self,
        *,
        gate: Gate,
        eyes: Eyes,
        metrics: Metrics,
        endpoints: tuple[Endpoint, ...],
        clock: Clock,
        retention_seconds: float,
    ) -> None:
        self._gate = gate
        self._eyes = eyes
        self._metrics = metrics
        self._endpoints = endpoints
        self._clock = clock
        self._retention_seconds = retention_seconds
        self._pruned_at: float | None = None
        self.last_tick_at: float | None = None
        self.standing = "No look yet"
        """One sentence on the last tick, for whoever asks how the daemon is doing."""

    def __call__(self, now: float) -> None:
        """Do one tick.

        Args:
            now: when the tick was due.
        """
        self.standing = f"The look at {_clock_time(now)} failed; the log says why"
        self._guarded("tick_failed", lambda: self._look(now))
        self._guarded("delivery_failed", self._tell)
        self._try_to_write()
        if self._pruned_at is None or now - self._pruned_at >= _PRUNE_EVERY_SECONDS:
            self._pruned_at = now
            self._guarded("pruning_failed", lambda: self._prune(now))

    def _look(self, now: float) -> None:
        started = self._clock.monotonic()
        done = tick(self._gate, self._eyes, now)
        duration = self._clock.monotonic() - started
        self.last_tick_at = now
        self._metrics.ticks.inc()
        self._metrics.last_tick.set(now)
        self._metrics.tick_duration.observe(duration)
        self._metrics.skipped.inc(len(done.skipped))
        for report in done.reports:
            self._metrics.query_sent(report.source, report.duration_seconds, report.failure)
        _log_tick(done, duration)
        self.standing = standing(done, now)

    def _tell(self) -> None:
        for endpoint in self._endpoints:
            for attempt in deliver(self._gate, endpoint, self._clock.now()):
                outcome = "delivered" if attempt.error is None else "failed"
                self._metrics.deliveries.labels(endpoint.name, outcome).inc()

    def _try_to_write(self) -> None:
        """A gate without releases writes nothing; a full disk must be known before the next one begins."""
        try:
            self._gate.store.ping()
        except Exception as error:  # noqa: BLE001 -- whatever it is, nothing was written and the watch goes on
            self._metrics.store_writable.set(0)
            _log.error("store_unwritable", reason=str(error), exc_info=not isinstance(error, GatedError))
        else:
            self._metrics.store_writable.set(1)

    def _prune(self, now: float) -> None:
        pruned = self._gate.store.prune(now - self._retention_seconds)
        if pruned.releases:
            _log.info("releases_pruned", releases=pruned.releases, outcomes=pruned.outcomes)

    def _guarded(self, event: str, act: Callable[[], None]) -> None:
        """A failing store or a bug must not stop the clock: verdicts expire by themselves meanwhile."""
        try:
            act()
        except GatedError as error:
            self._metrics.tick_failures.inc()
            _log.error(event, reason=str(error))
        except Exception:  # noqa: BLE001 -- a bug in one tick must not end the watch; it is logged and counted
            self._metrics.tick_failures.inc()
            _log.exception(event)


def standing(done: Tick, at: float) -> str:
    """One sentence on a tick. It names the time, not how long ago: whoever shows it does so later.

    Args:
        done: the tick.
        at: when it was due, Unix seconds.
    """
    releases = len(done.steps) + len(done.skipped)
    watched = "No release under way" if releases == 0 else f"{_count(releases, 'release')} watched"
    failed = sum(report.failure is not None for report in done.reports)
    troubles = [
        f", {failed} of {_count(done.queries, 'request')} to sources failed" if failed else "",
        f", {_count(len(done.skipped), 'release')} could not be looked at" if done.skipped else "",
    ]
    return f"{watched}; last look at {_clock_time(at)}{''.join(troubles)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _clock_time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _log_tick(done: Tick, duration_seconds: float) -> None:
    """One canonical line for the tick, and one per release."""
    for step in done.steps:
        level, facts = _release_facts(step.release)
        _log.log(level, "release_looked", **facts)
    for skipped in done.skipped:
        _log.error("release_skipped", release=skipped.release, exc_info=skipped.error)
    failures = Counter(report.failure.value for report in done.reports if report.failure is not None)
    _log.log(
        _WARNING if failures or done.skipped else _INFO,
        "tick_completed",
        releases=len(done.steps),
        skipped=len(done.skipped),
        queries=done.queries,
        failures=dict(failures),
        duration_seconds=round(duration_seconds, 4),
    )


_INFO, _WARNING = 20, 30


def _release_facts(release: Release) -> tuple[int, dict[str, Any]]:
    """What the line of a release says, and how loudly: the outcome chooses the level, here and only here."""
    stage = release.current_stage
    verdict = stage.verdict.verdict if stage is not None and stage.verdict is not None else None
    worst = max((result.outcome for result in release.results), default=Outcome.PENDING)
    loud = release.rollback is not None or verdict is Verdict.HOLD or worst.is_blind
    reason = release.rollback.reason if release.rollback else stage.verdict.reason if stage and stage.verdict else ""
    return _WARNING if loud else _INFO, {
        "release": release.id,
        "service": release.service,
        "environment": release.environment,
        "version": release.version,
        "phase": release.phase.value,
        "stage": stage.name if stage is not None else "",
        "verdict": "rollback" if release.rollback else verdict.value if verdict is not None else "",
        "reason": reason,
        "rules": {
            result.rule: result.outcome.text + (f" ({result.code})" if result.code else "")
            for result in release.results
        },
    }
