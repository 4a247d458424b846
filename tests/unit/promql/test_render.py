"""The queries that are sent: right for many workloads at once, and of the same shape whatever the values."""

import math
import re
from collections.abc import Callable, Iterator

import promql_parser
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gated.model.selection import Matcher, MatchOp, Workload
from gated.promql import render, syntax
from gated.promql.syntax import PromQLError
from tests.unit.promql.expressions import VALUES, VECTORS

WORKLOAD = (Matcher("service", "cart"), Matcher("version", "v1|v2", MatchOp.REGEX))
BY = ("service", "version")
MATCHERS = 'service="cart",version=~"v1|v2"'


def test_an_increase_is_summed_per_workload() -> None:
    assert (
        render.increase('requests_total{code=~"5.."}', 90, WORKLOAD, BY)
        == f'sum by (service, version) (increase(requests_total{{code=~"5..",{MATCHERS}}}[1m30s]))'
    )


def test_buckets_are_summed_per_workload_and_bound() -> None:
    assert (
        render.buckets("latency_seconds", 0.5, WORKLOAD, BY)
        == f"sum by (service, version, le) (increase(latency_seconds_bucket{{{MATCHERS}}}[500ms]))"
    )


def test_events_are_what_every_series_grew_by() -> None:
    series = f'requests_total{{code=~"5..",{MATCHERS}}}'
    assert render.events('requests_total{code=~"5.."}', 15.003, WORKLOAD, BY) == (
        f"sum by (service, version) ((last_over_time({series}[15s3ms])"
        f" - last_over_time({series}[30m] offset 15s3ms)) >= 0 or last_over_time({series}[15s3ms]))"
    )


def test_observations_are_what_every_bucket_grew_by() -> None:
    series = f"latency_seconds_bucket{{{MATCHERS}}}"
    assert render.observations("latency_seconds", 60, WORKLOAD, BY) == (
        f"sum by (service, version, le) ((last_over_time({series}[1m])"
        f" - last_over_time({series}[30m] offset 1m)) >= 0 or last_over_time({series}[1m]))"
    )


def test_the_values_of_counters_are_summed_per_process() -> None:
    assert (
        render.counter_values("requests_total", 15, WORKLOAD, ("instance", "job", "instance"))
        == f"sum by (instance, job) (last_over_time(requests_total{{{MATCHERS}}}[15s]))"
    )
    assert (
        render.bucket_values("latency_seconds", 15, WORKLOAD, ("instance",))
        == f"sum by (instance, le) (last_over_time(latency_seconds_bucket{{{MATCHERS}}}[15s]))"
    )


@pytest.mark.parametrize(
    ("bound", "spelled"),
    [
        (1.0, ["1", "1.0", "1e+00", "1e0", "1.0E0"]),
        (0.005, ["0.005", "5e-03", "5e-3", "5.0E-3"]),
        (2.5, ["2.5", "2.5e+00"]),
        (10, ["10", "10.0", "1e+01", "1e1", "1.0E1"]),
        (1e-05, ["0.00001", "1e-05", "1.0E-5"]),
        (1e7, ["10000000", "10000000.0", "1e+07", "1.0E7"]),
        (0.0, ["0", "0.0"]),
        (math.inf, ["+Inf"]),
    ],
    ids=str,
)
def test_a_bound_is_found_however_it_is_spelled(bound: float, spelled: list[str]) -> None:
    rendered = render.counter_values('latency{path="/"}', 15, WORKLOAD, (), bound)
    found = re.fullmatch(
        rf'sum\(last_over_time\(latency_bucket\{{path="/",{re.escape(MATCHERS)},le=~"(.*)"\}}\[15s\]\)\)', rendered
    )
    assert found is not None, rendered
    pattern = found[1].replace("\\\\", "\\")
    assert all(re.fullmatch(pattern, text) for text in spelled)
    assert not any(re.fullmatch(pattern, text) for text in ("1x0", "100", "0.05", "2", "25", "-Inf", ""))


