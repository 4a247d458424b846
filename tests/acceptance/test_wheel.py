"""What a user installs: the built wheel, in an environment with nothing else."""

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import gated
from deploy.local.process import HttpServer
from tests.acceptance import watched

REPOSITORY = Path(__file__).parents[2]


class Installed(HttpServer):
    """The daemon of another environment."""

    name = "installed"

    def __init__(self, directory: Path, command: Path) -> None:
        self._gated = str(command)
        (directory / "rules").mkdir(parents=True)
        (directory / "rules" / "rules.yaml").write_text(watched.RULES)
        super().__init__(directory)

    def _command(self) -> list[str]:
        text = f"listen: 127.0.0.1:{self.port}\nrules: [rules/]\n{watched.config('http://127.0.0.1:9')}"
        (self.directory / "gated.yaml").write_text(text)
        return [self._gated, "serve", "--config", "gated.yaml"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an empty environment into which the wheel was installed, with the versions of the lock file."""
    directory = tmp_path_factory.mktemp("wheel")
    source = directory / "source"  # built from a copy: a build leaves files behind
    tracked = run("git", "ls-files", "-z", cwd=REPOSITORY).split("\0")
    for name in filter(None, tracked):
        if (REPOSITORY / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, source / name)
    run(
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(directory),
        str(source),
        cwd=directory,
    )
    (wheel,) = directory.glob("*.whl")
    pins = re.sub(r" \\\n    --hash=\S+", "", (REPOSITORY / "requirements.lock").read_text())
    (directory / "pins.txt").write_text(pins)
    venv.create(directory / "empty", with_pip=True)
    binaries = directory / "empty" / "bin"
    run(str(binaries / "pip"), "install", "-q", "-c", "pins.txt", str(wheel), cwd=directory)
    return binaries


@pytest.mark.timeout(240)
def test_the_wheel_gives_a_working_command(installed: Path, tmp_path: Path) -> None:
    command = str(installed / "gated")
    assert gated.__version__ in run(command, "--version", cwd=tmp_path)
    assert "serve" in run(command, "--help", cwd=tmp_path)
    shutil.copytree(REPOSITORY / "rules", tmp_path / "rules")
    run(command, "check", "rules", "rules/", cwd=tmp_path)
    with Installed(tmp_path / "daemon", installed / "gated") as daemon:
        assert daemon.is_running
        listed = run(command, "release", "list", "--output", "json", cwd=tmp_path, GATED_URL=daemon.url)
        assert '"releases"' in listed


@pytest.mark.timeout(240)
def test_nothing_of_the_tests_is_installed(installed: Path) -> None:
    found = run(str(installed / "python"), "-c", "import gated, sys; print(gated.__file__)", cwd=installed).strip()
    folder = Path(found).parent
    assert installed.parent in folder.parents
    assert (folder / "py.typed").is_file()
    assert not (folder.parent / "tests").exists()
    assert not (folder.parent / "deploy").exists()


def run(*command: str, cwd: Path, **variables: str) -> str:
    """Run a command in a clean Python environment; returns its output."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        command, cwd=cwd, env={**environment, **variables}, capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, f"{command} exited {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout
