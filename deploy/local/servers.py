"""The real servers that tests and the demo talk to: Prometheus, Alertmanager, PostgreSQL.

Each starts when it is made, listens on a free port of 127.0.0.1, and is ready when its constructor returns:

    with Prometheus({"global": {"scrape_interval": "1s"}}, directory=tmp_path) as prometheus:
        requests.get(f"{prometheus.url}/api/v1/query", params={"query": "up"}, timeout=5)
"""

import itertools
import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

from deploy.local import binaries
from deploy.local.process import HttpServer, Server, ServerFailed

Config = str | Mapping[str, Any]
"""A configuration file: its text, or what it says."""

_DATA = "data"


class Prometheus(HttpServer):
    """A Prometheus server.

    Args:
        config: its configuration; relative file names in it are looked up in `directory`.
        directory: where configuration, data and log go. History put there by `backfill` is served.
        flags: further command-line flags, for example `--query.lookback-delta=5s`.
        retention: how long samples are kept; long, so that backfilled history is not deleted at the start.
    """

    name = "prometheus"

    def __init__(self, config: Config, *, directory: Path, flags: Sequence[str] = (), retention: str = "10y") -> None:
        self._binary = binaries.find("prometheus")
        self._config = _write_config(directory / "prometheus.yml", config)
        self._flags = [f"--storage.tsdb.retention.time={retention}", *flags]
        super().__init__(directory)

    def _command(self) -> list[str]:
        return [
            str(self._binary.path),
            f"--config.file={self._config.name}",
            f"--storage.tsdb.path={_DATA}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            *self._flags,
        ]

    def reload(self, config: Config) -> None:
        """Give it another configuration. It is read soon after; a broken one is refused, and the log says why."""
        _write_config(self._config, config)
        self._process.send_signal(signal.SIGHUP)


class Alertmanager(HttpServer):
    """An Alertmanager server, without a cluster.

    Args:
        config: its configuration: at least a route and its receiver.
        directory: where configuration, data and log go.
        flags: further command-line flags.
    """

    name = "alertmanager"

    def __init__(self, config: Config, *, directory: Path, flags: Sequence[str] = ()) -> None:
        self._binary = binaries.find("alertmanager")
        self._config = _write_config(directory / "alertmanager.yml", config)
        self._flags = flags
        super().__init__(directory)

    def _command(self) -> list[str]:
        return [
            str(self._binary.path),
            f"--config.file={self._config.name}",
            "--storage.path=alertmanager-data",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
            *self._flags,
        ]


class PostgreSQL(Server):
    """A PostgreSQL server with an empty cluster of its own, which leaving the `with` block removes.

    It refuses to run as root; then it runs as `postgres`, or as `nobody` where there is no such user. Nothing is
    synced to disk: killing the server loses nothing, a machine that loses power loses all.
    """

    name = "postgres"
    stop_signal = signal.SIGINT  # the fast shutdown; SIGTERM waits for clients to leave

    def __init__(self) -> None:
        self._initdb, self._postgres = binaries.find("initdb"), binaries.find("postgres")
        self._numbers = itertools.count(1)
        # Not in a folder of the caller's: pytest's are closed to the user that the server runs as.
        directory = Path(tempfile.mkdtemp(prefix="gated-postgres-"))
        try:
            user = _unprivileged_user(directory) if os.geteuid() == 0 else None
            self._create_cluster(directory, user)
            super().__init__(directory, user=user)
        except BaseException:
            shutil.rmtree(directory)
            raise

    def url(self, database: str) -> str:
        """The SQLAlchemy address of a database. There is no password: the server trusts loopback."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def create_database(self) -> str:
        """Make an empty database.

        Returns:
            Its SQLAlchemy address.
        """
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(host="127.0.0.1", port=self.port, user="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        shutil.rmtree(self.directory)

    def _create_cluster(self, directory: Path, user: str | None) -> None:
        command = [str(self._initdb.path), "--no-sync", "--auth=trust", "--username=postgres"]
        done = subprocess.run(
            [*command, "--encoding=UTF8", "--locale=C", "--pgdata", _DATA],
            cwd=directory,
            env={**os.environ, **self._initdb.environment},
            user=user,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ServerFailed(f"initdb ended with status {done.returncode}:\n{done.stdout}")

    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "off",
            "jit": "off",
        }
        return [
            *(str(self._postgres.path), "-D", _DATA),
            *(argument for key, value in settings.items() for argument in ("-c", f"{key}={value}")),
        ]

    def _environment(self) -> dict[str, str]:
        return {**super()._environment(), **self._postgres.environment}

    def _is_ready(self) -> bool:
        """Whether the server's own status file says so, and is this process' file, not one left by a killed one."""
        try:
            lines = (self.directory / _DATA / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return bool(lines) and lines[0] == str(self.pid) and lines[-1].strip() == "ready"


def backfill(openmetrics: str, directory: Path) -> None:
    """Write history that a `Prometheus` started later in the same directory serves.

    Args:
        openmetrics: samples with timestamps in seconds, ascending within a series; the last line is `# EOF`.
        directory: the one that will be given to `Prometheus`.

    Raises:
        ValueError: promtool does not accept the text; the message says why.
    """
    directory.mkdir(parents=True, exist_ok=True)
    history = directory / "history.om"
    history.write_text(openmetrics)
    promtool = binaries.find("promtool")
    done = subprocess.run(
        [str(promtool.path), "tsdb", "create-blocks-from", "openmetrics", history.name, _DATA],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ValueError(f"promtool refused the history: {done.stderr.strip()}")


def _write_config(path: Path, config: Config) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    # JSON is YAML, and what these servers read.
    path.write_text(config if isinstance(config, str) else json.dumps(config, indent=2))
    return path


def _unprivileged_user(directory: Path) -> str:
    """The user who runs PostgreSQL for root, made the owner of the directory."""
    known = {entry.pw_name for entry in pwd.getpwall()}
    user = "postgres" if "postgres" in known else "nobody"
    shutil.chown(directory, user)
    return user
