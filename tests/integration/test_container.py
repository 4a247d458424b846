"""The container image, as far as it can be tried without a container engine.

What it copies builds the wheel, what it installs is pinned, what it runs is a command of gated, and its health check
tells a daemon that answers from one that does not. No engine is needed, and no registry.
"""

import fnmatch
import importlib.metadata
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import click

import gated
from deploy.local.gated import Gated
from deploy.local.process import free_port
from gated.cli.main import main
from tests.acceptance import watched

REPOSITORY = Path(__file__).parents[2]
CONTAINERFILE = REPOSITORY / "deploy" / "container" / "Containerfile"
NAMED = re.compile(r"^([A-Za-z0-9._-]+)")


@dataclass(frozen=True)
class Instruction:
    """One instruction.

    Args:
        word: the first word.
        rest: what follows, on one line.
    """

    word: str
    rest: str

    @property
    def words(self) -> list[str]:
        """The words that are no options."""
        return [word for word in self.rest.split() if not word.startswith("--")]


def instructions() -> list[list[Instruction]]:
    """The instructions of each stage; those before the first FROM belong to it."""
    lines = [line for line in CONTAINERFILE.read_text().splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
    stages: list[list[Instruction]] = [[]]
    for line in joined:
        word, _, rest = line.partition(" ")
        if word == "FROM" and any(each.word == "FROM" for each in stages[-1]):
            stages.append([])
        stages[-1].append(Instruction(word, rest.strip()))
    return stages


BUILD, FINAL = instructions()


def only(word: str, stage: list[Instruction] = FINAL) -> str:
    """What follows the one instruction of a kind."""
    (found,) = [each.rest for each in stage if each.word == word]
    return found


def copied() -> list[str]:
    """What is copied from the checkout."""
    return [name for each in BUILD if each.word == "COPY" for name in each.words[:-1]]


def test_both_stages_begin_with_one_image_of_a_fixed_version() -> None:
    """Python in the environment that is copied must be the one it was made with."""
    image = only("ARG", BUILD).removeprefix("PYTHON=")
    assert re.fullmatch(r"python:3\.\d+-slim-[a-z]+", image), image
    assert [each.rest.split()[0] for each in (*BUILD, *FINAL) if each.word == "FROM"] == ["${PYTHON}"] * 2
    found = re.search(r"3\.(\d+)", image)
    assert found is not None
    assert int(found[1]) >= 11


def test_nothing_is_installed_that_is_not_pinned_by_its_hash() -> None:
    text = "\n".join(each.rest for each in (*BUILD, *FINAL) if each.word == "RUN")
    installs = re.findall(r"pip (?:install|wheel) ([^&\n]*)", text)
    assert len(installs) == 4
    for options in installs:
        is_pinned = "--require-hashes" in options
        is_offline = "--no-index" in options and "--no-deps" in options
        assert is_pinned or is_offline, options
    assert "apt-get" not in text
    assert "curl" not in text


def test_what_builds_the_wheel_is_pinned_whole() -> None:
    """A backend that gets another dependency would no longer be found with --no-index."""
    (script,) = re.findall(r"awk '[^']*' requirements-dev\.lock", "\n".join(each.rest for each in BUILD))
    lock = subprocess.run(["/bin/sh", "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    pinned = {match[1] for line in lock.splitlines() if (match := re.match(r"([a-z0-9-]+)==", line))}
    needed: set[str] = set()
    wanted = {"hatchling"}
    while wanted:
        needed |= wanted
        requirements = {line for name in wanted for line in importlib.metadata.requires(name) or ()}
        plain = {line for line in requirements if "extra ==" not in line and "python_version" not in line}
        wanted = {match[1] for line in plain if (match := NAMED.match(line))} - needed
    assert pinned == needed
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", lock)) >= len(pinned)
    assert not lock.rstrip().endswith("\\"), "the last entry is whole"


def test_what_is_copied_exists_and_gets_past_the_ignore_file() -> None:
    lines = [line for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    for name in copied():
        assert (REPOSITORY / name).exists(), name
        is_ignored = False
        for line in lines:
            if fnmatch.fnmatch(name, line.removeprefix("!")):
                is_ignored = not line.startswith("!")
        assert not is_ignored, name
    assert lines[0] == "*", "all else stays outside"
    assert {line[1:] for line in lines if line.startswith("!")} == set(copied())


def test_what_is_copied_builds_the_whole_wheel(tmp_path: Path) -> None:
    for name in copied():
        if (REPOSITORY / name).is_dir():
            shutil.copytree(REPOSITORY / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(REPOSITORY / name, tmp_path / name)
    (options,) = re.findall(r"pip wheel ([^&]*)", "\n".join(each.rest for each in BUILD))
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", *shlex.split(options)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("gated/")}
    source = {str(path.relative_to(tmp_path)) for path in (tmp_path / "gated").rglob("*") if path.is_file()}
    assert packed == source


def test_it_runs_as_nobody_in_particular_and_keeps_state_in_a_volume() -> None:
    user, group = only("USER").split(":")
    assert user == group
    assert int(user) >= 10_000, "a number, and no user of any distribution"
    assert only("VOLUME") == "/var/lib/gated"
    (made,) = [each.rest for each in FINAL if each.word == "RUN"]
    assert f"install -d -o {user} -g {group} -m 0700 {only('VOLUME')}" in made
    assert only("STOPSIGNAL") == "SIGTERM"
    assert only("EXPOSE") == "9911"
    words = [each.word for each in FINAL]
    assert words.index("RUN") < words.index("USER") < words.index("ENTRYPOINT"), "nothing runs as root after USER"


def test_its_command_is_one_of_gateds() -> None:
    """Both in exec form, so that SIGTERM reaches gated and no shell."""
    line = [*json.loads(only("ENTRYPOINT")), *json.loads(only("CMD"))]
    assert line == ["gated", "serve", "--config", "/etc/gated/gated.yaml", "--listen", "0.0.0.0:9911"]
    command = main.get_command(click.Context(main), line[1])
    assert command is not None
    assert {word for word in line if word.startswith("--")} <= {opt for each in command.params for opt in each.opts}


def test_its_labels_say_the_version() -> None:
    assert f"VERSION={gated.__version__}" in [each.rest for each in FINAL if each.word == "ARG"]
    keys = re.findall(r"org\.opencontainers\.image\.([a-z]+)=", only("LABEL"))
    assert set(keys) >= {"title", "description", "licenses", "version", "revision"}


def health_check(port: int) -> int:
    """Run the image's own check against a port; returns its exit code."""
    found = re.fullmatch(r"(?:--\S+ )+CMD (\[.*\])", only("HEALTHCHECK"))
    assert found is not None
    python, *arguments = json.loads(found[1])
    assert python == "python", "the one in the image; there is no curl"
    command = [sys.executable, *(argument.replace("9911", str(port)) for argument in arguments)]
    return subprocess.run(command, capture_output=True, check=False, timeout=10).returncode


def test_its_health_check_tells_a_daemon_that_answers_from_one_that_does_not(tmp_path: Path) -> None:
    """And what stops the container stops the daemon in good order."""
    with Gated(tmp_path, config=watched.config("http://127.0.0.1:9"), rules={"rules.yaml": watched.RULES}) as daemon:
        assert health_check(daemon.port) == 0, "though its Prometheus is away"
        daemon.pause()
        assert health_check(daemon.port) == 1
        daemon.resume()
        watched.send(daemon, signal.Signals[only("STOPSIGNAL")])
        assert daemon._process.wait(10) == 0
    assert health_check(free_port()) == 1
