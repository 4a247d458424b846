"""The log: what it must never say."""

import subprocess
import sys

import pytest

_SCRIPT = """
import structlog
from gated.daemon import logs

logs.configure({format!r}, "info")

def ask(password):
    raise ValueError("refused")

try:
    ask("hunter" + "2")
except ValueError:
    structlog.get_logger().exception("asked")
"""


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_traceback_says_where_but_not_with_what_values(log_format: str) -> None:
    """A local variable may be a credential."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT.format(format=log_format)],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert "refused" in done.stderr
    assert "in ask" in done.stderr or '"ask"' in done.stderr
    assert "hunter2" not in done.stderr
    assert "password" not in done.stderr.replace("def ask(password)", "")
