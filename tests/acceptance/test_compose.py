"""deploy/compose, as far as it can be tried without a container engine.

What the file says holds, every configuration passes its own program's check, and the same servers, started as processes
with these very configurations, find each other.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from deploy.compose.demo import CONNECTIONS
from deploy.local import binaries
from deploy.local.gated import COMMAND, Gated
from deploy.local.process import HttpServer, free_port
from deploy.local.servers import Alertmanager, Prometheus
from tests.acceptance import watched

REPOSITORY = Path(__file__).parents[2]
HERE = REPOSITORY / "deploy" / "compose"
COMPOSE: dict[str, Any] = yaml.safe_load((HERE / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
KEYS = set(
    "build cap_drop command depends_on entrypoint environment healthcheck image ports read_only restart security_opt "
    "stop_grace_period tmpfs volumes working_dir".split()
)
"""The keys of the Compose specification that are used; anything else would be a slip of the pen."""


def mounts(service: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Source, target and mode of each volume of a service."""
    found = []
    for volume in service.get("volumes", ()):
        source, target, *mode = volume.split(":")
        found.append((source, target, mode[0] if mode else "rw"))
    return found


FILES = sorted({source for service in SERVICES.values() for source, _, _ in mounts(service) if source[0] == "."})


@each_service
def test_a_service_is_shut_and_reached_from_this_machine_only(service: dict[str, Any]) -> None:
    assert set(service) <= KEYS
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    for port in service["ports"]:
        assert re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port), port


@each_service
def test_an_image_has_a_version_and_a_way_to_tell_that_it_works(service: dict[str, Any]) -> None:
    assert re.fullmatch(r"[a-z]+(/[a-z]+)?:v?\d+\.\d+\.\d+", service["image"]), service["image"]
    if "build" in service:
        file = (HERE / service["build"]["context"]).resolve() / service["build"]["dockerfile"]
        assert "HEALTHCHECK" in file.read_text()
    else:
        assert service["healthcheck"]["test"][0] == "CMD"
        port = service["ports"][0].split(":")[1]
        assert f"127.0.0.1:{port}/" in service["healthcheck"]["test"][-1]


def test_there_is_no_secret_in_it() -> None:
    names = {name for service in SERVICES.values() for name in service.get("environment", {})}
    assert not {name for name in names if re.search("PASSWORD|SECRET|TOKEN|KEY", name)}
    assert SERVICES["grafana"]["environment"]["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert SERVICES["grafana"]["environment"]["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"


def test_volumes_are_declared_and_files_are_mounted_to_be_read_only() -> None:
    named = set()
    for service in SERVICES.values():
        for source, _, mode in mounts(service):
            if source[0] == ".":
                assert mode == "ro", source
            else:
                named.add(source)
    assert named == set(COMPOSE["volumes"])


@pytest.mark.parametrize("source", FILES)
def test_what_is_mounted_exists(source: str) -> None:
    assert (HERE / source).exists()


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


def test_every_configuration_passes_its_own_check(tmp_path: Path) -> None:
    shutil.copytree(HERE / "gated", tmp_path / "gated")
    checked = run(COMMAND, "check", "config", str(tmp_path / "gated" / "gated.yaml"))
    assert checked.returncode == 0, checked.stdout
    prometheus = (HERE / "prometheus.yml").read_text()
    (tmp_path / "prometheus.yml").write_text(prometheus.replace("/etc/prometheus/rules/", f"{alerts(tmp_path)}/"))
    checked = run(str(binaries.find("promtool").path), "check", "config", str(tmp_path / "prometheus.yml"))
    assert checked.returncode == 0, checked.stderr
    amtool = binaries.find("amtool")
    checked = run(str(amtool.path), "check-config", str(HERE / "alertmanager.yml"))
    assert checked.returncode == 0, checked.stderr


def alerts(directory: Path) -> Path:
    """A folder with the alert rules that compose.yaml mounts."""
    (directory / "alerts").mkdir(parents=True, exist_ok=True)
    for source, target, _ in mounts(SERVICES["prometheus"]):
        if target.startswith("/etc/prometheus/rules/"):
            shutil.copy(HERE / source, directory / "alerts")
    return directory / "alerts"


class Demo(HttpServer):
    """The demo's service, on ports of its own."""

    name = "demo"

    def __init__(self, directory: Path) -> None:
        self.versions: list[int] = []
        super().__init__(directory)

    def _command(self) -> list[str]:
        self.versions = [free_port() for _ in CONNECTIONS]
        ports = map(str, (self.port, *self.versions))
        return [sys.executable, "-m", "deploy.compose.demo", "--host", "127.0.0.1", "--ports", *ports]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(REPOSITORY)}


