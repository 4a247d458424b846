"""docs/getting-started.md, as a reader follows it: its files are written, its commands run one after the other.

Ports are free ones and waits are shorter; nothing else is changed.
"""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import binaries
from deploy.local.process import free_port
from tests import documents

PAGE = documents.REPOSITORY / "docs" / "getting-started.md"
SHORTER = {
    "interval: 5s": "interval: 1s",
    "min: 30s": "min: 2s",
    "window: 15s": "window: 3s",
    "for: 15s": "for: 3s",
    "timeout 10s": "timeout 2s",
}


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the commands of the page print, with every line of theirs that failed."""
    directory = tmp_path_factory.mktemp("tour")
    changes = {port: str(free_port()) for port in ("8001", "8002", "8003", "9090", "9911")} | SHORTER
    for name, text in documents.files(PAGE).items():
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_text(changed(text, changes))
    with (directory / "gated.yaml").open("a") as config:
        config.write(f"listen: 127.0.0.1:{changes['9911']}\n")
    commands = [block.text for block in documents.blocks(PAGE) if block.language == "sh" and not block.check]
    script = "\n".join(["trap 'echo \"failed: $BASH_COMMAND\"' ERR", *commands])
    script = changed(script, changes).replace("~/gated/bin/python", sys.executable)
    return run(script, directory, gate=f"http://127.0.0.1:{changes['9911']}")


def changed(text: str, changes: dict[str, str]) -> str:
    """A text with other ports and waits."""
    for old, new in changes.items():
        text = text.replace(old, new)
    return text


def run(script: str, directory: Path, *, gate: str) -> str:
    """Run a script, and end whatever it left running."""
    path = [str(Path(sys.executable).parent), str(binaries.find("prometheus").path.parent), os.environ["PATH"]]
    environment = {**os.environ, "PATH": ":".join(path), "GATED_URL": gate, "GATED_ACTOR": "reader"}
    running = subprocess.Popen(
        ["bash", "-u", "-c", script],
        cwd=directory,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = running.communicate(timeout=50)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
        output, _ = running.communicate()
    return output


def test_the_reader_sees_a_promotion_a_pause_and_a_rollback(printed: str) -> None:
    assert re.findall(r"^exit code (\d+)$", printed, re.MULTILINE) == ["0", "11", "0", "10"], printed


def test_no_command_fails_but_those_that_shall(printed: str) -> None:
    """The two waits whose exit codes are told, hold and rollback."""
    failed = re.findall(r"^failed: (.*)$", printed, re.MULTILINE)
    assert [command.split("--")[0].strip() for command in failed] == ['gated wait "$release"', 'gated wait "$bad"'], (
        printed
    )


def test_the_reader_sees_what_the_page_says_is_to_be_seen(printed: str) -> None:
    """The outputs shown, but for ids and numbers."""
    for block in documents.blocks(PAGE):
        if block.language == "text":
            shown = [re.escape(line).replace("…", ".*") for line in block.text.splitlines()]
            assert [line for line in shown if not re.search(f"^{line}$", printed, re.MULTILINE)] == [], printed
