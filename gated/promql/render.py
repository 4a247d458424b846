"""A measure and a workload to the query that is sent.

Each expression is parsed without any workload, so its shape is fixed before a value is known. A value, whoever chose
it, only ever enters the text between quotes, escaped by `printer.quoted`: it cannot change what a query asks.
"""

import math
import re
from collections.abc import Collection
from functools import lru_cache
from typing import assert_never

from gated.model.selection import Matcher, MatchOp, Workload, literal_pattern
from gated.model.units import format_duration
from gated.promql import printer, syntax

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_PYTHON_READS_OTHERWISE = re.compile(r"\[[^\]]*(?:\[|--|&&|\|\||~~)")
"""`[[:alpha:]]` and the like: a class in RE2, a plain set with a warning in Python."""


def narrow(expression: str, workload: Workload, by: tuple[str, ...]) -> str:
    """A user's own expression, asked of a workload.

    Every selector gets the workload's matchers. Every aggregation also groups by `by`, and every `on` or `ignoring`
    matches on it, so that one answer holds many workloads side by side.

    Args:
        expression: PromQL.
        workload: whose series; empty for all.
        by: the labels by which the answer is handed out.

    Raises:
        PromQLError: the expression is not PromQL, or a label's name or value is none.
    """
    return printer.write(syntax.parse(expression), matchers=_matchers(workload), by=_label_names(by))


def increase(selector: str, window_seconds: float, workload: Workload, by: tuple[str, ...]) -> str:
    """How many events a counter saw: `sum by (…) (increase(selector{…}[window]))`.

    Args:
        selector: a plain selector of a counter.
        window_seconds: how far back; at least a millisecond.
        workload: whose series; empty for all.
        by: the labels by which the answer is handed out.

    Raises:
        PromQLError: not a plain selector, no window, or a label's name or value is none.
    """
    counter = printer.write_selector(syntax.selector(selector), _matchers(workload))
    return f"sum{_by(by)}(increase({counter}[{_window(window_seconds)}]))"


def buckets(histogram: str, window_seconds: float, workload: Workload, by: tuple[str, ...]) -> str:
    """A classic histogram's cumulative counts: `sum by (…, le) (increase(name_bucket{…}[window]))`.

    Args:
        histogram: a plain selector of the base name, without `_bucket`.
        window_seconds: how far back; at least a millisecond.
        workload: whose series; empty for all.
        by: the labels by which the answer is handed out, besides `le`.

    Raises:
        PromQLError: not a histogram's selector, no window, or a label's name or value is none.
    """
    base = syntax.histogram(histogram)
    matchers = printer.write_selector(base, _matchers(workload)).removeprefix(base.name or "")
    return f"sum{_by((*by, 'le'))}(increase({base.name}_bucket{matchers}[{_window(window_seconds)}]))"


def newest(selector: str, workload: Workload, by: tuple[str, ...]) -> str:
    """When the newest sample was scraped, Unix seconds: `max by (…) (timestamp(selector{…}))`.

    A target that Prometheus can no longer reach is absent here at once; one that is merely late keeps the time of
    its last sample for as long as Prometheus looks back, five minutes unless told otherwise.

    Args:
        selector: a plain selector.
        workload: whose series; empty for all.
        by: the labels by which the answer is handed out.

    Raises:
        PromQLError: not a plain selector, or a label's name or value is none.
    """
    return f"max{_by(by)}(timestamp({printer.write_selector(syntax.selector(selector), _matchers(workload))}))"