def scraping(directory: Path, demo: Demo, alertmanager: Alertmanager) -> str:
    """Prometheus' configuration with addresses replaced; its own and gated's are looked up, as they start later."""
    text = (HERE / "prometheus.yml").read_text().replace("/etc/prometheus/rules", str(alerts(directory)))
    text = text.replace("alertmanager:9093", f"127.0.0.1:{alertmanager.port}").replace("interval: 5s", "interval: 1s")
    for at, port in enumerate(demo.versions):
        text = text.replace(f"demo:{8081 + at}", f"127.0.0.1:{port}")
    return re.sub(
        r"static_configs: \[\{targets: \[\"(gated|localhost):\d+\"\]\}\]",
        rf"file_sd_configs: [{{files: ['{directory}/\1.json'], refresh_interval: 1s}}]",
        text,
    )


def gating(directory: Path, demo: Demo, prometheus: Prometheus) -> Gated:
    """Start gated with the configuration and the rules of the folder."""
    replaced = {
        "/var/lib/gated": str(directory),
        "prometheus:9090": f"127.0.0.1:{prometheus.port}",
        "demo:8080": f"127.0.0.1:{demo.port}",
        "evaluation_interval: 5s": "evaluation_interval: 1s",
        "rules: [rules/]\n": "",  # written by `Gated`
        "warmup: 10s": "warmup: 1s",
        "expect:": "settle: 500ms\n    expect:",
    }
    texts = {path.name: path.read_text() for path in (HERE / "gated").rglob("*.yaml")}
    for old, new in replaced.items():
        texts = {name: text.replace(old, new) for name, text in texts.items()}
    return Gated(directory / "gated", config=texts.pop("gated.yaml"), rules=texts)


def test_the_servers_find_each_other(tmp_path: Path) -> None:
    """v2 in its first stage: every target is scraped, every rule has a value, and alerts have somewhere to go."""
    with (
        Demo(tmp_path / "demo") as demo,
        Alertmanager((HERE / "alertmanager.yml").read_text(), directory=tmp_path / "alertmanager") as alertmanager,
        Prometheus(scraping(tmp_path, demo, alertmanager), directory=tmp_path / "prometheus") as prometheus,
        gating(tmp_path, demo, prometheus) as gated,
    ):
        for name, port in (("gated", gated.port), ("localhost", prometheus.port)):
            (tmp_path / f"{name}.json").write_text(json.dumps([{"targets": [f"127.0.0.1:{port}"]}]))
        routes = {"v1": {"port": demo.versions[0], "share": 1}, "v2": {"port": demo.versions[1], "share": 1}}
        assert requests.put(f"{demo.url}/-/routes", json=routes, timeout=5).ok
        release = watched.open_release(gated, plan="standard", stage="canary-5")

        def scraped() -> list[str]:
            answer = requests.get(f"{prometheus.url}/api/v1/query", params={"query": "up == 1"}, timeout=5).json()
            return sorted(each["metric"]["job"] for each in answer["data"]["result"])

        jobs = ["alertmanager", "checkout", "checkout", "checkout", "gated", "prometheus"]
        watched.await_true(lambda: scraped() == jobs, what="every target up")

        def seen() -> dict[str, str]:
            rules = watched.verdict(gated, release)["rules"]
            return {rule["rule"]: rule["outcome"] if rule["value"] is not None else rule["code"] for rule in rules}

        watched.await_true(
            lambda: len(seen()) == 5 and set(seen().values()) <= {"ok", "pending"}, what="a value for every rule"
        )
        known = requests.get(f"{prometheus.url}/api/v1/alertmanagers", timeout=5).json()["data"]
        assert [each["url"] for each in known["activeAlertmanagers"]] == [f"{alertmanager.url}/api/v2/alerts"]


def test_the_readme_speaks_of_the_ports_and_versions_that_there_are() -> None:
    page = (HERE / "README.md").read_text()
    published = {port.split(":")[1] for service in SERVICES.values() for port in service["ports"]}
    assert set(re.findall(r"http://127\.0\.0\.1:(\d+)", page)) == published
    targets = yaml.safe_load((HERE / "prometheus.yml").read_text())["scrape_configs"][0]["static_configs"]
    ports = {target["labels"]["version"]: target["targets"][0].split(":")[1] for target in targets}
    assert list(ports) == list(CONNECTIONS)
    for version, port in re.findall(r'"(v\d)": \{"port": (\d+)', page):
        assert ports[version] == port
    for script in re.findall(r"```sh\n(.*?)```", page, re.DOTALL):
        subprocess.run(["/bin/sh", "-n"], input=script, text=True, check=True)
    stages = re.findall(r"--stage (\S+)", page)
    plan = yaml.safe_load((HERE / "gated" / "rules" / "checkout.yaml").read_text())["plans"]["standard"]
    assert set(stages) < {stage["name"] for stage in plan["stages"]}
