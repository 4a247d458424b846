"""What benches of a real daemon share: a client that costs little, and what the daemon uses."""

import asyncio
import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from deploy.local.gated import Gated


class Client:
    """One keep-alive connection that asks for one path after the other."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.size = 0
        """Bytes of the last body."""

    async def open(self) -> "Client":
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def get(self, path: str) -> tuple[int, float]:
        """Ask; returns the status and how long it took, in seconds."""
        started = time.perf_counter()
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: gated\r\n\r\n".encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await self._reader.readexactly(length)
        self.size = length
        return int(head[9:12]), time.perf_counter() - started

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def until(due: float) -> None:
    """Wait for an instant of the performance counter."""
    left = due - time.perf_counter()
    if left > 0:
        await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=left)


def row(name: str, latencies: Sequence[float]) -> None:
    """Print a row of a table: what the name says, then p50, p99 and the slowest."""
    cuts = statistics.quantiles(latencies, n=100)
    print(
        f"| {name} | {cuts[49] * 1000:.1f} ms | {cuts[98] * 1000:.1f} ms | {max(latencies) * 1000:.0f} ms |", flush=True
    )


def resident(gated: Gated) -> float:
    """The daemon's resident memory now, in MB."""
    for line in Path(f"/proc/{gated.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("the kernel always says")


def processor_seconds(gated: Gated) -> float:
    """How long the daemon has used a processor, in seconds."""
    fields = Path(f"/proc/{gated.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
