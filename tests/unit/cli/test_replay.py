"""The command line of replays, without any history: what is refused, and what is printed of a report."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gated.cli import bar, replay_page, replay_text
from gated.cli.main import main
from gated.cli.past import failed
from gated.model.errors import Conflict, InvalidInput, NotFound, Unavailable
from gated.operations.replay.rehearsal import StageTimes
from gated.operations.replay.report import ReplayReport, report
from gated.operations.replay.results import Replayed
from tests.unit.operations.replay.rehearsing import (
    CANARY,
    FULL,
    NOON,
    error_rate,
    past,
    policy,
    rehearsal,
    replayed,
)

RULES = """\
version: 1
rules:
  error-rate:
    kind: ratio
    bad: http_requests_total{code=~"5.."}
    total: http_requests_total
    above: 2%
plans:
  standard:
    workload: {service: "{service}", version: "{version}"}
    rules: [error-rate]
    stages:
      - {name: canary, traffic: 5%, bake: {min: 15m, max: 30m}}
      - {name: full, traffic: 100%, bake: {min: 1h, max: 2h}}
"""
AT = "2026-11-01T10:00Z"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of an operator whose Prometheus is away."""
    (tmp_path / "gated.yaml").write_text("rules: [rules.yaml]\nsources: {default: {url: 'http://127.0.0.1:1'}}\n")
    (tmp_path / "rules.yaml").write_text(RULES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, code: int) -> Result:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == code, done.output
    return done


# --- what is refused -------------------------------------------------------------------------------------------------

REFUSED = {
    "no rollouts": ([], 2, "which rollouts? say one of --releases, --release, --from, --every"),
    "two ways to say them": (["--from", AT, "--every", "1h"], 2, "--from and --every exclude each other"),
    "a rollout without its version": (["--from", AT, "--service", "a"], 2, "needs one --service and its --version"),
    "a rollout of two services": (["--from", AT, "--service", "a", "--service", "b", "--version", "v"], 2, "needs one"),
    "made-up ones without a service": (["--every", "1h", "--between", AT, "--and", AT], 2, "--every needs --service"),
    "a time without a zone": (["--from", "2026-11-01T10:00"], 2, "write it with its time zone"),
    "a stage without a time": (["--from", AT, "--stage-at", "full"], 2, "is not an instant"),
    "a stage that there is not": (
        ["--from", AT, "--service", "a", "--version", "v", "--stage-at", f"half={AT}"],
        2,
        "half is no stage after the first; there is full",
    ),
    "the first stage twice": (
        ["--from", AT, "--service", "a", "--version", "v", "--stage-at", f"canary={AT}"],
        2,
        "canary is no stage after the first",
    ),
    "a name that would change a query": (["--from", AT, "--service", 'a"b', "--version", "v"], 2, "is not a name"),
    "a plan that there is not": (
        ["--from", AT, "--service", "a", "--version", "v", "--plan", "fast"],
        13,
        "there is no plan 'fast' that could be replayed; there is standard",
    ),
    "time that runs backwards": (
        ["--every", "1h", "--service", "a", "--between", AT, "--and", "2026-10-01T10:00Z"],
        2,
        "the beginning lies after the end",
    ),
    "a file that is missing": (["--releases", "releases.yaml"], 1, "releases.yaml:1:1: error: cannot be read"),
}


