"""What is printed is what was read. The parser is the witness: it shares no code with the printer."""

import promql_parser
import pytest
from hypothesis import given, settings

from gated.promql import printer, syntax
from tests.unit.promql.expressions import EXPRESSIONS, VALUES, VECTORS


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_an_expression_is_printed_as_it_was_read(expression: str) -> None:
    tree = syntax.parse(expression)
    assert syntax.parse(printer.write(tree)).prettify() == tree.prettify()


@settings(deadline=None)
@given(VECTORS)
def test_whatever_the_expression_it_is_printed_as_it_was_read(expression: str) -> None:
    tree = syntax.parse(expression)
    assert syntax.parse(printer.write(tree)).prettify() == tree.prettify()


@settings(deadline=None)
@given(VALUES)
def test_a_quoted_text_is_read_as_that_text(text: str) -> None:
    literal = promql_parser.parse(printer.quoted(text))
    assert isinstance(literal, promql_parser.StringLiteral)
    assert literal.val == text


@settings(deadline=None)
@given(VALUES)
def test_a_quoted_text_has_one_line_and_nothing_prometheus_refuses_raw(text: str) -> None:
    assert not set(printer.quoted(text)) & {*map(chr, range(32)), "\x7f", "\ufffd"}


def test_a_selector_is_canonical() -> None:
    one, other = (syntax.selector(text) for text in ("up{b='2', a=\"1\",}", 'up{a="1",b="2"}'))
    assert printer.write_selector(one) == printer.write_selector(other) == 'up{a="1",b="2"}'


def test_labels_that_only_prometheus_3_knows_are_quoted() -> None:
    text = 'sum by ("k8s.pod", service) (up{"k8s.pod"="x"})'
    assert printer.write(syntax.parse(text)) == text
