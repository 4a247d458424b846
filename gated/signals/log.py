"""The log as an endpoint: every signal becomes one line, so that a gate without any other endpoint is heard too."""

import structlog

from gated.model.step import Signal, SignalKind

NAME = "log"
"""The `endpoint` label of its deliveries."""

_URGENT = frozenset({SignalKind.ROLLBACK_TRIGGERED, SignalKind.STAGE_BLIND, SignalKind.NOT_RECOVERED})
_log = structlog.get_logger()


def tell(signal: Signal) -> None:
    """Log a signal; what a person must act upon as a warning."""
    write = _log.warning if signal.kind in _URGENT else _log.info
    write(
        signal.kind.value,
        signal_id=signal.id,
        release=signal.release,
        stage=signal.stage,
        rule=signal.rule,
        reason=signal.reason,
        at=signal.at,
    )
