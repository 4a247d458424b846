"""The published description of the API: valid, complete, and no input it allows makes the server fail."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import ServedGate


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ServedGate]:
    with ServedGate(tmp_path) as gate:
        yield gate


def test_the_description_is_openapi_3_1_and_names_the_whole_contract(served: ServedGate) -> None:
    description = served.get("/api/v1/openapi.json").json()
    assert description["openapi"].startswith("3.1.")
    promised = {
        ("post", "/api/v1/releases"),
        ("get", "/api/v1/releases"),
        ("get", "/api/v1/releases/{release}"),
        ("post", "/api/v1/releases/{release}/stages/{stage}/start"),
        ("get", "/api/v1/releases/{release}/verdict"),
        ("post", "/api/v1/releases/{release}/claim"),
        ("post", "/api/v1/releases/{release}/rolled-back"),
        ("post", "/api/v1/releases/{release}/pause"),
        ("post", "/api/v1/releases/{release}/resume"),
        ("post", "/api/v1/releases/{release}/abort"),
        ("get", "/api/v1/releases/{release}/trace"),
        ("get", "/api/v1/releases/{release}/report"),
        ("get", "/api/v1/releases/{release}/report.json"),
        ("get", "/api/v1/releases/{release}/report.md"),
        ("get", "/api/v1/rules"),
        ("get", "/-/healthy"),
        ("get", "/-/ready"),
        ("post", "/-/reload"),
        ("get", "/metrics"),
    }
    described = {(method, path) for path, methods in description["paths"].items() for method in methods}
    assert described == promised
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            assert operation["description"].strip(), f"{method} {path} says what it does"


@pytest.mark.timeout(180)
def test_no_request_makes_the_server_fail(served: ServedGate, tmp_path: Path) -> None:
    """Thousands of generated requests, valid and not, against a gate that has a release to act upon."""
    release = served.open()
    served.start(release)
    served.tick()
    # Half of the generated requests would otherwise name releases that do not exist, and stop at the door.
    (tmp_path / "schemathesis.toml").write_text(f'[parameters]\n"path.release" = "{release}"\n')
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            f"{served.url}/api/v1/openapi.json",
            "--checks=not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
            "--phases=coverage,fuzzing,stateful",
            "--max-examples=40",
            "--seed=7",
            "--generation-deterministic",
            "--exclude-path=/metrics",  # plain text; promtool judges it in its own test
            "--no-color",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=170,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout, done.stdout[-3000:]
