"""As much PromQL as gated asks: selectors, `increase`, `timestamp`, subqueries, aggregation, arithmetic.

Follows Prometheus 2.42 where it matters, extrapolation of `increase` included; whatever is beyond it is refused.
"""

import itertools
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

import promql_parser

Labels = Mapping[str, str]
Key = tuple[tuple[str, str], ...]
"""The labels of a series, sorted."""
Vector = dict[Key, float]
Samples = Sequence[tuple[float, float]]
"""(time, value), by ascending time."""


class Unsupported(Exception):
    """Beyond what this little engine knows."""


class Series(Protocol):
    """What an engine reads."""

    @property
    def labels(self) -> Labels:
        """Its labels, `__name__` among them."""

    def samples(self, start: float, end: float) -> Samples:
        """Its samples of `start <= time <= end`, ascending."""

    def is_gone(self, at: float) -> bool:
        """Whether it had ended by then, so that an instant selector no longer finds it."""


@dataclass(frozen=True)
class Engine:
    """Evaluates expressions over series.

    Args:
        series: all there are.
        lookback_seconds: how old a sample may be for an instant selector.
    """

    series: Iterable[Series]
    lookback_seconds: float = 300.0

    def evaluate(self, expression: str, at: float) -> Vector | float:
        """The value of an expression: an instant vector, or a scalar.

        Raises:
            Unsupported: it does not parse, or uses what is not known here.
        """
        try:
            return self._value(promql_parser.parse(expression), at)
        except ValueError as error:
            raise Unsupported(str(error)) from error

    def _value(self, node: Any, at: float) -> Vector | float:
        match node:
            case promql_parser.ParenExpr():
                return self._value(node.expr, at)
            case promql_parser.NumberLiteral():
                return node.val
            case promql_parser.VectorSelector():
                return {labels: value for labels, (_, value) in self._instant(node, at).items()}
            case promql_parser.AggregateExpr():
                return self._aggregate(node, at)
            case promql_parser.BinaryExpr():
                return _binary(str(node.op), self._value(node.lhs, at), self._value(node.rhs, at), node.modifier)
            case promql_parser.Call():
                return self._call(node, at)
            case _:
                raise Unsupported(type(node).__name__)

    def _instant(self, node: Any, at: float) -> dict[Key, tuple[float, float]]:
        found = {}
        for series in self._matching(node):
            samples = series.samples(at - self.lookback_seconds, at)
            if samples and not series.is_gone(at):
                found[_key(series)] = samples[-1]
        return found

    def _matching(self, node: Any) -> Iterable[Series]:
        if node.offset is not None or node.at is not None:
            raise Unsupported("offset and @")
        tests = [_matcher(matcher) for matcher in node.matchers.matchers]
        if node.name:
            tests.append(lambda labels: labels.get("__name__") == node.name)
        return (series for series in self.series if all(test(series.labels) for test in tests))

    def _call(self, node: Any, at: float) -> Vector | float:
        name, arguments = node.func.name, node.args
        if name == "time":
            return at
        if name == "timestamp" and isinstance(arguments[0], promql_parser.VectorSelector):
            return {_nameless(labels): time for labels, (time, _) in self._instant(arguments[0], at).items()}
        if name == "vector":
            value = self._value(arguments[0], at)
            return {(): value} if isinstance(value, float) else value
        if name not in _OVER_RANGE or not isinstance(arguments[0], promql_parser.MatrixSelector):
            raise Unsupported(name)
        start = at - _seconds(arguments[0].range)
        found = {
            _nameless(_key(series)): _OVER_RANGE[name](series.samples(start, at), start, at)
            for series in self._matching(arguments[0].vector_selector)
        }
        return {labels: value for labels, value in found.items() if value is not None}

    def _aggregate(self, node: Any, at: float) -> Vector:
        inner = self._value(node.expr, at)
        if isinstance(inner, float) or str(node.op) not in _AGGREGATIONS:
            raise Unsupported(str(node.op))
        by = node.modifier.labels if node.modifier else []
        is_without = node.modifier is not None and node.modifier.type == promql_parser.AggModifierType.Without
        groups: dict[Key, list[float]] = {}
        for labels, value in inner.items():
            kept = ((name, text) for name, text in labels if (name in by) != is_without and name != "__name__")
            groups.setdefault(tuple(kept), []).append(value)
        return {labels: _AGGREGATIONS[str(node.op)](values) for labels, values in groups.items()}


def _key(series: Series) -> Key:
    return tuple(sorted(series.labels.items()))


