"""gated's own metrics.

Counters and histograms are what this process did. Everything about releases is read from the store at the moment of
the scrape, so that a restart, another replica or a pruned release can never leave a series that is not true.

A release's id is never a label: series are one per service, environment, stage and rule, whatever the number of
releases over the years.
"""

import platform
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

import gated
from gated.judge.present import show
from gated.model.errors import Unavailable
from gated.model.plan import Policy
from gated.model.reading import FailureReason
from gated.model.release import Phase, Release, RollbackCause
from gated.model.step import DecisionKind, SignalKind, Step
from gated.model.verdict import Outcome, Verdict

_DURATIONS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0)
_DETECTIONS = (1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600)
_CAUSES = {
    DecisionKind.PROMOTED: ("evidence",),
    DecisionKind.ROLLED_BACK: tuple(cause.value for cause in RollbackCause),
}


class Metrics:
    """What this process counts. Every instance has a registry of its own.

    Args:
        sources: the names of the configured sources, so that their counters exist from the start.
        endpoints: the names of the endpoints signals are delivered to, likewise.
        external_url: where people reach gated; empty when nobody said.
    """

    def __init__(self, *, sources: Iterable[str] = (), endpoints: Iterable[str] = (), external_url: str = "") -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self.build = Gauge("gated_build_info", "The version that runs.", ["version", "python"], registry=r)
        self.build.labels(gated.__version__, platform.python_version()).set(1)
        self.config = Gauge(
            "gated_config_info",
            "What the settings say that others need to know: where people reach gated, empty when unset.",
            ["external_url"],
            registry=r,
        )
        self.config.labels(external_url).set(1)
        ProcessCollector(registry=r)
        self.interval = Gauge(
            "gated_evaluation_interval_seconds", "How far apart evaluations are meant to be.", registry=r
        )
        self.ticks = Counter("gated_ticks", "Evaluations of all active releases.", registry=r)
        self.ticks_missed = Counter("gated_ticks_missed", "Evaluations that were due and did not happen.", registry=r)
        self.tick_failures = Counter("gated_tick_failures", "Evaluations that could not be carried out.", registry=r)
        self.tick_duration = Histogram(
            "gated_tick_duration_seconds", "How long an evaluation took.", buckets=_DURATIONS, registry=r
        )
        self.last_tick = Gauge(
            "gated_last_tick_timestamp_seconds",
            "When the last evaluation began, Unix time; until the first, when the daemon started.",
            registry=r,
        )
        self.store_writable = Gauge(
            "gated_store_writable",
            "Whether the store took a write after the last evaluation; until the first, when the daemon started.",
            registry=r,
        )
        self.skipped = Counter("gated_releases_skipped", "Releases that an evaluation could not look at.", registry=r)
        self.queries = Counter("gated_queries", "Requests sent to sources.", ["source"], registry=r)
        self.query_failures = Counter(
            "gated_query_failures", "Requests to sources that failed.", ["source", "reason"], registry=r
        )
        self.query_duration = Histogram(
            "gated_query_duration_seconds",
            "How long a source took to answer.",
            ["source"],
            buckets=_DURATIONS,
            registry=r,
        )
        self.decisions = Counter("gated_decisions", "Stages that ended.", ["decision", "reason"], registry=r)
        self.rollbacks = Counter(
            "gated_rollbacks_triggered",
            "Rollbacks that a rule triggered.",
            ["service", "environment", "rule"],
            registry=r,
        )
        self.detection = Histogram(
            "gated_detection_seconds",
            "From the first look that saw harm to the rollback signal.",
            buckets=_DETECTIONS,
            registry=r,
        )
        self.deliveries = Counter(
            "gated_deliveries", "Attempts to deliver a signal.", ["endpoint", "outcome"], registry=r
        )
        self.reload_successful = Gauge(
            "gated_config_last_reload_successful", "Whether the last load of the rule files succeeded.", registry=r
        )
        self.reload_at = Gauge(
            "gated_config_last_reload_success_timestamp_seconds",
            "When the rule files were last loaded, Unix time.",
            registry=r,
        )
        self._initialise(sources, endpoints)

    def _initialise(self, sources: Iterable[str], endpoints: Iterable[str]) -> None:
        """Start at 0 what can be known in advance: an increase from nothing is invisible to `increase()`."""
        for source in sources:
            self.queries.labels(source)
            self.query_duration.labels(source)
            for reason in FailureReason:
                self.query_failures.labels(source, reason.value)
        for kind in DecisionKind:
            for cause in _CAUSES.get(kind, ("person",)):
                self.decisions.labels(kind.value, cause)
        for endpoint in endpoints:
            for outcome in ("delivered", "failed"):
                self.deliveries.labels(endpoint, outcome)

    def committed(self, step: Step) -> None:
        """Count what a committed step decided."""
        release = step.release
        for signal in step.signals:
            if signal.kind is SignalKind.STAGE_STARTED:
                for state in release.rules:
                    self.rollbacks.labels(release.service, release.environment, state.rule)
        for decision in step.decisions:
            self.decisions.labels(decision.kind.value, decision.cause).inc()
        if step.triggered_rule is not None and release.rollback is not None:
            self.rollbacks.labels(release.service, release.environment, step.triggered_rule).inc()
            self.detection.observe(release.rollback.triggered_at - release.rollback.first_harm_at)

    def query_sent(self, source: str, duration_seconds: float, failure: FailureReason | None) -> None:
        """Count one request to a source."""
        self.queries.labels(source).inc()
        self.query_duration.labels(source).observe(duration_seconds)
        if failure is not None:
            self.query_failures.labels(source, failure.value).inc()

    def exposition(self) -> tuple[bytes, str]:
        """Everything in Prometheus' text format, and its content type."""
        encode, content_type = choose_encoder("")
        return encode(self.registry), content_type


