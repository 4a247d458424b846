"""Each kind of rule: what a file says and what the model gets."""

import pytest

from gated.model.ids import RuleName, SourceName
from gated.model.rule import (
    ActivityRule,
    AlertsRule,
    BurnRateRule,
    BurnWindow,
    Direction,
    DistributionRule,
    Limit,
    OnBreach,
    ProbeRule,
    QuantileRule,
    RatioRule,
    Rule,
    Scope,
    Side,
    ValueRule,
    WorseThanBaseline,
)
from gated.model.rule import Test as How
from tests.rule_text import faults_of, rule_of

IT = RuleName("it")


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        pytest.param(
            "{kind: ratio, bad: 'x{code=\"5\"}', total: x, above: 2%}",
            RatioRule(name=IT, events='x{code="5"}', total="x", limit=Limit(0.02, Side.ABOVE), test=How.SEQUENTIAL),
            id="bad of all, all defaults",
        ),
        pytest.param(
            "{kind: ratio, bad: x, total: y, worse_than_baseline: 10%}",
            RatioRule(name=IT, events="x", total="y", limit=WorseThanBaseline(0.1), test=How.SEQUENTIAL),
            id="bad of all, against the baseline",
        ),
        pytest.param(
            "{kind: ratio, good: x, total: y, worse_than_baseline: 0, test: sequential}",
            RatioRule(name=IT, events="x", total="y", limit=WorseThanBaseline(0.0), is_good=True, test=How.SEQUENTIAL),
            id="good of all, not worse than the baseline at all",
        ),
        pytest.param(
            "{kind: ratio, good: ok_total, total: x, below: 0.995, test: threshold, window: 5m, min_samples: 200,"
            " on_breach: hold, for: 1h30m, scope: service, source: thanos, max_sample_age: 90s,"
            " runbook: 'https://runbooks.example/x', description: why}",
            RatioRule(
                name=IT,
                events="ok_total",
                total="x",
                limit=Limit(0.995, Side.BELOW),
                is_good=True,
                test=How.THRESHOLD,
                window_seconds=300,
                min_samples=200,
                on_breach=OnBreach.HOLD,
                for_seconds=5400,
                scope=Scope.SERVICE,
                source=SourceName("thanos"),
                max_sample_age_seconds=90,
                runbook="https://runbooks.example/x",
            ),
            id="good of all, every key",
        ),
        pytest.param(
            "{kind: quantile, histogram: h_seconds, quantile: 0.99, above: 800ms}",
            QuantileRule(
                name=IT, histogram="h_seconds", quantile=0.99, limit=Limit(0.8, Side.ABOVE), test=How.SEQUENTIAL
            ),
            id="a quantile with a duration",
        ),
        pytest.param(
            "{kind: quantile, histogram: 'h_bytes{a=\"b\"}', quantile: 0.5, above: 1e6, test: threshold}",
            QuantileRule(name=IT, histogram='h_bytes{a="b"}', quantile=0.5, limit=Limit(1e6, Side.ABOVE)),
            id="a quantile with a number",
        ),
        pytest.param(
            "{kind: quantile, histogram: h, quantile: 0.95, worse_than_baseline: 50%}",
            QuantileRule(name=IT, histogram="h", quantile=0.95, limit=WorseThanBaseline(0.5), test=How.SEQUENTIAL),
            id="a quantile against the baseline",
        ),
        pytest.param(
            "{kind: activity, events: waf_blocked_total, exposure: x, worse_than_baseline: 100%}",
            ActivityRule(name=IT, events="waf_blocked_total", exposure="x", limit=WorseThanBaseline(1.0)),
            id="activity, all defaults",
        ),
        pytest.param(
            "{kind: activity, events: e, exposure: x, worse_than_baseline: 150%, block: 10m, scope: version,"
            " on_breach: hold, source: thanos, max_sample_age: 90s}",
            ActivityRule(
                name=IT,
                events="e",
                exposure="x",
                limit=WorseThanBaseline(1.5),
                block_seconds=600,
                on_breach=OnBreach.HOLD,
                source=SourceName("thanos"),
                max_sample_age_seconds=90,
            ),
            id="activity, every key",
        ),
        pytest.param(
            "{kind: distribution, query: 'avg(memory)', worse_than_baseline: 25%}",
            DistributionRule(name=IT, query="avg(memory)", selectors=("memory",), limit=WorseThanBaseline(0.25)),
            id="a distribution, all defaults",
        ),
        pytest.param(
            "{kind: distribution, query: hits, worse_than_baseline: 5%, direction: decrease, confidence: 95%,"
            " effect: 1.2, window: 10m, min_samples: 30, drop_outliers: true, for: 1m}",
            DistributionRule(
                name=IT,
                query="hits",
                selectors=("hits",),
                limit=WorseThanBaseline(0.05),
                direction=Direction.DECREASE,
                confidence=0.95,
                effect=1.2,
                window_seconds=600,
                min_samples=30,
                drop_outliers=True,
                for_seconds=60,
            ),
            id="a distribution, every key",
        ),
        pytest.param(
            "{kind: burn_rate, bad: b, total: t, objective: 99.9%}",
            BurnRateRule(
                name=IT,
                events="b",
                total="t",
                objective=0.999,
                windows=(BurnWindow(3600, 300, 14.4), BurnWindow(21600, 1800, 6.0)),
            ),
            id="a burn rate, all defaults",
        ),
        pytest.param(
            "{kind: burn_rate, bad: b, total: t, objective: 0.99, windows: [{long: 30m, short: 2m, factor: 10}],"
            " min_samples: 100, for: 1m, scope: service}",
            BurnRateRule(
                name=IT,
                events="b",
                total="t",
                objective=0.99,
                windows=(BurnWindow(1800, 120, 10.0),),
                min_samples=100,
                for_seconds=60,
                scope=Scope.SERVICE,
            ),
            id="a burn rate, every key",
        ),
        pytest.param(
            "{kind: value, query: 'max(rate(x[5m])) / min(y)', above: -1.5}",
            ValueRule(
                name=IT,
                query="max(rate(x[5m])) / min(y)",
                selectors=("x", "y"),
                limit=Limit(-1.5, Side.ABOVE),
                window_seconds=300,
            ),
            id="a value above",
        ),
        pytest.param(
            "{kind: value, query: up, below: 0}",
            ValueRule(name=IT, query="up", selectors=("up",), limit=Limit(0.0, Side.BELOW)),
            id="a value below",
        ),
        pytest.param(
            "{kind: alerts, match: '{ alertname =~ \"Waf.*\" }', heartbeat: '{alertname=\"Watchdog\"}', for: 1m}",
            AlertsRule(name=IT, match='{alertname=~"Waf.*"}', heartbeat='{alertname="Watchdog"}', for_seconds=60),
            id="alerts",
        ),
        pytest.param(
            "{kind: alerts, match: '{alertname=\"A\"}', scope: service, source: am}",
            AlertsRule(name=IT, match='{alertname="A"}', scope=Scope.SERVICE, source=SourceName("am")),
            id="alerts of the service",
        ),
        pytest.param(
            "{kind: probe, url: 'http://127.0.0.1:8080/ready?full=1'}",
            ProbeRule(name=IT, url="http://127.0.0.1:8080/ready?full=1"),
            id="a probe, all defaults",
        ),
        pytest.param(
            "{kind: probe, url: 'https://x/', failures: 2, scope: global,"
            " expect: {status: 204, within: 250ms, body_contains: 'a: b'}}",
            ProbeRule(name=IT, url="https://x/", status=204, within_seconds=0.25, body_contains="a: b", failures=2),
            id="a probe, every key",
        ),
    ],
)
def test_a_rule_means_what_its_file_says(body: str, rule: Rule) -> None:
    assert rule_of(body) == rule


