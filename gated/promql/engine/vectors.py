"""Aggregations, and operations between vectors and numbers."""

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promql_parser import AggModifierType, AggregateExpr, BinaryExpr, LabelModifierType, VectorMatchCardinality

from gated.promql import printer
from gated.promql.engine.errors import EvaluationFailed, Unsupported
from gated.promql.engine.series import Key, nameless
from gated.promql.engine.windows import mean

Vector = dict[Key, float]

AGGREGATIONS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "sum": math.fsum,
    "min": min,
    "max": max,
    "avg": mean,
    "count": lambda values: float(len(values)),
    "group": lambda _: 1.0,
}
"""By PromQL's names."""


def aggregate(node: AggregateExpr, inner: Vector) -> Vector:
    """The elements of a vector in groups.

    Raises:
        Unsupported: an aggregation that is not known here.
    """
    op, modifier = str(node.op), node.modifier
    if op not in AGGREGATIONS:
        raise Unsupported(f"{op}() in {printer.write(node)}")
    names = frozenset(modifier.labels if modifier is not None else ())
    is_without = modifier is not None and modifier.type == AggModifierType.Without
    groups: dict[Key, list[float]] = {}
    for key, value in inner.items():
        group = tuple(each for each in nameless(key) if (each[0] in names) is not is_without)
        groups.setdefault(group, []).append(value)
    return {group: AGGREGATIONS[op](values) for group, values in groups.items()}


def combine(node: BinaryExpr, left: Vector | float, right: Vector | float) -> Vector | float:
    """A binary operation.

    Raises:
        Unsupported: an operator, or a kind of matching, that is not known here.
        EvaluationFailed: elements cannot be told apart by what they are matched on.
    """
    op, modifier = str(node.op), node.modifier
    if op not in {*_ARITHMETIC, *_COMPARISONS, *_SET_OPERATIONS}:
        raise Unsupported(f"{op} in {printer.write(node)}")
    if op in _SET_OPERATIONS:
        return _SET_OPERATIONS[op](left, right, _joined_by(modifier))
    if modifier is not None and modifier.card != VectorMatchCardinality.OneToOne:
        raise Unsupported(f"group_left and group_right in {printer.write(node)}")
    operation = _Operation(op, is_bool=modifier is not None and modifier.return_bool)
    if isinstance(left, dict) and isinstance(right, dict):
        return _paired(operation, left, right, modifier)
    if isinstance(left, dict):
        return operation.elements((key, value, value, right) for key, value in left.items())
    if isinstance(right, dict):
        return operation.elements((key, value, left, value) for key, value in right.items())
    return operation.number(left, right)


def negated(value: Vector | float) -> Vector | float:
    """The unary minus."""
    minus = _Operation("-", is_bool=False)
    if isinstance(value, float):
        return minus.number(0.0, value)
    return minus.elements((key, number, 0.0, number) for key, number in value.items())


def _divide(left: float, right: float) -> float:
    if right:
        return left / right
    return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left) * math.copysign(1, right)


_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
}
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True, slots=True)
class _Operation:
    """Arithmetic, or a comparison.

    Args:
        op: which.
        is_bool: whether a comparison says 0 or 1 instead of leaving out what fails it.
    """

    op: str
    is_bool: bool

    def number(self, left: float, right: float) -> float:
        """Of two numbers."""
        operation = _ARITHMETIC.get(self.op) or _COMPARISONS[self.op]
        return float(operation(left, right))

    def elements(self, pairs: Iterable[tuple[Key, float, Any, Any]]) -> Vector:
        """Of many pairs.

        Args:
            pairs: labels, the value that a comparison keeps, and both sides.
        """
        if self.op in _COMPARISONS and not self.is_bool:
            return {key: kept for key, kept, left, right in pairs if self.number(left, right)}
        results: Vector = {}
        for key, _, left, right in pairs:
            if nameless(key) in results:
                raise EvaluationFailed("vector cannot contain metrics with the same labelset")
            results[nameless(key)] = self.number(left, right)
        return results


def _paired(operation: _Operation, left: Vector, right: Vector, modifier: Any) -> Vector:
    """An operation between those elements of two vectors that have the same labels, as far as they are matched on."""
    joined_by = _joined_by(modifier)
    partners: dict[Key, float] = {}
    for key, value in right.items():
        if joined_by(key) in partners:
            raise EvaluationFailed(
                "found duplicate series for the match group on the right hand-side of the operation;"
                " many-to-many matching not allowed: matching labels must be unique on one side"
            )
        partners[joined_by(key)] = value
    matched = [(key, joined_by(key), value) for key, value in left.items() if joined_by(key) in partners]
    if len({joined for _, joined, _ in matched}) < len(matched):
        raise EvaluationFailed("multiple matches for labels: many-to-one matching must be explicit")
    has_matching = modifier is not None and modifier.matching is not None
    return operation.elements(
        (joined if has_matching else key, value, value, partners[joined]) for key, joined, value in matched
    )


def _joined_by(modifier: Any) -> Callable[[Key], Key]:
    """What two elements must have in common."""
    matching = modifier.matching if modifier is not None else None
    if matching is None:
        return nameless
    is_on = matching.type == LabelModifierType.Include
    names = frozenset(matching.labels) if is_on else frozenset({*matching.labels, "__name__"})
    return lambda key: tuple(label for label in key if (label[0] in names) is is_on)


def _and(left: Vector, right: Vector, joined_by: Callable[[Key], Key]) -> Vector:
    there = {joined_by(key) for key in right}
    return {key: value for key, value in left.items() if joined_by(key) in there}


def _unless(left: Vector, right: Vector, joined_by: Callable[[Key], Key]) -> Vector:
    there = {joined_by(key) for key in right}
    return {key: value for key, value in left.items() if joined_by(key) not in there}


def _or(left: Vector, right: Vector, joined_by: Callable[[Key], Key]) -> Vector:
    return left | _unless(right, left, joined_by)


_SET_OPERATIONS: Mapping[str, Callable[[Any, Any, Callable[[Key], Key]], Vector]] = {
    "and": _and,
    "or": _or,
    "unless": _unless,
}
