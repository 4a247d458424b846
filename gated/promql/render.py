"""A measure and a workload to the query that is sent.

Each expression is parsed without any workload, so its shape is fixed before a value is known. A value, whoever chose
it, only ever enters the text between quotes, escaped by `printer.quoted`: it cannot change what a query asks.
"""

import math
import re
from collections.abc import Collection
from decimal import Decimal
from functools import lru_cache
from typing import Final, assert_never

from gated.model.selection import Matcher, MatchOp, Workload, literal_pattern
from gated.model.units import format_duration
from gated.promql import printer, syntax

BRIDGE_SECONDS: Final = 1800.0
"""How long a series may be missing without being taken for a new one when it comes back; see docs/adr/0008."""

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
    return f"sum{_by(by)}(increase({_counter(selector, workload)}[{_window(window_seconds)}]))"


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
    return f"sum{_by((*by, 'le'))}(increase({_bucket(histogram, workload)}[{_window(window_seconds)}]))"


def events(selector: str, seconds: float, workload: Workload, by: tuple[str, ...]) -> str:
    """How many events a counter saw, exactly: the sum over its series of the last value minus the last one before.

        sum by (…) ((last_over_time(x[T]) - last_over_time(x[L] offset T)) >= 0 or last_over_time(x[T]))

    Evaluated at the ends of stretches T that meet, the numbers add up to the truth: each last value is the base of
    the stretch that follows. A series that shrank began anew, and one without a base is new: both count from 0. L is
    `BRIDGE_SECONDS`. NOT counted is what a process saw between the last sample of one stretch and its own end in the
    next; a series that comes back after more than L counts as if it was new.

    Args:
        selector: a plain selector of a counter.
        seconds: T; at least a millisecond.
        workload: whose series; empty for all.
        by: the labels by which the answer is handed out.

    Raises:
        PromQLError: not a plain selector, no window, or a label's name or value is none.
    """
    return f"sum{_by(by)}({_grown(_counter(selector, workload), seconds)})"


def observations(histogram: str, seconds: float, workload: Workload, by: tuple[str, ...]) -> str:
    """A classic histogram's cumulative counts, exactly, as `events` counts.

    Args:
        histogram: a plain selector of the base name, without `_bucket`.
        seconds: how long the stretch is that ends at the evaluation; at least a millisecond.
        workload: whose series; empty for all.
        by: the labels by which the answer is handed out, besides `le`.

    Raises:
        PromQLError: not a histogram's selector, no window, or a label's name or value is none.
    """
    return f"sum{_by((*by, 'le'))}({_grown(_bucket(histogram, workload), seconds)})"


def counter_values(
    selector: str, seconds: float, workload: Workload, by: tuple[str, ...], at_most: float | None = None
) -> str:
    """What counters showed last: `sum by (…) (last_over_time(selector{…}[seconds]))`.

    Grouped by what tells processes apart, the differences from one evaluation to the next are what `events` says of
    each, for a tenth of the work: no series is matched with another.

    Args:
        selector: a plain selector of a counter; of a histogram's base name when `at_most` is given.
        seconds: how old a value may be; at least a millisecond.
        workload: whose series; empty for all.
        by: the labels by which the answer is handed out.
        at_most: a bucket's boundary: counts the observations up to it, however the boundary is spelled.

    Raises:
        PromQLError: not such a selector, no window, or a label's name or value is none.
    """
    if at_most is None:
        counter = _counter(selector, workload)
    else:
        boundary = Matcher("le", _spellings(at_most), MatchOp.REGEX)
        counter = _bucket(selector, (*workload, boundary))
    return f"sum{_by(by)}(last_over_time({counter}[{_window(seconds)}]))"


def bucket_values(histogram: str, seconds: float, workload: Workload, by: tuple[str, ...]) -> str:
    """What all buckets of a histogram showed last; otherwise as `counter_values`, grouped by `le` as well."""
    return f"sum{_by((*by, 'le'))}(last_over_time({_bucket(histogram, workload)}[{_window(seconds)}]))"


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


def _counter(selector: str, workload: Workload) -> str:
    return printer.write_selector(syntax.selector(selector), _matchers(workload))


def _bucket(histogram: str, workload: Workload) -> str:
    base = syntax.histogram(histogram)
    matchers = printer.write_selector(base, _matchers(workload)).removeprefix(base.name or "")
    return f"{base.name}_bucket{matchers}"


def _grown(series: str, seconds: float) -> str:
    stretch, bridge = _window(seconds), format_duration(BRIDGE_SECONDS)
    last, base = f"last_over_time({series}[{stretch}])", f"last_over_time({series}[{bridge}] offset {stretch})"
    return f"({last} - {base}) >= 0 or {last}"


def _spellings(bound: float) -> str:
    """A pattern of every usual spelling of a bucket's boundary: `1`, `1.0`, `1e+00`, `1.0E0`, …."""
    if math.isinf(bound):
        return literal_pattern("+Inf")
    exact = Decimal(repr(bound)).normalize()
    mantissa, _, exponent = f"{exact:e}".partition("e")
    power = int(exponent)
    texts = {f"{mantissa}{e}{text}" for e in "eE" for text in (f"{power}", f"{power:+d}", f"{power:+03d}")}
    texts.add(f"{exact:f}")
    # A whole number, or mantissa, may have its .0 and may not.
    texts |= {re.sub(r"^-?\d+(?=$|[eE])", r"\g<0>.0", text) for text in texts}
    return "|".join(map(literal_pattern, sorted(texts)))


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
