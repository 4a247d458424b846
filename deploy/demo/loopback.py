"""HTTP on 127.0.0.1: as much client and server as the demo's traffic needs."""

import asyncio
import re

import uvicorn
from starlette.applications import Starlette

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


class Connections:
    """Connections to one server, kept open between requests.

    Args:
        port: where it listens.
        timeout_seconds: how long one whole request may take.
    """

    def __init__(self, port: int, timeout_seconds: float = 5.0) -> None:
        self._port = port
        self._timeout_seconds = timeout_seconds
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def get(self, path: str) -> tuple[int, bytes]:
        """Ask for a path.

        Returns:
            The status and the body.

        Raises:
            OSError: no connection, or no answer in time (`TimeoutError`).
            EOFError: the server closed the connection before its answer was complete.
        """
        async with asyncio.timeout(self._timeout_seconds):
            reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                body = await reader.readexactly(int(length[1])) if length else b""
            except BaseException:
                writer.close()
                raise
        self._idle.append((reader, writer))
        return int(head.split(maxsplit=2)[1]), body


def serve(app: Starlette, port: int) -> None:
    """Serve an application on 127.0.0.1 until SIGTERM, without waiting for the answers still under way."""
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        log_level="warning",
        access_log=False,
        lifespan="off",
        # The clients of the demo keep their connections for as long as they live.
        timeout_keep_alive=3600,
        timeout_graceful_shutdown=0,
    )
