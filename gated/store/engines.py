"""Connections to the two engines, set up so that a commit is durable and nothing waits without end.

| | SQLite | PostgreSQL |
|---|---|---|
| durability | WAL, `synchronous=FULL`: a commit has reached the disk | the server's `synchronous_commit` |
| a write | `BEGIN IMMEDIATE`, one at a time | row locks, `READ COMMITTED` |
| a read | sees the last commit, never waits for a writer | the same |
| patience | for the lock | to connect, for a statement, for a server that stopped answering |
"""

import contextlib
import os
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from gated.model.errors import InvalidInput
from gated.store.errors import StoreUnreachable

WRITES = "gated_writes"
"""The execution option of connections that are going to write."""

_CONNECTIONS = 10
"""Of this process; PostgreSQL allows 100 by default, which several replicas share."""
_PRIVATE = 0o600


def create(url: str, patience_seconds: int) -> sa.Engine:
    """A pool of connections. Nothing is connected yet; a SQLite file that is missing is created, private to its owner.

    Args:
        url: `sqlite:///path/to/file.db` or `postgresql://user:password@host/name`.
        patience_seconds: how long anything may wait for anybody else, at least 1 for PostgreSQL.

    Raises:
        InvalidInput: the address cannot be used.
        StoreUnreachable: the SQLite file can be neither opened nor created.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, patience_seconds)
    try:
        from gated.store import postgresql  # noqa: PLC0415 - its driver is an extra that need not be installed
    except ImportError as error:
        raise InvalidInput("store: PostgreSQL needs `pip install 'gated[postgres]'`") from error
    return postgresql.create(parsed, patience_seconds, connections=_CONNECTIONS)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError):
        # The cause would repeat parts of the address, and with it perhaps of the password.
        raise InvalidInput("store: this is not the address of a database") from None
    if "@" in (parsed.host or ""):
        # The host would be named in errors, and here it holds the end of the password.
        raise InvalidInput("store: write an @ in the password as %40")
    match backend:
        case "postgresql":
            return parsed.set(drivername="postgresql+psycopg")
        case "sqlite" if parsed.database and parsed.database != ":memory:" and not parsed.database.startswith("file:"):
            return parsed.set(drivername="sqlite+pysqlite")
        case "sqlite":
            raise InvalidInput("store: SQLite needs the path of a file, as in sqlite:///gated.db")
        case _:
            raise InvalidInput(f"store: {backend} is not supported; use sqlite or postgresql")


def _sqlite(url: URL, patience_seconds: int) -> sa.Engine:
    path = Path(str(url.database))
    try:
        # SQLite would create the file readable for everybody; its -wal and -shm take the file's permissions. One that
        # exists is not even opened: closing it would drop the locks of every connection this process has to it.
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, _PRIVATE))
        file = path.stat()
    except OSError as error:
        raise StoreUnreachable(f"the database {path} cannot be opened: {error.strerror}") from error
    engine = sa.create_engine(
        url,
        # The driver would begin transactions on its own, too late and never IMMEDIATE: here SQLAlchemy begins them.
        connect_args={"isolation_level": None, "timeout": patience_seconds},
        pool_size=_CONNECTIONS,
        max_overflow=0,
        pool_timeout=patience_seconds,
        hide_parameters=True,
    )

    @sa.event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # A transaction that begins by reading cannot start to write once another one has written: SQLITE_BUSY at
        # once, whatever the timeout. IMMEDIATE waits its turn at the beginning instead.
        if not connection.get_execution_options().get(WRITES, False):
            connection.exec_driver_sql("BEGIN")
            return
        # SQLite goes on writing to a file that has no name any more: every commit would succeed and be lost.
        if not _is_at(path, file):
            raise StoreUnreachable(f"the database {path} was removed or replaced while it was open; restart gated")
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _is_at(path: Path, file: os.stat_result) -> bool:
    try:
        return os.path.samestat(path.stat(), file)
    except OSError:
        return False
