"""Cases run in memory: what the gate says of a world that is written down."""

from pathlib import Path

import pytest

from gated.model.release import Phase
from gated.model.verdict import Verdict
from gated.operations.trial.stand import Stand, Tried, put
from gated.rulebook.load_cases import load_cases

RULES = """\
version: 1
rules:
  down: {kind: value, query: min(up), below: 1, for: 1m}
  median: {kind: value, query: 'quantile(0.5, up)', below: 1, for: 1m}
  waf: {kind: alerts, match: '{alertname=~"Waf.*"}', heartbeat: '{alertname="Watchdog"}'}
  service-waf: {kind: alerts, match: '{alertname=~"Waf.*"}', scope: service}
  login: {kind: probe, url: https://gateway.example/login, failures: 2}
plans:
  standard:
    workload: {service: "{service}", version: "{version}"}
    rules: [down, waf, login, service-waf, median]
    stages:
      - {name: canary, traffic: 5%, bake: {min: 2m, max: 5m}}
      - {name: full, traffic: 100%, bake: {min: 5m, max: 10m}}
"""
HEALTHY = """\
    series:
      - {series: 'up{service="checkout",version="v2",instance="a"}', values: 1x100}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules.yaml").write_text(RULES)
    return tmp_path


def tried(folder: Path, body: str) -> Tried:
    """The one case of that body, run in memory."""
    file = folder / "the.cases.yaml"
    file.write_text(f"cases:\n  - name: it\n{body}")
    loaded = load_cases([file])
    assert not loaded.faults, [str(fault) for fault in loaded.faults]
    ((case,),) = (found.cases for found in loaded.files)
    return put(case, Stand.MEMORY, None)


def failures(folder: Path, body: str) -> list[str]:
    """What was not met, each in a line."""
    trial = tried(folder, body).trial
    assert trial is not None
    return [failure.message for failure in trial.failures]


def test_what_is_as_expected_passes(folder: Path) -> None:
    done = tried(folder, f"{HEALTHY}    rules: [down]\n    expect: [{{at: 4m, rule: down, outcome: ok, value: 1}}]\n")
    assert done.has_passed
    assert done.place == "in memory"


def test_everything_that_is_not_as_expected_is_told(folder: Path) -> None:
    body = f"""\
{HEALTHY}    rules: [down]
    expect:
      - {{at: 4m, rule: down, outcome: breach, value: 2, samples: 3, odds: 4, code: absent, reason_contains: lost}}
      - {{at: 4m, stage: canary, verdict: rollback, by: down}}
"""
    of_rule, of_release = failures(folder, body)
    assert of_rule.split("; ") == [
        "at 4m, down: outcome breach was expected, it is ok",
        "code absent was expected, there is none",
        "value 2 was expected, it is 1",
        "samples 3 was expected, there is none",
        "odds 4 was expected, there is none",
        "reason contains 'lost' was expected",
    ]
    assert of_release.split("; ") == [
        "at 4m: verdict rollback was expected, it is pending",
        "a rollback by down was expected, it was by none",
    ]


def test_a_failure_repeats_what_the_rule_said(folder: Path) -> None:
    trial = tried(folder, f"{HEALTHY}    rules: [down]\n    expect: [{{at: 4m, rule: down, outcome: breach}}]\n").trial
    assert trial is not None
    (failure,) = trial.failures
    assert failure.sentence == "the value is 1; harm lies below 1"
    assert failure.expectation.place.line == 6


def test_between_two_looks_the_last_one_counts(folder: Path) -> None:
    body = """\
    series:
      - {series: 'up{service="checkout",version="v2"}', values: 1x8 0x20}
    look: 30s
    rules: [down]
    expect:
      - {at: 2m29s, rule: down, outcome: ok}
      - {at: 2m30s, rule: down, outcome: pending}
"""
    assert failures(folder, body) == []


def test_a_series_that_goes_stale_is_gone_at_once(folder: Path) -> None:
    body = """\
    series:
      - {series: 'up{service="checkout",version="v2"}', values: 1x7 stale}
    rules: [down]
    expect:
      - {at: 1m45s, rule: down, outcome: ok}
      - {at: 2m, rule: down, outcome: no_data, code: absent}
      - {at: 2m, verdict: hold}
"""
    assert failures(folder, body) == []


def test_a_series_that_stops_is_evidence_until_it_is_too_old(folder: Path) -> None:
    body = """\
    series:
      - {series: 'up{service="checkout",version="v2"}', values: 1x8}
    rules: [down]
    expect:
      - {at: 3m45s, rule: down, outcome: ok}
      - {at: 4m, rule: down, outcome: no_data, code: stale}
