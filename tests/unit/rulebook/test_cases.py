"""Files of cases: what they say, and what is wrong with them."""

from pathlib import Path

import pytest

from gated.model.ids import RuleName
from gated.model.verdict import Outcome, Verdict
from gated.promql.notation import Gap
from gated.rulebook.case import Case
from gated.rulebook.document import Place
from gated.rulebook.load_cases import LoadedCases, find, load_cases
from tests.rule_text import GOOD as RULES

GOOD = """\
rule_files: [rules.yaml]
defaults:
  interval: 30s
  series:
    - {series: 'http_requests_total{service="checkout",version="v1"}', values: 0+10x20, before: 5m}
    - {series: 'http_requests_total{service="checkout",version="v2"}', values: 0+10x20}
cases:
  - name: a burst of errors
    rules: [error-rate]
    look: 15s
    series:
      - {series: 'http_requests_total{service="checkout",version="v2"}', values: 0+10x4 _x2 stale}
      - {series: 'http_requests_total{service="checkout",version="v2",code="500"}', values: 0+1x20}
    expect:
      - {at: 10m, verdict: rollback, by: error-rate}
      - {at: 4m, rule: error-rate, outcome: breach, value: 10%, samples: "> 20", reason_contains: limit 2 %}
  - name: along the plan
    plan: standard
    release: {service: shop, environment: test, version: "2", baseline: none}
    probes: {https://gateway.example/login: 1x4 0 _}
    alerts_can_fire: false
    expect:
      - {at: 5m, stage: canary, verdict: pending}
"""


@pytest.fixture
def load(tmp_path: Path) -> "Load":
    return Load(tmp_path)


