"""Rule files as text, for tests: a good one, one place of it spoiled, and what became of it."""

from gated.model.ids import PlanName, RuleName
from gated.model.plan import Plan
from gated.model.rule import Rule
from gated.rulebook import strict_yaml
from gated.rulebook.load import Loaded, assemble

FILE = "rules.yaml"

GOOD = """\
version: 1
rules:
  error-rate:
    kind: ratio
    bad: http_requests_total{code=~"5.."}
    total: http_requests_total
    above: 2%
    for: 5m
    test: threshold
  latency-p95:
    kind: quantile
    histogram: http_request_duration_seconds
    quantile: 0.95
    above: 800ms
    for: 5m
    test: threshold
  target-down:
    kind: value
    query: min(up)
    below: 1
    for: 2m
  waf-alerts:
    kind: alerts
    match: '{alertname=~"Waf.*"}'
    for: 1m
  login-works:
    kind: probe
    url: https://gateway.example/login
    expect: {status: 204, within: 1s}
    failures: 2
plans:
  standard:
    workload: {service: "{service}", version: "{version}"}
    rules: [error-rate, latency-p95, target-down, waf-alerts, login-works]
    stages:
      - {name: canary, traffic: 5%, bake: {min: 15m, max: 30m}}
      - {name: full, traffic: 100%, bake: {min: 1h, max: 2h}}
"""
"""Rules that compare with a fixed limit at each look, and a plan with two stages: no errors, no warnings."""

SEQUENTIAL = """\
version: 1
rules:
  error-rate:
    kind: ratio
    bad: http_requests_total{code=~"5.."}
    total: http_requests_total
    above: 2%
  errors-vs-baseline:
    kind: ratio
    bad: http_requests_total{code=~"5.."}
    total: http_requests_total
    worse_than_baseline: 10%
  latency-vs-baseline:
    kind: quantile
    histogram: http_request_duration_seconds
    quantile: 0.95
    worse_than_baseline: 50%
  blocks:
    kind: activity
    events: waf_blocked_total
    exposure: http_requests_total
    worse_than_baseline: 100%
    block: 5m
  memory:
    kind: distribution
    query: avg(process_resident_memory_bytes)
    worse_than_baseline: 25%
  fast-burn:
    kind: burn_rate
    bad: http_requests_total{code=~"5.."}
    total: http_requests_total
    objective: 99.9%
    windows:
      - {long: 1h, short: 5m, factor: 14.4}
    min_samples: 100
plans:
  standard:
    workload: {service: "{service}", version: "{version}"}
    baseline: {service: "{service}", version: "{baseline}"}
    rules: [error-rate, errors-vs-baseline, latency-vs-baseline, blocks, memory, fast-burn]
    false_rollback_budget: 1%
    history: 4h
    drift_floor: 10%
    stages:
      - {name: canary, traffic: 5%, bake: {min: 15m, max: 30m}, min_requests: 500}
      - {name: full, traffic: 100%, baseline: before, on_inconclusive: hold, bake: {min: 1h, max: 2h}}
"""
"""Rules that weigh evidence, compare or burn budgets, and a plan for them: no errors, no warnings."""


def load_text(*texts: str) -> Loaded:
    """Load texts as files called rules.yaml, rules2.yaml, …."""
    names = [FILE, *(f"rules{number}.yaml" for number in range(2, len(texts) + 1))]
    return assemble([strict_yaml.read(text.encode(), name) for text, name in zip(texts, names, strict=True)])


def spoiled(old: str, new: str, text: str = GOOD) -> str:
    """A good file with one place replaced."""
    assert text.count(old) == 1, f"{old!r} is not in the good file exactly once"
    return text.replace(old, new)


def faults_of(*texts: str) -> list[str]:
    """Every fault as it is printed."""
    return [str(fault) for fault in load_text(*texts).faults]


def only_fault_of(text: str) -> str:
    """The one fault of a text, without the name of the file."""
    (fault,) = faults_of(text)
    return fault.removeprefix(f"{FILE}:")


def rule_of(body: str, name: str = "it") -> Rule:
    """The rule that a flow mapping stands for."""
    loaded = load_text(f"version: 1\nrules:\n  {name}: {body}\n")
    assert loaded.rulebook is not None, faults_of(f"version: 1\nrules:\n  {name}: {body}\n")
    return loaded.rulebook.rules[RuleName(name)]


def plan_of(text: str, name: str = "standard") -> Plan:
    """A plan of a file without errors."""
    rulebook = load_text(text).rulebook
    assert rulebook is not None, faults_of(text)
    return rulebook.policy(PlanName(name)).plan
