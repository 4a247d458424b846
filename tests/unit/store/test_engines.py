"""Addresses of databases: which are accepted, and that none of them tells its password."""

import sys
import traceback

import pytest

from gated.model.errors import InvalidInput
from gated.store import engines

REFUSED = {
    "not an address": ("gated.db", "this is not the address"),
    "an unknown driver": ("nonsense://gated:hunter2@db/gated", "nonsense is not supported"),
    "a port that is no number": ("postgresql://gated:hunter2@db:port/gated", "this is not the address"),
    "an @ in the password": ("postgresql://gated:hunt@er2@db/gated", "as %40"),
    "another database": ("mysql://gated:hunter2@db/gated", "mysql is not supported; use sqlite or postgresql"),
    "SQLite in memory": ("sqlite://", "needs the path of a file"),
    "SQLite in memory, by name": ("sqlite:///:memory:", "needs the path of a file"),
    "SQLite by URI": ("sqlite:///file:gated.db?uri=true", "needs the path of a file"),
}


@pytest.mark.parametrize(("url", "reason"), REFUSED.values(), ids=REFUSED)
def test_an_address_that_cannot_be_used_is_refused(url: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason) as refused:
        engines.create(url, patience_seconds=1)
    told = "".join(traceback.format_exception(refused.value))
    assert "hunter2" not in told
    assert "er2" not in told


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg", "postgresql+psycopg2", "postgresql+asyncpg"])
def test_postgresql_is_spoken_by_psycopg_3_whatever_the_address_asks_for(scheme: str) -> None:
    """Nothing is connected yet: the address leads nowhere."""
    assert engines.create(f"{scheme}://db.invalid/gated", patience_seconds=1).driver == "psycopg"


def test_what_the_address_asks_of_postgresql_is_kept_beside_our_limits() -> None:
    url = "postgresql://db.invalid/gated?sslmode=require&connect_timeout=2&options=-csearch_path%3Dgated"
    query = engines.create(url, patience_seconds=7).url.query
    assert (query["sslmode"], query["connect_timeout"]) == ("require", "2")
    assert str(query["options"]).startswith("-csearch_path=gated -c statement_timeout=7000 ")
    assert query["tcp_user_timeout"] == "7000"


def test_a_missing_driver_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "gated.store.postgresql", raising=False)
    monkeypatch.delattr("gated.store.postgresql", raising=False)
    with pytest.raises(InvalidInput, match=r"pip install 'gated\[postgres\]'"):
        engines.create("postgresql://db.invalid/gated", patience_seconds=1)
