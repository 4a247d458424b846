"""Which tables the database has, and how they become the ones this gated works with.

Revisions of the schema are numbers with leading zeros, so that they sort; each is one file in `migrations/versions`.
Alembic takes 0.3 s and 48 MB to import and is needed only while something changes: the check at every start does
without.
"""

import importlib.resources

import sqlalchemy as sa

from gated.store.database import Database
from gated.store.errors import SchemaOutdated, SchemaTooNew

HEAD = "0002"
"""The revision this gated works with."""

_version = sa.table("alembic_version", sa.column("version_num", sa.Text))
"""Alembic's own table: the revision in one row."""
_MIGRATION_SECONDS = 60
"""How long an upgrade may take, and how long the next in line waits for it."""
_POSTGRESQL_LOCK = 0x6761_7465_6400
"""The key of the advisory lock, `gated` in ASCII; any constant that nobody else uses."""


def upgrade(url: str) -> str | None:
    """Bring a database to `HEAD`, from nothing or from any older schema, in one transaction.

    Safe to call from several processes at once: one does the work, the others wait and find it done.

    Args:
        url: as for `Database`.

    Returns:
        The revision that was found; None when there were no tables.

    Raises:
        InvalidInput: the address cannot be used.
        SchemaTooNew: a newer gated has been here. Nothing was changed.
        Unavailable: the database cannot be reached or written. Nothing was changed.
    """
    database = Database(url, patience_seconds=_MIGRATION_SECONDS)
    try:
        with database.writing() as connection:
            # On SQLite the transaction itself is the lock: it began with BEGIN IMMEDIATE.
            if not database.is_sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_POSTGRESQL_LOCK)))
            found = current_revision(connection)
            if found is not None and found > HEAD:
                raise SchemaTooNew(found, HEAD)
            if found != HEAD:
                _migrate(connection)
            return found
    finally:
        database.close()


def current_revision(connection: sa.Connection) -> str | None:
    """The revision of the tables; None when there are none."""
    if not sa.inspect(connection).has_table(_version.name):
        return None
    revision: str | None = connection.scalar(sa.select(_version.c.version_num))
    return revision


def check(connection: sa.Connection) -> None:
    """Refuse tables that this gated does not work with.

    Raises:
        SchemaOutdated: they are older, or there are none.
        SchemaTooNew: they are newer.
    """
    found = current_revision(connection)
    if found is None or found < HEAD:
        raise SchemaOutdated(found, HEAD)
    if found > HEAD:
        raise SchemaTooNew(found, HEAD)


def _migrate(connection: sa.Connection) -> None:
    from alembic import command  # noqa: PLC0415 - see the module's docstring
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(importlib.resources.files("gated.store") / "migrations"))
    command.upgrade(config, HEAD)