@pytest.mark.usefixtures("folder")
def test_a_calibration_refuses_time_that_runs_backwards() -> None:
    arguments = ["--service", "a", "--between", AT, "--and", "2026-10-01T10:00Z"]
    assert "the beginning lies after the end" in run("calibrate", *arguments, code=2).stderr


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("arguments", "code", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_replayed_is_refused_with_the_reason(arguments: list[str], code: int, message: str) -> None:
    assert message in run("replay", *arguments, code=code).stderr


def test_faults_in_rules_are_all_told(folder: Path) -> None:
    (folder / "rules.yaml").write_text(RULES.replace("above", "abov").replace("kind: ratio", "kind: rati"))
    said = run("replay", "--from", AT, code=1).stderr
    assert "rules.yaml:4:11: error: rules.error-rate.kind" in said


def test_rules_on_the_command_line_take_the_place_of_the_configured_ones(folder: Path) -> None:
    (folder / "other.yaml").write_text(RULES.replace("standard", "other"))
    arguments = ["--from", AT, "--service", "a", "--version", "v", "--plan", "standard"]
    assert "there is other" in run("replay", "other.yaml", *arguments, code=13).stderr


def test_a_plan_of_probes_only_cannot_be_replayed(folder: Path) -> None:
    probe = "  login:\n    kind: probe\n    url: http://127.0.0.1:1/\n"
    (folder / "rules.yaml").write_text(RULES.replace("plans:", f"{probe}plans:").replace("[error-rate]", "[login]"))
    arguments = ["--from", AT, "--service", "a", "--version", "v", "--plan", "standard"]
    assert "there is none" in run("replay", *arguments, code=13).stderr


@pytest.mark.usefixtures("folder")
def test_a_source_that_is_away_is_told() -> None:
    arguments = ["--every", "1h", "--service", "a", "--between", "2026-10-01T00:00Z", "--and", "2026-10-01T04:00Z"]
    for command in ("replay", "calibrate"):
        more = arguments if command == "replay" else arguments[2:]
        assert "source default did not answer" in run(command, *more, "--jobs", "1", code=12).stderr


def test_every_kind_of_failure_has_its_exit_code() -> None:
    codes = {Unavailable("x"): 12, InvalidInput("x"): 2, NotFound("x"): 1, Conflict("x"): 1}
    assert {error: failed(error).exit_code for error in codes} == codes


# --- what is printed -------------------------------------------------------------------------------------------------


def of(*results: Replayed) -> ReplayReport:
    judged_by = policy()
    return report(results, {judged_by.plan.name: judged_by}, {}, interval_seconds=15.0, requests=7)


def test_a_rollout_is_told_in_order_with_the_onset_between() -> None:
    faulty = replayed(past(canary={"fails": {NOON + 100: 0.3}}), rehearsal(onset_at=NOON + 100))
    lines = replay_text.text(of(faulty)).splitlines()
    assert lines[0] == (
        "checkout v2 in production along standard: rolled back at canary-5 by error-threshold, 2m20s after the onset"
    )
    told = [line.split("Z  ")[1].split(":")[0] for line in lines if line.startswith("  2025")]
    assert told.index("onset of the known fault") < len(told) - 1
    assert any("ROLLBACK: error-threshold" in line for line in lines)


def test_a_stage_that_began_early_is_told() -> None:
    early = rehearsal(stages=(StageTimes(CANARY, NOON), StageTimes(FULL, NOON + 60)))
    assert "  full really began 4m15s earlier" in replay_text.text(of(replayed(past(), early))).splitlines()


def test_a_rollback_before_the_onset_is_told_loudly() -> None:
    result = replayed(past(canary={"fails": {NOON: 0.3}}), rehearsal(onset_at=NOON + 500))
    assert "BEFORE the onset" in replay_text.title(result)


def test_a_rollout_that_did_not_end_is_told_with_its_stage() -> None:
    result = replayed(past(), rehearsal(ends_at=NOON + 100))
    assert replay_text.title(result).endswith("neither promoted nor rolled back, still at canary-5")


# --- the page --------------------------------------------------------------------------------------------------------


def test_texts_from_outside_cannot_become_markup() -> None:
    service = "<script>alert(1)</script>"
    result = replayed(past()).model_copy(update={"service": service})
    page = replay_page.page(of(result))
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_every_rule_is_drawn_with_its_value_and_its_odds() -> None:
    judged_by = policy([error_rate()])
    result = replayed(past(canary={"fails": {NOON + 100: 0.3}}), rehearsal(onset_at=NOON + 100), judged_by)
    page = replay_page.page(report([result], {judged_by.plan.name: judged_by}, {}, interval_seconds=15.0, requests=0))
    for label in ("verdicts of checkout over time", "error-rate: value and limit", "error-rate: odds against"):
        assert f'aria-label="{label}' in page
    assert '<line class="onset"' in page
    assert '<line class="breach"' in page
    assert "100 : 1" in page


def test_a_rollout_without_a_look_is_listed_and_not_drawn() -> None:
    page = replay_page.page(of(replayed(past()).model_copy(update={"drawing": None})))
    assert "checkout" in page
    assert "<details" not in page


# --- progress --------------------------------------------------------------------------------------------------------


def test_a_terminal_has_a_bar_that_renews_itself() -> None:
    written: list[str] = []
    shown = bar.Bar(written.append, "rollouts")
    for done in range(1, 5):
        shown.show(done, 4, float(done))
    shown.close()
    assert written[1] == f"\r\x1b[K{'█' * 15}{'░' * 15} 2 of 4 rollouts, about 2s to go"
    assert written[-1] == "\r\x1b[K"


def test_a_bar_is_not_renewed_more_often_than_anybody_can_see() -> None:
    written: list[str] = []
    shown = bar.Bar(written.append, "rollouts")
    for number in range(100):
        shown.show(number, 100, number / 1000)
    assert len(written) == 1


def test_a_log_has_ten_lines() -> None:
    written: list[str] = []
    shown = bar.Lines(written.append, "rollouts")
    for done in range(1, 1001):
        shown.show(done, 1000, done / 10)
    assert len(written) == 10
    assert written[4] == "50s  500 of 1,000 rollouts\n"


def test_nothing_to_do_is_no_division_by_zero() -> None:
    written: list[str] = []
    bar.Bar(written.append, "rollouts").show(0, 0, 0.0)
    bar.Lines(written.append, "rollouts").show(0, 0, 0.0)
    assert len(written) == 2