class ReleaseCollector(Collector):
    """Series about releases, made from the store at the moment of a scrape.

    Args:
        recent: the active releases and those that ended a short time ago.
        policy_of: the policy a release is pinned to.
        oldest_undelivered_at: when the oldest undelivered signal arose; None when there is none.
        now: the time, Unix seconds.
        validity_seconds: for how long after its look a verdict is believed.
    """

    def __init__(
        self,
        *,
        recent: Callable[[], Iterable[Release]],
        policy_of: Callable[[Release], Policy],
        oldest_undelivered_at: Callable[[], float | None],
        now: Callable[[], float],
        validity_seconds: float,
    ) -> None:
        self._recent = recent
        self._policy_of = policy_of
        self._oldest_undelivered_at = oldest_undelivered_at
        self._now = now
        self._validity_seconds = validity_seconds

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """The families without samples, so that registering asks the store nothing."""
        yield from families()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The families with what is true now.

        Without its store the gate cannot say anything of releases. What this process counts must be scraped all the
        same, for that is when somebody needs it; so the families are empty then, and one says why.
        """
        try:
            made = self._made()
        except Unavailable:
            made = _Families()
            made.store.add_metric([], 0.0)
        yield from made.all

    def _made(self) -> "_Families":
        made, now = _Families(), self._now()
        recent = tuple(self._recent())
        latest = _latest(recent)
        for phase in Phase:
            if phase.is_active:
                made.active.add_metric([phase.value], sum(release.phase is phase for release in latest))
        for release in latest:
            self._add_stages(made, release, now)
            _add_blindness(made, release)
            _add_rules(made, release)
        _add_rollbacks(made, recent, latest)
        made.outbox.add_metric([], self._oldest_undelivered_at() or 0.0)
        made.store.add_metric([], 1.0)
        return made

    def _add_stages(self, made: "_Families", release: Release, now: float) -> None:
        where = [release.service, release.environment]
        made.info.add_metric([*where, release.version, release.baseline, release.plan, release.phase.value], 1)
        policy = self._policy_of(release)
        for state in release.stages:
            if state.started_at is None and release.rollback is None:
                continue
            shown = show(release, policy, state.name, now, self._validity_seconds)
            for verdict in Verdict:
                made.verdict.add_metric([*where, state.name, verdict.value], float(verdict is shown.verdict))


class _Families:
    """The families of one scrape."""

    def __init__(self) -> None:
        where = ["service", "environment"]
        rule = [*where, "rule"]
        self.active = GaugeMetricFamily("gated_releases_active", "Releases under way.", labels=["phase"])
        self.info = GaugeMetricFamily(
            "gated_release_info",
            "The latest release of a service.",
            labels=[*where, "version", "baseline", "plan", "phase"],
        )
        self.verdict = GaugeMetricFamily(
            "gated_stage_verdict", "1 for a stage's present verdict.", labels=[*where, "stage", "verdict"]
        )
        self.rule = GaugeMetricFamily(
            "gated_rule_info",
            "What a rule's value and limit are measured in: ratio, seconds, count, or a number of the rule's own.",
            labels=[*rule, "unit"],
        )
        self.blind_since = GaugeMetricFamily(
            "gated_stage_blind_since_timestamp_seconds",
            "Since when a rule that the stage waits for has no evidence, Unix time; only while that is so.",
            labels=[*where, "stage"],
        )
        self.rolled_back = GaugeMetricFamily(
            "gated_rollback_triggered_timestamp_seconds",
            "When a release had to go back, Unix time; of every release, not only of the latest.",
            labels=[*where, "version", "baseline", "cause", "rule"],
        )
        self.recovered = GaugeMetricFamily(
            "gated_rollback_recovered",
            "Whether the service was seen well again, once the deploy tool has reported the rollback.",
            labels=[*where, "version", "baseline"],
        )
        self.value = GaugeMetricFamily("gated_rule_value", "The number a rule judged last, in its unit.", labels=rule)
        self.limit = GaugeMetricFamily("gated_rule_limit", "A rule's limit, in its unit.", labels=rule)
        self.evidence = GaugeMetricFamily(
            "gated_rule_evidence", "A sequential rule's share of the odds against the new version.", labels=rule
        )
        self.evidence_limit = GaugeMetricFamily(
            "gated_rule_evidence_limit", "The odds at which the release goes back.", labels=rule
        )
        self.outcome = GaugeMetricFamily(
            "gated_rule_outcome", "1 for a rule's present outcome.", labels=[*rule, "outcome"]
        )
        self.blind = GaugeMetricFamily(
            "gated_rule_blind", "1 while a rule has no evidence, with the reason.", labels=[*rule, "reason"]
        )
        self.samples = GaugeMetricFamily("gated_rule_samples", "Events a rule's value rests on.", labels=rule)
        self.evaluated = GaugeMetricFamily(
            "gated_rule_last_evaluation_timestamp_seconds", "When a rule was last evaluated, Unix time.", labels=rule
        )
        self.newest = GaugeMetricFamily(
            "gated_evidence_newest_sample_timestamp_seconds",
            "When the newest sample a rule rests on was scraped, Unix time.",
            labels=rule,
        )
        self.outbox = GaugeMetricFamily(
            "gated_outbox_oldest_timestamp_seconds", "When the oldest undelivered signal arose; 0 when all are told."
        )
        self.store = GaugeMetricFamily(
            "gated_store_readable", "Whether the store answered this scrape; without it no release has a series."
        )

    @property
    def all(self) -> tuple[GaugeMetricFamily, ...]:
        return (
            self.active,
            self.info,
            self.verdict,
            self.rule,
            self.blind_since,
            self.rolled_back,
            self.recovered,
            self.value,
            self.limit,
            self.evidence,
            self.evidence_limit,
            self.outcome,
            self.blind,
            self.samples,
            self.evaluated,
            self.newest,
            self.outbox,
            self.store,
        )


def families() -> tuple[GaugeMetricFamily, ...]:
    """The families about releases, without samples."""
    return _Families().all


def _latest(releases: Iterable[Release]) -> list[Release]:
    """One release per service and environment: the one opened last."""
    latest: dict[tuple[str, str], Release] = {}
    for release in sorted(releases, key=lambda release: release.opened_at):
        latest[release.service, release.environment] = release
    return list(latest.values())


def _add_blindness(made: _Families, release: Release) -> None:
    """Only in the phases in which the plan bounds it; before the first stage the new version may be nowhere yet."""
    stage = release.current_stage
    if release.blind_since is not None and stage is not None and release.phase in {Phase.BAKING, Phase.BETWEEN}:
        made.blind_since.add_metric([release.service, release.environment, stage.name], release.blind_since)


def _add_rollbacks(made: _Families, recent: Iterable[Release], latest: Iterable[Release]) -> None:
    """A new release does not take the place of a rollback here: an alert must see it, however soon the next begins."""
    triggered: dict[tuple[str, ...], float] = {}
    for release in recent:
        if (rollback := release.rollback) is not None:
            labels = (*_which(release), rollback.cause.value, rollback.rule or "")
            triggered[labels] = max(rollback.triggered_at, triggered.get(labels, 0.0))
    for labels, at in triggered.items():
        made.rolled_back.add_metric(labels, at)
    for release in latest:
        if release.rollback is not None and release.rollback.reported_at is not None:
            made.recovered.add_metric(_which(release), float(release.rollback.recovered_at is not None))


def _which(release: Release) -> tuple[str, ...]:
    return release.service, release.environment, release.version, release.baseline


def _add_rules(made: _Families, release: Release) -> None:
    for result in release.results:
        labels = [release.service, release.environment, result.rule]
        made.rule.add_metric([*labels, result.unit.value], 1)
        if result.value is not None:
            made.value.add_metric(labels, result.value)
        if result.limit is not None:
            made.limit.add_metric(labels, result.limit)
        if result.odds is not None and result.odds_limit is not None:
            made.evidence.add_metric(labels, result.odds)
            made.evidence_limit.add_metric(labels, result.odds_limit)
        for outcome in Outcome:
            made.outcome.add_metric([*labels, outcome.text], float(outcome is result.outcome))
        if result.outcome.is_blind:
            made.blind.add_metric([*labels, result.code], 1)
        if result.samples is not None:
            made.samples.add_metric(labels, result.samples)
        if release.evaluated_at is not None:
            made.evaluated.add_metric(labels, release.evaluated_at)
            if result.sample_age_seconds is not None:
                made.newest.add_metric(labels, release.evaluated_at - result.sample_age_seconds)