def _seconds(duration: timedelta) -> float:
    return duration.total_seconds()


def _nameless(labels: Key) -> Key:
    return tuple((name, text) for name, text in labels if name != "__name__")


def _matcher(matcher: Any) -> Callable[[Labels], bool]:
    name, value = matcher.name, matcher.value
    if matcher.op == promql_parser.MatchOp.Equal:
        return lambda labels: labels.get(name, "") == value
    if matcher.op == promql_parser.MatchOp.NotEqual:
        return lambda labels: labels.get(name, "") != value
    accepts = matcher.op == promql_parser.MatchOp.Re
    return lambda labels: (re.fullmatch(value, labels.get(name, "")) is not None) == accepts


def _increase(samples: Samples, start: float, end: float) -> float | None:
    """As `extrapolatedRate` of Prometheus 2.42 does it for counters."""
    if len(samples) < 2:
        return None
    (first_at, first), (last_at, last) = samples[0], samples[-1]
    result = last - first
    result += sum(before for (_, before), (_, after) in itertools.pairwise(samples) if after < before)
    sampled = last_at - first_at
    between = sampled / (len(samples) - 1)
    to_start, to_end = first_at - start, end - last_at
    if result > 0 and first >= 0:
        to_start = min(to_start, sampled * first / result)
    covered = sampled
    covered += to_start if to_start < between * 1.1 else between / 2
    covered += to_end if to_end < between * 1.1 else between / 2
    return result * covered / sampled


def _values(choose: Callable[[list[float]], float]) -> Callable[[Samples, float, float], float | None]:
    return lambda samples, _start, _end: choose([value for _, value in samples]) if samples else None


_OVER_RANGE: Mapping[str, Callable[[Samples, float, float], float | None]] = {
    "increase": _increase,
    "max_over_time": _values(max),
    "min_over_time": _values(min),
    "last_over_time": _values(lambda values: values[-1]),
}
_AGGREGATIONS: Mapping[str, Callable[[list[float]], float]] = {
    "sum": math.fsum,
    "max": max,
    "min": min,
    "avg": lambda values: math.fsum(values) / len(values),
    "count": lambda values: float(len(values)),
    "group": lambda _: 1.0,
}
_COMPARISONS = {
    ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


def _divide(left: float, right: float) -> float:
    if right:
        return left / right
    return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left)


_ARITHMETIC: Mapping[str, Callable[[Any, Any], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
}


def _binary(op: str, left: Vector | float, right: Vector | float, modifier: Any) -> Vector | float:
    if op in {"and", "or", "unless"}:
        assert isinstance(left, dict)
        assert isinstance(right, dict)
        return _set_operation(op, left, right, _joined_by(modifier))
    if isinstance(left, dict) and isinstance(right, dict):
        joined_by = _joined_by(modifier)
        ours = {joined_by(labels): value for labels, value in left.items()}
        theirs = {joined_by(labels): value for labels, value in right.items()}
        if (len(ours), len(theirs)) != (len(left), len(right)):
            raise Unsupported("found duplicate series for the match group: many-to-many matching is not allowed")
        return {key: _ARITHMETIC[op](value, theirs[key]) for key, value in ours.items() if key in theirs}
    if op in _COMPARISONS:
        assert isinstance(left, dict)
        assert isinstance(right, float)
        return {labels: value for labels, value in left.items() if _COMPARISONS[op](value, right)}
    if isinstance(left, dict):
        return {_nameless(labels): _ARITHMETIC[op](value, right) for labels, value in left.items()}
    if isinstance(right, dict):
        return {_nameless(labels): _ARITHMETIC[op](left, value) for labels, value in right.items()}
    return _ARITHMETIC[op](left, right)


def _set_operation(op: str, left: Vector, right: Vector, joined_by: Callable[[Key], Key]) -> Vector:
    keys = {joined_by(labels) for labels in (left if op == "or" else right)}
    if op == "or":
        return left | {labels: value for labels, value in right.items() if joined_by(labels) not in keys}
    return {labels: value for labels, value in left.items() if (joined_by(labels) in keys) == (op == "and")}


def _joined_by(modifier: Any) -> Callable[[Key], Key]:
    """What two elements must have in common."""
    matching = modifier.matching if modifier else None
    if matching is None:
        return _nameless
    is_on = matching.type == promql_parser.LabelModifierType.Include
    names = set(matching.labels) if is_on else {*matching.labels, "__name__"}
    return lambda labels: tuple((name, text) for name, text in labels if (name in names) == is_on)
