"""HTTP with a deadline, a byte cap and no surprises: what every source asks through.

No proxy from the environment, no netrc, no cookies, no retries, no redirects, no compression (an answer is as long
as it looks). Credentials are added here, and taken out of every text that a server sends back.
"""

import base64
import errno
import http.client
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3
import urllib3.exceptions

import gated
from gated.model.reading import FailureReason
from gated.model.secret import MASK
from gated.sources import deadline
from gated.sources.errors import NotAsked, SourceError
from gated.sources.settings import Access

_CHUNK_BYTES = 64 * 1024
_MIN_SECRET_CHARACTERS = 4
"""Shorter ones stay in texts: a tenant called 1 would take every 1 out of them."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered, with whatever status.

    Args:
        status: the HTTP status.
        body: the whole body.
        secrets: what was sent along and must not be shown, should the server echo it.
    """

    status: int
    body: bytes
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def quote(self, text: str) -> str:
        """A text of this answer as it may be shown."""
        for secret in self.secrets:
            text = text.replace(secret, MASK)
        return text


class Transport:
    """The connections to one source. Safe to use from many threads at once.

    Args:
        access: credentials and certificates.
        concurrency: how many connections are kept open.
        max_bytes: how long an answer may be.
    """

    def __init__(self, access: Access, *, concurrency: int, max_bytes: int) -> None:
        self._access = access
        self._concurrency = concurrency
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._manager: urllib3.PoolManager | None = None
        self._certificates: tuple[tuple[int, int, int], ...] = ()

    def fetch(self, method: str, url: str, timeout_seconds: float, form: Mapping[str, str] | None = None) -> Reply:
        """Send one request and read its whole answer.

        Args:
            method: GET or POST.
            url: where to, with its query string.
            timeout_seconds: for everything together, from connecting to the last byte.
            form: sent as the body, if given.

        Raises:
            SourceError: no complete answer came; the reason says why.
        """
        headers = _headers(self._access)
        secrets = tuple(_worth_hiding(headers))
        headers["User-Agent"] = f"gated/{gated.__version__}"
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        limit = deadline.Deadline.after(timeout_seconds)
        try:
            with limit.in_force():
                response = self._connections().urlopen(
                    method,
                    url,
                    redirect=False,
                    retries=False,
                    headers=headers,
                    body=None if form is None else urlencode(form),
                    timeout=limit.remaining_seconds(),
                    preload_content=False,
                    decode_content=False,
                )
                return Reply(response.status, self._body(response), secrets)
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
            raise _translated(error) from error

    def close(self) -> None:
        """Close the idle connections; a busy one is closed when its request ends."""
        with self._lock:
            if self._manager is not None:
                self._manager.clear()

    def _body(self, response: urllib3.BaseHTTPResponse) -> bytes:
        try:
            if (coding := response.headers.get("Content-Encoding", "identity")) != "identity":
                raise SourceError(FailureReason.NOT_PROMETHEUS, f"a body in {coding}, which nobody asked for")
            body = bytearray()
            while chunk := response.read(_CHUNK_BYTES):
                body += chunk
                if len(body) > self._max_bytes:
                    raise SourceError(FailureReason.TOO_LARGE, f"more than {self._max_bytes:,} bytes")
            return bytes(body)
        finally:
            # Goes on with a connection whose answer was read to its end, and ends one that was not.
            response.close()

    def _connections(self) -> urllib3.PoolManager:
        """The connection pool; a new one whenever a certificate file has changed, so that rotation needs no restart."""
        access = self._access
        with self._lock:
            try:
                files = [Path(file).stat() for file in (access.ca_file, access.cert_file, access.key_file) if file]
                certificates = tuple((file.st_ino, file.st_mtime_ns, file.st_size) for file in files)
                if self._manager is None or certificates != self._certificates:
                    tls = ssl.create_default_context(cafile=access.ca_file or None)
                    if access.cert_file:
                        tls.load_cert_chain(access.cert_file, access.key_file or None)
                    self._manager = deadline.connections(self._concurrency, tls)
                    self._certificates = certificates
            except OSError as error:
                why = f"the certificate files cannot be used: {error.strerror or error}"
                raise NotAsked(FailureReason.UNREACHABLE, why) from error
            return self._manager


def _headers(access: Access) -> dict[str, str]:
    """The headers that let us in.

    Raises:
        SourceError: a credential cannot be read or sent. Nothing is chained: the cause may quote the credential.
    """
    try:
        headers = {name: secret.reveal() for name, secret in access.headers.items()}
        if access.bearer_token is not None:
            headers["Authorization"] = f"Bearer {access.bearer_token.reveal()}"
        if access.basic_auth is not None:
            pair = f"{access.basic_auth.username}:{access.basic_auth.password.reveal()}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    except OSError as error:
        raise NotAsked(FailureReason.DENIED, f"a credential cannot be read: {error.strerror}") from None
    except UnicodeError:
        raise NotAsked(FailureReason.DENIED, "a credential is not UTF-8 text") from None
    if not all(value.isascii() and value.isprintable() for value in headers.values()):
        raise NotAsked(FailureReason.DENIED, "a credential has characters that no header may carry")
    return headers


def _worth_hiding(headers: Mapping[str, str]) -> Iterator[str]:
    """Every form in which a server might echo a credential; the longest first, being made of the others."""
    for value in headers.values():
        scheme, _, credential = value.rpartition(" ")
        forms = [value, credential]
        if scheme == "Basic":
            forms.append(base64.b64decode(credential).decode().partition(":")[2])
        yield from (form for form in forms if len(form) >= _MIN_SECRET_CHARACTERS)


_WHY: tuple[tuple[type[Exception], FailureReason, Callable[[Any], str]], ...] = (
    (TimeoutError, FailureReason.TIMEOUT, lambda _: "no complete answer before the deadline"),
    (ssl.SSLCertVerificationError, FailureReason.UNREACHABLE, lambda e: f"certificate refused: {e.verify_message}"),
    (ssl.SSLError, FailureReason.UNREACHABLE, lambda e: f"TLS failed: {e.reason}"),
    (socket.gaierror, FailureReason.UNREACHABLE, lambda e: f"host name not found: {e.strerror}"),
    (http.client.RemoteDisconnected, FailureReason.UNREACHABLE, lambda _: "connection closed without an answer"),
    (OSError, FailureReason.UNREACHABLE, lambda e: (e.strerror or type(e).__name__).lower()),
    (http.client.IncompleteRead, FailureReason.NOT_PROMETHEUS, lambda _: "the answer ends in the middle"),
    (http.client.HTTPException, FailureReason.NOT_PROMETHEUS, lambda e: f"not HTTP: {type(e).__name__}"),
)
"""What each exception of the standard library means. The first that fits counts, so the special ones come first;
urllib3's own exceptions always have one of these inside."""

_OURS = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}
"""Our own machine has no place for another connection."""


def _translated(error: Exception) -> SourceError:
    """Say in our words why a request failed."""
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.errno in _OURS:
            return NotAsked(FailureReason.UNREACHABLE, f"on this machine: {os.strerror(cause.errno).lower()}")
        for kind, reason, describe in _WHY:
            if isinstance(cause, kind):
                return SourceError(reason, describe(cause))
    return SourceError(FailureReason.UNREACHABLE, type(error).__name__)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and what it was made from, outermost first."""
    yield error
    made_from = [argument for argument in error.args if isinstance(argument, BaseException)]
    if inner := error.__cause__ or error.__context__:
        made_from.append(inner)
    for each in made_from:  # urllib3's ProtocolError has its cause as an argument, the others have it as a cause
        yield from _causes(each)
