"""The command line as people meet it: help, options, files."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import gated
from gated.cli import options
from gated.cli.lazy import LazyGroup
from gated.cli.main import main

DOCS = Path(__file__).parents[3] / "docs" / "cli.md"
HEAVY = (
    "pydantic",
    "urllib3",
    "requests",
    "sqlalchemy",
    "fastapi",
    "uvicorn",
    "yaml",
    "structlog",
    "promql_parser",
    "textual",
    "rich",
)


def every_command(
    group: click.Group = main, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from every_command(command, (*path, name))


COMMANDS = {" ".join(path): command for path, command in every_command()}
LEAVES = {path: command for path, command in COMMANDS.items() if not isinstance(command, click.Group)}


def run(*arguments: str, code: int = 0) -> click.testing.Result:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == code, done.output
    return done


# --- help --------------------------------------------------------------------------------------------------------


def test_help_and_version_import_nothing_heavy() -> None:
    """Completion runs the program at every press of a key."""
    heavy = f"print([name for name in {HEAVY} if name in sys.modules])"
    for arguments in (["--help"], ["--version"]):
        code = f"import sys\nfrom gated.cli.main import main\nmain({arguments}, standalone_mode=False)\n{heavy}"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "[]"


def test_the_version_is_printed() -> None:
    assert run("--version").output == f"gated {gated.__version__}\n"


def test_the_list_of_commands_says_what_the_commands_say() -> None:
    assert isinstance(main, LazyGroup)
    for name, lazy in main.lazy.items():
        assert lazy.summary == (COMMANDS[name].help or "").splitlines()[0], name


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_teaches(path: str) -> None:
    shown = run(*path.split(), "--help").output
    assert all(len(line) <= 100 for line in shown.splitlines())
    if path in LEAVES:
        assert "  Examples:\n    " in shown
        assert "  Exit codes:\n    0 " in shown
        assert re.search(rf"^ +.*gated {path}\b", shown, re.MULTILINE), "an example of itself"


@pytest.mark.parametrize("path", LEAVES)
def test_every_option_says_what_it_is_for(path: str) -> None:
    for parameter in LEAVES[path].params:
        if isinstance(parameter, click.Option):
            assert (parameter.help or "").endswith("."), parameter.name


def test_an_unknown_command_ends_with_2() -> None:
    assert "No such command" in run("relase", code=2).output


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_printed_for_every_shell(shell: str) -> None:
    assert "_GATED_COMPLETE" in run("completion", shell).stdout


# --- the page of the commands ------------------------------------------------------------------------------------


def documented() -> list[str]:
    """Every command line of the page, from `gated` on: in code blocks, continued after a backslash, and in the text."""
    page = DOCS.read_text().replace("\\\n", " ")
    blocks = "\n".join(re.findall(r"^```.*?\n(.*?)^```", page, re.MULTILINE | re.DOTALL))
    spans = "\n".join(re.findall(r"`(gated [^`]*)`", page))
    return re.findall(r"\bgated [a-z][^)&|#\n]*", f"{blocks}\n{spans}")


def test_every_documented_command_and_option_exists() -> None:
    lines = documented()
    assert len(lines) > 2 * len(LEAVES)
    for line in lines:
        words = line.removeprefix("gated ").split()
        command = COMMANDS.get(" ".join(words[:2])) or COMMANDS.get(words[0])
        assert command is not None, line
        known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in words if word.startswith("--")} <= known | {"--help"}, line


@pytest.mark.parametrize("path", LEAVES)
def test_every_command_and_option_is_documented(path: str) -> None:
    page = DOCS.read_text()
    section = re.search(rf"^###? `gated {path}[^`]*`\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
    assert section is not None
    shared = {"--url", "--actor", "--output", "--help"}
    for parameter in LEAVES[path].params:
        for name in (*parameter.opts, *parameter.secondary_opts) if isinstance(parameter, click.Option) else ():
            assert name in shared or f"`{name}" in section[1], name


def test_the_exit_codes_of_wait_are_documented() -> None:
    page = DOCS.read_text()
    shown = run("wait", "--help").output.split("Exit codes:")[1]
    codes = re.findall(r"^    (\d+) ", shown, re.MULTILINE)
    assert len(codes) == 9
    for code in codes:
        assert re.search(rf"^\| {code} \|", page, re.MULTILINE), code


# --- options -----------------------------------------------------------------------------------------------------

ADDRESSES = ["http://127.0.0.1:9911", "https://gate.example", "https://gate.example/gated/", "http://[::1]:9911"]
NO_ADDRESSES = {
    "no scheme": "gate.example:9911",
    "another scheme": "ftp://gate.example",
    "no host": "http://:9911",
    "a port that is none": "http://gate.example:99111",
    "credentials": "https://user:secret@gate.example",
    "a query": "https://gate.example/?a=1",
    "a fragment": "https://gate.example/#a",
    "a space": "https://gate.example/a b",
    "a control character": "https://gate.example/\x1b",
    "a broken bracket": "http://[::1",
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_addresses_of_gates(address: str) -> None:
    assert options.Address()(address) == address


@pytest.mark.parametrize("address", NO_ADDRESSES.values(), ids=NO_ADDRESSES.keys())
def test_what_is_no_address_is_refused_without_repeating_a_secret(address: str) -> None:
    with pytest.raises(click.BadParameter) as refused:
        options.Address()(address)
    assert "secret" not in str(refused.value)


def test_actors_are_compared_as_the_gate_compares_them() -> None:
    assert options.ActorName()("  github:acme/shop ") == "github:acme/shop"
    for name in ("", "   ", "jos\u00e9", "a\nb", "x" * 129):
        with pytest.raises(click.BadParameter):
            options.ActorName()(name)


def test_whoever_has_no_name_is_still_an_actor(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", _nobody)
    assert re.fullmatch(rf"uid-{os.getuid()}@[!-~]+", options.default_actor())


def _nobody(uid: int) -> None:
    raise KeyError(uid)


LISTENS = {"127.0.0.1:9911": True, "[::1]:0": True, "localhost:80": True, "9911": False, "[::1]": False, "::1:9": False}
LISTENS |= {"127.0.0.1:65536": False, "user@host:1": False, "host:1/path": False}


@pytest.mark.parametrize(("text", "is_good"), LISTENS.items())
def test_where_to_listen(text: str, is_good: bool) -> None:
    done = CliRunner().invoke(main, ["serve", "--config", "/nowhere/gated.yaml", "--listen", text])
    assert done.exit_code == (1 if is_good else 2)


# --- files -------------------------------------------------------------------------------------------------------

RULES = """\
version: 1
rules:
  error-rate: {kind: ratio, bad: 'http_requests_total{code=~"5.."}', total: http_requests_total,
               above: 2%, test: threshold, for: 5m}
