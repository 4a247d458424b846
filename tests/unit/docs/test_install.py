"""docs/install.md speaks of the files and places that there are."""

import re
import subprocess
from pathlib import Path

import click
import pytest

from gated.cli.main import main
from gated.daemon import settings
from gated.daemon.service_manager import enough_watchdog_seconds
from tests.unit_file import Unit

REPOSITORY = Path(__file__).parents[3]
PAGE = (REPOSITORY / "docs" / "install.md").read_text()
UNIT = Unit.read(REPOSITORY / "deploy" / "systemd" / "gated.service")
SCRIPTS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("script", SCRIPTS, ids=range(len(SCRIPTS)))
def test_every_script_is_a_shell_script(script: str) -> None:
    done = subprocess.run(["/bin/sh", "-n"], input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_places_are_those_of_the_unit() -> None:
    program, *_ = UNIT.one("ExecStart").split()
    for path in (program, f"/var/lib/{UNIT.one('StateDirectory')}/gated.db", "/etc/gated/gated.yaml"):
        assert path in PAGE
    assert {UNIT.one("StateDirectory"), UNIT.one("ConfigurationDirectory")} == {"gated"}
    unknown = set(re.findall(r"/(?:var/lib|etc|opt)/gated/([\w.-]+)", PAGE)) - set(
        "VERSION current gated.yaml rules secrets gated.db".split()
    )
    assert not unknown


def test_every_file_of_the_checkout_that_is_named_exists() -> None:
    named = {word for script in SCRIPTS for word in re.findall(r"(?<!/)\bdeploy/[\w./-]+|requirements\.lock", script)}
    links = set(re.findall(r"\]\(([^)#:]+)\)", PAGE))
    assert "deploy/systemd/gated.service" in named
    assert [name for name in named if not (REPOSITORY / name).exists()] == []
    assert [link for link in links if not (REPOSITORY / "docs" / link).exists()] == []


def test_every_command_of_gated_exists_with_its_options() -> None:
    lines = [line for script in SCRIPTS for line in re.findall(r"^ *gated (.*)$", script, re.MULTILINE)]
    assert len(lines) >= 4
    for line in lines:
        command: click.Command = main
        words, context = line.split(), click.Context(main, info_name="gated")
        while isinstance(command, click.Group):
            found = command.get_command(context, words.pop(0))
            assert found is not None, line
            command = found
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, line


def test_the_postgresql_example_is_a_configuration(tmp_path: Path) -> None:
    (store,) = re.findall(r"```yaml\n(store:.*?)```", PAGE, re.DOTALL)
    (tmp_path / "rules").mkdir()
    (tmp_path / "password").write_text("secret")
    text = f"rules: [rules/]\n{store}".replace("/run/credentials/gated.service/database-password", "password")
    (tmp_path / "gated.yaml").write_text(text)
    loaded = settings.load(tmp_path / "gated.yaml")
    assert loaded.settings is not None, loaded.faults
    assert loaded.settings.store_url == "postgresql+psycopg://gated:secret@db.example/gated"


def test_what_is_said_of_the_watchdog_is_what_gated_checks() -> None:
    assert "plus 30 seconds" in PAGE
    assert enough_watchdog_seconds((7.0,)) == 37.0
    assert UNIT.one("WatchdogSec") == "3min"
    assert "three minutes" in PAGE


def test_the_proxy_waits_longer_than_a_poll_and_knows_gateds_address() -> None:
    (proxy,) = re.findall(r"```nginx\n(.*?)```", PAGE, re.DOTALL)
    assert "proxy_read_timeout 90s;" in proxy, "a poll may wait 60 s"
    assert "proxy_buffering off;" in proxy
    config = (REPOSITORY / "deploy" / "systemd" / "gated.yaml").read_text()
    (listen,) = re.findall(r"^listen: (\S+)$", config, re.MULTILINE)
    assert set(re.findall(r"proxy_pass http://(\S+);", proxy)) == {listen}
