"""The other end of NOTIFY_SOCKET: a real datagram socket, as systemd listens on."""

import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Self


class Listener:
    """Receives what a daemon tells its service manager.

    Args:
        path: where the socket goes; an abstract one, without a file, is made for a name that begins with `@`.
    """

    def __init__(self, path: Path | str) -> None:
        self.name = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{self.name[1:]}" if self.name.startswith("@") else self.name)

    def next(self, seconds: float = 10.0) -> dict[str, str]:
        """The next message, as its keys and values.

        Raises:
            TimeoutError: there was none.
        """
        self._socket.settimeout(seconds)
        return dict(line.split("=", 1) for line in self._socket.recv(65536).decode().split("\n"))

    def until(self, key: str, seconds: float = 10.0) -> dict[str, str]:
        """The next message that has a key; those before it are dropped.

        Raises:
            TimeoutError: there was none.
        """
        ends = time.monotonic() + seconds
        while key not in (message := self.next(max(0.001, ends - time.monotonic()))):
            pass
        return message

    def waiting(self) -> list[dict[str, str]]:
        """Every message that has arrived already."""
        messages = []
        try:
            while True:
                messages.append(self.next(0.001))
        except TimeoutError:
            return messages

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
