"""What the errors of the drivers mean."""

import sqlite3

import psycopg
import pytest
from psycopg import errors as pg
from sqlalchemy import exc

from gated.model.errors import Conflict, GatedError, InvalidInput
from gated.store import faults
from gated.store.errors import StoreBusy, StoreDamaged, StoreFull, StoreReadOnly, StoreUnreachable


def sqlite_error(code: int) -> exc.DBAPIError:
    error = sqlite3.OperationalError("what SQLite says")
    error.sqlite_errorcode = code
    return exc.OperationalError("UPDATE", {}, error)


SQLITE_IOERR_FSYNC = sqlite3.SQLITE_IOERR | 4 << 8

MEANINGS: dict[str, tuple[exc.SQLAlchemyError, type[GatedError]]] = {
    "locked by another process": (sqlite_error(sqlite3.SQLITE_BUSY), StoreBusy),
    "snapshot too old": (sqlite_error(sqlite3.SQLITE_BUSY_SNAPSHOT), StoreBusy),
    "disk full": (sqlite_error(sqlite3.SQLITE_FULL), StoreFull),
    "read-only file": (sqlite_error(sqlite3.SQLITE_READONLY), StoreReadOnly),
    "the file was deleted": (sqlite_error(sqlite3.SQLITE_READONLY_DBMOVED), StoreReadOnly),
    "malformed": (sqlite_error(sqlite3.SQLITE_CORRUPT), StoreDamaged),
    "not a database": (sqlite_error(sqlite3.SQLITE_NOTADB), StoreDamaged),
    "sync failed": (sqlite_error(SQLITE_IOERR_FSYNC), StoreUnreachable),
    "cannot open": (sqlite_error(sqlite3.SQLITE_CANTOPEN), StoreUnreachable),
    "no connection": (exc.OperationalError("", {}, psycopg.OperationalError("refused")), StoreUnreachable),
    "connection closed": (exc.InterfaceError("", {}, psycopg.InterfaceError("closed")), StoreUnreachable),
    "shutting down": (exc.OperationalError("", {}, pg.AdminShutdown()), StoreUnreachable),
    "not let in": (exc.OperationalError("", {}, pg.InvalidPassword()), StoreUnreachable),
    "no such database": (exc.OperationalError("", {}, pg.InvalidCatalogName()), StoreUnreachable),
    "standby": (exc.InternalError("", {}, pg.ReadOnlySqlTransaction()), StoreReadOnly),
    "server's disk full": (exc.OperationalError("", {}, pg.DiskFull()), StoreFull),
    "too many connections": (exc.OperationalError("", {}, pg.TooManyConnections()), StoreBusy),
    "statement timeout": (exc.OperationalError("", {}, pg.QueryCanceled()), StoreBusy),
    "lock timeout": (exc.OperationalError("", {}, pg.LockNotAvailable()), StoreBusy),
    "server's data damaged": (exc.InternalError("", {}, pg.DataCorrupted()), StoreDamaged),
    "deadlock": (exc.OperationalError("", {}, pg.DeadlockDetected()), Conflict),
    "serialization failure": (exc.OperationalError("", {}, pg.SerializationFailure()), Conflict),
    "NUL in a key": (exc.DataError("", {}, psycopg.DataError("cannot contain NUL")), InvalidInput),
    "every connection in use": (exc.TimeoutError(), StoreBusy),
}


@pytest.mark.parametrize(("error", "meaning"), MEANINGS.values(), ids=MEANINGS)
def test_an_error_of_the_driver_is_raised_as_what_it_means(
    error: exc.SQLAlchemyError, meaning: type[GatedError]
) -> None:
    with pytest.raises(GatedError) as raised, faults.translated():
        raise error
    assert type(raised.value) is meaning
    assert raised.value.__cause__ is error


DEFECTS = {
    "a constraint of SQLite": exc.IntegrityError("", {}, sqlite3.IntegrityError("UNIQUE constraint failed")),
    "bad SQL for SQLite": sqlite_error(sqlite3.SQLITE_ERROR),
    "a constraint of PostgreSQL": exc.IntegrityError("", {}, pg.UniqueViolation()),
    "bad SQL for PostgreSQL": exc.ProgrammingError("", {}, pg.UndefinedTable()),
    "misuse of SQLAlchemy": exc.ArgumentError(),
    "anything else": ValueError(),
}


@pytest.mark.parametrize("error", DEFECTS.values(), ids=DEFECTS)
def test_a_defect_passes_as_it_is(error: Exception) -> None:
    """It is not the database's fault, and trying again will not help."""
    with pytest.raises(type(error)) as raised, faults.translated():
        raise error
    assert raised.value is error
