"""What a rule file may say, and what a person is told when it may not."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gated.model.selection import Matcher, MatchOp
from gated.promql import syntax
from gated.promql.syntax import PromQLError
from tests.unit.promql.expressions import EXPRESSIONS


def refusal(check: Callable[[], object]) -> str:
    with pytest.raises(PromQLError) as caught:
        check()
    return str(caught.value)


@pytest.mark.parametrize("text", ["up", 'up{a="b",c!~"d.*"}', "job:up:sum"])
def test_a_plain_selector_is_accepted(text: str) -> None:
    syntax.check_selector(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "x[5m]",
            "a selector is due here, this is a range selector: x[5m]; write x; gated adds the window and the sum",
        ),
        (
            "sum(x)",
            "a selector is due here, this is an aggregation: sum(x); write x; gated adds the window and the sum",
        ),
        (
            "rate(x[5m])",
            "a selector is due here, this is a call of rate(): rate(x[5m]); write x; gated adds the window and the sum",
        ),
        (
            "x[5m:1m]",
            "a selector is due here, this is a subquery: x[5m:1m]; write x; gated adds the window and the sum",
        ),
        ("a / b", "a selector is due here, this is a calculation: a / b"),
        ("5", "a selector is due here, this is a number: 5"),
        ('"x"', 'a selector is due here, this is a string: "x"'),
        ("x offset 5m", "a selector without offset and @ is due here: x offset 5m; write x"),
        ("x @ end()", "a selector without offset and @ is due here: x @ end(); write x"),
        ('{a="b"}', 'a metric\'s name is due before the braces: {a="b"}'),
    ],
)
def test_anything_but_a_plain_selector_is_refused_with_what_to_write(text: str, message: str) -> None:
    assert refusal(lambda: syntax.check_selector(text)) == message


def test_a_selector_of_alerts_is_accepted() -> None:
    syntax.check_selector('{alertname=~"Waf.*",severity="page"}', named=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'ALERTS{alertname="A"}',
            'a selector without a metric\'s name is due here: ALERTS{alertname="A"}; write {alertname="A"}',
        ),
        ("up", "a selector without a metric's name is due here: up"),
        ('{__name__="ALERTS"}', 'a selector without a metric\'s name is due here: {__name__="ALERTS"}'),
        (
            '{alertname="A",alertstate="firing"}',
            'only firing alerts are asked for, leave alertstate out: {alertname="A",alertstate="firing"}',
        ),
        (
            'count(ALERTS{alertname="A"})',
            'a selector is due here, this is an aggregation: count(ALERTS{alertname="A"}); write {alertname="A"}',
        ),
    ],
)
def test_anything_but_a_selector_of_alerts_is_refused_with_what_to_write(text: str, message: str) -> None:
    assert refusal(lambda: syntax.check_selector(text, named=False)) == message


def test_a_histogram_is_selected_by_its_base_name_and_whole() -> None:
    syntax.check_histogram('latency_seconds{path="/"}')
    assert refusal(lambda: syntax.check_histogram('latency_seconds_bucket{path="/"}')).endswith(
        "; write latency_seconds"
    )
    assert "leave le out" in refusal(lambda: syntax.check_histogram('latency_seconds{le="1"}'))
    assert "write latency_seconds;" in refusal(lambda: syntax.check_histogram("rate(latency_seconds[5m])"))


@pytest.mark.parametrize(
    "text", ["up", "-up", "(up > 1)", "1 + up", "sum(up)", "rate(up[5m])", "up > bool 1", "vector(1)"]
)
def test_an_instant_vector_is_accepted(text: str) -> None:
    syntax.check_vector(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("time()", "a scalar, which has no labels: time()"),
        ("1 > bool 2", "a scalar, which has no labels: 1 > bool 2"),
        ("scalar(up)", "a scalar, which has no labels: scalar(up)"),
        ('"up"', 'a string: "up"'),
        ("up[5m]", "a range vector: up[5m]; write a function over it, such as rate(up[5m]) or max_over_time(up[5m])"),
        (
            "(up[5m:])",
            "a range vector: (up[5m:]); write a function over it, such as rate((up[5m:])) or max_over_time((up[5m:]))",
        ),
    ],
)
def test_anything_but_an_instant_vector_is_refused(text: str, found: str) -> None:
    assert refusal(lambda: syntax.check_vector(text)) == f"an instant vector is due here, this is {found}"


@pytest.mark.parametrize(
    "text",
    [
        "sum(up)",
        "time() - timestamp(up)",
        "up > time()",
        'label_replace(up, "a", "$1", "b", "(.*)")',
        "topk(2, up)",
    ],
)
def test_an_expression_that_keeps_its_labels_can_be_asked_for_many_versions(text: str) -> None:
    syntax.check_narrowable(text, {"service", "version"})


@pytest.mark.parametrize(
    ("text", "culprit"),
    [
        ("1 - absent(up)", "absent(up) "),
        ("absent_over_time(up[5m])", "absent_over_time(up[5m]) "),
        ("up / scalar(sum(up))", "scalar(sum(up)) "),
        ("sum(up) or vector(0)", "vector(0) "),
        ("up and on () hour() > 8", "hour() "),
        ('label_replace(up, "version", "$1", "b", "(.*)")', "label_replace("),
        ('label_join(up, "version", "-", "b", "c")', "label_join("),
        ('count_values("version", up)', "count_values("),
    ],
)
def test_an_expression_that_loses_its_labels_cannot_be_asked_for_many_versions(text: str, culprit: str) -> None:
    assert refusal(lambda: syntax.check_narrowable(text, {"service", "version"})).startswith(culprit)


def test_selectors_are_distinct_canonical_and_in_order_of_appearance() -> None:
    text = 'rate(b{y="2",x="1"}[5m] offset 1m) / topk(scalar(k), a) + b{x="1",y="2"} + max_over_time(c[5m:] @ end())'
    assert syntax.selectors(text) == ('b{x="1",y="2"}', "k", "a", "c")
    assert syntax.selectors("time()") == ()


def test_the_labels_that_a_rule_matches_itself_are_known() -> None:
    assert syntax.labels_matched('sum by (pod) (a{x="1"}) / on (node) rate(b{y!~"2",z=""}[5m])') == {"x", "y", "z"}


def test_the_matchers_of_a_selector_are_plain_text() -> None:
    assert syntax.matchers(r'{a="x\"",b!="y",c=~`\d`,d!~"z"}') == (
        Matcher("a", 'x"'),
        Matcher("b", "y", MatchOp.NOT_EQUAL),
        Matcher("c", r"\d", MatchOp.REGEX),
        Matcher("d", "z", MatchOp.NOT_REGEX),
    )


@pytest.mark.parametrize(
    "text",
    ["", "up{", "up{a=}", "sum(up", "nosuch(up)", 'up{a=~"("}', "rate(up)", "up{a='\ud800'}", "1 == 2"],
)
def test_what_is_not_promql_is_refused(text: str) -> None:
    refusal(lambda: syntax.parse(text)).encode()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("up @ 1700000000", "never moves"),
        ("up @ -5", "never moves"),
        ("rate(up[5m:] @ 9999999999999)", "never moves"),
        ('up{a="b" or c="d"}', "write a regular expression"),
        ("a + fill(0) b", "before version 3"),
    ],
)
def test_what_no_rule_should_use_is_refused(text: str, reason: str) -> None:
    assert reason in refusal(lambda: syntax.parse(text))


@pytest.mark.parametrize(
    "text",
    ["-" * 101 + "up", "(" * 101 + "up" + ")" * 101, " + ".join(["up"] * 102), "+".join(["up"] * 50_000), "(" * 50_000],
    ids=["signs", "parentheses", "terms", "overflow by terms", "overflow by parentheses"],
)
def test_nesting_that_would_overflow_the_parser_is_refused(text: str) -> None:
    """promql-parser's time grows with the square of the nesting, and its stack overflow ends the process."""
    assert len(refusal(lambda: syntax.parse(text))) < 300


def test_a_long_regular_expression_is_no_nesting() -> None:
    syntax.check_selector(f'up{{a=~"{"|".join(map(str, range(5_000)))}"}}')


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from([*"abx(){}[],:=!~<>+-*/^%@#`'\"\\\n 059.", "rate(", "sum by (", " offset ", "5m", " and "]),
        max_size=30,
    ).map("".join)
)
def test_any_text_is_parsed_or_refused_and_nothing_else(text: str) -> None:
    try:
        syntax.parse(text)
    except PromQLError:
        return


@settings(deadline=None)
@given(st.sampled_from(sorted(EXPRESSIONS.values())), st.data())
def test_a_damaged_expression_is_parsed_or_refused_and_nothing_else(expression: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(expression)))
    length = data.draw(st.integers(0, 5))
    try:
        syntax.parse(expression[:cut] + data.draw(st.text(max_size=2)) + expression[cut + length :])
    except PromQLError:
        return
