"""What the evidence of one look says about one rule, before any memory of earlier looks."""

import enum
from dataclasses import dataclass
from typing import assert_never

from gated.model.evidence import BaselineKind
from gated.model.reading import FailureReason, NoData, NoDataReason, Query, QueryFailed, Reading, Readings, Value
from gated.model.rule import Limit, WorseThanBaseline
from gated.model.units import Unit


class Finding(enum.Enum):
    """Where the evidence stands against the limit."""

    INSIDE = "inside"
    """Fresh evidence, on the harmless side."""
    PAST = "past"
    """Fresh evidence, on the harmful side."""
    OPEN = "open"
    """Fresh evidence that has not settled the question yet: neither harm nor health is proved."""
    UNSURE = "unsure"
    """There is evidence, and it cannot tell: too few events, or the limit lies between two buckets."""
    NO_DATA = "no_data"
    """The source had nothing to judge."""
    ERROR = "error"
    """The question could not be answered, or does not fit the data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What one look says about one rule.

    Args:
        finding: where the evidence stands.
        reason: the sentence for people.
        code: short constant when unsure or blind; empty otherwise.
        value: the number judged, in the rule's unit; None when there was none.
        samples: events it rests on; None where that has no meaning.
        sample_age_seconds: age of the newest sample; None when unknown.
        query: what was asked.
        active_since: since when the source itself says the condition holds; None when it does not say.
        baseline_value: what the value was compared with; None when there was none.
        baseline_samples: events the baseline's value rests on.
        interval: of the value, or of its shift; None when there is none.
        baseline: what the value was compared with; NONE for a fixed limit.
        limit: the line where it moves with the baseline; None for the rule's own.
        unit: of value and limit; None for the rule's own.
        window_seconds: over how long the events were counted; None for the rule's own window.
        odds: a sequential rule's share of the release's odds against the version.
        odds_limit: the odds at which the version is refuted.
        health_odds: the odds for health in this stage; None where it is not proved by odds.
        eta_seconds: until health is proved, if it goes on like this; None when nobody can tell.
    """

    finding: Finding
    reason: str
    code: str = ""
    value: float | None = None
    samples: float | None = None
    sample_age_seconds: float | None = None
    query: str = ""
    active_since: float | None = None
    baseline_value: float | None = None
    baseline_samples: float | None = None
    interval: tuple[float, float] | None = None
    baseline: BaselineKind = BaselineKind.NONE
    limit: float | None = None
    unit: Unit | None = None
    window_seconds: float | None = None
    odds: float | None = None
    odds_limit: float | None = None
    health_odds: float | None = None
    eta_seconds: float | None = None


COLLECTING = "collecting"
"""The code of a look that adds to a window which is not full yet; nothing was due that could be missed."""

NEVER_ANSWERED = QueryFailed(FailureReason.UNREACHABLE, "the query was not answered in this look")


def fixed(limit: Limit | WorseThanBaseline) -> Limit:
    """The limit of a threshold: rules that compare with a baseline are sequential."""
    if not isinstance(limit, Limit):
        raise AssertionError("a threshold has a fixed limit")  # noqa: TRY004 -- the rulebook lets no other through
    return limit


def reading_of(readings: Readings, query: Query) -> Reading:
    """The reading of a query; one that is missing counts as failed, never as absent or healthy."""
    return readings.get(query, NEVER_ANSWERED)


def events_of(reading: Reading) -> float | Assessment:
    """The events a counter saw, asked beside a live one of all events: without series there were none."""
    match reading:
        case Value(number=number):
            return number
        case NoData(reason=NoDataReason.ABSENT):
            return 0.0
        case _:
            return blind(reading)


def blind(reading: NoData | QueryFailed) -> Assessment:
    """The assessment of evidence that is not there."""
    match reading:
        case NoData():
            # What was asked is what a person with a misspelt label has to see.
            seen = reading.expression if reading.reason is NoDataReason.ABSENT else reading.detail
            return Assessment(
                finding=Finding.NO_DATA,
                code=reading.reason.value,
                reason=_sentence(_NO_DATA[reading.reason], seen or reading.detail),
                query=reading.expression,
            )
        case QueryFailed():
            return Assessment(
                finding=Finding.ERROR,
                code=reading.reason.value,
                reason=_sentence(_FAILED[reading.reason], reading.detail),
                query=reading.expression,
            )
        case _:
            assert_never(reading)


def sample_age(newest: Reading, limit_seconds: float) -> float | Assessment:
    """The age of the newest sample, or why the evidence does not count.

    Both instants are the source's own, so that a clock of ours cannot make old evidence fresh.

    Args:
        newest: the answer to a `Newest` query.
        limit_seconds: the greatest age that counts.

    Returns:
        The age in seconds, at least 0; or a blind assessment.
    """
    if isinstance(newest, NoData) and newest.reason is NoDataReason.ABSENT:
        gone = NoData(NoDataReason.STALE, "the series has ended or has no recent sample", newest.expression)
        return blind(gone)
    if not isinstance(newest, Value):
        return blind(newest)
    age = max(0.0, newest.evaluated_at - newest.number)
    if age > limit_seconds:
        detail = f"the newest sample is {age:.0f} s old; at most {limit_seconds:.0f} s count"
        return blind(NoData(NoDataReason.STALE, detail, newest.expression))
    return age


def _sentence(fact: str, detail: str) -> str:
    return f"{fact}: {detail}" if detail else fact


_NO_DATA = {
    NoDataReason.ABSENT: "no series match",
    NoDataReason.NOT_A_NUMBER: "the result is not a number",
    NoDataReason.INFINITE: "the result is infinite",
    NoDataReason.STALE: "the evidence is stale",
    NoDataReason.NO_ALERT_RULE: "silence proves nothing, no matching alerting rule is evaluated",
    NoDataReason.NO_HEARTBEAT: "silence proves nothing, the heartbeat alert does not fire",
}

_FAILED = {
    FailureReason.UNREACHABLE: "the source cannot be reached",
    FailureReason.TIMEOUT: "the source did not answer in time",
    FailureReason.TOO_LARGE: "the answer is larger than allowed",
    FailureReason.REDIRECT: "the source answered with a redirect",
    FailureReason.DENIED: "the source refused the credentials",
    FailureReason.BAD_QUERY: "the source refused the query",
    FailureReason.OVERLOADED: "the source is overloaded",
    FailureReason.SERVER_ERROR: "the source reported an error",
    FailureReason.NOT_PROMETHEUS: "the answer is not Prometheus' JSON",
    FailureReason.PARTIAL: "the answer is partial",
    FailureReason.AMBIGUOUS: "the answer is ambiguous",
    FailureReason.WRONG_SOURCE: "another server answers at the source's address",
    FailureReason.CLOCK_SKEW: "the source's clock differs from ours",
    FailureReason.UNKNOWN_SOURCE: "the source is not configured",
}
