"""What is asked of a source, and the three things it can answer.

A measure says what to ask, without any workload. A query is a measure of one source for one workload. Queries
that differ only in the workload's values share one request: that is what keeps Prometheus' bill independent of
the number of releases.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from gated.model.ids import RuleName, SourceName
from gated.model.selection import Workload


@dataclass(frozen=True, slots=True)
class Increase:
    """How many events a counter saw: `sum by (<workload>) (increase(<selector>[<window>]))`.

    Args:
        selector: a PromQL instant selector of a counter.
        window_seconds: how far back, in seconds.
    """

    selector: str
    window_seconds: float


@dataclass(frozen=True, slots=True)
class Buckets:
    """A classic histogram's cumulative counts: `sum by (<workload>, le) (increase(<name>_bucket[<window>]))`.

    Args:
        histogram: an instant selector of the histogram's base name, without `_bucket`.
        window_seconds: how far back, in seconds.
    """

    histogram: str
    window_seconds: float


@dataclass(frozen=True, slots=True)
class Events:
    """How many events a counter saw between two instants, exactly: nothing is extrapolated, nothing counted twice.

    Asked look after look, each from where the last one ended, the numbers add up to the truth.

    Args:
        selector: a PromQL instant selector of a counter.
        since: the end of what was counted before, Unix seconds; not included.
        until: up to when, Unix seconds; included.
    """

    selector: str
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Observations:
    """A classic histogram's cumulative counts between two instants, exactly, as `Events` counts.

    Args:
        histogram: an instant selector of the histogram's base name, without `_bucket`.
        since: the end of what was counted before, Unix seconds; not included.
        until: up to when, Unix seconds; included.
    """

    histogram: str
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class CountHistory:
    """What `Events` would have said at every look of a stretch of the past.

    Args:
        selector: a PromQL instant selector of a counter; of a histogram's base name when `at_most` is given.
        at_most: counts the histogram's observations up to this boundary; None for a plain counter.
        by: the label that tells instances apart; empty for all of them together.
        since: the beginning, Unix seconds.
        until: the end, Unix seconds.
        step_seconds: from look to look.
    """

    selector: str
    at_most: float | None
    by: str
    since: float
    until: float
    step_seconds: float


@dataclass(frozen=True, slots=True)
class Instant:
    """One number now: the user's own expression, narrowed to the workload.

    Args:
        expression: PromQL of type instant vector.
    """

    expression: str


@dataclass(frozen=True, slots=True)
class Newest:
    """When the newest sample of a selector was scraped, by the target's own time stamp.

    Args:
        selector: a PromQL instant selector.
    """

    selector: str


@dataclass(frozen=True, slots=True)
class FiringAlerts:
    """Which alerts fire.

    Args:
        match: a PromQL selector without a name, for example `{alertname=~"Waf.*"}`.
        heartbeat: a selector of an alert that always fires; while it does not, silence proves nothing.
            Empty for none.
    """

    match: str
    heartbeat: str = ""


@dataclass(frozen=True, slots=True)
class HttpProbe:
    """One GET of a configured address.

    Args:
        rule: the rule it belongs to, so that two rules never share a probe's state.
        url: where to ask; from configuration only.
        status: the status that counts as alive.
        within_seconds: how long the whole answer may take.
        body_contains: text the body must contain; empty for any body.
    """

    rule: RuleName
    url: str
    status: int
    within_seconds: float
    body_contains: str = ""


Measure = Increase | Buckets | Events | Observations | CountHistory | Instant | Newest | FiringAlerts | HttpProbe


@dataclass(frozen=True, slots=True)
class Query:
    """One measure of one source for one workload.

    Args:
        source: which source answers.
        measure: what is asked.
        workload: whose series; empty for the whole source.
    """

    source: SourceName
    measure: Measure
    workload: Workload = ()


@dataclass(frozen=True, slots=True)
class FiringAlert:
    """One firing instance of an alert: one set of labels, of which several may share a name.

    Args:
        name: its `alertname`.
        active_since: when its condition became true, Unix seconds; 0 when the source does not say.
    """

    name: str
    active_since: float


@dataclass(frozen=True, slots=True)
class Track:
    """What one instance did in a stretch of the past.

    Args:
        instance: the value of the label that tells instances apart; empty when none was asked for.
        counts: events per look, oldest first; None at looks at which the instance had no sample. For n steps the
            number of looks is n = round((until - since) / step), the k-th ends at since + k·step.
    """

    instance: str
    counts: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """An answer that can be judged. Every number in it is finite.

    Args:
        number: the value; for buckets and a history the count of all observations, for alerts how many instances
            fire, for a probe 1 when it succeeded and 0 when it failed.
        evaluated_at: the source's own time of evaluation, Unix seconds.
        expression: what was really asked (PromQL, or a URL), for people.
        buckets: for `Buckets` and `Observations`: (upper bound, cumulative count) of the finite buckets, by
            ascending bound.
        alerts: for `FiringAlerts`: which ones, each instance by itself, by name and then by time.
        tracks: for `CountHistory`: every instance, by name.
        detail: for a probe: what happened, in a few words.
    """

    number: float
    evaluated_at: float
    expression: str = ""
    buckets: tuple[tuple[float, float], ...] = ()
    alerts: tuple[FiringAlert, ...] = ()
    tracks: tuple[Track, ...] = ()
    detail: str = ""


class NoDataReason(enum.Enum):
    """Why a source that answered had nothing to judge."""

    ABSENT = "absent"
    """No series matched."""
    NOT_A_NUMBER = "not_a_number"
    """The result was NaN, as 0/0 is."""
    INFINITE = "infinite"
    """The result was +Inf or -Inf."""
    STALE = "stale"
    """The newest sample is older than the rule allows."""
    NO_ALERT_RULE = "no_alert_rule"
    """No alerting rule that could match is loaded and evaluated, so silence proves nothing."""
    NO_HEARTBEAT = "no_heartbeat"
    """The heartbeat alert does not fire, so silence proves nothing."""


class FailureReason(enum.Enum):
    """Why a question could not be answered. The text form is the `reason` label of `gated_query_failures_total`."""

    UNREACHABLE = "unreachable"
    """No connection: refused, reset, no route, name not found, TLS not accepted."""
    TIMEOUT = "timeout"
    """No complete answer before the deadline, however slowly it dripped."""
    TOO_LARGE = "too_large"
    """The answer passed our cap of bytes, or the question the server's own cap of samples."""
    REDIRECT = "redirect"
    """The server sent a redirect; gated follows none."""
    DENIED = "denied"
    """401 or 403: the credentials were not accepted."""
    BAD_QUERY = "bad_query"
    """400 or 422: the server refused the query itself."""
    OVERLOADED = "overloaded"
    """429 or 503: the server asks for less, or is not ready."""
    SERVER_ERROR = "server_error"
    """Any other status, or `status: error` inside a 200."""
    NOT_PROMETHEUS = "not_prometheus"
    """The body is not Prometheus' JSON: HTML, truncated, or another shape."""
    PARTIAL = "partial"
    """The answer carries warnings: part of the data is missing."""
    AMBIGUOUS = "ambiguous"
    """Several series where one was expected."""
    WRONG_SOURCE = "wrong_source"
    """The server is not the one that was configured."""
    CLOCK_SKEW = "clock_skew"
    """The server's clock and ours differ by more than is allowed."""
    UNKNOWN_SOURCE = "unknown_source"
    """The configuration has no source of that name."""


@dataclass(frozen=True, slots=True)
class NoData:
    """The source answered; there is nothing to judge.

    Args:
        reason: which of the ways.
        detail: what was seen, in a few words for people; never a credential.
        expression: what was really asked, for people.
    """

    reason: NoDataReason
    detail: str = ""
    expression: str = ""


@dataclass(frozen=True, slots=True)
class QueryFailed:
    """The question was not answered.

    Args:
        reason: which of the ways.
        detail: what was seen, in a few words for people; never a credential.
        expression: what was really asked, for people.
    """

    reason: FailureReason
    detail: str = ""
    expression: str = ""


Reading = Value | NoData | QueryFailed

Readings = Mapping[Query, Reading]
"""Every query of a tick with its answer. A query that is missing here was never answered: treat it as failed."""
