"""Files and directories to one rulebook."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gated.model.ids import PlanName, RuleName
from gated.rulebook import strict_yaml
from gated.rulebook.load import Loaded, assemble, load
from tests.rule_text import GOOD, SEQUENTIAL, faults_of, load_text, spoiled

RULES, PLANS = GOOD.split("plans:")
PLANS = f"version: 1\nplans:{PLANS}"
STANDARD = PlanName("standard")

TEN_FAULTS = """\
version: 1
rules:
  error-rate:
    kind: ratio
    bad: http_requests_total{code=~"5.."
    total: http_requests_total
    above: 200%
    on_breech: rollback
  latency-p95:
    kind: quantile
    histogram: http_request_duration_seconds_bucket
    quantile: 0.95
    above: 800 ms
    for: 5m
    for: 6m
    test: threshold
  login-works:
    kind: probe
    url: https://gateway.example/login
    expect: {status: on}
plans:
  standard:
    workload: {service: "{service}", version: "{vresion}"}
    rules: [error-rate, latency-95, login-works]
    stages:
      - {name: canary, traffic: 50%, bake: {min: 15m, max: 5m}}
      - {name: full, traffic: 25%, bake: {min: 1h, max: 2h}}
"""


def digest_of(loaded: Loaded) -> str:
    assert loaded.rulebook is not None, loaded.faults
    return loaded.rulebook.policy(STANDARD).digest


def test_every_one_of_the_planted_faults_is_named_with_its_exact_place() -> None:
    faults = [fault for fault in load_text(TEN_FAULTS).faults if fault.is_error]
    assert [(fault.line, fault.column, fault.key) for fault in faults] == [
        (5, 10, "rules.error-rate.bad"),
        (7, 12, "rules.error-rate.above"),
        (8, 5, "rules.error-rate.on_breech"),
        (11, 16, "rules.latency-p95.histogram"),
        (13, 12, "rules.latency-p95.above"),
        (15, 5, "rules.latency-p95.for"),
        (20, 22, "rules.login-works.expect.status"),
        (23, 47, "plans.standard.workload.version"),
        (24, 25, "plans.standard.rules[1]"),
        (26, 60, "plans.standard.stages[0].bake.max"),
        (27, 31, "plans.standard.stages[1].traffic"),
    ]


def test_a_directory_of_files_is_one_rulebook(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(RULES)
    (tmp_path / "a.yml").write_text(PLANS)
    (tmp_path / "notes.txt").write_text("not a rule file")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "c.yaml").write_text("not: read")
    loaded = load([tmp_path])
    assert loaded.faults == ()
    assert loaded.rulebook is not None
    assert loaded.rulebook.rules.keys() == set(loaded.rulebook.policy(STANDARD).plan.rules)
    assert loaded.rulebook.policy(STANDARD).rules[0].name == RuleName("error-rate")


def test_files_of_cases_are_no_rule_files(tmp_path: Path) -> None:
    """A shell that was told *.yaml names them one by one."""
    (tmp_path / "all.yaml").write_text(GOOD)
    (tmp_path / "all.cases.yaml").write_text("cases: [1]")
    assert load([tmp_path]).faults == ()
    assert load(sorted(tmp_path.iterdir())).faults == ()
    assert "unknown key" in str(load([tmp_path / "all.cases.yaml"]).faults)


def test_a_file_counts_once_however_many_paths_lead_to_it(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(GOOD)
    (tmp_path / "link.yaml").symlink_to("all.yaml")
    (tmp_path / "round.yaml").symlink_to("round.yaml")
    assert load([tmp_path, tmp_path / "all.yaml", tmp_path / "." / "all.yaml"]).faults == ()


def test_a_second_rule_of_a_name_points_at_the_first() -> None:
    twice = "version: 1\nrules:\n  target-down: {kind: value, query: up, below: 1, for: 1m}\n"
    (fault,) = faults_of(GOOD, twice)
    assert fault.startswith("rules2.yaml:3:3: rules.target-down: a rule of this name is already at rules.yaml:17:3")
    assert any("a plan of this name is already at rules.yaml:32:3" in fault for fault in faults_of(GOOD, PLANS))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        pytest.param("nowhere.yaml", "cannot be read: No such file or directory", id="missing"),
        pytest.param("empty", "a directory without a *.yaml or *.yml file that could be read", id="empty directory"),
        pytest.param("round.yaml", "cannot be read: Too many levels of symbolic links", id="links in a circle"),
    ],
)
def test_what_cannot_be_read_is_an_error(tmp_path: Path, path: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "round.yaml").symlink_to("round.yaml")
    loaded = load([tmp_path / path])
    assert loaded.rulebook is None
    assert [str(fault) for fault in loaded.errors] == [f"{tmp_path / path}:1:1: {message}"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("rules: {}\n", "1:1: version is missing: The version of this format: 1.", id="no version"),
        pytest.param("version: 2\n", "1:10: version: '2' is not a version of rule files", id="a later version"),
        pytest.param("version: 1\nrule: {}\n", "2:1: rule: unknown key (did you mean rules?)", id="unknown section"),
        pytest.param("version: 1\nrules: []\n", "2:1: rules: a list where a mapping is due", id="a list of rules"),
        pytest.param("version: 1\nplans:\n", "2:7: plans: nothing where a mapping is due", id="no plans after all"),
        pytest.param("- version: 1\n", "1:1: a list where a mapping is due; its keys: ", id="a list at the top"),
        pytest.param("version\n", "1:1: text where a mapping is due; its keys: ", id="text at the top"),
    ],
)
def test_the_top_of_a_file_is_as_strict_as_the_rest(text: str, fault: str) -> None:
    (error,) = load_text(text).errors
    assert str(error).removeprefix("rules.yaml:").startswith(fault)


OTHER_RULES = "version: 1\nrules:\n  other: {kind: value, query: up, below: 1, for: 1m}\n"
BLOCK_STAGE = """\
      - name: canary
        bake:
          max: 30m
          min: 900s
        traffic: 0.05
"""


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param([PLANS, RULES], id="files in another order"),
        pytest.param([f"# why\n{spoiled('above: 2%', 'above: 0.02 # two')}"], id="comments"),
        pytest.param([spoiled("for: 2m", "for: 120s\n    description: all are up")], id="a description"),
        pytest.param([spoiled('{code=~"5.."}', "{ code =~ '5..', }")], id="spaces and quotes in PromQL"),
        pytest.param([spoiled(f"{GOOD.splitlines()[35]}\n", BLOCK_STAGE)], id="block style and units"),
        pytest.param([GOOD, OTHER_RULES], id="more rules"),
    ],
)
def test_how_a_policy_is_written_does_not_change_its_digest(texts: list[str]) -> None:
    assert digest_of(load_text(*texts)) == digest_of(load_text(GOOD))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("above: 2%", "above: 2.1%", id="a limit"),
        pytest.param("kind: value", "kind: value\n    runbook: https://runbooks.example/x", id="a runbook"),
        pytest.param("traffic: 5%", "traffic: 6%", id="traffic of a stage"),
        pytest.param("[error-rate, latency-p95", "[latency-p95, error-rate", id="order of rules"),
        pytest.param('{service: "{service}"', '{svc: "{service}"', id="a label"),
    ],
)
def test_whatever_changes_the_meaning_changes_the_digest(old: str, new: str) -> None:
    assert digest_of(load_text(spoiled(old, new))) != digest_of(load_text(GOOD))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("above: 2%", "above: 2%\n    test: threshold\n    for: 5m", id="the test"),
        pytest.param("worse_than_baseline: 10%", "above: 10%", id="what a share is compared with"),
        pytest.param("baseline: before", "baseline: none", id="what a stage compares with"),
        pytest.param('version: "{baseline}"', 'version: "v{baseline}"', id="a label of the baseline"),
        pytest.param("false_rollback_budget: 1%", "false_rollback_budget: 2%", id="the budget"),
        pytest.param("factor: 14.4", "factor: 14", id="how fast a budget may burn"),
    ],
)
def test_whatever_changes_what_evidence_means_changes_the_digest(old: str, new: str) -> None:
    assert digest_of(load_text(spoiled(old, new, SEQUENTIAL))) != digest_of(load_text(SEQUENTIAL))


def test_the_digest_of_a_known_policy_only_changes_on_purpose() -> None:
    """A release is pinned to it: after an upgrade that changes it, every release in flight seems changed."""
    assert digest_of(load_text(GOOD)) == "sha256:5139d273035f27a268e73257ab5e5591d846752888a3b1ab6ccb16d90dd6a955"


def test_a_file_that_cannot_be_read_by_this_user_says_so(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    (tmp_path / "a.yaml").touch(mode=0o000)
    (fault,) = load([tmp_path / "a.yaml"]).errors
    assert fault.message == "cannot be read: Permission denied"


WORDS = sorted(
    {word for word in f"{GOOD} {SEQUENTIAL}".split() if word}
    | {"~", "{", "}", "[", "]", "- ", ": ", "&a", "*a", "!x", "<<"}
)


@given(st.lists(st.sampled_from(["\n", "\n  ", "\n    ", " ", *WORDS]), max_size=40).map("".join))
@settings(deadline=None)
def test_no_text_ever_raises_anything(text: str) -> None:
    assemble([strict_yaml.read(text.encode(), "rules.yaml")], {})


@given(data=st.data())
@settings(deadline=None)
def test_no_spoiled_file_ever_raises_anything(data: st.DataObject) -> None:
    """A good file with a few lines cut, doubled, moved or overwritten comes closest to what people write."""
    lines = data.draw(st.sampled_from([GOOD, SEQUENTIAL])).splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.sampled_from(["cut", "double", "move", "overwrite", "value"])):
            case "cut":
                lines[at] = ""
            case "double":
                lines.insert(at, lines[at])
            case "move":
                lines.insert(data.draw(st.integers(0, len(lines))), lines[at])
            case "overwrite":
                lines[at] = data.draw(st.text(max_size=20))
            case _:
                value = data.draw(
                    st.sampled_from(["", "[]", "{}", "~", "1e999", "9" * 400 + "y", "'{'", "[[a]]", "{a: {b: c}}"])
                )
                lines[at] = f"{lines[at].partition(':')[0]}: {value}"
    loaded = assemble([strict_yaml.read("\n".join(lines).encode("utf-8", "surrogatepass"), "rules.yaml")], {})
    assert (loaded.rulebook is None) == bool(loaded.errors)
