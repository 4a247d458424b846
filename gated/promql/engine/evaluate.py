"""The value of an expression at an instant."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from promql_parser import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    MatchOp,
    MatrixSelector,
    NumberLiteral,
    ParenExpr,
    UnaryExpr,
    VectorSelector,
)

from gated.promql import printer, syntax
from gated.promql.engine.errors import EvaluationFailed, Unsupported
from gated.promql.engine.series import Labels, Series, milliseconds, nameless
from gated.promql.engine.vectors import Vector, aggregate, combine, negated
from gated.promql.engine.windows import OVER_RANGE


class Engine:
    """Evaluates expressions over series.

    Args:
        series: all there are; no two of the same labels.
    """

    def __init__(self, series: Iterable[Series]) -> None:
        self._series = tuple(series)
        self._selected: dict[str, tuple[Series, ...]] = {}

    def evaluate(self, expression: str, at: float) -> Vector | float:
        """The value of an expression: an instant vector, or a scalar.

        Args:
            expression: PromQL.
            at: the time of evaluation, Unix seconds.

        Raises:
            PromQLError: the text is not PromQL.
            Unsupported: it uses what is not known here.
            EvaluationFailed: Prometheus would refuse it on this data.
        """
        return self._value(syntax.parse(expression), milliseconds(at))

    def _value(self, node: Expr, at: int) -> Vector | float:
        match node:
            case ParenExpr():
                return self._value(node.expr, at)
            case NumberLiteral():
                return float(node.val)
            case UnaryExpr():
                return negated(self._value(node.expr, at))
            case VectorSelector():
                return {series.key: value for series, _, value in self._latest(node, at)}
            case AggregateExpr():
                return aggregate(node, self._vector(node.expr, at))
            case BinaryExpr():
                return combine(node, self._value(node.lhs, at), self._value(node.rhs, at))
            case Call():
                return self._call(node, at)
            case _:
                raise Unsupported(printer.write(node))

    def _vector(self, node: Expr, at: int) -> Vector:
        value = self._value(node, at)
        if isinstance(value, float):
            raise EvaluationFailed(f"an instant vector is due here, not a scalar: {printer.write(node)}")
        return value

    def _call(self, node: Call, at: int) -> Vector | float:
        match node.func.name, list(node.args):
            case "time", _:
                return at / 1000
            case "timestamp", [VectorSelector() as selector]:
                return {nameless(series.key): time / 1000 for series, time, _ in self._latest(selector, at)}
            case name, [MatrixSelector() as ranged] if name in OVER_RANGE:
                return self._over_range(name, ranged, at)
            case name, _:
                raise Unsupported(f"{name}() in {printer.write(node)}")

    def _over_range(self, name: str, node: MatrixSelector, at: int) -> Vector:
        end = at - _offset(node.vector_selector)
        start = end - milliseconds(node.range.total_seconds())
        found = {
            # The one function whose elements are still the series themselves.
            series.key if name == "last_over_time" else nameless(series.key): OVER_RANGE[name](
                series.within(start, end), start, end
            )
            for series in self._matching(node.vector_selector)
        }
        return {key: value for key, value in found.items() if value is not None}

    def _latest(self, node: VectorSelector, at: int) -> Iterable[tuple[Series, int, float]]:
        """Every series that an instant selector finds, with the time and the value of its newest sample."""
        for series in self._matching(node):
            sample = series.latest(at - _offset(node))
            if sample is not None:
                yield series, *sample

    def _matching(self, node: VectorSelector) -> tuple[Series, ...]:
        if node.at is not None:
            raise Unsupported(f"@ in {printer.write(node)}")
        selector = printer.write_selector(node)
        if selector not in self._selected:
            fits = [_fits(matcher) for matcher in node.matchers.matchers]
            self._selected[selector] = tuple(
                series
                for series in self._series
                if node.name in {None, series.labels["__name__"]} and all(each(series.labels) for each in fits)
            )
        return self._selected[selector]


def _offset(node: VectorSelector) -> int:
    return milliseconds(node.offset.total_seconds()) if node.offset is not None else 0


def _fits(matcher: Any) -> Callable[[Labels], bool]:
    """Whether labels fit a matcher; a label that is not there is empty."""
    name, value = matcher.name, matcher.value
    if matcher.op == MatchOp.Equal:
        return lambda labels: labels.get(name, "") == value
    if matcher.op == MatchOp.NotEqual:
        return lambda labels: labels.get(name, "") != value
    try:
        pattern = re.compile(value, re.ASCII | re.DOTALL)
    except re.error as error:
        raise Unsupported(f"the pattern {value!r}, {error}") from error
    accepts = matcher.op == MatchOp.Re
    return lambda labels: (pattern.fullmatch(labels.get(name, "")) is not None) == accepts
