"""`gated test rules` as people and CI systems meet it."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from gated.cli.main import main

RULES = """\
version: 1
rules:
  down: {kind: value, query: min(up), below: 1, for: 1m}
  median: {kind: value, query: 'quantile(0.5, up)', below: 1, for: 1m}
"""
CASES = """\
defaults:
  rules: [down]
  series: [{series: 'up{service="checkout",version="v2"}', values: 1x8 0x40}]
cases:
  - name: an outage rolls back
    expect: [{at: 5m, verdict: rollback, by: down}]
  - name: an outage is "nothing" <to worry about>
    expect:
      - {at: 2m, rule: down, outcome: ok}
      - {at: 5m, rule: down, outcome: ok}
"""
BEYOND = """\
cases:
  - name: a median
    rules: [median]
    series: [{series: 'up{service="checkout",version="v2"}', values: 1x40}]
    expect: [{at: 5m, rule: median, outcome: ok}]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a directory of rules; nothing else is on the PATH."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("GATED_PROMETHEUS", raising=False)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "rules.yaml").write_text(RULES)
    (tmp_path / "rules" / "web.cases.yaml").write_text(CASES)
    return tmp_path


def run(*arguments: str, code: int) -> Result:
    done = CliRunner().invoke(main, ["test", "rules", *arguments])
    assert done.exit_code == code, done.output
    return done


def test_a_failure_says_where_what_was_expected_what_was_and_what_the_rule_said() -> None:
    done = run(code=1)
    assert done.stdout.splitlines() == [
        "passed rules/web.cases.yaml: an outage rolls back (in memory)",
        'failed rules/web.cases.yaml: an outage is "nothing" <to worry about> (in memory)',
        "  rules/web.cases.yaml:10:9: at 5m, down: outcome ok was expected, it is breach",
        "      down said then: the value is 0; harm lies below 1; for 2m45s",
    ]
    assert done.stderr.splitlines() == ["1 passed, 1 failed", "no case expects anything of median"]


def test_when_all_passes_the_command_does() -> None:
    assert run("-k", "ROLLS back", code=0).stderr == "1 passed, 0 failed\n"


def test_verbose_tells_all_that_changed_its_mind() -> None:
    told = [line.split() for line in run("-v", "-k", "rolls back", code=0).stdout.splitlines()[1:]]
    assert [words[0] for words in told] == ["AT", "15s", "15s", "2m15s", "3m15s", "3m15s"]
    assert told[-2][:3] == ["3m15s", "down", "breach"]
    assert told[-1][:4] == ["3m15s", "stage", "canary", "rollback"]


def test_programs_get_a_document() -> None:
    passed, failed = json.loads(run("--output", "json", code=1).stdout)
    assert (passed["name"], passed["result"], passed["place"]) == ("an outage rolls back", "passed", "in memory")
    assert failed["failures"] == [
        {
            "line": 10,
            "column": 9,
            "message": "at 5m, down: outcome ok was expected, it is breach",
            "sentence": "the value is 0; harm lies below 1; for 2m45s",
        }
    ]
    assert passed["timeline"][-1]["what"] == "rollback"


def test_ci_systems_get_junit(folder: Path) -> None:
    (folder / "rules" / "odd.cases.yaml").write_text(BEYOND)
    run("--junit", "report.xml", code=1)
    root = ET.fromstring((folder / "report.xml").read_text())  # noqa: S314 -- our own file
    assert {key: root.get(key) for key in ("tests", "failures", "errors")} == {
        "tests": "3",
        "failures": "1",
        "errors": "1",
    }
    assert [suite.get("name") for suite in root] == ["rules/odd.cases.yaml", "rules/web.cases.yaml"]
    failed = root.findall("testsuite/testcase[failure]")
    assert [case.get("name") for case in failed] == ['an outage is "nothing" <to worry about>']
    assert "outcome ok was expected" in (failed[0][0].get("message") or "")
    assert float(failed[0].get("time") or -1) >= 0


def test_the_keys_of_a_file_explain_themselves() -> None:
    assert "cases[].expect[].outcome (an outcome; optional)" in run("--explain", code=0).stdout


def test_what_cannot_be_run_is_no_pass(folder: Path) -> None:
    (folder / "rules" / "odd.cases.yaml").write_text(BEYOND)
    done = run("rules/odd.cases.yaml", code=1)
    assert "odd.cases.yaml:2:5: gated's own engine does not know quantile()" in done.stdout
    assert "install Prometheus, or name one with --prometheus" in done.stdout
    assert done.stderr == "0 passed, 0 failed, 1 could not be run\n"


def test_faults_are_told_as_linters_do_and_nothing_is_run(folder: Path) -> None:
    (folder / "rules" / "web.cases.yaml").write_text(CASES.replace("outcome: ok", "outcome: fine"))
    lines = run(code=2).stdout.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(
        "rules/web.cases.yaml:9:39: error: cases[1].expect[0].outcome: 'fine' is not an outcome; allowed: ok, pending"
    )


def test_a_fault_in_the_rules_under_test_ends_the_command(folder: Path) -> None:
    (folder / "rules" / "rules.yaml").write_text(RULES.replace("below: 1, for: 1m", "below: one", 1))
    assert "rules/rules.yaml:3:46: error: rules.down.below: 'one' is not a number" in run(code=2).stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nowhere"], "'nowhere' does not exist"),
        (["-k", "nothing like it"], "no case has 'nothing like it' in its name"),
        (["--on", "prometheus"], "there is no prometheus on the PATH; name one with --prometheus"),
        (["--on", "moon"], "'moon' is not one of"),
        (["--junit", "nowhere/report.xml"], "nowhere/report.xml cannot be written: No such file or directory"),
        (["--prometheus", "rules/rules.yaml"], "rules/rules.yaml is not a program that can be run"),
    ],
    ids=["no such path", "no such case", "no Prometheus", "no such stand", "no place for a report", "no program"],
)
def test_what_cannot_be_meant_is_refused(arguments: list[str], complaint: str) -> None:
    assert complaint in run(*arguments, code=2).stderr


def test_rules_are_only_missed_where_all_cases_are_run() -> None:
    assert "no case expects anything" not in run("rules/web.cases.yaml", code=1).stderr
    assert "no case expects anything" not in run("-k", "rolls", code=0).stderr


def test_a_directory_without_cases_is_refused(folder: Path) -> None:
    (folder / "rules" / "web.cases.yaml").unlink()
    assert "no file in rules is called *.cases.yaml" in run(code=2).stderr


def test_a_case_cannot_steer_the_terminal(folder: Path) -> None:
    text = CASES.replace("an outage rolls back", r'"\u202e an outage"')
    (folder / "rules" / "web.cases.yaml").write_text(text)
    assert "\u202e" not in run("-v", code=1).output


def test_files_of_cases_are_no_rule_files() -> None:
    done = CliRunner().invoke(main, ["check", "rules", "rules"])
    assert "cases" not in done.output
