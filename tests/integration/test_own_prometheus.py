"""A Prometheus of gated's own: started with samples, asked, and gone."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests

from deploy.local import binaries
from gated.promql.notation import Gap
from gated.sources.own_prometheus import NoPrometheus, OwnPrometheus, find
from gated.sources.prometheus import Prometheus
from gated.sources.settings import Access
from gated.sources.transport import Transport

EPOCH = 1_700_006_400.0


@pytest.fixture(scope="module")
def program() -> Path:
    return binaries.find("prometheus").path


def test_it_knows_hours_of_samples_and_where_a_series_ends(program: Path) -> None:
    steady = [(EPOCH + at * 15, at * 10.0) for at in range(-960, 240)]
    ended = [(EPOCH + at * 15, 3.0 if at < 8 else Gap.STALE) for at in range(9)]
    transport = Transport(Access(), concurrency=1, max_bytes=1 << 20)
    with OwnPrometheus(program) as server:
        assert server.version.startswith("Prometheus ")
        server.record([({"__name__": "steady_total"}, steady), ({"__name__": "ended"}, ended)])
        client = Prometheus(server.url, transport)
        (grown,) = client.query("increase(steady_total[4h])", 5.0, round((EPOCH + 7) * 1000))
        assert grown.number == pytest.approx(9600, rel=0.01)
        assert len(client.query("ended", 5.0, round((EPOCH + 119) * 1000))) == 1
        assert client.query("ended", 5.0, round((EPOCH + 120) * 1000)) == ()
    transport.close()


def test_it_is_gone_afterwards_with_all_it_had(program: Path) -> None:
    with OwnPrometheus(program) as server:
        directory, url = server._directory, server.url
        assert directory.is_dir()
    assert not directory.exists()
    assert not _answers(url)


def test_it_is_gone_after_a_failure_as_well(program: Path) -> None:
    with pytest.raises(RuntimeError, match="something else"), OwnPrometheus(program) as server:  # noqa: PT012
        process = server._process
        raise RuntimeError("something else")
    assert process.poll() is not None


def test_two_run_side_by_side(program: Path) -> None:
    with OwnPrometheus(program) as one, OwnPrometheus(program) as other:
        assert one.url != other.url


@pytest.mark.parametrize(
    ("script", "complaint"),
    [("echo no such flag >&2; exit 3", "ended with status 3: no such flag"), ("exit 0", "ended with status 0")],
)
def test_a_program_that_is_no_prometheus_says_what_it_said(tmp_path: Path, script: str, complaint: str) -> None:
    program = tmp_path / "prometheus"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    with pytest.raises(NoPrometheus, match=complaint):
        OwnPrometheus(program)


def test_samples_it_does_not_take_are_an_error(program: Path) -> None:
    with OwnPrometheus(program) as server:
        server.record([({"__name__": "up"}, [(EPOCH, 1.0)])])
        with pytest.raises(NoPrometheus, match="does not take samples, status 4"):
            server.record([({"__name__": "up"}, [(EPOCH - 7200, 1.0)])])


def test_the_program_is_the_named_one_or_the_one_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find() is None
    with pytest.raises(NoPrometheus, match="is not a program that can be run"):
        find(tmp_path / "prometheus")
    program = tmp_path / "prometheus"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert find() == program.resolve()
    assert find(program) == program.resolve()


def test_a_run_that_is_killed_leaves_no_server_behind(program: Path, tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from gated.sources.own_prometheus import OwnPrometheus\n"
        "server = OwnPrometheus(pathlib.Path(sys.argv[1]))\n"
        "print(server.url, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(program)]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        url = run.stdout.readline().strip()
        assert _answers(url)
        run.kill()
    deadline = time.monotonic() + 20
    while _answers(url):
        assert time.monotonic() < deadline, "the server outlived us"
        threading.Event().wait(0.05)


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/-/healthy", timeout=1).ok
    except requests.ConnectionError:
        return False
