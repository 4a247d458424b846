"""How gated writes its log: for people on a terminal, as JSON lines elsewhere; always to standard error."""

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor


def configure(log_format: str, level: str) -> None:
    """Set up structlog, and send the standard library's loggers (uvicorn's) the same way.

    Args:
        log_format: `console`, `json`, or `auto` for whichever suits standard error.
        level: `debug`, `info`, `warning` or `error`.
    """
    for_people = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Never with local variables, as structlog's own choices have them: one may be a credential.
    without_locals = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    final: list[Processor] = (
        [structlog.dev.ConsoleRenderer(pad_event_to=24, exception_formatter=structlog.dev.plain_traceback)]
        if for_people
        else [structlog.processors.ExceptionRenderer(without_locals), structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
            foreign_pre_chain=[*shared, _plain_event],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # uvicorn says little that our own events do not say; what it warns of is worth a line.
    for chatty in ("uvicorn.error", "uvicorn.access", "alembic", "sqlalchemy", "urllib3"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))


def _plain_event(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """Give lines of other libraries a constant event, with their text as a value."""
    return {**event, "event": "library_message", "message": str(event.get("event", ""))}
