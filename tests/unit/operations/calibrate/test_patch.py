"""A proposal as a change of rule files."""

from pathlib import Path

import pytest

from gated.model.errors import InvalidInput
from gated.operations.calibrate.patch import Change, applied, changes, diff
from gated.operations.calibrate.proposal import CalibratedRule, CalibrationReport, Trial
from gated.operations.replay.totals import rate

TEXT = """\
# Guards checkout.
version: 1

rules:
  error-rate:            # what users feel
    kind: ratio
    bad: 'http_requests_total{code=~"5.."}'
    total: http_requests_total
    above: "2%"          # agreed with support
  slow: {kind: quantile, histogram: h, quantile: 0.95, above: 800ms}
plans:
  # the usual one
  standard:
    workload: {service: "{service}", version: "{version}"}
    rules: [error-rate, slow]
    drift_floor: 10%
"""
ABOVE = Change(("rules", "error-rate", "above"), "3%")
EDITS = {
    "a value in quotes, with a comment": (ABOVE, 'above: "2%"          #', "above: 3%          #"),
    "a value in braces": (Change(("rules", "slow", "above"), "1s"), "above: 800ms}", "above: 1s}"),
    "a value of a plan": (Change(("plans", "standard", "drift_floor"), "20%"), "floor: 10%", "floor: 20%"),
    "a key that is missing": (
        Change(("plans", "standard", "false_rollback_budget"), "2%"),
        "    workload:",
        "    false_rollback_budget: 2%\n    workload:",
    ),
    "a key that is missing in braces": (
        Change(("rules", "slow", "runbook"), "https://r.example"),
        "slow: {kind",
        "slow: {runbook: https://r.example, kind",
    ),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(TEXT)
    return path


@pytest.mark.parametrize(("change", "before", "after"), EDITS.values(), ids=EDITS.keys())
def test_nothing_but_the_value_changes(file: Path, change: Change, before: str, after: str) -> None:
    assert TEXT.count(before) == 1
    assert applied([file], [change]) == {file: TEXT.replace(before, after)}
    assert file.read_text() == TEXT


def test_several_changes_of_one_file_do_not_disturb_each_other(file: Path) -> None:
    wanted = [change for change, _, _ in EDITS.values()]
    expected = TEXT
    for _, before, after in EDITS.values():
        expected = expected.replace(before, after)
    (text,) = applied([file], wanted).values()
    assert text == expected


def test_only_the_file_that_has_the_rule_changes(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("version: 1\nrules: {}\n")
    assert list(applied([other, file], [ABOVE])) == [file]


def test_a_rule_that_is_in_no_file_is_told(file: Path) -> None:
    with pytest.raises(InvalidInput, match=r"rules\.nobody\.above is in none of the files"):
        applied([file], [Change(("rules", "nobody", "above"), "3%")])


def test_the_diff_is_that_of_patch(file: Path) -> None:
    lines = diff(applied([file], [ABOVE])).splitlines()
    assert lines[:2] == [f"--- a/{file}", f"+++ b/{file}"]
    assert [line for line in lines[2:] if line[0] in "+-"] == [
        '-    above: "2%"          # agreed with support',
        "+    above: 3%          # agreed with support",
    ]


def test_no_proposal_changes_nothing(file: Path) -> None:
    assert applied([file], []) == {}
    assert diff({}) == ""


def test_what_is_proposed_becomes_changes() -> None:
    def trial(key: str, value: str) -> Trial:
        return Trial(key=key, value=value, breached=0, stopped=rate(0, 5))

    def rule(name: str, proposed: Trial | None) -> CalibratedRule:
        return CalibratedRule(rule=name, present=trial("above", "2%"), trials=(), proposed=proposed, steadiness=None)

    report = CalibrationReport(
        plan="standard",
        target=0.01,
        rollouts=5,
        rules=(rule("error-rate", trial("above", "3%")), rule("slow", None)),
        drift_floor=trial("drift_floor", "20%"),
        left_out=(),
        requests=0,
    )
    assert list(changes(report)) == [ABOVE, Change(("plans", "standard", "drift_floor"), "20%")]
