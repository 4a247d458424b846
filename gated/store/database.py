"""One database behind one door: connections, transactions, and what the driver's errors mean.

| | SQLite | PostgreSQL |
|---|---|---|
| durability | WAL, `synchronous=FULL`: a commit has reached the disk | the server's `synchronous_commit` |
| a write | `BEGIN IMMEDIATE`, one at a time | row locks, `READ COMMITTED` |
| a read | sees the last commit, never waits for a writer | the same |
| patience | 5 s for the lock | 5 s to connect, for a lock, for a statement |

Threads take turns at writing to SQLite through a lock of our own. SQLite would let them sleep and try again, and some
for long: of 2,000 commits by eight threads the slowest waited 1.0 s without our lock and 0.1 s with it. SQLite's own
lock remains for other processes.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from gated.model.errors import InvalidInput
from gated.store import faults
from gated.store.errors import StoreBusy, StoreDamaged, StoreUnreachable

PATIENCE_SECONDS = 5
_CONNECTIONS = 10
"""Of this process; PostgreSQL allows 100 by default, which several replicas share."""
_PRIVATE = 0o600
_WRITES = "gated_writes"


class Database:
    """A pool of connections to one database. Nothing is connected before it is used.

    Args:
        url: `sqlite:///path/to/file.db` or `postgresql://user:password@host/name`.
        patience_seconds: how long anything may wait for anybody else.

    Raises:
        InvalidInput: the address cannot be used.
        StoreUnreachable: the SQLite file can be neither opened nor created.
    """

    def __init__(self, url: str, *, patience_seconds: int = PATIENCE_SECONDS) -> None:
        self._patience_seconds = patience_seconds
        self._turn = threading.Lock()
        parsed = _parse(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self._engine = _sqlite(parsed, patience_seconds) if self.is_sqlite else _postgresql(parsed, patience_seconds)
        self._writer = self._engine.execution_options(**{_WRITES: True})

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that sees one state and changes nothing.

        Raises:
            Unavailable: one of the leaves of `gated.store.errors`.
        """
        with faults.translated(), self._engine.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that is committed when the block ends, and undone when it raises.

        Raises:
            Unavailable: one of the leaves of `gated.store.errors`. Nothing was written; or, only if the connection
                broke during the commit itself, everything was.
            Conflict: PostgreSQL ended it in favour of another transaction. Nothing was written.
        """
        with self._a_turn(), faults.translated(), self._writer.begin() as connection:
            yield connection

    def check_integrity(self) -> None:
        """Make sure that a SQLite file is sound: 0.05 s for 50 MB. A PostgreSQL server looks after its own.

        Raises:
            StoreDamaged: it is not; the message says what was found first.
        """
        if self.is_sqlite:
            with self.reading() as connection:
                finding: str | None = connection.scalar(sa.text("PRAGMA quick_check(1)"))
            if finding != "ok":
                raise StoreDamaged(f"{StoreDamaged.__doc__} ({finding})")

    def close(self) -> None:
        """Give back every connection."""
        self._engine.dispose()

    @contextlib.contextmanager
    def _a_turn(self) -> Iterator[None]:
        if not self.is_sqlite:
            yield
            return
        if not self._turn.acquire(timeout=self._patience_seconds):
            raise StoreBusy(f"other threads kept the database for {self._patience_seconds} s")
        try:
            yield
        finally:
            self._turn.release()


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
    try:
        # SQLite would create the file readable for everybody; its -wal and -shm take the file's permissions.
        os.close(os.open(str(url.database), os.O_RDONLY | os.O_CREAT, _PRIVATE))
    except OSError as error:
        raise StoreUnreachable(f"the database {url.database} cannot be opened: {error.strerror}") from error
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
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql(url: URL, patience_seconds: int) -> sa.Engine:
    milliseconds = patience_seconds * 1000
    limits = f"-c statement_timeout={milliseconds} -c idle_in_transaction_session_timeout={milliseconds}"
    defaults = {
        "application_name": "gated",
        "connect_timeout": str(patience_seconds),
        # A server that vanished (no reset, no answer) would otherwise be waited for as long as the kernel likes.
        "tcp_user_timeout": str(milliseconds),
        "keepalives_idle": str(patience_seconds),
        "keepalives_interval": "1",
        "keepalives_count": str(patience_seconds),
    }
    options = " ".join([*url.normalized_query.get("options", ()), limits])
    try:
        return sa.create_engine(
            url.set(query={**defaults, **url.query, "options": options}),
            pool_size=_CONNECTIONS,
            max_overflow=0,
            pool_timeout=patience_seconds,
            # After a restart of the server every pooled connection is dead: find out before using one.
            pool_pre_ping=True,
            hide_parameters=True,
        )
    except ModuleNotFoundError as error:
        raise InvalidInput("store: PostgreSQL needs `pip install 'gated[postgres]'`") from error
