"""Readings of one look."""

from gated.judge.assessment import Finding
from gated.model.reading import (
    NoData,
    NoDataReason,
    Value,
)
from gated.model.selection import Matcher, Workload
from tests.judge_story import Blindness

AT = 1_000.0
WORKLOAD: Workload = (Matcher("service", "checkout"), Matcher("version", "v2"))
ABSENT = NoData(NoDataReason.ABSENT)
FRESH = Value(AT - 5.0, AT)
STALE = Value(AT - 121.0, AT)
BLIND_FINDINGS = {Finding.NO_DATA, Finding.ERROR}


def count(number: float, expression: str = "") -> Value:
    """So many events."""
    return Value(number, AT, expression)


def finding_of(reason: Blindness) -> Finding:
    """The finding a blindness must lead to."""
    return Finding.NO_DATA if isinstance(reason, NoDataReason) else Finding.ERROR
