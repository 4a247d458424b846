"""A case ends the same in memory and on a real Prometheus: look by look, down to the sentences."""

import pytest

from deploy.local import binaries
from gated.operations.trial.run import Moment
from gated.operations.trial.stand import Stand, Tried, put
from gated.rulebook.case import Case
from gated.rulebook.load_cases import load_cases

RULES = """\
version: 1
rules:
  errors: {kind: ratio, bad: 'http_requests_total{code=~"5.."}', total: http_requests_total, above: 2%}
  more-errors:
    {kind: ratio, bad: 'http_requests_total{code=~"5.."}', total: http_requests_total, worse_than_baseline: 10%}
  errors-now:
    {kind: ratio, good: 'http_requests_total{code!~"5.."}', total: http_requests_total, below: 98%, test: threshold,
     for: 1m}
  latency: {kind: quantile, histogram: http_request_duration_seconds, quantile: 0.95, above: 800ms}
  latency-now:
    {kind: quantile, histogram: http_request_duration_seconds, quantile: 0.95, above: 800ms, test: threshold, for: 1m}
  blocks:
    {kind: activity, events: waf_blocked_total, exposure: http_requests_total, worse_than_baseline: 100%, block: 1m}
  burn:
    {kind: burn_rate, bad: 'http_requests_total{code=~"5.."}', total: http_requests_total, objective: 99%,
     scope: service, on_breach: hold}
  spread:
    {kind: distribution, query: avg(memory_bytes), worse_than_baseline: 25%, window: 5m, on_breach: warn}
  down: {kind: value, query: 'min by (instance) (up) + 0 * sum(rate(http_requests_total[1m]))', below: 1, for: 1m}
  memory: {kind: value, query: 'max(max_over_time(memory_bytes[2m])) / 1e6', above: 500, for: 1m}
  waf: {kind: alerts, match: '{alertname=~"Waf.*"}', scope: service}
  login: {kind: probe, url: https://gateway.example/login, failures: 2}
plans:
  standard:
    workload: {service: "{service}", version: "{version}"}
    rules: [errors, more-errors, errors-now, latency, latency-now, blocks, burn, spread, down, memory, waf, login]
    stages:
      - {name: canary, traffic: 5%, warmup: 30s, bake: {min: 2m, max: 6m}}
      - {name: full, traffic: 100%, bake: {min: 5m, max: 10m}}
  pods:
    workload: {pod: {regex: "{service}-{version}-.*"}}
    rules: [errors]
    stages: [{name: canary, traffic: 5%, bake: {min: 2m, max: 6m}}]
"""
HEALTHY = """\
    probes: {https://gateway.example/login: 1}
    series:
      - {series: 'http_requests_total{service="checkout",version="v1",code="200",instance="a"}', values: 0+90x600, before: 2h}
      - {series: 'http_requests_total{service="checkout",version="v1",code="500",instance="a"}', values: 0x40 0+1x560, before: 2h}
      - {series: 'http_requests_total{service="checkout",version="v2",code="200",instance="b"}', values: 0+30x20 5+30x60}
      - {series: 'http_request_duration_seconds_bucket{service="checkout",version="v2",le="0.4"}', values: 0+20x80}
      - {series: 'http_request_duration_seconds_bucket{service="checkout",version="v2",le="0.8"}', values: 0+29x80}
      - {series: 'http_request_duration_seconds_bucket{service="checkout",version="v2",le="+Inf"}', values: 0+30x80}
      - {series: 'http_request_duration_seconds_count{service="checkout",version="v2"}', values: 0+30x80}
      - {series: 'up{service="checkout",version="v2",instance="b"}', values: 1x80}
      - {series: 'memory_bytes{service="checkout",version="v2",instance="b"}', values: 1e8+1e6x80}
      - {series: 'memory_bytes{service="checkout",version="v1",instance="a"}', values: 1e8+1e5x600, before: 2h}
      - {series: 'waf_blocked_total{service="checkout",version="v1",instance="a"}', values: 0+0.1x600, before: 2h}
      - {series: 'waf_blocked_total{service="checkout",version="v2",instance="b"}', values: 0+0.1x40 4+3x40}
"""  # noqa: E501 -- one series, one line
CASES = f"""\
cases:
  - name: all is well
    plan: standard
{HEALTHY}    expect: [{{at: 15m, verdict: pending}}]
  - name: errors
    plan: standard
{HEALTHY}      - {{series: 'http_requests_total{{service="checkout",version="v2",code="500",instance="b"}}', values: _x12 0+6x60}}
    expect: [{{at: 12m, verdict: pending}}]
  - name: a restart, missed scrapes and the end
    plan: standard
{HEALTHY}      - {{series: 'http_requests_total{{service="checkout",version="v2",code="500",instance="c"}}', values: 4+2x10 _x4 0+1x9 stale _x9 3+1x20}}
    expect: [{{at: 15m, verdict: pending}}]
  - name: the end of all series
    rules: [errors, down]
    series:
      - {{series: 'http_requests_total{{service="checkout",version="v2"}}', values: 0+30x12 stale}}
      - {{series: 'up{{service="checkout",version="v2",instance="b"}}', values: 1x12}}
    expect: [{{at: 15m, verdict: pending}}]
  - name: a leak, and alerts
    rules: [memory, waf]
    series:
      - {{series: 'memory_bytes{{service="checkout",version="v2",instance="b"}}', values: 3e8+1e7x80}}
      - {{series: 'ALERTS{{alertname="WafBlocked",alertstate="pending",service="checkout"}}', values: _x4 1x4 stale}}
      - {{series: 'ALERTS{{alertname="WafBlocked",alertstate="firing",service="checkout"}}', values: _x9 1x4 stale}}
      - {{series: 'ALERTS{{alertname="WafBlocked",alertstate="firing",service="cart"}}', values: 1x80}}
    expect: [{{at: 10m, verdict: pending}}]
  - name: two series where one is due
    rules: [down]
    series:
      - {{series: 'up{{service="checkout",version="v2",instance="a"}}', values: 1x40}}
      - {{series: 'up{{service="checkout",version="v2",instance="b"}}', values: 1x40}}
    expect: [{{at: 5m, verdict: pending}}]
  - name: pods that a pattern finds
    plan: pods
    interval: 30s
    look: 10s
    series:
      - {{series: 'http_requests_total{{pod="checkout-v2-a"}}', values: 0+50x40}}
      - {{series: 'http_requests_total{{pod="checkout-v2-b",code="503"}}', values: 0x10 0+9x40}}
      - {{series: 'http_requests_total{{pod="checkout-v20-b",code="503"}}', values: 0+90x40}}
    expect: [{{at: 15m, verdict: pending}}]
"""  # noqa: E501 -- one series, one line
NAMES = [
    "all is well",
    "errors",
    "a restart, missed scrapes and the end",
    "the end of all series",
    "a leak, and alerts",
    "two series where one is due",
    "pods that a pattern finds",
]


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    folder = tmp_path_factory.mktemp("cases")
    (folder / "rules.yaml").write_text(RULES)
    (folder / "both.cases.yaml").write_text(CASES)
    loaded = load_cases([folder / "both.cases.yaml"])
    assert not loaded.faults, [str(fault) for fault in loaded.faults]
    return {case.name: case for file in loaded.files for case in file.cases}


def test_every_case_is_tried(cases: dict[str, Case]) -> None:
    assert list(cases) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_case_ends_the_same_in_memory_and_on_a_prometheus(cases: dict[str, Case], name: str) -> None:
    here = put(cases[name], Stand.MEMORY, None)
    there = put(cases[name], Stand.PROMETHEUS, binaries.find("prometheus").path)
    assert (here.trouble, there.trouble) == ("", "")
    assert there.place.startswith("on Prometheus ")
    for ours, theirs in zip(_moments(here), _moments(there), strict=True):
        assert _told(ours) == _told(theirs)


def _moments(tried: Tried) -> tuple[Moment, ...]:
    assert tried.trial is not None
    return tried.trial.moments


def _told(moment: Moment) -> object:
    """What was said, without digits that nobody reads: Prometheus sums in another order."""
    return (
        moment.at_seconds,
        [
            (each.rule, each.outcome, each.code, each.reason, _rounded(each.value), _rounded(each.odds))
            for each in moment.release.results
        ],
        [(stage.name, stage.verdict and stage.verdict.verdict) for stage in moment.release.stages],
    )


def _rounded(number: float | None) -> float | None:
    return None if number is None else float(f"{number:.6g}")
