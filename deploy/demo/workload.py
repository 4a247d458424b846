"""A service under traffic, versions of which come and go: what the demo releases, and what tests can watch.

    with Workload(directory) as workload:
        workload.start_version("v1")
        workload.start_version("v2", faulty_above=0.1)
        workload.set_shares({"v1": 0.95, "v2": 0.05})

Every process is a child of ours on free ports of 127.0.0.1.
"""

import http.client
import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from deploy.demo import service
from deploy.demo.splitter import Counts
from deploy.local.process import HttpServer, Server

SERVICE = "checkout"
"""The value of the label `service` on everything that is scraped."""
_REPOSITORY = Path(__file__).parents[2]


class _Program(HttpServer):
    """One of the demo's own servers: `python -m deploy.demo.<name> --port …`.

    Args:
        name: the module's name.
        directory: where its log goes.
        arguments: what follows the port on the command line.
    """

    def __init__(self, name: str, directory: Path, *arguments: str) -> None:
        self.name = name
        self._arguments = arguments
        super().__init__(directory)

    def _command(self) -> list[str]:
        return [sys.executable, "-m", f"deploy.demo.{self.name}", "--port", str(self.port), *self._arguments]

    def _environment(self) -> dict[str, str]:
        return _with_repository(super()._environment())


class _Users(Server):
    """The users of the demo; they listen nowhere, and are ready as soon as they run."""

    name = "traffic"

    def __init__(self, directory: Path, gateway: _Program, requests_per_second: float) -> None:
        self._arguments = ["--port", str(gateway.port), "--rate", str(requests_per_second)]
        super().__init__(directory)

    def _command(self) -> list[str]:
        return [sys.executable, "-m", "deploy.demo.traffic", *self._arguments]

    def _environment(self) -> dict[str, str]:
        return _with_repository(super()._environment())

    def _is_ready(self) -> bool:
        return self.is_running


def _with_repository(environment: dict[str, str]) -> dict[str, str]:
    """The environment of a Python that runs in a folder of its own, and finds the repository all the same."""
    return {**environment, "PYTHONPATH": str(_REPOSITORY)}


class Workload:
    """The gateway, its users, and the versions behind it. Starts with users and no version.

    Args:
        directory: where logs go.
        requests_per_second: how much traffic all versions share.
    """

    def __init__(self, directory: Path, *, requests_per_second: float = 150) -> None:
        self._directory = directory
        self._requests_per_second = requests_per_second
        self._versions: dict[str, _Program] = {}
        self._splitter = _Program("splitter", directory)
        self._users = _Users(directory, self._splitter, requests_per_second)

    @property
    def url(self) -> str:
        """Where users go: the gateway's address, without a trailing slash."""
        return self._splitter.url

    def start_version(self, version: str, *, faulty_above: float | None = None) -> None:
        """Start a version. It gets no traffic before `set_shares`.

        Args:
            version: its name.
            faulty_above: about the share of all traffic above which it breaks: its database connections suffice
                for that much and no more. 0 breaks it at once; None never does.
        """
        arguments = ["--version", version]
        if faulty_above is not None:
            connections = math.ceil(faulty_above * self._requests_per_second * service.MEAN_SECONDS)
            arguments += ["--connections", str(connections)]
        self._versions[version] = _Program("service", self._directory / version, *arguments)

    def stop_version(self, version: str) -> None:
        """Stop a version. Users who are still sent to it get 502."""
        self._versions.pop(version).stop()

    def set_shares(self, shares: Mapping[str, float]) -> None:
        """Send each version its share of the traffic; versions that are not named get none.

        Args:
            shares: by version, each started before; relative to their sum.
        """
        routes = {version: {"port": self._versions[version].port, "share": share} for version, share in shares.items()}
        self._control("PUT", "/-/routes", json.dumps(routes))

    def counts(self) -> dict[str, Counts]:
        """How the users of each version have fared since the start."""
        return {version: Counts(**counts) for version, counts in self._control("GET", "/-/counts").items()}

    def targets(self) -> list[dict[str, Any]]:
        """The running versions as Prometheus' `static_configs`, or as the content of a `file_sd_configs` file."""
        return [
            {"targets": [f"127.0.0.1:{server.port}"], "labels": {"service": SERVICE, "version": version}}
            for version, server in self._versions.items()
        ]

    def stop(self) -> None:
        """Stop everything, users first."""
        for server in (self._users, self._splitter, *self._versions.values()):
            server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _control(self, method: str, path: str, body: str | None = None) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self._splitter.port, timeout=5)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise RuntimeError(f"the splitter answered {answer.status} to {method} {path}: {content!r}")
        return dict(json.loads(content)) if content else {}
