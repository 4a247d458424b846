"""Tell the world what was committed, at least once each.

The outbox holds what must be told. A signal is marked as told only after its endpoint has taken it; a process that
dies in between tells it again, under the same id.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gated.model.step import Signal
from gated.operations.gate import Gate

_BATCH = 200
"""Signals taken from the outbox at once; the rest follows with the next call."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where signals go.

    Args:
        name: the `endpoint` label of its metrics.
        tell: takes a signal, or raises.
    """

    name: str
    tell: Callable[[Signal], None]


@dataclass(frozen=True, slots=True)
class Delivered:
    """How one attempt went.

    Args:
        signal: what was told.
        error: why it was not; None when it was.
    """

    signal: Signal
    error: Exception | None


def deliver(gate: Gate, endpoint: Endpoint, now: float) -> tuple[Delivered, ...]:
    """Tell an endpoint what is still in the outbox.

    Raises:
        Unavailable: the store cannot be read or written; nothing is lost.
    """
    attempts = []
    for entry in gate.store.undelivered(_BATCH):
        try:
            endpoint.tell(entry.signal)
        except Exception as error:  # noqa: BLE001 -- whatever an endpoint does, the signal stays and the others go on
            gate.store.mark_failed(entry.signal.id, now, f"{type(error).__name__}: {error}")
            attempts.append(Delivered(entry.signal, error))
        else:
            gate.store.mark_delivered(entry.signal.id, now)
            attempts.append(Delivered(entry.signal, None))
    return tuple(attempts)
