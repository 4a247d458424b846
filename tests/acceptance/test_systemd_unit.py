"""deploy/systemd: what systemd itself says of the unit, and what becomes of the command in it."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import binaries
from deploy.local.gated import COMMAND
from deploy.local.process import free_port
from gated.daemon import run as daemon
from gated.daemon import settings
from gated.daemon.service_manager import enough_watchdog_seconds
from tests.service_manager import Listener
from tests.unit_file import Unit

REPOSITORY = Path(__file__).parents[2]
SYSTEMD = REPOSITORY / "deploy" / "systemd"
INSTALLED = "/opt/gated/current/bin/gated"
STRANGER = 64_999
"""A user id that owns nothing; root runs the unit's command as it."""
SINCE = {
    "Failed to parse service type, ignoring: notify-reload": 253,
    "Unknown key 'RestartSteps' in section [Service], ignoring.": 254,
    "Unknown key 'RestartMaxDelaySec' in section [Service], ignoring.": 254,
}
"""What an older systemd says of the unit, and the version that says it no longer."""
MOST_EXPOSED = 14
"""Of 100; systemd 252 finds 14 and 257 finds 12. What is left is TCP, AF_UNIX, the host's root and its own limits."""


@pytest.fixture(scope="module")
def unit() -> Unit:
    return Unit.read(SYSTEMD / "gated.service")


@pytest.fixture(scope="module")
def drop_in() -> Unit:
    return Unit.read(SYSTEMD / "debian-12.conf")


