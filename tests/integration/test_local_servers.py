"""The servers other tests rely on: started, found, broken on purpose, and never left behind."""

import contextlib
import platform
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest
import requests
import sqlalchemy

from deploy.local import binaries, process
from deploy.local.process import ServerFailed
from deploy.local.servers import Alertmanager, PostgreSQL, Prometheus, backfill
from tests.conftest import StartPrometheus

HISTORY = """\
# TYPE orders counter
orders_total{version="v1"} 5 1700000000
orders_total{version="v1"} 8 1700000015
# EOF
"""


def query(server: Prometheus, expression: str, at: float) -> list[str]:
    answer = requests.get(f"{server.url}/api/v1/query", params={"query": expression, "time": str(at)}, timeout=5)
    return [series["value"][1] for series in answer.json()["data"]["result"]]


def test_prometheus_serves_backfilled_history(prometheus: StartPrometheus) -> None:
    server = prometheus(history=HISTORY)
    assert query(server, "orders_total", at=1700000016) == ["8"]


def test_history_that_promtool_refuses_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="promtool refused the history"):
        backfill("orders_total 5 1700000000\n", tmp_path)  # no # EOF


def test_a_killed_server_comes_back_on_its_port_with_its_data(prometheus: StartPrometheus) -> None:
    server = prometheus(history=HISTORY)
    port = server.port
    server.kill()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{server.url}/-/ready", timeout=5)
    server.restart()
    assert server.port == port
    assert query(server, "orders_total", at=1700000016) == ["8"]


def test_a_paused_server_accepts_and_never_answers(prometheus: StartPrometheus) -> None:
    server = prometheus()
    server.pause()
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{server.url}/-/ready", timeout=0.2)
    server.resume()
    assert requests.get(f"{server.url}/-/ready", timeout=5).ok


def test_a_paused_server_can_be_stopped(prometheus: StartPrometheus) -> None:
    server = prometheus()
    server.pause()
    server.stop()
    assert not server.is_running


def test_prometheus_takes_another_configuration(prometheus: StartPrometheus) -> None:
    server = prometheus({"global": {"scrape_interval": "30s"}})
    server.reload({"global": {"scrape_interval": "7s"}})
    deadline = time.monotonic() + 10
    while "scrape_interval: 7s" not in requests.get(f"{server.url}/api/v1/status/config", timeout=5).text:
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


def test_a_server_that_does_not_start_shows_its_log(prometheus: StartPrometheus) -> None:
    with pytest.raises(ServerFailed, match=r"(?s)prometheus ended with status .*field scrapings not found"):
        prometheus({"scrapings": []})


def test_a_port_taken_in_the_meantime_is_left_for_another(
    prometheus: StartPrometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        ports = iter([other.getsockname()[1], process.free_port()])
        monkeypatch.setattr(process, "free_port", lambda: next(ports))
        assert prometheus().port != other.getsockname()[1]


def test_alertmanager_takes_an_alert(tmp_path: Path) -> None:
    config = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}
    with Alertmanager(config, directory=tmp_path) as server:
        alert = {"labels": {"alertname": "Rollback"}}
        requests.post(f"{server.url}/api/v2/alerts", json=[alert], timeout=5).raise_for_status()
        found = requests.get(f"{server.url}/api/v2/alerts", timeout=5).json()
        assert [each["labels"] for each in found] == [alert["labels"]]


def test_every_test_gets_a_database_of_its_own(postgres: PostgreSQL) -> None:
    engines = [sqlalchemy.create_engine(postgres.create_database()) for _ in range(2)]
    for engine in engines:
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("CREATE TABLE releases (id int)"))
        engine.dispose()


def test_a_killed_postgres_keeps_what_was_committed() -> None:
    with PostgreSQL() as server:
        url = server.create_database().replace("+psycopg", "")
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE releases (id int)")
        server.kill()
        server.restart()
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM releases").fetchone() == (0,)
    assert not server.directory.exists()


def test_servers_die_with_the_process_that_started_them(tmp_path: Path) -> None:
    """A killed test run must not leave a Prometheus and a PostgreSQL running for ever."""
    program = f"""
import pathlib, threading
from deploy.local.servers import PostgreSQL, Prometheus
servers = [Prometheus("", directory=pathlib.Path({str(tmp_path)!r})), PostgreSQL()]
print(*(server.port for server in servers), servers[1].directory, flush=True)
threading.Event().wait()
"""
    repository = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", program], cwd=repository, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        *ports, directory = run.stdout.readline().split()
        run.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    for port in ports:
        while is_open(int(port)):
            assert time.monotonic() < deadline
            threading.Event().wait(0.02)
    subprocess.run(["rm", "-r", directory], check=True)


def is_open(port: int) -> bool:
    with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def test_a_binary_named_by_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATED_PROMETHEUS", sys.executable)
    assert binaries.find("prometheus").path == Path(sys.executable).resolve()


def test_a_named_binary_that_is_none_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATED_PROMETHEUS", "/nowhere/prometheus")
    with pytest.raises(binaries.BinaryMissing, match="GATED_PROMETHEUS=/nowhere/prometheus is not an executable"):
        binaries.find("prometheus")


def test_a_machine_without_packages_is_told_how_to_name_a_binary(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    package = binaries._Package("prometheus", re.compile("prometheus"), folders=("nowhere",))
    monkeypatch.setitem(binaries._PACKAGES, "prometheus", package)
    with pytest.raises(binaries.BinaryMissing, match="name one with GATED_PROMETHEUS=/path/to/prometheus"):
        binaries.find("prometheus")


def test_a_machine_for_which_no_package_has_helm_is_told_how_to_name_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(binaries, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    told = "holds programs for x86_64 only, and this machine is aarch64\n.*name one with GATED_HELM=/path/to/helm"
    with pytest.raises(binaries.BinaryMissing, match=told):
        binaries.find("helm")
    assert list((tmp_path / "cache").iterdir()) == [tmp_path / "cache/lock"]
