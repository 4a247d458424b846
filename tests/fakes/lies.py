"""An HTTP server that lies on demand, in every way in which a server can fail whoever asks it."""

import contextlib
import enum
import gzip
import http.server
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

from gated.model.reading import FailureReason, NoDataReason

Form = Mapping[str, Sequence[str]]
"""The fields of a request, from its query string or its body."""
Respond = Callable[[str, Form], tuple[int, bytes]]
"""The truth: status and body for a path and a form."""


class Lie(enum.Enum):
    """A way not to tell the truth."""

    REFUSED = "refused"
    """Nobody listens."""
    RESET = "reset"
    """The connection is reset before any answer."""
    SILENT = "silent"
    """Takes the request and never answers."""
    DRIPPING_HEADERS = "dripping_headers"
    """A byte at a time, in the headers already."""
    DRIPPING_BODY = "dripping_body"
    """Proper headers, then a byte at a time."""
    SERVER_ERROR = "server_error"
    """500."""
    OVERLOADED = "overloaded"
    """503 with `Retry-After`."""
    THROTTLED = "throttled"
    """429."""
    UNAUTHORIZED = "unauthorized"
    """401."""
    FORBIDDEN = "forbidden"
    """403."""
    BAD_QUERY = "bad_query"
    """422, as for a query that fails."""
    TOO_MUCH = "too_much"
    """422, as for a query that runs into its limits."""
    REDIRECT = "redirect"
    """302 to a login page."""
    COMPRESSED = "compressed"
    """200 with a body in gzip, which nobody asked for."""
    HTML = "html"
    """200 with a page for people."""
    TRUNCATED = "truncated"
    """200 with the first half of the JSON, declared as the whole."""
    CUT_SHORT = "cut_short"
    """200 with half of the declared body, then the connection ends."""
    NOT_HTTP = "not_http"
    """Another protocol."""
    ERROR_INSIDE_200 = "error_inside_200"
    """200 with `status: error`."""
    HUGE = "huge"
    """200 with a body that never ends."""
    WARNINGS = "warnings"
    """The right answer, with the warning that part of the data is missing."""
    DUPLICATES = "duplicates"
    """Every series twice."""
    NOT_A_NUMBER = "not_a_number"
    """NaN for every value."""
    INFINITE = "infinite"
    """+Inf for every value."""
    EMPTY = "empty"
    """Success, and no series."""
    STALE = "stale"
    """Stopped scraping a while ago: every value is old."""
    WRONG_SERVER = "wrong_server"
    """Another server: success, no series, other external labels."""
    CLOCK_SKEWED = "clock_skewed"
    """Its clock is an hour ahead."""


REASONS: Mapping[Lie, FailureReason | NoDataReason] = {
    Lie.REFUSED: FailureReason.UNREACHABLE,
    Lie.RESET: FailureReason.UNREACHABLE,
    Lie.SILENT: FailureReason.TIMEOUT,
    Lie.DRIPPING_HEADERS: FailureReason.TIMEOUT,
    Lie.DRIPPING_BODY: FailureReason.TIMEOUT,
    Lie.SERVER_ERROR: FailureReason.SERVER_ERROR,
    Lie.OVERLOADED: FailureReason.OVERLOADED,
    Lie.THROTTLED: FailureReason.OVERLOADED,
    Lie.UNAUTHORIZED: FailureReason.DENIED,
    Lie.FORBIDDEN: FailureReason.DENIED,
    Lie.BAD_QUERY: FailureReason.BAD_QUERY,
    Lie.TOO_MUCH: FailureReason.TOO_LARGE,
    Lie.REDIRECT: FailureReason.REDIRECT,
    Lie.COMPRESSED: FailureReason.NOT_PROMETHEUS,
    Lie.HTML: FailureReason.NOT_PROMETHEUS,
    Lie.TRUNCATED: FailureReason.NOT_PROMETHEUS,
    Lie.CUT_SHORT: FailureReason.NOT_PROMETHEUS,
    Lie.NOT_HTTP: FailureReason.NOT_PROMETHEUS,
    Lie.ERROR_INSIDE_200: FailureReason.SERVER_ERROR,
    Lie.HUGE: FailureReason.TOO_LARGE,
    Lie.WARNINGS: FailureReason.PARTIAL,
    Lie.DUPLICATES: FailureReason.AMBIGUOUS,
    Lie.NOT_A_NUMBER: NoDataReason.NOT_A_NUMBER,
    Lie.INFINITE: NoDataReason.INFINITE,
    Lie.EMPTY: NoDataReason.ABSENT,
    Lie.STALE: NoDataReason.STALE,
    Lie.WRONG_SERVER: FailureReason.WRONG_SOURCE,
    Lie.CLOCK_SKEWED: FailureReason.CLOCK_SKEW,
}
"""What gated must say of each lie about a counter; of `STALE`, once it has asked for the newest sample."""


class Received(NamedTuple):
    """A request as it came: the client's port, method, path with query string, headers."""

    port: int
    method: str
    target: str
    headers: Mapping[str, str]