def test_the_newest_sample_is_the_latest_per_workload() -> None:
    assert render.newest("up", WORKLOAD, BY) == f"max by (service, version) (timestamp(up{{{MATCHERS}}}))"


def test_every_instance_of_an_alert_keeps_the_time_of_its_activation_and_zero_without_one() -> None:
    firing = f'ALERTS{{severity="page",alertstate="firing",{MATCHERS}}}'
    assert render.firing_alerts('{severity="page"}', WORKLOAD) == (
        f'(ALERTS_FOR_STATE{{severity="page",{MATCHERS}}} and ignoring (alertstate) {firing}) '
        f"or ignoring (alertstate) (0 * {firing})"
    )


def test_without_a_workload_the_whole_source_is_asked() -> None:
    assert render.increase("a", 60, (), ()) == "sum(increase(a[1m]))"
    assert render.buckets('a{b="c"}', 60, (), ()) == 'sum by (le) (increase(a_bucket{b="c"}[1m]))'
    assert render.newest("a", (), ()) == "max(timestamp(a))"
    assert render.firing_alerts('{a="b"}', ()) == (
        '(ALERTS_FOR_STATE{a="b"} and ignoring (alertstate) ALERTS{a="b",alertstate="firing"}) '
        'or ignoring (alertstate) (0 * ALERTS{a="b",alertstate="firing"})'
    )
    assert render.narrow("sum(a) / on () b", (), ()) == "sum(a) / on () b"


def test_a_label_is_grouped_by_once() -> None:
    assert render.buckets("a", 60, (), ("le", "x", "x")) == "sum by (le, x) (increase(a_bucket[1m]))"


@pytest.mark.parametrize(
    ("expression", "narrowed"),
    [
        ("a", "a{w}"),
        ('a{x="y"}', 'a{x="y",w}'),
        ('{x="y"}', '{x="y",w}'),
        ("a offset 5m", "a{w} offset 5m"),
        ("rate(a[5m] @ end() offset 5m)", "rate(a{w}[5m] @ end() offset 5m)"),
        ("max_over_time(sum(a)[5m:1m] @ start())", None),
        ("sum(a)", "sum by (service, version) (a{w})"),
        ("sum by () (a)", "sum by (service, version) (a{w})"),
        ("sum by (version, pod) (a)", "sum by (version, pod, service) (a{w})"),
        ("sum without (version, pod) (a)", "sum without (pod) (a{w})"),
        ("sum without (version) (a)", "sum without () (a{w})"),
        ("max(sum by (pod) (a))", "max by (service, version) (sum by (pod, service, version) (a{w}))"),
        ("topk(3, a)", "topk by (service, version) (3, a{w})"),
        ("bottomk by (pod) (3, a)", "bottomk by (pod, service, version) (3, a{w})"),
        ("quantile(0.9, a)", "quantile by (service, version) (0.9, a{w})"),
        ('count_values("code", a)', 'count_values by (service, version) ("code", a{w})'),
        ("topk(scalar(max(b)), a)", "topk by (service, version) (scalar(max by (service, version) (b{w})), a{w})"),
        ("sum(a) / sum(b)", "sum by (service, version) (a{w}) / sum by (service, version) (b{w})"),
        ("a / b", "a{w} / b{w}"),
        ("a / on (pod) b", "a{w} / on (pod, service, version) b{w}"),
        ("a / on () b", "a{w} / on (service, version) b{w}"),
        ("a / ignoring (version, pod) b", "a{w} / ignoring (pod) b{w}"),
        ("a > bool ignoring (version) b", "a{w} > bool ignoring () b{w}"),
        ("a * on (pod) group_left (version, node) b", "a{w} * on (pod, service, version) group_left (node) b{w}"),
        ("a * ignoring (pod) group_right (version) b", "a{w} * ignoring (pod) group_right () b{w}"),
        ("a unless on (pod) b", "a{w} unless on (pod, service, version) b{w}"),
        ("-(a > 5) ^ 2", "-(a{w} > 5) ^ 2"),
        ("time() - a", "time() - a{w}"),
    ],
)
def test_an_expression_is_narrowed_wherever_series_enter_or_meet(expression: str, narrowed: str | None) -> None:
    narrowed = narrowed or "max_over_time(sum by (service, version) (a{w})[5m:1m] @ start())"
    assert render.narrow(expression, WORKLOAD, BY) == narrowed.replace("w}", f"{MATCHERS}}}")


