"""The demo, as `make demo` runs it: real Prometheus, Alertmanager, traffic and verdicts."""

import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.timeout(300)
def test_the_demo_promotes_the_good_version_and_rolls_back_the_bad_one() -> None:
    repository = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "deploy.demo"], cwd=repository, capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    for stage in ("canary-5", "canary-25", "full"):
        assert f"{stage}: promote claimed" in done.stdout
    assert re.search(r"canary-25: ROLLBACK, [\d.]+s after the shift", done.stdout)
    assert re.search(r"requests harmed +[1-9][\d,]* of ", done.stdout)
    assert "Everything ended as it should." in done.stdout
