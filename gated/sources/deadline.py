"""A deadline that holds for every byte, however slowly the bytes come.

The timeout of a socket starts anew with each read, so a server that drips one byte a second is never late. Here
each read, write and handshake first gives its socket the time that is left of the whole:

    for every socket operation: its timeout = the deadline - now

A deadline is in force for the thread that set it. NOT covered is the look-up of a host name, which the system's
resolver ends when it pleases, and a second address of the same host, which gets the full time once more; whoever
waits for the thread must therefore wait with the same deadline (look.py does).
"""

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Self

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


@dataclass(frozen=True, slots=True)
class Deadline:
    """An instant after which nobody waits any more.

    Args:
        at: on the monotonic clock, seconds.
    """

    at: float

    @classmethod
    def after(cls, seconds: float) -> Self:
        """The deadline that many seconds from now."""
        return cls(time.monotonic() + seconds)

    def remaining_seconds(self) -> float:
        """The time that is left, more than 0.

        Raises:
            TimeoutError: none is left.
        """
        remaining = self.at - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("the deadline has passed")
        return remaining

    @contextlib.contextmanager
    def in_force(self) -> Iterator[None]:
        """Hold this thread's connections to it."""
        token = _in_force.set(self)
        try:
            yield
        finally:
            _in_force.reset(token)


_in_force: ContextVar[Deadline] = ContextVar("deadline")


class _Socket(socket.socket):
    """A TCP connection that obeys the deadline in force."""

    def recv_into(self, *args: Any, **options: Any) -> int:
        self.settimeout(_in_force.get().remaining_seconds())
        return super().recv_into(*args, **options)

    def sendall(self, *args: Any, **options: Any) -> None:
        self.settimeout(_in_force.get().remaining_seconds())
        super().sendall(*args, **options)


class _TLSSocket(ssl.SSLSocket):
    """A TLS connection that obeys the deadline in force; each operation is one, however many records it takes."""

    def do_handshake(self, *args: Any, **options: Any) -> None:
        self.settimeout(_in_force.get().remaining_seconds())
        super().do_handshake(*args, **options)

    def read(self, *args: Any, **options: Any) -> Any:
        self.settimeout(_in_force.get().remaining_seconds())
        return super().read(*args, **options)

    def send(self, *args: Any, **options: Any) -> int:
        self.settimeout(_in_force.get().remaining_seconds())
        return super().send(*args, **options)


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _Socket(fileno=super()._new_conn().detach())


class _TLSConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _Socket(fileno=super()._new_conn().detach())


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


def connections(concurrency: int, tls: ssl.SSLContext) -> urllib3.PoolManager:
    """Keep-alive connections that obey the deadline in force.

    Args:
        concurrency: how many are kept.
        tls: for https addresses; the context is changed and belongs to these connections from now on.
    """
    tls.sslsocket_class = _TLSSocket
    manager = urllib3.PoolManager(num_pools=concurrency, maxsize=concurrency, ssl_context=tls)
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
    return manager
