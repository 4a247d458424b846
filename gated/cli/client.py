"""One HTTP question to a gate, answered within its time or not at all.

What comes back is a `Reply`, whatever its status, or `NoReply`; nothing is believed here. No redirects, no retries, no
proxy from the environment (what a proxy's cache said is not what the gate says), no cookies, no compression, at most
`MAX_BODY_BYTES`. Certificates are checked against the system's authorities; OpenSSL's SSL_CERT_FILE adds one's own.

The time is total: sockets obey a deadline (`gated.sources.deadline`), and the caller stops waiting at that deadline
even where no socket is involved, as in a look-up of a host name. The thread left behind dies with the process.
"""

import json
import queue
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlencode

import gated
from gated.sources import deadline

MAX_BODY_BYTES = 16 * 1024 * 1024
"""The history of a release that flapped for days has a few megabytes; a verdict has some kilobytes."""
_CHUNK_BYTES = 64 * 1024
_KEPT_CONNECTIONS = 2
"""One, and one for a thread that was left behind."""
_LOOK_UP_SECONDS = 1.0
"""How often somebody who waits is told that the wait goes on."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a gate.

    Args:
        method: GET or POST.
        path: below the gate's address, each part as it is meant; they are escaped here.
        query: parameters; empty ones are left out.
        body: sent as JSON when given.
    """

    method: str
    path: tuple[str, ...]
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered.

    Args:
        status: the HTTP status.
        body: the whole body.
        dated_at: what time the server says it is (its `Date` header), Unix seconds; None when it does not say.
    """

    status: int
    body: bytes
    dated_at: float | None = None


@dataclass(frozen=True, slots=True)
class NoReply:
    """No complete answer came.

    Args:
        why: in a few words for people.
    """

    why: str


class Client:
    """The connections to one gate.

    Args:
        url: its address; may have a path, below which the API lies.
        actor: on whose behalf everything is asked.
    """

    def __init__(self, url: str, actor: str) -> None:
        self._url = url.rstrip("/")
        self._headers = {
            "X-Gated-Actor": actor,
            "User-Agent": f"gated/{gated.__version__}",
            "Accept": "application/json",
        }
        self._connections = deadline.connections(_KEPT_CONNECTIONS, ssl.create_default_context())

    def ask(
        self, request: Request, within_seconds: float, meanwhile: Callable[[], None] = lambda: None
    ) -> Reply | NoReply:
        """Send a request and wait for its whole answer.

        Args:
            request: what to ask.
            within_seconds: for everything together, from the look-up of the name to the last byte.
            meanwhile: called about every second while the answer is awaited.
        """
        limit = deadline.Deadline.after(within_seconds)
        answered: queue.SimpleQueue[Reply | NoReply] = queue.SimpleQueue()
        threading.Thread(target=lambda: answered.put(self._exchange(request, limit)), daemon=True).start()
        while True:
            try:
                return answered.get(timeout=min(_LOOK_UP_SECONDS, limit.remaining_seconds()))
            except queue.Empty:
                meanwhile()
            except TimeoutError:
                return NoReply(f"no complete answer within {within_seconds:.3g} s")

    def _exchange(self, request: Request, limit: deadline.Deadline) -> Reply | NoReply:
        try:
            with limit.in_force():
                return self._fetch(request, limit)
        except Exception as error:  # noqa: BLE001 -- whatever a server makes the libraries raise, it is no answer
            return NoReply(_why(error))

    def _fetch(self, request: Request, limit: deadline.Deadline) -> Reply | NoReply:
        headers, body = self._headers, None
        if request.body is not None:
            headers, body = {**headers, "Content-Type": "application/json"}, json.dumps(request.body)
        response = self._connections.urlopen(
            request.method,
            self._address(request),
            redirect=False,
            retries=False,
            headers=headers,
            body=body,
            timeout=limit.remaining_seconds(),
            preload_content=False,
            decode_content=False,
        )
        try:
            received = bytearray()
            while chunk := response.read(_CHUNK_BYTES):
                received += chunk
                if len(received) > MAX_BODY_BYTES:
                    return NoReply(f"the answer is longer than {MAX_BODY_BYTES:,} bytes")
            return Reply(response.status, bytes(received), _instant(response.headers.get("Date")))
        finally:
            # Keeps a connection whose answer was read to its end, and ends one that was not.
            response.close()

    def _address(self, request: Request) -> str:
        path = "/".join(quote(part, safe="") for part in request.path)
        given = {name: value for name, value in request.query.items() if value}
        return f"{self._url}/{path}" + (f"?{urlencode(given)}" if given else "")


def _instant(date: str | None) -> float | None:
    try:
        return None if date is None else parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None


def _why(error: BaseException) -> str:
    """Say in a few words why there is no answer; urllib3's own exceptions have the telling one inside."""
    for cause in _causes(error):
        match cause:
            case TimeoutError():
                return "no complete answer in time"
            case ssl.SSLCertVerificationError():
                return f"certificate refused: {cause.verify_message}"
            case OSError():
                return (cause.strerror or str(cause)).lower()
            case _:
                continue
    return f"not a complete HTTP answer ({type(error).__name__})"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and what it was made from, outermost first."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        # urllib3's ProtocolError keeps its cause as an argument.
        yield from (argument for argument in seen.args if isinstance(argument, BaseException))
        seen = seen.__cause__ or seen.__context__
