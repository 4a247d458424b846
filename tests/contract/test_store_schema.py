"""How an empty or older database becomes the one gated works with, on SQLite and on PostgreSQL alike."""

import contextlib
import multiprocessing
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from gated.model.errors import InvalidInput
from gated.store import schema, tables
from gated.store.database import Database
from gated.store.errors import SchemaOutdated, SchemaTooNew
from gated.store.repository import Store
from tests import databases, samples


@pytest.fixture(params=databases.ENGINES)
def url(request: pytest.FixtureRequest) -> str:
    return databases.empty(request)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with contextlib.closing(Database(url)) as connected:
        yield connected


def stamp(database: Database, revision: str) -> None:
    """Let the database say that its tables are of another revision."""
    with database.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def test_an_upgrade_says_what_it_found(url: str) -> None:
    assert schema.upgrade(url) is None
    assert schema.upgrade(url) == schema.HEAD


def test_an_empty_database_is_refused_with_what_to_do(url: str) -> None:
    with pytest.raises(SchemaOutdated, match=r"has no tables yet, .*: run `gated db upgrade`") as refused:
        Store.open(url)
    assert (refused.value.found, refused.value.needed) == (None, schema.HEAD)


def test_an_older_database_is_refused_with_what_to_do(url: str, database: Database) -> None:
    schema.upgrade(url)
    stamp(database, "0000")
    with pytest.raises(SchemaOutdated, match=r"is at schema 0000, .*: run `gated db upgrade`"):
        Store.open(url)


@pytest.mark.parametrize("upgrades", [False, True], ids=["as it is", "with an upgrade"])
def test_a_newer_database_is_refused_and_left_alone(url: str, database: Database, upgrades: bool) -> None:
    """A replica that lags behind must not write rows that its successors cannot read."""
    schema.upgrade(url)
    stamp(database, "9999")
    with pytest.raises(SchemaTooNew, match="run a newer gated"):
        Store.open(url, upgrades=upgrades)
    with database.reading() as connection:
        assert schema.current_revision(connection) == "9999"


def test_an_upgrade_keeps_the_releases_of_an_older_database(url: str, database: Database) -> None:
    """One made before there were charts: its releases go on, and are drawn from then on."""
    with contextlib.closing(Store.open(url, upgrades=True)) as before:
        before.commit(samples.opening_step(), policy=samples.policy())
        release = before.release(samples.RELEASE)
    with database.writing() as connection:
        tables.trace.drop(connection)
    stamp(database, "0001")
    with contextlib.closing(Store.open(url, upgrades=True)) as after:
        assert after.release(samples.RELEASE) == release
        step = replace(samples.next_step(release), trace=(samples.trace_point(),))
        after.commit(step)
        assert after.trace(samples.RELEASE) == step.trace


def test_four_upgrades_at_once_all_succeed(url: str) -> None:
    """Four replicas start together after an update."""
    with ProcessPoolExecutor(4, multiprocessing.get_context("spawn")) as replicas:
        found = list(replicas.map(schema.upgrade, [url] * 4))
    assert sorted(found, key=str) == [schema.HEAD, schema.HEAD, schema.HEAD, None]


def test_an_upgrade_that_fails_leaves_nothing(url: str, database: Database) -> None:
    """The second table it wants to make is in the way."""
    with database.writing() as connection:
        connection.execute(sa.text("CREATE TABLE heartbeat (id INTEGER)"))
    with pytest.raises(sa.exc.DBAPIError):
        schema.upgrade(url)
    with database.reading() as connection:
        assert sa.inspect(connection).get_table_names() == ["heartbeat"]


def test_the_migrations_make_the_tables_that_the_code_speaks_of(url: str, database: Database) -> None:
    schema.upgrade(url)
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, tables.metadata) == []


def test_the_migrations_make_the_indexes_and_constraints_that_the_code_speaks_of(
    request: pytest.FixtureRequest, url: str, database: Database, tmp_path: Path
) -> None:
    """What Alembic's own comparison does not look at: names, checks, conditions of indexes."""
    schema.upgrade(url)
    if database.is_sqlite:
        other = f"sqlite:///{tmp_path}/direct.db"
    else:
        other = request.getfixturevalue("postgres").create_database()
    with contextlib.closing(Database(other)) as direct:
        with direct.writing() as connection:
            tables.metadata.create_all(connection)
        assert definitions(database) == definitions(direct)


def definitions(database: Database) -> set[str]:
    """Every column, constraint and index as the engine itself writes it down, but those of Alembic."""
    if database.is_sqlite:
        query = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"
    else:
        query = """
            SELECT conrelid::regclass::text, conname || pg_get_constraintdef(oid) FROM pg_constraint
                WHERE connamespace = 'public'::regnamespace
            UNION SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'
        """
    with database.reading() as connection:
        rows = connection.execute(sa.text(query)).all()
    return {
        f"{name}: {line.strip().rstrip(',')}"
        for name, sql in rows
        if name != "alembic_version"
        for line in sql.splitlines()
    }


def test_alembic_is_not_imported_where_nothing_is_upgraded(url: str) -> None:
    """It would cost every start 0.3 s and 48 MB."""
    schema.upgrade(url)
    code = f"import sys; from gated.store.repository import Store; Store.open({url!r}); print('alembic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"


def test_a_sqlite_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "gated.db"
    with contextlib.closing(Store.open(f"sqlite:///{path}", upgrades=True)) as store:
        store.ping()
        files = sorted(tmp_path.iterdir())
        assert [file.name for file in files] == ["gated.db", "gated.db-shm", "gated.db-wal"]
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_an_address_that_cannot_be_used_is_refused_by_an_upgrade_too() -> None:
    with pytest.raises(InvalidInput):
        schema.upgrade("mysql://127.0.0.1/gated")
