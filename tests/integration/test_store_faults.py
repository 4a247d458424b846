"""The store and its databases while things break: never half a commit, never a lost or doubled one."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from deploy.local.process import free_port
from deploy.local.servers import PostgreSQL
from gated.model.errors import InvalidInput, Unavailable
from gated.model.ids import ReleaseId
from gated.model.release import Phase, Release
from gated.model.step import Step
from gated.store import schema
from gated.store.database import Database
from gated.store.errors import (
    ReleaseChanged,
    StoreBusy,
    StoreDamaged,
    StoreFull,
    StoreReadOnly,
    StoreUnreachable,
)
from gated.store.records import Filter
from gated.store.repository import Store
from tests import databases, samples
from tests.samples import NOW, RELEASE

REPOSITORY = Path(__file__).parents[2]
DEADLINE_SECONDS = 20.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gated.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """A store in SQLite that waits for nobody and holds the sample release."""
    schema.upgrade(f"sqlite:///{path}")
    with contextlib.closing(Store(Database(f"sqlite:///{path}", patience_seconds=0))) as opened:
        opened.commit(samples.opening_step(), policy=samples.policy())
        yield opened


def numbered_step(previous: Release) -> Step:
    """A step that leaves the number of its revision in every table."""
    step = samples.next_step(previous)
    number = str(step.release.revision)
    return replace(
        step,
        outcomes=(samples.outcome_change(result=samples.rule_result(reason=number)),),
        audit=(samples.audit_entry(detail=number),),
        signals=(samples.signal(id=number),),
    )


def assert_whole(store: Store) -> int:
    """Every revision up to the stored one is in every table, once and in order; returns the stored one."""
    revision = store.release(RELEASE).revision
    expected = [str(number) for number in range(2, revision + 1)]
    assert [change.result.reason for change in store.history(RELEASE)] == expected
    assert [record.entry.detail for record in store.audit(limit=revision)][-2::-1] == expected
    assert [entry.signal.id for entry in store.undelivered(revision)][1:] == expected
    return revision


def write_many(store: Store, committed: list[int]) -> None:
    """Write a thousand revisions, noting each as soon as it is committed."""
    release = store.release(RELEASE)
    for _ in range(1000):
        step = numbered_step(release)
        store.commit(step)
        committed.append(step.release.revision)
        release = step.release


def set_pragma(store: Store, pragma: str) -> None:
    """Change the one connection that a store without concurrency uses."""
    with store._database.reading() as connection:
        connection.execute(sa.text(f"PRAGMA {pragma}"))


# --- SQLite -----------------------------------------------------------------------------------------------------


def test_a_commit_reaches_the_disk_before_it_returns(store: Store) -> None:
    """A test cannot cut the power; it can see that SQLite was told to expect that."""
    with store._database.writing() as connection:
        settings = [
            connection.scalar(sa.text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert settings == ["wal", 2, 1]  # 2 is FULL


def test_a_full_disk_stops_writes_whole_and_ends_with_the_fullness(store: Store) -> None:
    set_pragma(store, "max_page_count = 60")  # 240 kB, of which 100 kB are taken
    committed: list[int] = []
    with pytest.raises(StoreFull, match="free some disk space"):
        write_many(store, committed)
    assert len(committed) > 10
    assert assert_whole(store) == committed[-1]
    set_pragma(store, "max_page_count = 1000000")
    store.commit(numbered_step(store.release(RELEASE)))
    assert assert_whole(store) == committed[-1] + 1


def test_a_store_that_becomes_read_only_still_answers(store: Store) -> None:
    set_pragma(store, "query_only = ON")
    with pytest.raises(StoreReadOnly):
        store.commit(numbered_step(store.release(RELEASE)))
    with pytest.raises(StoreReadOnly):
        store.ping()
    set_pragma(store, "query_only = OFF")
    assert assert_whole(store) == 1
    store.ping()


OPEN_WITHOUT_RIGHTS = """
import os, sys
from sqlalchemy.dialects import sqlite  # before the rights to read it are given up
from gated.store.repository import Store
if os.geteuid() == 0:
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
try:
    Store.open(sys.argv[1]).ping()
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize(
    ("file_mode", "fault"), [(0o444, "StoreReadOnly"), (0o000, "StoreUnreachable")], ids=["read-only", "unreadable"]
)
def test_a_file_without_the_rights_to_it_is_noticed_at_the_start(file_mode: int, fault: str) -> None:
    """Not in pytest's folder, which is closed to the user that root becomes for this."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "gated.db")
        Store.open(f"sqlite:///{path}", upgrades=True).close()
        path.chmod(file_mode)
        path.parent.chmod(0o555)
        try:
            done = run_python(OPEN_WITHOUT_RIGHTS, f"sqlite:///{path}")
        finally:
            path.parent.chmod(0o700)
    assert done.stdout.startswith(fault), done


@pytest.mark.parametrize("replaced", [False, True], ids=["removed", "replaced"])
def test_no_commit_goes_to_a_file_that_is_no_longer_there(store: Store, path: Path, replaced: bool) -> None:
    """SQLite itself would go on as if nothing had happened, and everything would be gone at the next start."""
    path.unlink()
    if replaced:
        path.touch()
    for write in (store.ping, lambda: store.commit(numbered_step(samples.release()))):
        with pytest.raises(StoreUnreachable, match="removed or replaced"):
            write()


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnreachable, match=r"missing/gated\.db cannot be opened: No such file"):
        Store.open(f"sqlite:///{tmp_path}/missing/gated.db")


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_text("version: 1\n" * 1000)
    with pytest.raises(StoreDamaged, match="restore it from a backup"):
        Store.open(f"sqlite:///{path}")


def test_a_damaged_file_is_noticed_at_the_start(store: Store, path: Path) -> None:
    """In a page that the start itself would never read."""
    write_many(store, [])
    store.close()
    content = bytearray(path.read_bytes())
    content[-4096:] = b"\xff" * 4096
    path.write_bytes(content)
    with pytest.raises(StoreDamaged, match="restore it from a backup"):
        Store.open(f"sqlite:///{path}")


def test_another_process_that_keeps_the_lock_is_busy_and_hides_nothing(store: Store, path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy):
            store.commit(numbered_step(store.release(RELEASE)))
        assert assert_whole(store) == 1
    store.commit(numbered_step(store.release(RELEASE)))
    assert assert_whole(store) == 2


def test_another_thread_that_keeps_its_turn_is_busy(store: Store) -> None:
    with store._database.writing(), pytest.raises(StoreBusy, match="other threads"):
        store.ping()
    store.ping()


def test_more_readers_than_connections_are_busy(store: Store) -> None:
    with contextlib.ExitStack() as readers:
        for _ in range(10):
            readers.enter_context(store._database.reading())
        with pytest.raises(StoreBusy, match="every connection"):
            store.active()
    assert len(store.active()) == 1


# --- both -------------------------------------------------------------------------------------------------------

WRITE_FOREVER = """
import sys
from gated.store.repository import Store
from tests.integration.test_store_faults import RELEASE, numbered_step
store = Store.open(sys.argv[1])
release = store.release(RELEASE)
while True:
    step = numbered_step(release)
    store.commit(step)
    print(step.release.revision, flush=True)
    release = step.release
