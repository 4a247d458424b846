"""What the exceptions of the network mean."""

import errno
import http.client
import socket
import ssl

import pytest
import urllib3.exceptions

from gated.model.reading import FailureReason
from gated.sources.errors import NotAsked
from gated.sources.transport import _translated


def certificate_error() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError()
    error.verify_message = "certificate has expired"
    return error


@pytest.mark.parametrize(
    ("error", "reason", "detail"),
    [
        (TimeoutError("timed out"), FailureReason.TIMEOUT, "no complete answer before the deadline"),
        (certificate_error(), FailureReason.UNREACHABLE, "certificate refused: certificate has expired"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Refused"), FailureReason.UNREACHABLE, "refused"),
        (socket.gaierror(socket.EAI_NONAME, "Unknown"), FailureReason.UNREACHABLE, "host name not found: Unknown"),
        (http.client.RemoteDisconnected(""), FailureReason.UNREACHABLE, "connection closed without an answer"),
        (http.client.IncompleteRead(b""), FailureReason.NOT_PROMETHEUS, "the answer ends in the middle"),
        (http.client.LineTooLong("header"), FailureReason.NOT_PROMETHEUS, "not HTTP: LineTooLong"),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else "",
)
@pytest.mark.parametrize("depth", [0, 2], ids=["bare", "wrapped"])
def test_each_has_a_reason_however_deep_urllib3_wraps_it(
    error: Exception, reason: FailureReason, detail: str, depth: int
) -> None:
    for _ in range(depth):
        error = urllib3.exceptions.ProtocolError("Connection aborted.", error)
    translated = _translated(error)
    assert (translated.reason, translated.detail) == (reason, detail)
    assert not isinstance(translated, NotAsked)


def test_an_exception_of_no_known_kind_is_named() -> None:
    assert _translated(urllib3.exceptions.LocationParseError("x")).detail == "LocationParseError"


def test_a_machine_without_room_for_a_connection_blames_itself() -> None:
    translated = _translated(OSError(errno.EMFILE, "Too many open files"))
    assert isinstance(translated, NotAsked)
    assert translated.detail == "on this machine: too many open files"
