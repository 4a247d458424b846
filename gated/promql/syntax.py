"""What a rule file may say in PromQL, and what to write instead where it may not."""

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Any

import promql_parser
from promql_parser import (
    AggregateExpr,
    AtModifierType,
    BinaryExpr,
    Call,
    Expr,
    MatrixSelector,
    NumberLiteral,
    ParenExpr,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    ValueType,
    VectorSelector,
)

from gated.model.errors import InvalidInput
from gated.model.selection import Matcher, MatchOp
from gated.promql import printer

# Both limits stand far above any rule and far below where the parser, whose time grows with the square of the
# nesting, takes seconds or overflows its stack: 2,048 terms in a row take 0.8 s, 5,000 end the process.
_MAX_LENGTH = 4_000
"""Characters outside strings."""
_MAX_DEPTH = 100
"""Levels of the tree; each takes the printer two frames of Python's stack."""
_MAX_SHOWN = 200
"""Characters of an expression in a message about it."""

_STRING_OR_COMMENT = re.compile(
    r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?P<raw>[^`]*)`|\#[^\n]*""", re.VERBOSE | re.DOTALL
)


class PromQLError(InvalidInput, ValueError):
    """The text is not the PromQL that is due here."""


@lru_cache(maxsize=4096)
def parse(text: str) -> Expr:
    """The syntax tree of an expression. Treat it as frozen: it is shared.

    Args:
        text: PromQL as Prometheus 2.42 reads it.

    Raises:
        PromQLError: it is not, or it uses what no rule should: a fixed time after `@`, and the extensions `or`
            inside braces and `fill`.
    """
    if len(_STRING_OR_COMMENT.sub("", text)) > _MAX_LENGTH:
        raise PromQLError(
            f"an expression may have at most {_MAX_LENGTH:,} characters outside its strings: {_shown(text)}"
        )
    try:
        # promql-parser reads escapes inside back-ticks, where Prometheus takes every character as it is.
        tree = promql_parser.parse(_STRING_OR_COMMENT.sub(_without_backticks, text))
    except ValueError as error:
        raise PromQLError(f"this is not PromQL, {error}: {_shown(text)}") from error
    level, depth = [tree], 0
    while level:
        depth += 1
        if depth > _MAX_DEPTH:
            raise PromQLError(f"an expression may be nested at most {_MAX_DEPTH} levels deep: {_shown(text)}")
        for node in level:
            _refuse_what_no_rule_should_use(node, text)
        level = [child for node in level for child in _children(node)]
    return tree


def selector(text: str, *, named: bool = True) -> VectorSelector:
    """The tree of a plain instant selector: no window, no `offset`, no `@`.

    Args:
        text: for example `http_requests_total{code=~"5.."}`.
        named: whether it starts with its metric's name. Without a name it selects alerts, `{alertname=~"Waf.*"}`.

    Raises:
        PromQLError: it is something else; the message says what, and what to write.
    """
    tree = parse(text)
    if not isinstance(tree, VectorSelector):
        raise PromQLError(f"a selector is due here, this is {_kind(tree)}: {text}{_advice(tree, named=named)}")
    if tree.offset is not None or tree.at is not None:
        raise PromQLError(f"a selector without offset and @ is due here: {text}{_advice(tree, named=named)}")
    matched = {matcher.name for matcher in tree.matchers.matchers}
    if named and tree.name is None:
        raise PromQLError(f"a metric's name is due before the braces: {text}")
    if not named and (tree.name is not None or "__name__" in matched):
        raise PromQLError(f"a selector without a metric's name is due here: {text}{_advice(tree, named=named)}")
    if not named and "alertstate" in matched:
        raise PromQLError(f"only firing alerts are asked for, leave alertstate out: {text}")
    return tree


def check_selector(text: str, *, named: bool = True) -> None:
    """Make sure of a plain instant selector; arguments and errors are those of `selector`."""
    selector(text, named=named)


def histogram(text: str) -> VectorSelector:
    """The tree of a classic histogram's selector, by its base name.

    Args:
        text: for example `http_request_duration_seconds{path="/login"}`.

    Raises:
        PromQLError: not a plain selector, or a selector of its buckets.
    """
    tree = selector(text)
    name = tree.name or ""
    if name.endswith("_bucket"):
        raise PromQLError(f"a histogram's base name is due here: {text}; write {name.removesuffix('_bucket')}")
    if "le" in labels_matched(text):
        raise PromQLError(f"every bucket of a histogram is needed, leave le out: {text}")
    return tree


def check_histogram(text: str) -> None:
    """Make sure of a histogram's selector; arguments and errors are those of `histogram`."""
    histogram(text)


def check_vector(text: str) -> None:
    """Make sure that an expression is an instant vector.

    Raises:
        PromQLError: it is a scalar, a string or a range vector; the message says what to write.
    """
    match _type(parse(text)):
        case ValueType.Vector:
            return
        case ValueType.Scalar:
            found = f"a scalar, which has no labels: {text}"
        case ValueType.String:
            found = f"a string: {text}"
        case _:
            found = f"a range vector: {text}; write a function over it, such as rate({text}) or max_over_time({text})"
    raise PromQLError(f"an instant vector is due here, this is {found}")


def check_narrowable(text: str, labels: Collection[str]) -> None:
    """Make sure that an answer for many workloads at once can be handed out by their labels.

    Args:
        text: an expression of type instant vector.
        labels: the names of the workload's labels.

    Raises:
        PromQLError: part of the expression has no such labels, or overwrites them.
    """
    for node in _walk(parse(text)):
        shown = printer.write(node)
        written = _label_written(node)
        if written in labels:
            raise PromQLError(f"{shown} overwrites {written}, a label by which answers are handed out")
        if not isinstance(node, Call):
            continue
        if node.func.name in {"absent", "absent_over_time"}:
            raise PromQLError(
                f"{shown} cannot say for which version something is absent; gated tells absence by itself"
            )
        has_selector = any(isinstance(each, VectorSelector) for each in _walk(node))
        if node.func.name == "scalar" and has_selector:
            raise PromQLError(f"{shown} is not a number where several versions are asked for; leave scalar() out")
        if node.func.return_type == ValueType.Vector and not has_selector:
            raise PromQLError(
                f"{shown} has no labels and so belongs to no version; write a plain number or leave it out"
            )


def matchers(text: str) -> tuple[Matcher, ...]:
    """The matchers of a plain selector without a metric's name.

    Raises:
        PromQLError: not such a selector.
    """
    return tuple(
        Matcher(each.name, each.value, MatchOp(printer.operator(each.op)))
        for each in selector(text, named=False).matchers.matchers
    )


def selectors(text: str) -> tuple[str, ...]:
    """Every distinct selector of an expression, in order of appearance.

    Returns:
        Each in canonical form, without window, `offset` and `@`.

    Raises:
        PromQLError: the text is not PromQL.
    """
    return tuple(dict.fromkeys(map(printer.write_selector, _selectors(parse(text)))))


def labels_matched(text: str) -> frozenset[str]:
    """The names of the labels that any selector of an expression matches.

    Raises:
        PromQLError: the text is not PromQL.
    """
    return frozenset(matcher.name for each in _selectors(parse(text)) for matcher in each.matchers.matchers)


def look_back_seconds(text: str) -> float:
    """How far back in time an expression looks: windows, subqueries and offsets along its deepest path.

    Returns:
        Seconds; 0 for an expression that looks at the present only.

    Raises:
        PromQLError: the text is not PromQL.
    """
    return _look_back(parse(text))


def _children(node: Expr) -> tuple[Expr, ...]:
    """The direct parts of a node, in order of appearance."""
    match node:
        case MatrixSelector():
            return (node.vector_selector,)
        case SubqueryExpr() | UnaryExpr() | ParenExpr():
            return (node.expr,)
        case AggregateExpr():
            return (node.expr,) if node.param is None else (node.param, node.expr)
        case BinaryExpr():
            return (node.lhs, node.rhs)
        case Call():
            return tuple(node.args)
        case _:
            return ()


def _walk(tree: Expr) -> Iterator[Expr]:
    """A node and all below it. promql-parser's own walk takes 13 s where this takes milliseconds."""
    yield tree
    for child in _children(tree):
        yield from _walk(child)


def _look_back(node: Expr) -> float:
    window = node.range if isinstance(node, MatrixSelector | SubqueryExpr) else None
    offset = node.offset if isinstance(node, VectorSelector | SubqueryExpr) else None
    own = sum(max(0.0, each.total_seconds()) for each in (window, offset) if each is not None)
    return own + max(map(_look_back, _children(node)), default=0.0)


def _selectors(tree: Expr) -> Iterator[VectorSelector]:
    return (node for node in _walk(tree) if isinstance(node, VectorSelector))


def _type(node: Expr) -> Any:
    match node:
        case NumberLiteral():
            return ValueType.Scalar
        case StringLiteral():
            return ValueType.String
        case MatrixSelector() | SubqueryExpr():
            return ValueType.Matrix
        case Call():
            return node.func.return_type
        case ParenExpr() | UnaryExpr():
            return _type(node.expr)
        case BinaryExpr():
            scalar = _type(node.lhs) == _type(node.rhs) == ValueType.Scalar
            return ValueType.Scalar if scalar else ValueType.Vector
        case _:
            return ValueType.Vector


def _kind(node: Expr) -> str:
    match node:
        case MatrixSelector():
            return "a range selector"
        case SubqueryExpr():
            return "a subquery"
        case AggregateExpr():
            return "an aggregation"
        case Call():
            return f"a call of {node.func.name}()"
        case NumberLiteral():
            return "a number"
        case StringLiteral():
            return "a string"
        case ParenExpr():
            return "an expression in parentheses"
        case _:
            return "a calculation"


def _advice(tree: Expr, *, named: bool) -> str:
    """What to write instead, where the expression holds just one candidate."""
    nodes = {printer.write_selector(each): each for each in _selectors(tree)}
    candidates = {text if named else text.removeprefix(node.name or "") for text, node in nodes.items()}
    if len(candidates) != 1:
        return ""
    (candidate,) = candidates
    if not candidate or candidate.startswith("{") is named or "__name__" in candidate:
        return ""
    window = "; gated adds the window and the sum" if named and not isinstance(tree, VectorSelector) else ""
    return f"; write {candidate}{window}"


def _label_written(node: Expr) -> str | None:
    """The label that a node puts into its result by itself."""
    match node:
        case Call() if node.func.name in {"label_replace", "label_join"}:
            return str(node.args[1].val)
        case AggregateExpr() if isinstance(node.param, StringLiteral):
            return node.param.val
        case _:
            return None


def _refuse_what_no_rule_should_use(node: Expr, text: str) -> None:
    if isinstance(node, VectorSelector) and node.matchers.or_matchers:
        raise PromQLError(f"`or` inside braces is not Prometheus', write a regular expression: {_shown(text)}")
    if isinstance(node, BinaryExpr) and node.modifier is not None:
        fill = node.modifier.fill_values
        if fill.lhs is not None or fill.rhs is not None:
            raise PromQLError(f"fill is not known to Prometheus before version 3: {_shown(text)}")
    if isinstance(node, VectorSelector | SubqueryExpr) and node.at is not None and node.at.type == AtModifierType.At:
        raise PromQLError(f"a time after @ never moves, so it says nothing about the release: {_shown(text)}")


def _without_backticks(token: re.Match[str]) -> str:
    return token[0] if token["raw"] is None else printer.quoted(token["raw"])


def _shown(text: str) -> str:
    """The text, short enough for a message, and fit to be printed even where it is not valid Unicode."""
    readable = text.encode(errors="backslashreplace").decode()
    return readable if len(readable) <= _MAX_SHOWN else f"{readable[:_MAX_SHOWN]}…"