class LyingServer:
    """A server on a free port of 127.0.0.1, running until it is closed.

    Args:
        respond: the truth.
        drip_seconds: between two bytes, when it drips.
        tls: how it speaks https; None for plain http.
    """

    def __init__(self, respond: Respond, *, drip_seconds: float = 1.0, tls: ssl.SSLContext | None = None) -> None:
        self.respond = respond
        self.drip_seconds = drip_seconds
        self.tls = tls
        self.received: list[Received] = []
        """Every request so far."""
        self.present_lie: Lie | None = None
        self._listener = _Listener(self, 0)

    @property
    def requests(self) -> int:
        """How many requests it has received, of any kind."""
        return len(self.received)

    @property
    def url(self) -> str:
        """Its address, without a trailing slash; the same for all of its life."""
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self._listener.server_port}"

    def lie(self, lie: Lie) -> None:
        """Tell a lie from now on, and no other."""
        self.truth()
        self.present_lie = lie
        if lie is Lie.REFUSED:
            self._listener.stop()

    def truth(self) -> None:
        """Lie no more."""
        if self.present_lie is Lie.REFUSED:
            self._listener = _Listener(self, self._listener.server_port)
        self.present_lie = None

    def close(self) -> None:
        """Stop."""
        if self.present_lie is not Lie.REFUSED:
            self._listener.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Listener(http.server.ThreadingHTTPServer):
    """What listens; another one after `REFUSED`."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, liar: LyingServer, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.liar = liar
        self.is_stopping = threading.Event()
        self._open: set[socket.socket] = set()
        # A short poll, so that stopping is quick.
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        """Listen no more, and drop every connection."""
        self.is_stopping.set()
        self.shutdown()
        self.server_close()
        for connection in tuple(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self.liar.tls is not None:
            # The handshake comes with the first read, in the thread of the connection.
            connection = self.liar.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that hang up are what this server is for."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listener

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer(parse_qs(urlsplit(self.path).query))

    def do_POST(self) -> None:
        self._answer(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))

    def _answer(self, form: Form) -> None:
        liar = self.server.liar
        liar.received.append(Received(self.client_address[1], self.command, self.path, dict(self.headers)))
        status, body = liar.respond(urlsplit(self.path).path, form)
        lie = liar.present_lie
        if lie in _ANSWERS:
            self.wfile.write(_message(*_ANSWERS[lie]))
        elif lie in _BROKEN:
            self.close_connection = True
            _BROKEN[lie](self, _message(status, body, {}))
        else:
            if lie is Lie.WARNINGS:
                body = body.replace(b"{", b'{"warnings": ["store 3 did not answer"], ', 1)
            elif lie is Lie.TRUNCATED:
                body = body[: len(body) // 2]
            self.wfile.write(_message(status, body, {}))

    def _reset(self, _: bytes) -> None:
        # Lingering for no time at all makes closing a reset.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _say_nothing(self, _: bytes) -> None:
        self.server.is_stopping.wait()

    def _drip_body(self, message: bytes) -> None:
        headers, end, body = message.partition(_END_OF_HEADERS)
        self.wfile.write(headers + end)
        self._drip(body)

    def _drip(self, message: bytes) -> None:
        for byte in message:
            self.wfile.write(bytes([byte]))
            if self.server.is_stopping.wait(self.server.liar.drip_seconds):
                return

    def _cut_short(self, message: bytes) -> None:
        self.wfile.write(message[: -len(message.partition(_END_OF_HEADERS)[2]) // 2])

    def _speak_otherwise(self, _: bytes) -> None:
        self.wfile.write(b"SSH-2.0-OpenSSH_9.2p1\r\n")

    def _never_end(self, _: bytes) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        while not self.server.is_stopping.is_set():
            self.wfile.write(b" " * 65536)


_END_OF_HEADERS = b"\r\n\r\n"
_ANSWERS: Mapping[Lie | None, tuple[int, bytes, Mapping[str, str]]] = {
    Lie.SERVER_ERROR: (500, b"internal error", {}),
    Lie.OVERLOADED: (503, b"Service Unavailable", {"Retry-After": "120"}),
    Lie.THROTTLED: (429, b"Too Many Requests", {"Retry-After": "120"}),
    Lie.UNAUTHORIZED: (401, b"Unauthorized", {"WWW-Authenticate": "Basic"}),
    Lie.FORBIDDEN: (403, b"Forbidden", {}),
    Lie.BAD_QUERY: (422, b'{"status": "error", "errorType": "execution", "error": "found duplicate series"}', {}),
    Lie.TOO_MUCH: (
        422,
        b'{"status": "error", "error": "query processing would load too many samples into memory in query execution"}',
        {},
    ),
    Lie.REDIRECT: (302, b"", {"Location": "/login?ticket=of-somebody-else"}),
    Lie.COMPRESSED: (200, gzip.compress(b"{}"), {"Content-Encoding": "gzip"}),
    Lie.HTML: (200, b"<!doctype html><title>Sign in</title>", {"Content-Type": "text/html"}),
    Lie.ERROR_INSIDE_200: (200, b'{"status": "error", "errorType": "internal", "error": "the index is gone"}', {}),
}
_BROKEN: Mapping[Lie | None, Callable[[_Handler, bytes], None]] = {
    Lie.RESET: _Handler._reset,
    Lie.SILENT: _Handler._say_nothing,
    Lie.DRIPPING_HEADERS: _Handler._drip,
    Lie.DRIPPING_BODY: _Handler._drip_body,
    Lie.CUT_SHORT: _Handler._cut_short,
    Lie.NOT_HTTP: _Handler._speak_otherwise,
    Lie.HUGE: _Handler._never_end,
}


def _message(status: int, body: bytes, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in ({"Content-Type": "application/json"} | {**headers}).items()]
    return "\r\n".join(lines).encode() + _END_OF_HEADERS + body