@settings(deadline=None)
@given(VECTORS)
def test_whatever_the_expression_every_selector_is_narrowed(expression: str) -> None:
    narrowed = render.narrow(expression, WORKLOAD, BY)
    assert syntax.selectors(narrowed) == tuple(
        canonical
        for each in syntax.selectors(expression)
        for canonical in syntax.selectors(render.narrow(each, WORKLOAD, ()))
    )


@settings(deadline=None)
@given(VECTORS)
def test_narrowing_twice_to_the_same_labels_groups_no_further(expression: str) -> None:
    once = render.narrow(expression, (), BY)
    assert render.narrow(once, (), BY) == once


RENDERED: dict[str, Callable[[Workload], str]] = {
    "narrow": lambda workload: render.narrow(
        'sum(rate(a{b="c"}[5m])) / on (pod) max_over_time(d[5m:] offset 1m)', workload, BY
    ),
    "increase": lambda workload: render.increase('a{b=~"c"}', 60, workload, BY),
    "buckets": lambda workload: render.buckets("a", 60, workload, BY),
    "events": lambda workload: render.events('a{b=~"c"}', 15, workload, BY),
    "observations": lambda workload: render.observations("a", 15, workload, BY),
    "counter_values": lambda workload: render.counter_values("a", 15, workload, BY, 0.5),
    "bucket_values": lambda workload: render.bucket_values("a", 15, workload, BY),
    "newest": lambda workload: render.newest("a", workload, BY),
    "firing_alerts": lambda workload: render.firing_alerts('{alertname=~"A.*"}', workload),
}


def outline(tree: promql_parser.Expr, value: str) -> Iterator[object]:
    """All there is to a tree; in the place of the value of `version`, whether it is that value."""
    for node in syntax._walk(tree):
        yield type(node)
        if isinstance(node, promql_parser.VectorSelector):
            yield (
                node.name,
                str(node.offset),
                str(node.at),
                [
                    (each.name, str(each.op), each.value == value if each.name == "version" else each.value)
                    for each in node.matchers.matchers
                ],
            )
        elif isinstance(node, promql_parser.AggregateExpr | promql_parser.BinaryExpr):
            yield str(node.op), str(node.modifier)
        elif isinstance(node, promql_parser.Call):
            yield node.func.name
        elif isinstance(node, promql_parser.NumberLiteral):
            yield node.val


@pytest.mark.parametrize("rendered", RENDERED.values(), ids=RENDERED)
@settings(deadline=None)
@given(value=VALUES)
@example(value='"} or up{a="')
@example(value="`\\")
@example(value='\\"')
@example(value="\n# ")
@example(value="\0")
@example(value="\ufffd\\u0022")
@example(value="{{version}}")
def test_no_value_changes_the_shape_of_a_query(rendered: Callable[[Workload], str], value: str) -> None:
    def seen(text: str) -> list[object]:
        query = rendered((Matcher("service", "cart"), Matcher("version", text)))
        return list(outline(promql_parser.parse(query), text))

    assert seen(value) == seen("harmless")
    assert "True" in str(seen(value))
    assert "False" not in str(seen(value))


@settings(deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=5), VALUES)
def test_any_of_accepts_its_values_and_no_other(values: list[str], other: str) -> None:
    matcher = render.any_of("version", values)
    for text in {*values, other}:
        accepted = (
            matcher.value == text if matcher.op is MatchOp.EQUAL else re.fullmatch(matcher.value, text) is not None
        )
        assert accepted == (text in values)