@pytest.fixture(scope="module")
def config() -> str:
    return (SYSTEMD / "gated.yaml").read_text()


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze, this machine's or Debian's own."""
    found = binaries.find("systemd-analyze")
    return subprocess.run(
        [str(found.path), *arguments],
        env={**os.environ, **found.environment, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def version() -> int:
    found = re.match(r"systemd (\d+)", analyze("--version").stdout)
    assert found is not None
    return int(found[1])


def verify(directory: Path, *, drop_in: bool) -> list[str]:
    """What systemd says of the unit, with our command where the unit expects it; every complaint once."""
    for name in ("gated.service", *(["gated.service.d/debian-12.conf"] if drop_in else [])):
        (directory / name).parent.mkdir(exist_ok=True)
        text = (SYSTEMD / Path(name).name).read_text()
        (directory / name).write_text(text.replace(INSTALLED, COMMAND))
    done = analyze("verify", "--man=no", str(directory / "gated.service"))
    assert done.returncode == 0, done.stderr
    ours = [line for line in done.stderr.splitlines() if str(directory) in line or line.startswith("gated.service")]
    return list(dict.fromkeys(re.sub(r"^\S+:\d+: ", "", line) for line in ours))


@pytest.mark.parametrize("has_drop_in", [False, True], ids=["the unit alone", "with the drop-in"])
def test_systemd_understands_all_that_its_version_can(tmp_path: Path, *, has_drop_in: bool) -> None:
    """On Debian 12 exactly what the drop-in makes up for is ignored; from 254 on nothing is."""
    expected = sorted(complaint for complaint, since in SINCE.items() if version() < since)
    assert sorted(verify(tmp_path, drop_in=has_drop_in)) == expected


def test_a_mistake_in_the_unit_would_be_noticed(tmp_path: Path) -> None:
    text = (SYSTEMD / "gated.service").read_text().replace(INSTALLED, COMMAND)
    (tmp_path / "gated.service").write_text(text.replace("ProtectSystem=strict", "ProtectSytem=strict"))
    assert "ProtectSytem" in analyze("verify", "--man=no", str(tmp_path / "gated.service")).stderr


def test_the_unit_is_shut_as_far_as_a_network_daemon_can_be() -> None:
    unit = str(SYSTEMD / "gated.service")
    assert analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED}", unit).returncode == 0
    assert analyze("security", "--offline=true", "--threshold=5", unit).returncode == 1, "the threshold is heeded"


def test_the_unit_gives_the_daemon_the_time_and_the_files_it_needs(unit: Unit) -> None:
    loaded = settings.load(SYSTEMD / "gated.yaml")
    timeouts = (5.0,) if loaded.settings is None else tuple(each.timeout_seconds for each in loaded.settings.sources)
    assert unit.seconds("WatchdogSec") >= 2 * enough_watchdog_seconds(timeouts)
    assert unit.seconds("TimeoutStopSec") >= 2 * (daemon._GRACE_SECONDS + max(timeouts))
    assert int(unit.one("LimitNOFILE")) >= 2 * 5000, "5,000 waiting polls, and as much again to spare"
    assert int(unit.one("OOMScoreAdjust")) < 0


def test_unit_and_configuration_mean_the_same_places(unit: Unit, config: str) -> None:
    assert unit.one("ExecStart") == f"{INSTALLED} serve --config /etc/{unit.one('ConfigurationDirectory')}/gated.yaml"
    assert f"store: sqlite:////var/lib/{unit.one('StateDirectory')}/gated.db\n" in config
    credentials = re.findall(r"_file: (\S+)", config)
    assert credentials
    assert {str(Path(path).parent) for path in credentials} == {"/run/credentials/gated.service"}
    loaded = re.findall(r"LoadCredential=([a-z-]+):/etc/gated/secrets/", (SYSTEMD / "gated.service").read_text())
    assert set(loaded) <= {Path(path).name for path in credentials}


def placed(directory: Path, config: str, port: int) -> str:
    """Put configuration and rules below a directory, as if it were /; returns the path of the configuration."""
    (directory / "etc/gated").mkdir(parents=True)
    (directory / "var/lib/gated").mkdir(parents=True)
    shutil.copytree(REPOSITORY / "rules", directory / "etc/gated/rules")
    text = config.replace("/var/lib/gated", f"{directory}/var/lib/gated").replace(":9911", f":{port}")
    (directory / "etc/gated/gated.yaml").write_text(text)
    return f"{directory}/etc/gated/gated.yaml"


def test_the_example_configuration_has_no_faults(tmp_path: Path, config: str) -> None:
    done = subprocess.run(
        [COMMAND, "check", "config", placed(tmp_path, config, 9911)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that a stranger can reach; pytest's own are closed to other users."""
    directory = Path(tempfile.mkdtemp(prefix="gated-unit-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


def as_stranger() -> list[str]:
    """A prefix of the command that gives up root, with all its rights, as DynamicUser= does."""
    if os.geteuid() != 0:
        return []
    prefix = ["setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups", "--no-new-privs", "--"]
    if subprocess.run([*prefix, COMMAND, "--version"], capture_output=True, check=False).returncode:
        pytest.skip(f"another user cannot reach {COMMAND}; the checkout lies in a folder that is closed to them")
    return prefix


def test_the_units_command_becomes_ready_writes_only_its_state_and_stops_cleanly(
    place: Path, unit: Unit, config: str
) -> None:
    command = unit.one("ExecStart").replace(INSTALLED, COMMAND)
    command = command.replace("/etc/gated/gated.yaml", placed(place, config, free_port()))
    state = place / "var/lib/gated"
    prefix = as_stranger()
    if prefix:
        os.chown(state, STRANGER, STRANGER)
    with Listener(f"@gated-{uuid.uuid4()}") as listener:
        with subprocess.Popen(
            [*prefix, *command.split()],
            cwd=state,
            umask=int(unit.one("UMask"), 8),
            env={
                "NOTIFY_SOCKET": listener.name,
                "WATCHDOG_USEC": f"{unit.seconds('WatchdogSec') * 1e6:.0f}",
                "PATH": "/usr/bin:/bin",
            },
            stderr=subprocess.PIPE,
            text=True,
        ) as running:
            try:
                assert listener.until("READY", seconds=20)["STATUS"] == "Serving; no look yet"
                assert listener.until("WATCHDOG")
                running.terminate()
                _, log = running.communicate(timeout=unit.seconds("TimeoutStopSec"))
            finally:
                running.kill()
        assert listener.until("STOPPING", seconds=1)
    assert running.returncode == 0, log
    assert '"warning"' not in log, "neither a short watchdog nor an open port"
    assert {path.name for path in state.iterdir()} >= {"gated.db", "gated.db.lock"}
    assert {path.stat().st_mode & 0o077 for path in state.iterdir()} == {0}, "nobody else may read the state"


NO_PLAN = "version: 1\nrules:\n  up: {kind: value, query: up, below: 1, for: 2m}\n"


@pytest.mark.parametrize(
    ("rules", "says", "is_reloaded"),
    [
        pytest.param(NO_PLAN, "warning: ", True, id="warnings only"),
        pytest.param(NO_PLAN.replace("value", "valeu"), "error: ", False, id="an error"),
        pytest.param("", "", True, id="the shipped rules"),
    ],
)
def test_the_drop_ins_reload_checks_the_rules_first(
    tmp_path: Path, drop_in: Unit, config: str, rules: str, says: str, *, is_reloaded: bool
) -> None:
    placed(tmp_path, config, 9911)
    if rules:
        shutil.rmtree(tmp_path / "etc/gated/rules")
        (tmp_path / "etc/gated/rules").mkdir()
        (tmp_path / "etc/gated/rules/rules.yaml").write_text(rules)
    found = re.fullmatch(r"/bin/sh -c '(.*)'", drop_in.one("ExecReload"))
    assert found is not None
    script = found[1].replace(INSTALLED, COMMAND).replace("/etc/gated", f"{tmp_path}/etc/gated")
    # Whoever runs the tests may ignore SIGHUP (nohup does), and children would too.
    with subprocess.Popen(["env", "--default-signal=HUP", "sleep", "30"]) as main_process:
        try:
            done = subprocess.run(
                ["/bin/sh", "-c", script],
                env={**os.environ, "MAINPID": str(main_process.pid)},
                capture_output=True,
                text=True,
                check=False,
            )
            assert says in done.stdout
            assert (done.returncode == 0) is is_reloaded, done.stdout
            if is_reloaded:
                assert main_process.wait(5) == -signal.SIGHUP
            else:
                assert main_process.poll() is None, "nobody told it to reload"
        finally:
            main_process.kill()