"""
    assert failures(folder, body) == []


def test_a_release_is_led_through_its_plan_up_to_the_last_promote(folder: Path) -> None:
    body = f"""\
{HEALTHY}    plan: standard
    rules: [down, login]
    probes: {{https://gateway.example/login: 1}}
    expect:
      - {{at: 2m, stage: canary, verdict: pending}}
      - {{at: 2m15s, stage: canary, verdict: promote}}
      - {{at: 2m30s, stage: full, verdict: pending}}
      - {{at: 12m, stage: full, verdict: promote}}
"""
    trial = tried(folder, body).trial
    assert trial is not None
    assert [failure.message for failure in trial.failures] == []
    assert trial.moments[-1].release.phase is Phase.BAKING


def test_rules_are_watched_beyond_the_promote_of_the_last_stage(folder: Path) -> None:
    body = """\
    series:
      - {series: 'up{service="checkout",version="v2"}', values: 1x40 0x20}
    rules: [down]
    expect:
      - {at: 8m, verdict: promote}
      - {at: 12m, verdict: rollback, by: down}
"""
    assert failures(folder, body) == []


def test_a_probe_answers_interval_by_interval_and_the_last_answer_stays(folder: Path) -> None:
    body = """\
    rules: [login]
    probes: {https://gateway.example/login: 1x3 0 1 _ 0}
    expect:
      - {at: 45s, rule: login, outcome: ok}
      - {at: 1m, rule: login, outcome: pending, value: 1}
      - {at: 1m15s, rule: login, outcome: ok}
      - {at: 1m30s, rule: login, outcome: error, code: timeout}
      - {at: 2m, rule: login, outcome: breach, value: 2}
"""
    assert failures(folder, body) == []


ALERTS = """\
    rules: [service-waf]
    series:
      - {series: 'ALERTS{alertname="WafBlocked",alertstate="pending",service="checkout"}', values: _x3 1x1 stale}
      - {series: 'ALERTS{alertname="WafBlocked",alertstate="firing",service="checkout"}', values: _x5 1x9 stale}
"""


def test_an_alert_that_fires_has_been_active_since_it_was_pending(folder: Path) -> None:
    body = f"""\
{ALERTS}    expect:
      - {{at: 1m, rule: service-waf, outcome: ok}}
      - {{at: 1m15s, rule: service-waf, outcome: breach}}
      - {{at: 4m, verdict: rollback, by: service-waf}}
"""
    trial = tried(folder, body).trial
    assert trial is not None
    assert not trial.failures
    rollback = trial.moments[-1].release.rollback
    assert rollback is not None
    assert rollback.first_harm_at % 60 == pytest.approx(45, abs=0.01), "the fourth scrape"


def test_an_alert_from_before_the_release_is_not_blamed_on_it(folder: Path) -> None:
    body = """\
    rules: [service-waf]
    series:
      - {series: 'ALERTS{alertname="WafBlocked",alertstate="firing",service="checkout"}', values: 1x60, before: 5m}
    expect:
      - {at: 5m, rule: service-waf, outcome: breach}
      - {at: 5m, verdict: hold, reason_contains: in breach before the release began}
"""
    assert failures(folder, body) == []


def test_silence_means_peace_only_where_somebody_could_speak(folder: Path) -> None:
    silence = "    rules: [service-waf]\n    expect: [{at: 2m, rule: service-waf, outcome: %s}]\n"
    assert failures(folder, silence % "ok") == []
    assert failures(folder, f"    alerts_can_fire: false\n{silence % 'no_data, code: no_alert_rule'}") == []


def test_silence_needs_the_heartbeat_of_the_rule(folder: Path) -> None:
    body = """\
    rules: [waf]
    series:
      - {series: 'ALERTS{alertname="Watchdog",alertstate="firing"}', values: 1x12 stale}
    expect:
      - {at: 2m, rule: waf, outcome: ok}
      - {at: 4m, rule: waf, outcome: no_data, code: no_heartbeat}
"""
    assert failures(folder, body) == []


def test_what_the_engine_does_not_know_is_said_and_never_guessed(folder: Path) -> None:
    body = f"{HEALTHY}    rules: [median]\n    expect: [{{at: 4m, rule: median, outcome: ok}}]\n"
    done = tried(folder, body)
    assert done.trial is None
    assert not done.has_passed
    assert done.trouble.startswith("gated's own engine does not know quantile() in quantile by (service, version) (")


def test_without_a_prometheus_such_a_case_says_what_to_do(folder: Path) -> None:
    file = folder / "the.cases.yaml"
    file.write_text(f"cases:\n  - name: it\n{HEALTHY}    rules: [median]\n    expect: [{{at: 4m, verdict: pending}}]\n")
    ((case,),) = (found.cases for found in load_cases([file]).files)
    assert put(case, Stand.AUTO, None).trouble.endswith("; install Prometheus, or name one with --prometheus")


def test_the_same_case_always_ends_the_same(folder: Path) -> None:
    body = f"{HEALTHY}    plan: standard\n    rules: [down]\n    expect: [{{at: 9m, verdict: pending}}]\n"
    first, second = (tried(folder, body).trial for _ in range(2))
    assert first == second
    assert first is not None
    assert first.moments[-1].release.stages[0].verdict is not None
    assert first.moments[-1].release.stages[0].verdict.verdict is Verdict.PROMOTE
