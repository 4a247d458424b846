"""PromQL to try things on: chosen by hand, and made up by hypothesis."""

from hypothesis import strategies as st

EXPRESSIONS = {
    "plain": "up",
    "no name": '{job="api",code=~"5.."}',
    "escapes": r'up{a="say \"hi\"\\\n"}',
    "single quotes": """up{a='say "hi"'}""",
    "back-ticks": r"up{a=~`\d+\.\d`}",
    "control characters": 'up{a="\0\t\x7f\ufffd"}',
    "comment": 'up # "not a string\n + up{a="# not a comment"}',
    "range": "rate(up[1h30m])",
    "offsets": "up offset 5m - up offset -5m",
    "at": "rate(up[5m] @ end() offset 1h) / up @ start()",
    "subquery": "max_over_time(rate(up[5m])[10m:30s] @ end() offset 1m)",
    "subquery of default step": "max_over_time(timestamp(up)[5m:])",
    "aggregation": "sum(rate(up[5m]))",
    "aggregation by": "sum(up) by (pod, node)",
    "aggregation without": "sum without (pod) (up)",
    "aggregation without nothing": "sum without () (up)",
    "nested aggregations": "max by (pod) (sum by (pod, node) (up))",
    "topk": "topk(3, up)",
    "quantile": "quantile by (pod) (0.9, up)",
    "count_values": 'count_values("code", up)',
    "one to one": "a / b",
    "on": "a / on (pod) b",
    "on nothing": "a / on () b",
    "ignoring": "a / ignoring (pod) b",
    "group_left": "a * on (pod) group_left (node) b",
    "group_right": "a * ignoring (pod) group_right b",
    "bool": "a > bool on (pod) b",
    "sets": "a and on (pod) b or c unless ignoring (pod) d",
    "histogram_quantile": "histogram_quantile(0.95, sum by (le) (rate(x_bucket[5m])))",
    "label_replace": r'label_replace(up, "a", "$1", "b", "(.*)\\d")',
    "label_join": 'label_join(up, "a", "-", "b", "c")',
    "absent": 'absent(up{job="api"})',
    "scalar": "up / scalar(sum(up))",
    "time": "time() - timestamp(up)",
    "not a number": "vector(NaN) or vector(Inf) or vector(-Inf)",
    "numbers": "up * 1e300 + 1e-7 - -3 + 0x1F",
    "unary": "-up ^ 2 - (-up) ^ 2 - -up",
    "associativity": "a ^ b ^ c - (a ^ b) ^ c - (a - (b - c))",
    "case": "SUM BY (pod) (up) AND up",
}
"""Every construct once, by what is special about it. Prometheus 2.42 accepts them all."""

LABELS = st.sampled_from(["pod", "node", "service", "version"])
VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
"""Any text that has a UTF-8."""


def _quoted(text: str) -> str:
    """A literal of our own making, so that the tested printer is not its own witness."""
    return '"' + "".join(rf"\U{ord(character):08x}" for character in text) + '"'


_SELECTORS = st.builds(
    lambda name, matchers: f"{name}{{{','.join(matchers)}}}",
    st.sampled_from(["a", "b_total", "c:d:rate5m"]),
    st.lists(
        st.builds(
            lambda label, op, value: f"{label}{op}{_quoted(value)}", LABELS, st.sampled_from(["=", "!="]), VALUES
        ),
        max_size=2,
    ),
)
_SHIFTS = st.sampled_from(["", " offset 5m", " offset -1h30m", " @ end()", " @ start() offset 7ms"])
_LABEL_LISTS = st.lists(LABELS, max_size=2, unique=True).map(lambda labels: f"({', '.join(labels)})")


def _larger(vectors: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({})".format, vectors),
        st.builds("-{}".format, vectors),
        st.builds("abs({})".format, vectors),
        st.builds(
            "label_replace({}, {}, {}, {}, {})".format,
            vectors,
            st.just('"a"'),
            VALUES.map(_quoted),
            st.just('"b"'),
            st.just('"(.*)"'),
        ),
        st.builds("max_over_time(({})[5m:{}]{})".format, vectors, st.sampled_from(["", "30s"]), _SHIFTS),
        st.builds("{} ({})".format, st.sampled_from(["sum", "max", "group"]), vectors),
        st.builds(
            "{} {} {} ({})".format,
            st.sampled_from(["sum", "avg"]),
            st.sampled_from(["by", "without"]),
            _LABEL_LISTS,
            vectors,
        ),
        st.builds("topk by {} (2, {})".format, _LABEL_LISTS, vectors),
        st.builds("count_values({}, {})".format, st.just('"value"'), vectors),
        st.builds(
            "({} {} {} {} {})".format,
            vectors,
            st.sampled_from(["+", "^", "> bool", "=="]),
            st.sampled_from(["on", "ignoring"]),
            _LABEL_LISTS,
            vectors,
        ),
        st.builds(
            "({} * on (pod) {} (node) {})".format, vectors, st.sampled_from(["group_left", "group_right"]), vectors
        ),
        st.builds("({} {} {})".format, vectors, st.sampled_from(["and", "or", "unless", "/", "^"]), vectors),
        st.builds(
            "({} {} {})".format,
            vectors,
            st.sampled_from(["-", "^", "%"]),
            st.sampled_from(["-2", "0.5", "1e9", "scalar(a)"]),
        ),
    )


VECTORS: st.SearchStrategy[str] = st.recursive(
    st.one_of(
        st.builds("{}{}".format, _SELECTORS, _SHIFTS),
        st.builds("rate({}[5m]{})".format, _SELECTORS, _SHIFTS),
    ),
    _larger,
    max_leaves=5,
)
"""Any instant vector."""