class Load:
    """Loads a text as the cases of `RULES`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "rules.yaml").write_text(RULES)

    def __call__(self, text: str) -> LoadedCases:
        file = self.folder / "web.cases.yaml"
        file.write_text(text)
        return load_cases([file])

    def cases(self, text: str = GOOD) -> tuple[Case, ...]:
        loaded = self(text)
        assert not loaded.faults, self.faults(text)
        (file,) = loaded.files
        return file.cases

    def faults(self, text: str) -> list[str]:
        return [str(fault).removeprefix(f"{self.folder}/") for fault in self(text).faults]


def test_a_case_means_what_its_file_says(load: Load) -> None:
    burst, _ = load.cases()
    assert (burst.name, burst.place) == ("a burst of errors", Place(8, 5))
    assert (burst.interval_seconds, burst.look_seconds) == (30, 15)
    assert (burst.service, burst.environment, burst.version, burst.baseline) == ("checkout", "production", "v2", "v1")
    assert [rule.name for rule in burst.policy.rules] == ["error-rate"]
    (stage,) = burst.policy.plan.stages
    assert (stage.name, stage.bake_min_seconds, stage.bake_max_seconds) == ("canary", 300, 1800)
    earlier, later = burst.expectations
    assert (earlier.at_seconds, earlier.rule, earlier.outcome) == (240, "error-rate", Outcome.BREACH)
    assert (later.at_seconds, later.verdict, later.by) == (600, Verdict.ROLLBACK, "error-rate")
    assert burst.can_alert


def test_a_case_has_the_series_of_the_defaults_but_for_those_it_writes_itself(load: Load) -> None:
    burst, along = load.cases()
    assert [(dict(each.labels).get("version"), each.before_seconds) for each in burst.series] == [
        ("v1", 300),
        ("v2", 0),
        ("v2", 0),
    ]
    assert list(burst.series[1].values) == [0, 10, 20, 30, 40, Gap.MISSING, Gap.MISSING, Gap.STALE]
    assert [len(each.values) for each in along.series] == [21, 21]


def test_a_case_follows_a_plan(load: Load) -> None:
    _, along = load.cases()
    assert [stage.name for stage in along.policy.plan.stages] == ["canary", "full"]
    assert len(along.policy.rules) == 5
    assert (along.service, along.environment, along.version, along.baseline) == ("shop", "test", "2", "")
    assert along.probes == {"https://gateway.example/login": (1, 1, 1, 1, 1, 0, Gap.MISSING)}
    assert along.can_alert is False


def test_a_case_may_take_labels_from_a_plan_and_have_a_stage_and_rules_of_its_own(load: Load) -> None:
    text = GOOD.replace(
        "    plan: standard\n", "    plan: standard\n    rules: [waf-alerts]\n    stage: {warmup: 1m}\n"
    )
    _, along = load.cases(text.replace("stage: canary, ", ""))
    assert along.policy.plan.rules == (RuleName("waf-alerts"),)
    assert [stage.warmup_seconds for stage in along.policy.plan.stages] == [60]


def test_the_rule_files_are_those_beside_it_unless_it_says_so(load: Load) -> None:
    assert len(load.cases(GOOD.replace("rule_files: [rules.yaml]\n", ""))) == 2


NUMBERS = {
    "about a percentage": ("2%", [0.02, 0.0201, 0.0199], [0.0198, 0.0203]),
    "about a duration": ("800ms", [0.8], [0.79]),
    "about a number": ("12", [12, 12.05], [11.9]),
    "nothing at all": ("0", [0], [0.0001]),
    "more than": ("> 2%", [0.021], [0.02, 0]),
    "at least": (">=3", [3, 4], [2.99]),
    "less than": ("< 1.5", [-4, 1.4], [1.5]),
    "at most": ("<= 1.5", [1.5], [1.51]),
    "a range": ("1% to 3%", [0.01, 0.02, 0.03], [0.009, 0.031]),
}


@pytest.mark.parametrize(("text", "good", "bad"), NUMBERS.values(), ids=NUMBERS)
def test_a_number_may_be_about_so_much_or_within_bounds(
    load: Load, text: str, good: list[float], bad: list[float]
) -> None:
    burst, _ = load.cases(GOOD.replace("value: 10%", f"value: '{text}'"))
    expected = burst.expectations[0].value
    assert expected is not None
    assert [expected.accepts(number) for number in (*good, *bad)] == [True] * len(good) + [False] * len(bad)


FAULTS = {
    "an unknown key": ("look: 15s", "loook: 15s", "10:5: cases[0].loook: unknown key (did you mean look?)"),
    "an unknown rule": (
        "[error-rate]",
        "[error-rat]",
        "9:13: cases[0].rules[0]: there is no rule 'error-rat' (did you mean error-rate?); there is: error-rate, ",
    ),
    "an unknown plan": (
        "plan: standard",
        "plan: standart",
        "18:11: cases[1].plan: there is no plan 'standart' (did you mean standard?)",
    ),
    "an expectation of a rule that does not watch": (
        "rule: error-rate",
        "rule: waf-alerts",
        "16:24: cases[0].expect[1].rule: no rule 'waf-alerts' watches here; there is: error-rate",
    ),
    "a cause that does not watch": (
        "by: error-rate",
        "by: errors",
        "15:42: cases[0].expect[0].by: no rule 'errors' watches here",
    ),
    "a stage that is not in the plan": (
        "stage: canary",
        "stage: canary-5",
        "23:25: cases[1].expect[0].stage: no stage is called 'canary-5'; there is: canary, full",
    ),
    "samples that are none": ("0+1x20", "0+1", "13:93: cases[0].series[1].values: '0+1' is not a value; write numbers"),
    "a series that is none": ('code="500"', 'code=~"5.."', "13:18: cases[0].series[1].series: a series has labels of"),
    "the same series twice": (
        ',code="500"',
        "",
        "13:18: cases[0].series[1].series: this series stands above already; write its values once",
    ),
    "an outcome that is none": ("outcome: breach", "outcome: breech", "cases[0].expect[1].outcome: 'breech' is not an"),
    "a verdict that is none": ("verdict: pending", "verdict: wait", "cases[1].expect[0].verdict: 'wait' is not a verd"),
    "a number that is none": ("value: 10%", "value: lots", "cases[0].expect[1].value: 'lots' is not a quantity"),
    "a range of a comparison": ('"> 20"', '"> 20 to 30"', "samples: '> 20 to 30' is not what a number can be"),
    "a moment before the first look": ("at: 4m", "at: 10s", "expect[1].at: before the first look, which is at 15s"),
    "an outcome of no rule": ("rule: error-rate, ", "", "16:42: cases[0].expect[1].value: value is a rule's; write"),
    "a cause without a rollback": ("verdict: rollback", "verdict: hold", "expect[0].by: only a rollback is made by a "),
    "nothing expected": (", verdict: rollback, by: error-rate", "", "15:9: cases[0].expect[0]: nothing is expected"),
    "a probe that answers nonsense": ("1x4 0 _", "200", "probe is 1 (it succeeded), 0 (it failed) or _"),
    "a probe without an answer": (
        "https://gateway.example/login:",
        "https://gateway.example/logout:",
        "17:5: cases[1]: login-works probes https://gateway.example/login; say what that answers",
    ),
    "a case of a name twice": (
        "along the plan",
        "a burst of errors",
        "17:11: cases[1].name: a case of this name stands",
    ),
    "no rules and no plan": (
        "    plan: standard\n",
        "",
        "17:5: cases[1]: which rules are tested? write rules, or a plan",
    ),
    "no expectations": ("    rules: [error-rate]\n", "    expct: []\n", "9:5: cases[0].expct: unknown key"),
    "a rule file that is missing": ("[rules.yaml]", "[rule.yaml]", "rule.yaml:1:1: cannot be read: No such file"),
    "a top key": ("defaults:", "default:", "2:1: default: unknown key (did you mean defaults?)"),
}


@pytest.mark.parametrize(("old", "new", "fault"), FAULTS.values(), ids=FAULTS)
def test_a_fault_has_its_place(load: Load, old: str, new: str, fault: str) -> None:
    assert GOOD.count(old) >= 1
    told = load.faults(GOOD.replace(old, new, 1))
    assert any(fault in each for each in told), told


def test_all_faults_come_at_once(load: Load) -> None:
    text = GOOD.replace("outcome: breach", "outcome: bad").replace("plan: standard", "plan: none").replace("30s", "x")
    assert len(load.faults(text)) == 3


def test_faults_of_the_rules_under_test_are_faults(load: Load) -> None:
    (load.folder / "rules.yaml").write_text(RULES.replace("above: 2%", "above: 200%"))
    (fault,) = load.faults(GOOD)
    assert fault.startswith("rules.yaml:7:12: rules.error-rate.above: 200% is out of range")


def test_warnings_of_the_rules_under_test_are_not_told_here(load: Load) -> None:
    (load.folder / "rules.yaml").write_text(RULES.replace("    for: 2m\n", ""))
    assert load.cases()


def test_a_file_that_is_no_yaml_is_one_fault(load: Load) -> None:
    assert len(load.faults("cases: [")) == 1


def test_directories_are_searched_however_deep_for_files_by_their_name(tmp_path: Path) -> None:
    for name in (
        "b.cases.yaml",
        "a.cases.yml",
        "rules.yaml",
        "cases.yaml",
        "deep/er/c.cases.yaml",
        ".git/d.cases.yaml",
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    named = tmp_path / "cases.yaml"
    found = [str(file.relative_to(tmp_path)) for file in find([named, tmp_path, tmp_path / "deep"])]
    assert found == ["cases.yaml", "a.cases.yml", "b.cases.yaml", "deep/er/c.cases.yaml"]
