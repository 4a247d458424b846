"""A syntax tree back to PromQL.

gated prints by itself because promql-parser's own ways lose something: `str()` does not escape, its nodes cannot be
changed, and neither of its printers escapes U+FFFD, which Prometheus refuses to read raw.
"""

import re
from collections.abc import Iterable
from datetime import timedelta
from functools import partial

from promql_parser import (
    AggModifier,
    AggModifierType,
    AggregateExpr,
    AtModifierType,
    BinaryExpr,
    BinModifier,
    Call,
    Expr,
    LabelModifierType,
    MatchOp,
    MatrixSelector,
    NumberLiteral,
    ParenExpr,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    VectorMatchCardinality,
    VectorSelector,
)

from gated.model.units import format_duration

_ESCAPES = {
    **{code: f"\\u{code:04x}" for code in (*range(0x20), 0x7F, 0xFFFD)},
    ord("\n"): "\\n",
    ord('"'): '\\"',
    ord("\\"): "\\\\",
}
_PLAIN_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def quoted(text: str) -> str:
    """A string literal of this very text, whatever it holds, free of control characters.

    Args:
        text: valid Unicode, that is, without lone surrogates.
    """
    return f'"{text.translate(_ESCAPES)}"'


def operator(op: MatchOp) -> str:
    """A matcher's operator as text."""
    match op:
        case MatchOp.Equal:
            return "="
        case MatchOp.NotEqual:
            return "!="
        case MatchOp.Re:
            return "=~"
        case _:
            return "!~"


def write(node: Expr, *, matchers: str = "", by: tuple[str, ...] = ()) -> str:  # noqa: C901 - one case per kind of node
    """The tree as text, narrowed to a workload.

    Args:
        node: any expression that `syntax.parse` returned.
        matchers: put into the braces of every selector, behind its own; taken as it is.
        by: labels by which the answers of many workloads are told apart. Every aggregation groups by them and every
            binary operation matches on them, so that what was one-to-one for one workload stays so for many.
    """
    inner = partial(write, matchers=matchers, by=by)
    match node:
        case VectorSelector():
            return write_selector(node, matchers) + _modifiers(node)
        case MatrixSelector():
            selector = node.vector_selector
            return f"{write_selector(selector, matchers)}[{_duration(node.range)}]{_modifiers(selector)}"
        case SubqueryExpr():
            return f"{inner(node.expr)}[{_duration(node.range)}:{_duration(node.step)}]{_modifiers(node)}"
        case AggregateExpr():
            arguments = (node.expr,) if node.param is None else (node.param, node.expr)
            return f"{node.op}{_grouping(node.modifier, by)}({', '.join(map(inner, arguments))})"
        case Call():
            return f"{node.func.name}({', '.join(map(inner, node.args))})"
        case BinaryExpr():
            return f"{inner(node.lhs)} {node.op}{_matching(node.modifier, by)} {inner(node.rhs)}"
        case UnaryExpr():
            return f"-{inner(node.expr)}"
        case ParenExpr():
            return f"({inner(node.expr)})"
        case NumberLiteral():
            return node.prettify()
        case StringLiteral():
            return quoted(node.val)
        case _:
            raise TypeError(f"no such expression is known: {type(node).__name__}")


def write_selector(node: VectorSelector, matchers: str = "") -> str:
    """A selector in its canonical form, with its matchers sorted and without `offset` and `@`.

    Args:
        node: the selector.
        matchers: put into its braces behind its own; taken as it is.
    """
    own = sorted(f"{_label(each.name)}{operator(each.op)}{quoted(each.value)}" for each in node.matchers.matchers)
    braces = ",".join([*own, matchers] if matchers else own)
    return f"{node.name or ''}{{{braces}}}" if braces else f"{node.name}"


def _modifiers(node: VectorSelector | SubqueryExpr) -> str:
    """` @ start() offset 5m`. `syntax.parse` lets no fixed time through."""
    at = "" if node.at is None else " @ start()" if node.at.type == AtModifierType.Start else " @ end()"
    return f"{at} offset {_duration(node.offset)}" if node.offset else at


def _duration(duration: timedelta | None) -> str:
    if duration is None:
        return ""
    seconds = duration.total_seconds()
    return f"-{format_duration(-seconds)}" if seconds < 0 else format_duration(seconds)


def _grouping(modifier: AggModifier | None, by: tuple[str, ...]) -> str:
    if modifier is not None and modifier.type == AggModifierType.Without:
        return f" without {_labels(_less(modifier.labels, by))} "
    labels = _more([] if modifier is None else modifier.labels, by)
    return f" by {_labels(labels)} " if labels else ""


def _matching(modifier: BinModifier | None, by: tuple[str, ...]) -> str:
    if modifier is None:
        return ""
    text = " bool" if modifier.return_bool else ""
    if modifier.matching is not None:
        on = modifier.matching.type == LabelModifierType.Include
        labels = _more(modifier.matching.labels, by) if on else _less(modifier.matching.labels, by)
        text += f" {'on' if on else 'ignoring'} {_labels(labels)}"
    # A label that both sides match on cannot be copied from one to the other as well.
    copied = _labels(_less(modifier.group_labels or [], by))
    match modifier.card:
        case VectorMatchCardinality.ManyToOne:
            return f"{text} group_left {copied}"
        case VectorMatchCardinality.OneToMany:
            return f"{text} group_right {copied}"
        case _:
            return text


def _more(labels: Iterable[str], by: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys((*labels, *by)))


def _less(labels: Iterable[str], by: tuple[str, ...]) -> list[str]:
    return [label for label in labels if label not in by]


def _labels(labels: Iterable[str]) -> str:
    return f"({', '.join(map(_label, labels))})"


def _label(name: str) -> str:
    """A label's name; quoted where Prometheus 3 would want it so."""
    return name if _PLAIN_LABEL.fullmatch(name) else quoted(name)
