"""What the errors of the drivers mean to gated. See `gated.store.errors` for the meanings.

SQLite tells by a result code (https://sqlite.org/rescode.html), PostgreSQL by an SQLSTATE
(https://postgresql.org/docs/current/errcodes-appendix.html), or by none when it could not be asked.
"""

import contextlib
import sqlite3
from collections.abc import Iterator

from sqlalchemy import exc

from gated.model.errors import Conflict, GatedError, InvalidInput
from gated.store.errors import StoreBusy, StoreDamaged, StoreFull, StoreReadOnly, StoreUnreachable

_PRIMARY_CODE = 0xFF
"""An extended result code carries its primary one in the lowest byte."""
_SQLITE: dict[int, type[GatedError]] = {
    sqlite3.SQLITE_BUSY: StoreBusy,
    sqlite3.SQLITE_LOCKED: StoreBusy,
    sqlite3.SQLITE_FULL: StoreFull,
    sqlite3.SQLITE_READONLY: StoreReadOnly,
    sqlite3.SQLITE_CORRUPT: StoreDamaged,
    sqlite3.SQLITE_NOTADB: StoreDamaged,
    sqlite3.SQLITE_CANTOPEN: StoreUnreachable,
    sqlite3.SQLITE_IOERR: StoreUnreachable,
    sqlite3.SQLITE_NOMEM: StoreUnreachable,
    sqlite3.SQLITE_PERM: StoreUnreachable,
}
# The first entry that the SQLSTATE starts with counts.
_POSTGRESQL: dict[str, type[GatedError]] = {
    "22": InvalidInput,  # data exception: a text with NUL in it
    "25006": StoreReadOnly,  # a standby, or default_transaction_read_only
    "40": Conflict,  # serialization failure, deadlock
    "53100": StoreFull,
    "53": StoreBusy,  # too many connections, out of memory
    "55P03": StoreBusy,  # lock not available
    "57014": StoreBusy,  # statement timeout
    "08": StoreUnreachable,
    "28": StoreUnreachable,  # not let in
    "3D": StoreUnreachable,  # no such database
    "57": StoreUnreachable,  # shutting down, starting up
    "58": StoreUnreachable,  # the server's own disk
    "XX": StoreDamaged,
}


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Raise what an error of the driver means instead of the error, which stays chained. A defect passes as it is."""
    try:
        yield
    except exc.TimeoutError as error:
        raise StoreBusy("every connection to the database is in use") from error
    except exc.DBAPIError as error:
        meaning = _meaning(error)
        if meaning is None:
            raise
        sentence = (meaning.__doc__ or meaning.__name__).splitlines()[0]
        raise meaning(f"{sentence} ({error.orig})") from error


def _meaning(error: exc.DBAPIError) -> type[GatedError] | None:
    if isinstance(error.orig, sqlite3.Error):
        code = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_OK)
        return _SQLITE.get(code & _PRIMARY_CODE)
    state: str | None = getattr(error.orig, "sqlstate", None)
    if state is None:
        # psycopg could not ask the server: no connection, or one that broke. A NUL it refuses by itself.
        if isinstance(error, exc.DataError):
            return InvalidInput
        return StoreUnreachable if isinstance(error, exc.OperationalError | exc.InterfaceError) else None
    return next((meaning for prefix, meaning in _POSTGRESQL.items() if state.startswith(prefix)), None)
