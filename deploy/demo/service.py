"""A small instrumented web service, one process per version: what a team puts behind gated.

    python -m deploy.demo.service --port 8081 --version v2 --connections 3

Answers `/checkout` after a log-normal time, and fails now and then as every service does. Each request holds one
connection to a pretended database meanwhile. With `--connections` the pool is too small for much traffic: requests
queue for a connection, grow slow, and give up with 503. So a version can be healthy for a few users and break for many.
"""

import argparse
import asyncio
import random
import time
from http import HTTPStatus

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from deploy.demo.loopback import serve

MEDIAN_SECONDS = 0.12
SIGMA = 0.5
"""With this spread the 95th percentile is 0.27 s, and 1 request in 14,000 takes longer than 0.8 s."""
MEAN_SECONDS = 0.136
"""Median * exp(sigma**2 / 2): how long a request holds a connection."""
ERROR_RATIO = 0.003
CONNECTION_TIMEOUT_SECONDS = 1.0
# A limit of a latency rule must be a bucket's boundary; 0.8 is the one that gated's rules use.
BUCKETS_SECONDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0, 1.5, 2.5)
_UNLIMITED = 1_000_000


class Checkout:
    """The service: its pool, its habits, its metrics.

    Args:
        version: makes its random numbers its own, and the same in every run.
        connections: the size of the database pool; 0 fails every request.
    """

    def __init__(self, version: str, connections: int) -> None:
        self._random = random.Random(version)  # noqa: S311 -- a simulation
        self._pool = asyncio.Semaphore(connections)
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "http_requests_total", "Requests answered.", ["handler", "method", "code"], registry=self._registry
        )
        self._durations = Histogram(
            "http_request_duration_seconds",
            "How long answers took.",
            ["handler", "method"],
            buckets=BUCKETS_SECONDS,
            registry=self._registry,
        )

    def app(self) -> Starlette:
        """The routes: `/checkout` for users, `/metrics` for Prometheus, `/-/ready` for who starts it."""
        return Starlette(
            routes=[
                Route("/checkout", self._checkout),
                Route("/metrics", self._metrics),
                Route("/-/ready", lambda _: PlainTextResponse("ready")),
            ]
        )

    async def _checkout(self, _: Request) -> Response:
        started = time.monotonic()
        code = await self._work()
        self._durations.labels("/checkout", "GET").observe(time.monotonic() - started)
        self._requests.labels("/checkout", "GET", str(code.value)).inc()
        return PlainTextResponse(code.phrase, code)

    async def _work(self) -> HTTPStatus:
        try:
            async with asyncio.timeout(CONNECTION_TIMEOUT_SECONDS):
                await self._pool.acquire()
        except TimeoutError:
            return HTTPStatus.SERVICE_UNAVAILABLE
        try:
            seconds = self._random.lognormvariate(0, SIGMA) * MEDIAN_SECONDS
            await asyncio.sleep(seconds)  # noqa: TID251 -- taking its time is what this service simulates
        finally:
            self._pool.release()
        has_failed = self._random.random() < ERROR_RATIO
        return HTTPStatus.INTERNAL_SERVER_ERROR if has_failed else HTTPStatus.OK

    async def _metrics(self, _: Request) -> Response:
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--connections", type=int, default=_UNLIMITED)
    arguments = parser.parse_args()
    service = Checkout(arguments.version, arguments.connections)
    serve(service.app(), arguments.port)


if __name__ == "__main__":
    main()
