"""PostgreSQL through psycopg 3, with an end to every wait.

Three things keep a wait from lasting for ever, because none of them covers all: the server ends a statement that takes
too long; the kernel gives up a peer that vanished; and a server that is there and does not answer (frozen, or stuck
on its disk) is given up by us, a second after it should have ended the statement itself.
"""

from typing import Any, TypeVar

import psycopg
import sqlalchemy as sa
from psycopg.abc import PQGen
from sqlalchemy.engine import URL

T = TypeVar("T")


def create(url: URL, patience_seconds: int, *, connections: int) -> sa.Engine:
    """A pool of connections; nothing is connected yet.

    Args:
        url: the address; what its query says is kept.
        patience_seconds: how long anything may wait, at least 1.
        connections: how many at most.
    """
    milliseconds = patience_seconds * 1000
    limits = f"-c statement_timeout={milliseconds} -c idle_in_transaction_session_timeout={milliseconds}"
    defaults = {
        "application_name": "gated",
        "connect_timeout": str(patience_seconds),
        "tcp_user_timeout": str(milliseconds),
        "keepalives_idle": str(patience_seconds),
        "keepalives_interval": "1",
        "keepalives_count": str(patience_seconds),
    }
    options = " ".join([*url.normalized_query.get("options", ()), limits])
    engine = sa.create_engine(
        url.set(query={**defaults, **url.query, "options": options}),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=patience_seconds,
        # After a restart of the server every pooled connection is dead: find out before using one.
        pool_pre_ping=True,
        hide_parameters=True,
    )

    @sa.event.listens_for(engine, "do_connect")
    def connect(_dialect: object, _record: object, arguments: Any, options: Any) -> psycopg.Connection[Any]:
        connection = _ImpatientConnection.connect(*arguments, **options)
        connection.limit_seconds = patience_seconds + 1.0
        return connection

    return engine


class _ImpatientConnection(psycopg.Connection[Any]):
    """A connection that is closed when the server takes too long to answer."""

    limit_seconds: float | None = None

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        try:
            return super().wait(gen, interval, self.limit_seconds if timeout is None else timeout)
        except psycopg.OperationalError as error:
            if error.sqlstate is None:
                # Not the server's word but its silence: what it still sends must not be taken for the next answer.
                self.pgconn.finish()
            raise