def firing_alerts(match: str, workload: Workload) -> str:
    """Since when each instance of an alert has been active, Unix seconds, of those that fire now.

    Nothing is aggregated: the earliest time of an alert's instances would hide those that began to fire since. Each
    keeps its own labels, those of the workload among them.

    `ALERTS_FOR_STATE` holds the time, but is there for pending alerts too; `ALERTS` knows which fire. An alert without
    a time, as other rule engines leave it out, has value 0. NOT guaranteed: a restart of Prometheus restores the time
    only of alerts whose `for` is at least its `--rules.alert.for-grace-period`, ten minutes unless told otherwise.

    Args:
        match: a plain selector without a metric's name, for example `{alertname=~"Waf.*"}`.
        workload: whose alerts; empty for all.

    Raises:
        PromQLError: not such a selector, or a label's name or value is none.
    """
    alerts, matchers = syntax.selector(match, named=False), _matchers(workload)
    since = f"ALERTS_FOR_STATE{printer.write_selector(alerts, matchers)}"
    only_firing = ",".join(filter(None, ('alertstate="firing"', matchers)))
    firing = f"ALERTS{printer.write_selector(alerts, only_firing)}"
    ignoring = "ignoring (alertstate)"
    return f"({since} and {ignoring} {firing}) or {ignoring} (0 * {firing})"


def any_of(name: str, values: Collection[str]) -> Matcher:
    """A matcher that accepts exactly the given values.

    As everywhere in Prometheus, the empty value is that of a series without the label.

    Args:
        name: the label.
        values: plain texts, at least one; order and repetition do not matter.

    Raises:
        PromQLError: there is no value, so nothing could match.
    """
    distinct = sorted(set(values))
    if not distinct:
        raise syntax.PromQLError(f"no value is given for the label {name}")
    if len(distinct) == 1:
        return Matcher(name, distinct[0])
    return Matcher(name, "|".join(literal_pattern(value) for value in distinct), MatchOp.REGEX)


def alert_could_match(match: str, alertname: str) -> bool:
    """Whether a selector of alerts accepts an alert of this name.

    Args:
        match: a plain selector without a metric's name.
        alertname: the name of an alerting rule.

    Returns:
        Also True where Python cannot say how Prometheus reads a pattern.

    Raises:
        PromQLError: not such a selector.
    """
    patterns = (each for each in syntax.matchers(match) if each.name == "alertname")
    return all(_could_match(pattern, alertname) for pattern in patterns)


@lru_cache(maxsize=64)
def _matchers(workload: Workload) -> str:
    """The inside of a selector's braces; kept, as the queries of one tick share a few large workloads."""
    for matcher in workload:
        _check_label_name(matcher.name)
        if not _is_unicode(matcher.value):
            raise syntax.PromQLError(f"the value of the label {matcher.name} is not valid Unicode: {matcher.value!r}")
    return ",".join(f"{each.name}{each.op.value}{printer.quoted(each.value)}" for each in workload)


def _by(labels: tuple[str, ...]) -> str:
    return f" by ({', '.join(dict.fromkeys(_label_names(labels)))}) " if labels else ""


def _label_names(labels: tuple[str, ...]) -> tuple[str, ...]:
    for label in labels:
        _check_label_name(label)
    return labels


def _check_label_name(name: str) -> None:
    if not _LABEL.fullmatch(name):
        raise syntax.PromQLError(f"{name!r} is not the name of a label")


def _window(seconds: float) -> str:
    if not 0.001 <= seconds < math.inf:  # noqa: PLR2004 - Prometheus counts in milliseconds
        raise syntax.PromQLError(f"a window lasts at least a millisecond, not {seconds} s")
    return format_duration(seconds)


def _is_unicode(text: str) -> bool:
    """Whether the text can be sent at all: a lone surrogate has no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _could_match(matcher: Matcher, text: str) -> bool:
    match matcher.op:
        case MatchOp.EQUAL:
            return text == matcher.value
        case MatchOp.NOT_EQUAL:
            return text != matcher.value
        case MatchOp.REGEX:
            return _fits(matcher.value, text) is not False
        case MatchOp.NOT_REGEX:
            return _fits(matcher.value, text) is not True
    assert_never(matcher.op)


def _fits(pattern: str, text: str) -> bool | None:
    """Whether a pattern matches the whole text; None where Python and RE2 read it differently."""
    if _PYTHON_READS_OTHERWISE.search(pattern):
        return None
    try:
        return re.fullmatch(pattern, text, re.ASCII) is not None
    except re.error:
        return None
