"""`gated replay` and `gated calibrate` on the history of a real Prometheus."""

import json
import os
import re
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deploy.local.gated import COMMAND
from deploy.local.servers import Prometheus, backfill
from gated.cli.main import main
from tests.replay_world import STEP, Past, service

BEGIN = 1_763_596_800.0
"""2025-11-20T00:00Z."""
HOUR = 3600.0
HOURS = 10
RELEASED_AT = BEGIN + 8 * HOUR
PAGE = (Path(__file__).parents[2] / "docs" / "replay.md").read_text()
FILES: dict[str, str] = dict(re.findall(r"^```yaml\n# (\S+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
"""The files of the page, by name."""
COMMANDS: list[tuple[str, str]] = re.findall(r"^```console\n\$ gated (.*?)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
"""The commands of the page, with what they print."""
RULES = FILES["rules.yaml"]
ROLLING = ["--every", "1h", "--between", "2025-11-20T04:00Z", "--and", "2025-11-20T10:00Z", "--service", "checkout"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Ten hours of two services; in the ninth both got a new version, of which one is broken."""
    steady, broken = {0.0: 0.004}, {0.0: 0.004, RELEASED_AT + 300: 0.06}
    since = RELEASED_AT - 60
    instances = [
        *service("checkout", "v1", instances=3, fails=steady),
        *service("cart", "v1", instances=3, fails=steady),
        *service("checkout", "v2", fails=broken, since=since),
        *service("cart", "v2", fails=steady, since=since),
    ]
    past = Past(instances, BEGIN, BEGIN + HOURS * HOUR)
    directory = tmp_path_factory.mktemp("prometheus")
    backfill(past.openmetrics(BEGIN, BEGIN + HOURS * HOUR - STEP), directory)
    with Prometheus("", directory=directory) as running:
        yield running


@pytest.fixture
def folder(server: Prometheus, tmp_path: Path) -> Path:
    """The files of an operator."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text.replace("http://127.0.0.1:9090", server.url))
    return tmp_path


class Gated:
    """The command line in a folder."""

    def __init__(self, folder: Path) -> None:
        self._config = ["--config", str(folder / "gated.yaml")]

    def __call__(self, command: str, *arguments: str, code: int = 0) -> Result:
        done = CliRunner().invoke(main, [command, *arguments, *self._config, "--jobs", "1"])
        assert done.exit_code == code, done.output
        return done


@pytest.fixture
def gated(folder: Path) -> Gated:
    return Gated(folder)


# --- the page ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("command", "printed"), COMMANDS, ids=[command.split()[0] for command, _ in COMMANDS])
def test_the_commands_of_the_page_print_what_it_says(
    folder: Path, monkeypatch: pytest.MonkeyPatch, command: str, printed: str
) -> None:
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(main, [*shlex.split(command), "--jobs", "1"])
    assert done.exit_code == 0, done.output
    assert shape(done.stdout) == shape(printed)


def shape(text: str) -> str:
    """A text without its numbers, which a better statistic may move."""
    return re.sub(r"[ -]+", " ", re.sub(r"[\d,.]+", "#", text))


# --- releases of the past --------------------------------------------------------------------------------------------


def test_a_release_with_a_known_fault_is_found_and_a_good_one_is_let_through(gated: Gated, folder: Path) -> None:
    done = gated("replay", "--releases", str(folder / "releases.yaml"), "--expect", "onsets")
    ending = r"rolled back at canary by error-rate-vs-baseline, \S+ after the onset$"
    assert re.search(f"^checkout v2 in production along canary: {ending}", done.stdout, re.MULTILINE)
    assert "cart v2 in production along canary: promoted through 2 stages" in done.stdout
    assert "login-works was not replayed: a probe leaves no history" in done.stdout
    assert "1 of 2 rollouts would have gone back" in done.stdout
    assert re.search(r"^2 rollouts, \d+ looks, \d+ requests in \d+s$", done.stderr, re.MULTILINE)


def test_the_json_has_all_of_it(gated: Gated, folder: Path) -> None:
    printed = gated("replay", "--releases", str(folder / "releases.yaml"), "--output", "json").stdout
    document = json.loads(printed)
    cart, checkout = document["releases"]
    assert [cart["ending"], checkout["ending"]] == ["completed", "rolled_back"]
    assert 0 < checkout["rollback"]["seconds_to_trigger"] < 600
    assert checkout["rules"][0]["learned"]["hours"] > 3
    assert document["totals"]["rolled_back"]["count"] == 1
    assert document["plans"][0]["left_out"] == [{"rule": "login-works", "reason": "a probe leaves no history"}]
    assert 0 < document["requests"] < 100


def test_what_is_not_as_expected_ends_with_4(gated: Gated, folder: Path) -> None:
    done = gated("replay", "--releases", str(folder / "releases.yaml"), "--expect", "none", code=4)
    assert "not as expected: checkout v2 in production" in done.stderr


def test_one_release_can_be_described_on_the_command_line(gated: Gated) -> None:
    told = ["--service", "cart", "--version", "v2", "--baseline", "v1", "--plan", "canary"]
    done = gated("replay", *told, "--from", "2025-11-20T08:00Z", "--stage-at", "full=2025-11-20T08:40Z")
    assert "promoted through 2 stages" in done.stdout
    assert "2025-11-20 08:40:00Z  full: started" in done.stdout


class Assets(HTMLParser):
    """Everything that a page would load from elsewhere, and every script."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember it."""
        if tag in {"script", "link", "img", "iframe", "object"}:
            self.found.append(tag)
        self.found += [name for name, _ in attrs if name in {"src", "href", "onload", "onclick"}]


def test_the_page_needs_nothing_else(gated: Gated, folder: Path) -> None:
    gated("replay", "--releases", str(folder / "releases.yaml"), "--html", str(folder / "report.html"))
    page = (folder / "report.html").read_text()
    assets = Assets()
    assets.feed(page)
    assert assets.found == []
    assert "url(" not in page
    assert page.count("<details open>") == 2
    assert page.count("<svg ") > 8


# --- made-up ones ----------------------------------------------------------------------------------------------------


def test_a_week_of_hours_is_counted_with_its_interval(gated: Gated) -> None:
    done = gated("replay", "--plan", "canary", *ROLLING, "--service", "cart", "--expect", "none")
    assert "0 of 12 rollouts would have gone back: 0 %, 95 % interval 0 % to 26.5 %" in done.stdout
    assert re.search(r"^error-rate-vs-baseline +rollback +0 of 12 ", done.stdout, re.MULTILINE)


def test_an_interrupted_replay_goes_on_where_it_was(folder: Path) -> None:
    whole = Gated(folder)("replay", "--plan", "canary", *ROLLING, "--output", "json").stdout
    state = folder / "replay.state"
    arguments = ["replay", "--plan", "canary", *ROLLING, "--state", str(state), "--jobs", "2", "--output", "json"]
    first = subprocess.Popen(
        [COMMAND, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_for(lambda: state.exists() and len(state.read_text().splitlines()) > 2)
    first.kill()
    first.communicate()
    kept = len(state.read_text().splitlines()) - 1
    wait_for(lambda: not is_anybody_left(first.pid))
    second = subprocess.run([COMMAND, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    assert f"going on after {kept} of 6 rollouts" in second.stderr
    assert without_cost(second.stdout) == without_cost(whole)
    third = subprocess.run([COMMAND, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    assert "0 rollouts, 0 looks, 0 requests" in third.stderr
    assert without_cost(third.stdout) == without_cost(whole)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Children can be interrupted, also when the tests run in the background of a shell, which ignores SIGINT there."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_it_at_once_and_leaves_no_process(folder: Path) -> None:
    state = folder / "replay.state"
    running = subprocess.Popen(
        [COMMAND, "replay", "--plan", "canary", *ROLLING, "--state", str(state), "--jobs", "2"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    wait_for(state.exists)
    os.killpg(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=20)
    assert running.returncode == 130
    assert said.endswith(b"stopped; the same command goes on from here\n")
    wait_for(lambda: not is_anybody_left(running.pid))


def test_the_state_of_other_rules_is_refused(gated: Gated, folder: Path) -> None:
    state = ["--state", str(folder / "replay.state")]
    gated("replay", "--plan", "canary", *ROLLING, *state)
    (folder / "rules.yaml").write_text(RULES.replace("worse_than_baseline: 10%", "worse_than_baseline: 11%"))
    refused = gated("replay", "--plan", "canary", *ROLLING, *state, code=1)
    assert "a rule or plan changed since; say --anew to begin again" in refused.stderr
    assert "going on" not in gated("replay", "--plan", "canary", *ROLLING, *state, "--anew").stderr


def test_a_source_that_is_away_ends_the_replay_with_12(gated: Gated, folder: Path) -> None:
    (folder / "gated.yaml").write_text("rules: [rules.yaml]\nsources: {default: {url: 'http://127.0.0.1:1'}}\n")
    done = gated("replay", "--releases", str(folder / "releases.yaml"), code=12)
    assert "connection refused" in done.stderr.lower()


# --- calibration -----------------------------------------------------------------------------------------------------


def test_a_limit_that_stops_healthy_rollouts_is_loosened_and_nothing_else_is_touched(
    gated: Gated, folder: Path
) -> None:
    arguments = [*ROLLING[2:], "--plan", "tight"]
    shown = gated("calibrate", *arguments).stdout
    assert re.search(r"^error-rate +above +0\.2% +6 of 6 .* 0\.75% +0 of 6", shown, re.MULTILINE)
    assert "-    above: 0.2%        # too tight\n+    above: 0.75%        # too tight\n" in shown
    assert (folder / "rules.yaml").read_text() == RULES
    gated("calibrate", *arguments, "--apply")
    assert (folder / "rules.yaml").read_text() == RULES.replace("above: 0.2% ", "above: 0.75% ")
    again = gated("calibrate", *arguments).stdout
    assert "@@" not in again


def test_the_proposal_is_a_patch_that_applies(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    shown = CliRunner().invoke(main, ["calibrate", *ROLLING[2:], "--plan", "tight", "--jobs", "1"])
    assert shown.exit_code == 0, shown.output
    diff = shown.stdout[shown.stdout.index("--- a/") :]
    subprocess.run(["patch", "-p1"], input=diff, cwd=folder, text=True, check=True, capture_output=True)
    assert (folder / "rules.yaml").read_text() == RULES.replace("above: 0.2% ", "above: 0.75% ")


def without_cost(document: str) -> dict[str, object]:
    """A report without what it cost."""
    found: dict[str, object] = json.loads(document)
    del found["requests"]
    return found


def wait_for(is_true: Callable[[], bool], seconds: float = 30.0) -> None:
    """Poll until something is true."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


def is_anybody_left(leader: int) -> bool:
    """Whether any process of a group is left."""
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True
