"""docs/contract.md: its two pipelines, run against a real gate, take a good version to the end and a bad one back."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import documents
from tests.acceptance import watched

PAGE = documents.REPOSITORY / "docs" / "contract.md"
PIPELINES = {"shell": ["sh", "roll-out.sh"], "Python": [sys.executable, "roll_out.py"]}
GOOD, BAD = "checkout", "cart"
SHIFT_TRAFFIC = '#!/bin/sh\necho "$2 $3" >>"traffic of $1"\n'


@dataclass(frozen=True, slots=True)
class Run:
    """How a pipeline went.

    Args:
        exit_code: of the script.
        traffic: where traffic went, in order: version and stage.
        printed: what it printed.
    """

    exit_code: int
    traffic: list[str]
    printed: str


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Run]:
    """Both pipelines with both versions, all at once, by pipeline and kind of version."""
    with watched.fake_prometheus() as prometheus:
        for name in PIPELINES:
            watched.healthy_traffic(prometheus, service=f"{name}-{GOOD}")
            watched.healthy_traffic(prometheus, service=f"{name}-{BAD}")
            watched.failing_traffic(prometheus, service=f"{name}-{BAD}")
        with watched.watch(tmp_path_factory.mktemp("gate"), prometheus) as gate:
            started = {
                (name, kind): start(name, f"{name}-{kind}", tmp_path_factory.mktemp(kind), gate.url)
                for name in PIPELINES
                for kind in (GOOD, BAD)
            }
            ended = {key: running.communicate(timeout=40)[0] for key, (running, _) in started.items()}
    return {
        key: Run(running.returncode, (directory / f"traffic of {'-'.join(key)}").read_text().splitlines(), ended[key])
        for key, (running, directory) in started.items()
    }


def start(name: str, service: str, directory: Path, url: str) -> tuple["subprocess.Popen[str]", Path]:
    """Start one of the page's pipelines."""
    for file, text in documents.files(PAGE).items():
        (directory / file).write_text(text)
    tool = directory / "shift-traffic"
    tool.write_text(SHIFT_TRAFFIC)
    tool.chmod(0o755)
    path = [str(directory), str(Path(sys.executable).parent), os.environ["PATH"]]
    running = subprocess.Popen(
        [*PIPELINES[name], service, "v2", "v1", "quick", "canary", "full"],
        cwd=directory,
        env={**os.environ, "PATH": ":".join(path), "GATED_URL": url, "GATED_ACTOR": name},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return running, directory


@pytest.mark.parametrize("name", PIPELINES)
def test_a_good_version_gets_all_traffic(runs: dict[tuple[str, str], Run], name: str) -> None:
    run = runs[name, GOOD]
    assert run.exit_code == 0, run.printed
    assert run.traffic == ["v2 canary", "v2 full"]


@pytest.mark.parametrize("name", PIPELINES)
def test_a_bad_version_goes_back(runs: dict[tuple[str, str], Run], name: str) -> None:
    run = runs[name, BAD]
    assert run.exit_code == 10, run.printed
    assert run.traffic == ["v2 canary", "v1 canary"]