"""


def is_alone(store: Store) -> bool:
    """Whether PostgreSQL has ended what clients that are dead had begun."""
    if store._database.is_sqlite:
        return True
    others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with store._database.reading() as connection:
        return not connection.execute(sa.text(others)).all()


@pytest.fixture(params=databases.ENGINES)
def url(request: pytest.FixtureRequest) -> str:
    return databases.empty(request)


def test_a_writer_that_is_killed_loses_and_doubles_nothing(url: str) -> None:
    """I5, I6: what was reported as committed is there, what was under way is there whole or not at all."""
    with contextlib.closing(Store.open(url, upgrades=True)) as store:
        store.commit(samples.opening_step(), policy=samples.policy())
        for _ in range(3):
            writer = subprocess.Popen(
                [sys.executable, "-c", WRITE_FOREVER, url], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
            )
            assert writer.stdout is not None
            reports = [writer.stdout.readline() for _ in range(25)]
            writer.kill()
            reports += writer.communicate()[0].splitlines()
            within_deadline(lambda: is_alone(store))
            assert assert_whole(store) in {int(reports[-1]), int(reports[-1]) + 1}


# --- PostgreSQL -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    """A server that may be stopped without harm to anybody else's tests."""
    with PostgreSQL() as own:
        yield own


@pytest.fixture
def remote(server: PostgreSQL) -> Iterator[Store]:
    """A store in PostgreSQL that waits for one second and holds the sample release."""
    address = server.create_database()
    schema.upgrade(address)
    with contextlib.closing(Store(Database(address, patience_seconds=1))) as opened:
        opened.commit(samples.opening_step(), policy=samples.policy())
        yield opened


CALLS: dict[str, Callable[[Store], object]] = {
    "ping": lambda store: store.ping(),
    "commit": lambda store: store.commit(numbered_step(samples.release())),
    "prune": lambda store: store.prune(NOW),
    "release": lambda store: store.release(RELEASE),
    "policy": lambda store: store.policy("sha256:0"),
    "active": lambda store: store.active(),
    "recent": lambda store: store.recent(NOW),
    "find_active": lambda store: store.find_active("checkout", "production"),
    "releases": lambda store: store.releases(),
    "history": lambda store: store.history(RELEASE),
    "trace": lambda store: store.trace(RELEASE),
    "decisions": lambda store: store.decisions(RELEASE),
    "audit": lambda store: store.audit(),
    "undelivered": lambda store: store.undelivered(10),
    "mark_delivered": lambda store: store.mark_delivered("id", NOW),
    "mark_failed": lambda store: store.mark_failed("id", NOW, "timeout"),
    "oldest_undelivered_at": lambda store: store.oldest_undelivered_at(),
}