plans:
  standard:
    workload: {service: "{service}", version: "{version}"}
    rules: [error-rate]
    stages: [{name: full, traffic: 100%, bake: {min: 5m, max: 1h}}]
"""


def test_good_rules_have_no_faults(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(RULES)
    assert run("check", "rules", str(tmp_path)).output == "no faults\n"
    assert json.loads(run("check", "rules", str(tmp_path), "--output", "json").stdout) == []


def test_faults_are_printed_as_linters_do(tmp_path: Path) -> None:
    file = tmp_path / "web.yaml"
    file.write_text(RULES.replace("above: 2%", "above: 2"))
    done = run("check", "rules", str(file), code=1)
    assert re.match(rf"{re.escape(str(file))}:4:\d+: error: rules\.error-rate\.above: ", done.stdout)
    assert done.stderr == "1 error, 0 warnings\n"
    (fault,) = json.loads(run("check", "rules", str(file), "--output", "json", code=1).stdout)
    assert (fault["line"], fault["key"], fault["severity"]) == (4, "rules.error-rate.above", "error")


def test_warnings_alone_end_with_3(tmp_path: Path) -> None:
    file = tmp_path / "web.yaml"
    file.write_text(RULES.replace("plans:", "  spare: {kind: value, query: up, below: 1}\nplans:"))
    assert "warning: rules.spare" in run("check", "rules", str(file), code=3).stdout


def test_a_file_cannot_steer_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "web.yaml"
    file.write_text(RULES.replace("kind: ratio", r'kind: "\e[2J"'))
    assert "\x1b" not in run("check", "rules", str(file), code=1).output


def test_the_configuration_is_checked_together_with_its_rules(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(RULES.replace("[error-rate]", "[error-rat]"))
    config = tmp_path / "gated.yaml"
    config.write_text("rules: [web.yaml]\nsources: {default: {url: http://127.0.0.1:9090}}\n")
    done = run("check", "config", str(config), code=1)
    assert "web.yaml:8:" in done.stdout
    (tmp_path / "web.yaml").write_text(RULES)
    assert run("check", "config", str(config)).output == "no faults\n"


def test_the_configuration_explains_itself() -> None:
    assert "evaluation_interval (" in run("check", "config", "--explain").stdout


def test_serve_names_every_fault_and_does_not_start(tmp_path: Path) -> None:
    config = tmp_path / "gated.yaml"
    config.write_text("listen: nowhere\nrulez: []\n")
    done = run("serve", "--config", str(config), code=1)
    assert done.stderr.count(f"{config}:") >= 2


def test_the_database_is_upgraded_once(tmp_path: Path) -> None:
    config = tmp_path / "gated.yaml"
    config.write_text("rules: []\nsources: {default: {url: http://127.0.0.1:9090}}\nstore: sqlite:///state.db\n")
    (tmp_path / "rules").mkdir()
    config.write_text(config.read_text().replace("[]", "[rules]"))
    assert "it was empty" in run("db", "upgrade", "--config", str(config)).stdout
    assert "already" in run("db", "upgrade", "--store", f"sqlite:///{tmp_path / 'state.db'}").stdout
    with sqlite3.connect(tmp_path / "state.db") as database:
        database.execute("update alembic_version set version_num = '9999'")
    database.close()
    assert "newer" in run("db", "upgrade", "--config", str(config), code=1).stderr


def test_a_database_that_cannot_be_used_is_told_without_its_password() -> None:
    done = run("db", "upgrade", "--store", "mysql://gated:s3cret@db.example/gated", code=1)
    assert "s3cret" not in done.output