RATIO = "kind: ratio, total: x"
HISTOGRAM = "kind: quantile, quantile: 0.95"


@pytest.mark.parametrize(
    ("body", "key", "message"),
    [
        pytest.param(
            f"{{{RATIO}, bad: b, good: g, above: 2%}}", ".good", "cannot be used together with bad", id="bad and good"
        ),
        pytest.param(f"{{{RATIO}, above: 2%}}", "", "bad or good is missing", id="neither bad nor good"),
        pytest.param(
            f"{{{RATIO}, bad: b, below: 2%}}", ".below", "bad events do harm above a limit; write above", id="bad below"
        ),
        pytest.param(
            f"{{{RATIO}, good: g, above: 2%}}",
            ".above",
            "good events do harm below a limit; write below",
            id="good above",
        ),
        pytest.param(
            f"{{{RATIO}, bad: b}}",
            "",
            "above or worse_than_baseline is missing: The share of bad",
            id="ratio without limit",
        ),
        pytest.param(
            "{kind: ratio, bad: b, above: 2%}",
            "",
            "total is missing: A counter of all events",
            id="ratio without total",
        ),
        pytest.param(
            f"{{{RATIO}, bad: b, above: 0%}}", ".above", "more than 0% and less than 100%", id="a share of nothing"
        ),
        pytest.param(
            f"{{{RATIO}, bad: b, above: 100%}}", ".above", "more than 0% and less than 100%", id="a share of all"
        ),
        pytest.param(
            f"{{{RATIO}, bad: b, above: 2 percent}}",
            ".above",
            "is not a share; write it as 2% or 0.02",
            id="a share in words",
        ),
        pytest.param(
            f"{{{RATIO}, bad: b, above: 2%, test: threshold, window: 0s}}",
            ".window",
            "must be longer than 0",
            id="an empty window",
        ),
        pytest.param(
            f"{{{RATIO}, bad: b, above: 2%, test: threshold, for: -5m}}",
            ".for",
            "is not a duration; write it as 30s",
            id="a negative duration",
        ),
        pytest.param(
            f"{{{RATIO}, bad: b, above: 2%, test: threshold, for: 300}}",
            ".for",
            "is not a duration; write it as 30s",
            id="a duration without unit",
        ),
        pytest.param(
            f"{{{RATIO}, bad: b, above: 2%, test: threshold, min_samples: 010}}",
            ".min_samples",
            "is not a whole number from 1",
            id="an octal number",
        ),
        pytest.param(
            f"{{{RATIO}, bad: b, above: 2%, test: threshold, min_samples: 1.5}}",
            ".min_samples",
            "is not a whole number from 1",
            id="half a sample",
        ),
        pytest.param(
            f"{{{RATIO}, bad: b, above: 2%, test: threshold, for: }}",
            ".for",
            "nothing is written here; write a duration",
            id="nothing",
        ),
        pytest.param(
            f"{{{RATIO}, bad: b, above: 2%, test: threshold, for: [1m]}}",
            ".for",
            "a list where a duration is due",
            id="a list",
        ),
        pytest.param(
            f"{{{RATIO}, bad: b, above: 2%, source: Main}}", ".source", "is not a name", id="a name in capitals"
        ),
        pytest.param(
            f"{{{RATIO}, bad: 'sum(b)', above: 2%}}",
            ".bad",
            "write b; gated adds the window and the sum",
            id="a sum for a selector",
        ),
        pytest.param(f"{{{RATIO}, bad: 'b{{', above: 2%}}", ".bad", "this is not PromQL", id="broken PromQL"),
        pytest.param(
            f"{{{RATIO}, bad: {{x: y}}, above: 2%}}",
            ".bad",
            "put quotes around text that starts with {",
            id="PromQL without quotes",
        ),
        pytest.param(
            f"{{{HISTOGRAM}, above: 1s, histogram: h_bucket}}", ".histogram", "write h", id="buckets for a histogram"
        ),
        pytest.param(
            f"{{{HISTOGRAM}, above: 1s, histogram: 'h{{le=\"1\"}}'}}", ".histogram", "leave le out", id="one bucket"
        ),
        pytest.param(
            f"{{{HISTOGRAM}, above: 0, histogram: h}}", ".above", "must be more than 0", id="no latency at all"
        ),
        pytest.param(
            f"{{{HISTOGRAM}, above: 1s, below: 1s, histogram: h}}",
            ".below",
            "unknown key; allowed: kind, histogram",
            id="a quantile below",
        ),
        pytest.param(
            "{kind: quantile, quantile: 95, above: 1s, histogram: h}",
            ".quantile",
            "between 0 and 1, for example 0.95",
            id="a percentile",
        ),
        pytest.param(
            f"{{{HISTOGRAM}, histogram: h}}",
            "",
            "above or worse_than_baseline is missing: The value above which users are harmed",
            id="a quantile without limit",
        ),
        pytest.param(
            f"{{{HISTOGRAM}, histogram: h, above: 1s, worse_than_baseline: 50%}}",
            ".worse_than_baseline",
            "cannot be used together with above; write two rules",
            id="a quantile with two limits",
        ),
        pytest.param(
            f"{{{RATIO}, good: g, below: 99%, worse_than_baseline: 50%}}",
            ".worse_than_baseline",
            "cannot be used together with below; write two rules",
            id="a ratio with two limits",
        ),
        pytest.param(
            f"{{{RATIO}, bad: b, worse_than_baseline: 50}}",
            ".worse_than_baseline",
            "50 is out of range; a share here is at least 0% and less than 1000%",
            id="percent without its sign",
        ),
        pytest.param(
            f"{{{RATIO}, bad: b, above: 2%, test: sequental}}",
            ".test",
            "is not a test (did you mean sequential?); allowed: threshold, sequential",
            id="a misspelt test",
        ),
        pytest.param(
            f"{{{RATIO}, bad: b, above: 2%, for: 5m}}",
            ".for",
            "goes with test: threshold; a sequential rule needs no for, its odds grow by themselves",
            id="a sequential rule with for",
        ),
        pytest.param(
            f"{{{HISTOGRAM}, histogram: h, above: 1s, test: sequential, window: 5m}}",
            ".window",
            "goes with test: threshold; a sequential rule needs no window, it counts every event once",
            id="a sequential rule with a window",
        ),
        pytest.param(
            f"{{{RATIO}, bad: b, above: 2%, min_samples: 50}}",
            ".min_samples",
            "goes with test: threshold; a sequential rule needs no min_samples, few events move its odds by little",
            id="a sequential rule with min_samples",
        ),
        pytest.param(
            f"{{{RATIO}, bad: b, above: 2%, scope: service}}",
            ".scope",
            "a sequential test is about the new version alone; add test: threshold",
            id="a sequential rule of the service",
        ),
        pytest.param(
            f"{{{HISTOGRAM}, histogram: h, above: 1s, scope: global}}",
            ".scope",
            "a sequential test is about the new version alone; add test: threshold",
            id="a sequential rule of everything",
        ),
        pytest.param(
            f"{{{RATIO}, bad: b, worse_than_baseline: 10%, test: threshold, for: 0s}}",
            ".worse_than_baseline",
            "compares with the baseline, which no threshold does; leave test out",
            id="a threshold against the baseline",
        ),
        pytest.param(
            "{kind: activity, events: e, exposure: x, worse_than_baseline: 10%, for: 5m}",
            ".for",
            "unknown key",
            id="activity with for",
        ),
        pytest.param(
            "{kind: activity, events: e, exposure: x}",
            "",
            "worse_than_baseline is missing: By how much more often",
            id="activity without limit",
        ),
        pytest.param(
            "{kind: activity, events: e, exposure: x, worse_than_baseline: 10%, scope: service}",
            ".scope",
            "is not the scope of a comparison; allowed: version",
            id="activity of the service",
        ),
        pytest.param(
            "{kind: activity, events: e, exposure: x, worse_than_baseline: 10%, block: 1h}",
            ".block",
            "1h is too long; at most 30m",
            id="a block longer than any gap",
        ),
        pytest.param(
            "{kind: distribution, query: m, worse_than_baseline: 25%, effect: 0.5}",
            ".effect",
            "0.5 is out of range; the number here is at least 1",
            id="an effect the wrong way round",
        ),
        pytest.param(
            "{kind: distribution, query: m, worse_than_baseline: 25%, confidence: 100%}",
            ".confidence",
            "more than 0% and less than 100%",
            id="certainty",
        ),
        pytest.param(
            "{kind: distribution, query: m, worse_than_baseline: 25%, scope: global}",
            ".scope",
            "is not the scope of a comparison; allowed: version",
            id="a distribution of everything",
        ),
        pytest.param(
            "{kind: distribution, query: 'm[5m]', worse_than_baseline: 25%}",
            ".query",
            "write a function over it",
            id="a distribution of a range",
        ),
        pytest.param(
            "{kind: burn_rate, bad: b, total: t, objective: 100%}",
            ".objective",
            "more than 0% and less than 100%",
            id="no error budget",
        ),
        pytest.param(
            "{kind: burn_rate, bad: b, total: t, objective: 99.9%, windows: []}",
            ".windows",
            "at least one is needed",
            id="no windows",
        ),
        pytest.param(
            "{kind: burn_rate, bad: b, total: t, objective: 99.9%, windows: [{long: 5m, short: 5m, factor: 2}]}",
            ".windows[0].short",
            "not shorter than long (5m)",
            id="windows of one length",
        ),
        pytest.param(
            "{kind: burn_rate, bad: b, total: t, objective: 99.9%, windows: [{long: 1h, short: 5m, factor: 0}]}",
            ".windows[0].factor",
            "0 is out of range; the number here is more than 0",
            id="any burning at all",
        ),
        pytest.param(
            "{kind: burn_rate, bad: b, total: t, objective: 90%, windows: [{long: 1h, short: 5m, factor: 10}]}",
            ".windows",
            "a factor of 10 is never passed: when all events are bad, a budget of 10 % is used up 10 times too fast",
            id="a factor beyond all being bad",
        ),
        pytest.param(
            "{kind: burn_rate, bad: b, total: t, objective: 90%}",
            "",
            "a factor of 14.4 is never passed",
            id="the usual factors with a large budget",
        ),
        pytest.param("{kind: value, query: up}", "", "above or below is missing", id="value without limit"),
        pytest.param(
            "{kind: value, query: up, above: 1, below: 1}",
            ".below",
            "cannot be used together with above",
            id="value with two limits",
        ),
        pytest.param("{kind: value, query: up, above: .inf}", ".above", "is not a number", id="an infinite limit"),
        pytest.param(
            "{kind: value, query: 'up[5m]', above: 1}", ".query", "write a function over it", id="a range vector"
        ),
        pytest.param("{kind: value, query: '1', above: 1}", ".query", "this is a scalar", id="a scalar"),
        pytest.param(
            "{kind: value, query: 'max({job=\"x\"})', above: 1}",
            ".query",
            "a metric's name is due",
            id="a selector without name",
        ),
        pytest.param(
            "{kind: alerts, match: 'ALERTS{a=\"b\"}'}", ".match", "without a metric's name", id="ALERTS by name"
        ),
        pytest.param(
            '{kind: alerts, match: {alertname=~"Waf.*"}}',
            ".match",
            "put quotes around text",
            id="braces without quotes",
        ),
        pytest.param("{kind: probe, url: 'ftp://x/'}", ".url", "write it as https://host/path", id="not http"),
        pytest.param(
            "{kind: probe, url: 'https://x/{version}'}",
            ".url",
            "it cannot depend on the release",
            id="an address with a template",
        ),
        pytest.param(
            "{kind: probe, url: 'https://x', scope: version}",
            ".scope",
            "is not the scope of a probe; allowed: global",
            id="a probe of a version",
        ),
        pytest.param(
            "{kind: probe, url: 'https://x', source: default}", ".source", "unknown key", id="a probe with a source"
        ),
        pytest.param(
            "{kind: probe, url: 'https://x', expect: {status: 99}}",
            ".expect.status",
            "is not a whole number from 100 to 599",
            id="no status",
        ),
        pytest.param(
            "{kind: probe, url: 'https://x', expect: {code: 200}}",
            ".expect.code",
            "unknown key; allowed: status, within, body_contains",
            id="unknown within",
        ),
        pytest.param(
            "{kind: alerts, match: '{a=\"b\"}', on_breach: rolback}",
            ".on_breach",
            "(did you mean rollback?); allowed: rollback, hold, warn",
            id="a misspelt word",
        ),
        pytest.param(
            "{kind: alerts, mach: '{a=\"b\"}', match: '{a=\"b\"}'}",
            ".mach",
            "unknown key; allowed: kind, match",
            id="a key twice in two spellings",
        ),
        pytest.param(
            "{kind: alerts, match: '{a=\"b\"}', max_sample_ag: 1m}",
            ".max_sample_ag",
            "unknown key",
            id="a key of another kind",
        ),
        pytest.param(
            "{kind: canary}",
            ".kind",
            "allowed: ratio, quantile, activity, burn_rate, distribution, value, alerts, probe",
            id="no such kind",
        ),
        pytest.param("{kind: ration}", ".kind", "(did you mean ratio?)", id="a misspelt kind"),
        pytest.param("{kind: [ratio]}", ".kind", "a list is not a kind of rule", id="a list of kinds"),
        pytest.param("{}", "", "kind is missing; allowed: ratio", id="no kind"),
        pytest.param("ratio", "", "text where a mapping is due; a rule starts with its kind", id="text for a rule"),
        pytest.param("", "", "nothing where a mapping is due", id="nothing for a rule"),
    ],
)
def test_what_a_rule_cannot_say_is_told_at_its_place(body: str, key: str, message: str) -> None:
    errors = [
        text
        for text in faults_of(f"version: 1\nrules:\n  it: {body}\n")
        if "no plan" not in text and "without for" not in text and "a single event" not in text
    ]
    told = [text for text in errors if f": rules.it{key}: " in text]
    assert len(told) == len(errors) == 1, errors
    assert message in told[0]


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    faults = faults_of("version: 1\nrules:\n  it: {kind: probe, url: 'https://me:hunter2@x/'}\n")
    assert any("must not carry a user or password" in fault for fault in faults)
    assert not any("hunter2" in fault for fault in faults)


def test_a_fault_is_one_line_even_where_it_quotes_several() -> None:
    faults = faults_of(
        "version: 1\nrules:\n  it:\n    kind: value\n    above: 1\n    query: |\n      sum(\n        x[5m]\n      )\n"
    )
    assert any("rules.it.query: " in fault for fault in faults)
    assert not any("\n" in fault for fault in faults)
