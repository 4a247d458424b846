"""The service of compose.yaml: three versions under traffic, and the gateway that shares the traffic out.

    python -m deploy.compose.demo

v1 serves everything at first. v2 is as good; v3 has database connections for about a tenth of the traffic, and breaks
under more. `PUT /-/routes` of the gateway shifts traffic, as deploy tooling would: see deploy/demo/splitter.py.
"""

import argparse
import asyncio
import contextlib
import http.client
import json
import math
import os
import signal
import socket
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette

from deploy.demo import traffic
from deploy.demo.service import MEAN_SECONDS, Checkout
from deploy.demo.splitter import Splitter

REQUESTS_PER_SECOND = 200.0
_UNLIMITED = 1_000_000
CONNECTIONS = {"v1": _UNLIMITED, "v2": _UNLIMITED, "v3": math.ceil(0.1 * REQUESTS_PER_SECOND * MEAN_SECONDS)}
"""The size of each version's database pool."""


class _Server(uvicorn.Server):
    """One of several servers in a process, which leaves signals to the process."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answers = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.answers.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="0.0.0.0", help="where to listen")  # noqa: S104 -- of a container
    parser.add_argument("--ports", type=int, nargs=4, default=[8080, 8081, 8082, 8083], help="gateway, v1, v2, v3")
    arguments = parser.parse_args()
    asyncio.run(_serve(arguments.host, *arguments.ports))


async def _serve(host: str, gateway: int, *versions: int) -> None:
    # At once: nothing is kept, and dozens of requests are always under way. Without a handler the kernel would not pass
    # the signal to the first process of a container.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, os._exit, 0)
    apps = {gateway: Splitter().app()}
    for port, (version, connections) in zip(versions, CONNECTIONS.items(), strict=True):
        apps[port] = Checkout(version, connections).app()
    servers = [_server(app, host, port) for port, app in apps.items()]
    async with asyncio.TaskGroup() as running:
        for server in servers:
            running.create_task(server.serve())
        await asyncio.gather(*(server.answers.wait() for server in servers))
        await asyncio.to_thread(_send_all_traffic_to, gateway, versions[0])
        running.create_task(traffic.generate(gateway, REQUESTS_PER_SECOND))


def _server(app: Starlette, host: str, port: int) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_keep_alive=3600,  # the users keep their connections for as long as they live
            timeout_graceful_shutdown=0,
        )
    )


def _send_all_traffic_to(gateway: int, first: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", gateway, timeout=5)
    with contextlib.closing(connection):
        connection.request("PUT", "/-/routes", json.dumps({"v1": {"port": first, "share": 1}}))
        connection.getresponse().read()


if __name__ == "__main__":
    main()
