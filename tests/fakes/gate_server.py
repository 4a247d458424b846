"""A gate on loopback that says whatever a test tells it, true or not.

with GateServer(lambda asked: Say(body=verdict("promote"))) as server:
    ...  # `gated wait … --url {server.url}`
    assert [asked.method for asked in server.heard] == ["GET", "POST"]
"""

import http.server
import json
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, ClassVar, Self, assert_never
from urllib.parse import parse_qsl, urlsplit

from gated.daemon.clock import SystemClock

RELEASE = "checkout-v2-7f3a21"
STAGE = "canary-5"
VERSION = "v2"
SERVICE = "checkout"
ACTOR = "deploy-pipeline"
PROMOTE_ID = f"{RELEASE}.{STAGE}.3"
_DRIP_SECONDS = 0.05


@dataclass(frozen=True)
class Asked:
    """A request that arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    actor: str
    body: Any

    @property
    def is_claim(self) -> bool:
        """Whether it wants to take a promote."""
        return self.method == "POST" and self.path.endswith("/claim")


@dataclass(frozen=True)
class Say:
    """A complete answer; a dict is sent as JSON. Headers with an empty value are left out."""

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """The body as it is sent."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Drip:
    """An answer that comes a byte at a time: all of it, or the body only."""

    say: Say
    is_body_only: bool = True


@dataclass(frozen=True)
class Endless:
    """A body that never ends, sent as fast as it is taken."""


@dataclass(frozen=True)
class Raw:
    """Bytes that need not be HTTP, and the end of the connection."""

    sent: bytes


@dataclass(frozen=True)
class HangUp:
    """No answer: the connection is reset."""


@dataclass(frozen=True)
class Silence:
    """No answer, and the connection stays open."""


Answer = Say | Drip | Endless | Raw | HangUp | Silence
Script = Callable[[Asked], Answer]


class GateServer:
    """A server on a free port of 127.0.0.1.

    Args:
        script: what to answer; called from several threads.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.heard: list[Asked] = []
        self.arrived = threading.Condition()
        self.closing = threading.Event()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"gate": self}))
        self._server.daemon_threads = True
        self._serving = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def claims(self) -> list[Asked]:
        """The claims that arrived."""
        return [asked for asked in self.heard if asked.is_claim]

    def wait_until(self, heard: Callable[[], bool], within_seconds: float = 20.0) -> None:
        """Wait until what arrived is enough.

        Raises:
            TimeoutError: it never was.
        """
        with self.arrived:
            if not self.arrived.wait_for(heard, within_seconds):
                raise TimeoutError(f"heard only {self.heard}")

    def __enter__(self) -> Self:
        self._serving.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._serving.join()


def verdict(said: str = "pending", **changes: Any) -> dict[str, Any]:
    """A verdict as the gate publishes it, fresh now; keyword arguments replace keys of it."""
    good = {
        "release": RELEASE,
        "service": SERVICE,
        "environment": "production",
        "version": VERSION,
        "baseline": "v1",
        "stage": STAGE,
        "phase": "rolling_back" if said == "rollback" else "baking",
        "verdict": said,
        "verdict_id": f"{RELEASE}.{STAGE}.rollback" if said == "rollback" else PROMOTE_ID,
        "reason": f"because it is {said}",
        "since": instant(-60),
        "evaluated_at": instant(-5),
        "valid_until": None if said == "rollback" else instant(3600),
        "final": said == "rollback",
        "claimed_by": None,
        "claimed_at": None,
        "coverage": 0.97,
        "requests": 18233,
        "min_requests": 500,
        "traffic": 0.05,
        "eta_seconds": 240.0 if said == "pending" else None,
        "policy_digest": "sha256:" + "5a" * 32,
        "rules": [rule()],
    }
    return {**good, **changes}


def claimed(**changes: Any) -> dict[str, Any]:
    """The answer to a claim that was taken."""
    good = verdict("promote", phase="between", claimed_by=ACTOR, claimed_at=instant(0))
    return {**good, **changes}


def rule(**changes: Any) -> dict[str, Any]:
    """What one rule said."""
    good = {
        "rule": "error-rate",
        "outcome": "ok",
        "on_breach": "rollback",
        "reason": "0.31 % of 18,233 requests failed; limit 2 %",
        "code": "",
        "value": 0.0031,
        "limit": 0.02,
        "unit": "ratio",
        "samples": 18233.0,
        "window": "1m",
        "sample_age_seconds": 9.2,
        "query": "sum(increase(http_requests_total[1m]))",
        "since": instant(-60),
        "pre_existing": False,
        "runbook": "https://runbooks.example/error-rate",
    }
    return {**good, **changes}


def instant(seconds: float) -> str:
    """The time stamp that many seconds from now."""
    return datetime.fromtimestamp(SystemClock().now() + seconds, UTC).isoformat()


def problem(error: str, message: str, **further: Any) -> dict[str, Any]:
    """The body of a refusal."""
    return {"error": error, "message": message, "faults": [], **further}


class _Handler(http.server.BaseHTTPRequestHandler):
    gate: ClassVar[GateServer]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = Asked(
            self.command,
            parts.path,
            dict(parse_qsl(parts.query)),
            self.headers.get("X-Gated-Actor", ""),
            json.loads(sent) if sent else None,
        )
        with self.gate.arrived:
            self.gate.heard.append(asked)
            self.gate.arrived.notify_all()
        try:
            self._carry_out(self.gate.script(asked))
        except OSError:
            self.close_connection = True  # whoever asked has gone

    def _carry_out(self, answer: Answer) -> None:
        match answer:
            case Say():
                self.wfile.write(self._head(answer) + answer.content)
            case Drip(say, is_body_only):
                head = self._head(say)
                self.wfile.write(head if is_body_only else b"")
                self._drip(say.content if is_body_only else head + say.content)
            case Endless():
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
                while not self.gate.closing.is_set():
                    self.wfile.write(b"[" * 65536)
            case Raw(raw):
                self.wfile.write(raw)
                self.close_connection = True
            case HangUp():
                # Lingering for 0 seconds makes the end of the connection a reset.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
            case Silence():
                self.gate.closing.wait()
                self.close_connection = True
            case _:
                assert_never(answer)

    def _drip(self, slowly: bytes) -> None:
        for byte in slowly:
            if self.gate.closing.wait(_DRIP_SECONDS):
                break
            self.wfile.write(bytes([byte]))
        self.close_connection = True

    def _head(self, say: Say) -> bytes:
        headers = {
            "Date": self.date_time_string(),
            "Content-Type": "application/json",
            "Content-Length": str(len(say.content)),
            **say.headers,
        }
        lines = [f"HTTP/1.1 {say.status} Said", *(f"{name}: {value}" for name, value in headers.items() if value)]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")
