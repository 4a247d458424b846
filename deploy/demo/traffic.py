"""The users of the demo: one request after the other at a steady rate, whether answers come or not.

    python -m deploy.demo.traffic --port 8080 --rate 150

An open loop: a slow version does not get fewer requests for being slow, as it would from clients that wait.
"""

import argparse
import asyncio
import contextlib

from deploy.demo.loopback import Connections


async def generate(port: int, rate: float) -> None:
    """Send requests for ever.

    Args:
        port: where the gateway listens on 127.0.0.1.
        rate: requests per second.
    """
    connections = Connections(port)
    loop = asyncio.get_running_loop()
    under_way: set[asyncio.Task[None]] = set()
    start = loop.time()

    def send(number: int) -> None:
        task = loop.create_task(_request(connections))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        # From the start, not from now: lateness does not add up, so the rate is what was asked for.
        loop.call_at(start + (number + 1) / rate, send, number + 1)

    send(0)
    await loop.create_future()


async def _request(connections: Connections) -> None:
    with contextlib.suppress(OSError, EOFError):  # a user who gets no answer is counted by the gateway
        await connections.get("/checkout")


def main() -> None:
    """Send requests until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True, help="requests per second")
    arguments = parser.parse_args()
    asyncio.run(generate(arguments.port, arguments.rate))


if __name__ == "__main__":
    main()