def test_every_call_says_that_the_server_is_down_and_works_again_after(server: PostgreSQL, remote: Store) -> None:
    server.stop()
    try:
        for call in CALLS.values():
            with pytest.raises(StoreUnreachable):
                call(remote)
    finally:
        server.restart()
    remote.commit(numbered_step(remote.release(RELEASE)))
    assert assert_whole(remote) == 2


def test_a_restart_that_nobody_noticed_costs_nothing(server: PostgreSQL, remote: Store) -> None:
    """The connection in the pool is dead, and that is found out before it is used."""
    server.restart()
    remote.commit(numbered_step(samples.release()))
    assert assert_whole(remote) == 2


def test_every_method_of_the_store_is_in_that_list() -> None:
    methods = {name for name in vars(Store) if not name.startswith("_")}
    assert methods - set(CALLS) == {"open", "close"}


@pytest.mark.parametrize("end", [PostgreSQL.stop, PostgreSQL.kill], ids=["shut down", "killed"])
def test_a_server_that_ends_amid_commits_keeps_them_whole(
    server: PostgreSQL, remote: Store, end: Callable[[PostgreSQL], None]
) -> None:
    """The writer does as the daemon does: after an interruption it reads what is there, and goes on from that."""
    faults: list[Unavailable] = []
    committed = [1]
    is_over = threading.Event()

    def write() -> None:
        release = samples.release()
        while not is_over.is_set():
            try:
                step = numbered_step(release)
                remote.commit(step)
                committed.append(step.release.revision)
                release = step.release
            except Unavailable as fault:
                faults.append(fault)
                is_over.wait(0.01)
            except ReleaseChanged:
                release = remote.release(RELEASE)

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(write)
        try:
            within_deadline(lambda: len(committed) > 50)
            end(server)
            within_deadline(lambda: len(faults) > 0)
            server.restart()
            interrupted_at = committed[-1]
            within_deadline(lambda: committed[-1] > interrupted_at)
        finally:
            is_over.set()
            server.restart()
        writer.result()
    assert assert_whole(remote) == committed[-1]


def test_a_server_that_is_frozen_is_given_up(remote: Store) -> None:
    """The connection stands, and nothing will ever come over it."""
    with pytest.raises(StoreUnreachable):
        write_to_a_frozen_server(remote)
    assert remote.releases(Filter(phases=[Phase.ABORTED])).releases == ()
    remote.commit(numbered_step(samples.release()))
    assert assert_whole(remote) == 2


def write_to_a_frozen_server(store: Store) -> None:
    """Stop the server's process for this connection amid a transaction, and go on until giving up."""
    with store._database.writing() as connection:
        backend = connection.scalar(sa.text("SELECT pg_backend_pid()"))
        connection.execute(sa.text("UPDATE releases SET phase = 'aborted'"))
        os.kill(backend, signal.SIGSTOP)
        try:
            connection.execute(sa.text("SELECT 1"))
        finally:
            os.kill(backend, signal.SIGCONT)


def test_a_row_that_another_session_keeps_locked_is_busy(remote: Store) -> None:
    with psycopg.connect(libpq(remote)) as other:
        other.execute("SELECT * FROM releases FOR UPDATE")
        with pytest.raises(StoreBusy, match="statement timeout"):
            remote.commit(numbered_step(samples.release()))
    remote.commit(numbered_step(samples.release()))
    assert assert_whole(remote) == 2


def test_a_server_that_lets_nobody_write_is_read_only(remote: Store) -> None:
    """As after a failover, on what has become the standby."""
    name = remote._database._engine.url.database
    with psycopg.connect(libpq(remote), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
    with contextlib.closing(Store.open(str(remote._database._engine.url))) as standby:
        assert standby.release(RELEASE) == samples.release()
        with pytest.raises(StoreReadOnly):
            standby.ping()
        with pytest.raises(StoreReadOnly):
            standby.commit(numbered_step(samples.release()))


def test_a_key_that_postgresql_cannot_hold_is_bad_input(remote: Store) -> None:
    opening = samples.opening_step(samples.release(id=ReleaseId("r2"), service="che\0ckout"))
    with pytest.raises(InvalidInput, match="NUL"):
        remote.commit(opening)


def test_no_error_tells_the_password() -> None:
    """Nobody listens on that port."""
    password = "hunter" + "2"  # apart, because a traceback quotes this file
    with pytest.raises(StoreUnreachable) as refused:
        Store.open(f"postgresql://gated:{password}@127.0.0.1:{free_port()}/gated")
    assert "127.0.0.1" in str(refused.value)
    assert password not in "".join(traceback.format_exception(refused.value))


# --- helpers ----------------------------------------------------------------------------------------------------


def libpq(store: Store) -> str:
    """The address of a store's database as psycopg itself understands it."""
    url = store._database._engine.url
    return f"host={url.host} port={url.port} user={url.username} dbname={url.database}"


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
        capture_output=True,
        text=True,
    )


def within_deadline(is_true: Callable[[], bool]) -> None:
    """Wait until it is true."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_true():
        assert time.monotonic() < deadline, "it did not become true in time"
        threading.Event().wait(0.01)
