"""Whether a server is the one that was meant, and whether its clock can be believed. Asked anew at every look.

Another Prometheus on the configured address answers every query politely, with success and nothing in it.
"""

import time
from collections.abc import Mapping

from gated.model.reading import FailureReason
from gated.sources.errors import SourceError
from gated.sources.prometheus import Prometheus


def server_time(
    client: Prometheus, our_time: float, started: float, max_skew_seconds: float, timeout_seconds: float
) -> float:
    """Ask the server for its time and compare it with ours.

    The server read its clock somewhere between our sending and our receiving, so a slow answer is no skew:

        skew = distance of its time from [our time when sent, our time when received]

    Args:
        client: the server.
        our_time: our wall clock at `started`, Unix seconds.
        started: on the monotonic clock.
        max_skew_seconds: how far apart the clocks may be.
        timeout_seconds: for the request.

    Returns:
        The server's time, Unix seconds.

    Raises:
        SourceError: the clocks differ by more, or the server did not answer.
    """
    sent = our_time + time.monotonic() - started
    samples = client.query("time()", timeout_seconds)
    received = our_time + time.monotonic() - started
    if len(samples) != 1:
        raise SourceError(FailureReason.NOT_PROMETHEUS, f"{len(samples)} answers to what time it is")
    theirs = samples[0].number
    ahead = theirs - min(max(theirs, sent), received)
    if not abs(ahead) <= max_skew_seconds:  # written so that NaN is a skew
        side = "ahead of" if ahead > 0 else "behind"
        raise SourceError(FailureReason.CLOCK_SKEW, f"its clock is {abs(ahead):.0f} s {side} ours")
    return theirs


def has_labels(client: Prometheus, expected: Mapping[str, str], timeout_seconds: float) -> None:
    """Check that the server's external labels include those expected.

    Raises:
        SourceError: they do not, or the server did not answer.
    """
    labels = client.external_labels(timeout_seconds)
    for name, value in expected.items():
        if labels.get(name) != value:
            seen = f"it is {labels[name]!r}" if name in labels else "it has no such label"
            raise SourceError(FailureReason.WRONG_SOURCE, f"external label {name} should be {value!r}, but {seen}")


def has_answer(client: Prometheus, expression: str, timeout_seconds: float) -> None:
    """Check that the server has an answer to a query that only the right one can answer.

    Raises:
        SourceError: it has none, or did not answer.
    """
    if not client.query(expression, timeout_seconds):
        raise SourceError(FailureReason.WRONG_SOURCE, "the query it should be known by has no answer")