def test_any_of_does_not_depend_on_order_or_repetition() -> None:
    assert render.any_of("v", ["b", "a", "b"]) == render.any_of("v", ["a", "b"]) == Matcher("v", "a|b", MatchOp.REGEX)


def test_any_of_one_value_is_an_equality() -> None:
    assert render.any_of("v", ["1.2.*", "1.2.*"]) == Matcher("v", "1.2.*")


def test_any_of_escapes_what_re2_reads_as_syntax_and_nothing_else() -> None:
    assert render.any_of("v", ["1.2+b-3", "é #&~"]).value == r"1\.2\+b-3|é #&~"


def test_the_empty_value_is_that_of_a_series_without_the_label() -> None:
    assert render.any_of("v", [""]) == Matcher("v", "")
    assert render.any_of("v", ["", "a"]) == Matcher("v", "|a", MatchOp.REGEX)


def test_any_of_nothing_is_refused() -> None:
    with pytest.raises(PromQLError, match="no value is given for the label v"):
        render.any_of("v", [])


@pytest.mark.parametrize("value", ["\ud800", "a\udfff"])
def test_a_value_without_utf8_is_refused(value: str) -> None:
    with pytest.raises(PromQLError, match="the label version is not valid Unicode"):
        render.newest("up", (Matcher("version", value),), ())


@pytest.mark.parametrize("name", ["", "a b", 'a="b",c', "1a", "a\n"])
def test_what_is_no_name_of_a_label_is_refused(name: str) -> None:
    with pytest.raises(PromQLError, match="is not the name of a label"):
        render.newest("up", (Matcher(name, "x"),), ())
    with pytest.raises(PromQLError, match="is not the name of a label"):
        render.narrow("sum(up)", (), (name,))


@pytest.mark.parametrize("seconds", [0.0, -1.0, 0.0001, float("inf"), float("nan")])
def test_a_window_of_no_length_is_refused(seconds: float) -> None:
    with pytest.raises(PromQLError, match="a window lasts at least a millisecond"):
        render.increase("up", seconds, (), ())


def test_a_measure_of_anything_but_a_selector_is_refused() -> None:
    with pytest.raises(PromQLError, match="this is a call of rate"):
        render.increase("rate(a[5m])", 60, (), ())
    with pytest.raises(PromQLError, match="a histogram's base name is due"):
        render.buckets("a_bucket", 60, (), ())
    with pytest.raises(PromQLError, match="this is an aggregation"):
        render.newest("sum(a)", (), ())
    with pytest.raises(PromQLError, match="without a metric's name"):
        render.firing_alerts("ALERTS", ())


@pytest.mark.parametrize(
    ("match", "accepted", "refused"),
    [
        ('{alertname="A"}', ["A"], ["B", "AA"]),
        ('{alertname!="A",severity="page"}', ["B", ""], ["A"]),
        ('{alertname=~"Waf.*|.*High(403|429).*"}', ["WafDown", "TooHigh429s"], ["MyWaf", "High500"]),
        ('{alertname!~"Waf.*",severity="page"}', ["MyWaf"], ["Waf"]),
        ('{alertname=~"A|B",alertname!="B"}', ["A"], ["B", "C"]),
        ('{severity="page"}', ["A", ""], []),
        ('{alertname=~"(?i)waf"}', ["WAF"], ["WAFs"]),
    ],
)
def test_the_names_that_alerts_can_have_are_known(match: str, accepted: list[str], refused: list[str]) -> None:
    assert [name for name in (*accepted, *refused) if render.alert_could_match(match, name)] == accepted


@pytest.mark.parametrize("op", ["=~", "!~"])
@pytest.mark.parametrize("pattern", ["[[:alpha:]]+", r"\pL+", "(?P<n>a)(?-i)b", "[a&&b]"])
def test_a_pattern_that_python_cannot_read_could_match_anything(op: str, pattern: str) -> None:
    assert render.alert_could_match(f'{{severity="page",alertname{op}`{pattern}`}}', "Anything")
