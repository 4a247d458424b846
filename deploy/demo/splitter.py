"""The gateway of the demo: shares traffic out among the versions, and counts the users each of them harmed.

    python -m deploy.demo.splitter --port 8080

`PUT /-/routes` `{"v1": {"port": 8081, "share": 0.95}, "v2": {"port": 8082, "share": 0.05}}` replaces the routes;
`GET /-/counts` says `{"v1": {"requests": 1900, "harmed": 6}, …}` since the start. Every other path is forwarded.
"""

import argparse
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from deploy.demo.loopback import Connections, serve

SLOW_SECONDS = 0.8
"""A user who waited longer was harmed, whatever the answer."""


@dataclass
class Counts:
    """How the users of one version fared.

    Args:
        requests: how many were answered.
        harmed: how many of them got a 5xx, or an answer after more than 0.8 s.
    """

    requests: int = 0
    harmed: int = 0


@dataclass
class _Backend:
    """One version behind the gateway; `credit` is its claim to the next request."""

    share: float
    connections: Connections
    counts: Counts
    credit: float = 0.0


class Splitter:
    """Forwards each request to one version, in proportion to the shares.

    The smooth weighted round robin of nginx: each version earns its share of every request, the richest one gets
    the request and pays a whole one. Exact at every moment to within one request, and never in bursts.
    """

    def __init__(self) -> None:
        self._backends: dict[str, _Backend] = {}
        self._counts: defaultdict[str, Counts] = defaultdict(Counts)
        self._connections: dict[int, Connections] = {}

    def app(self) -> Starlette:
        """The routes."""
        return Starlette(
            routes=[
                Route("/-/ready", lambda _: PlainTextResponse("ready")),
                Route("/-/routes", self._set_routes, methods=["PUT"]),
                Route("/-/counts", self._show_counts),
                Route("/{path:path}", self._forward),
            ]
        )

    async def _set_routes(self, request: Request) -> Response:
        self._backends = {
            version: _Backend(
                share=route["share"],
                connections=self._connections.setdefault(route["port"], Connections(route["port"])),
                counts=self._counts[version],
            )
            for version, route in (await request.json()).items()
        }
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _show_counts(self, _: Request) -> Response:
        return JSONResponse({version: asdict(counts) for version, counts in self._counts.items()})

    async def _forward(self, request: Request) -> Response:
        if not self._backends:
            return PlainTextResponse("no version takes traffic", HTTPStatus.SERVICE_UNAVAILABLE)
        backend = self._choose()
        started = time.monotonic()
        try:
            status, body = await backend.connections.get(request.url.path)
        except (OSError, EOFError) as error:
            status, body = HTTPStatus.BAD_GATEWAY.value, repr(error).encode()
        backend.counts.requests += 1
        backend.counts.harmed += status >= HTTPStatus.INTERNAL_SERVER_ERROR or time.monotonic() - started > SLOW_SECONDS
        return Response(body, status)

    def _choose(self) -> _Backend:
        for backend in self._backends.values():
            backend.credit += backend.share
        richest = max(self._backends.values(), key=lambda backend: backend.credit)
        richest.credit -= sum(backend.share for backend in self._backends.values())
        return richest


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    serve(Splitter().app(), parser.parse_args().port)


if __name__ == "__main__":
    main()
