"""The tables.

Each row is one value of `gated.model`, whole, as JSON in `document`; the other columns are the keys by which rows are
found, ordered and guarded, and nothing else. So a value is written and read in one piece, no fact is stored twice with
two chances to differ, and a new field of the model needs a default but no migration. Stages therefore have no table:
they are read with their release and never looked for without it.

The database itself guarantees, on both engines:

- at most one active release per (service, environment): the partial unique index `uq_releases_active`;
- exactly one decision per (release, stage): the primary key of `decisions`;
- every signal is in the outbox once: the unique `outbox.id`;
- a release is not deleted while its history, or a signal about it, is still there: the foreign keys.

`audit` has no foreign key and its rows are never deleted: who did what outlives the release it was done to. Its
document is the exact text that was written, so that a hash chain can be laid over it later.

Instants are Unix seconds. Sequences grow; on PostgreSQL they may have gaps, and a lower number may be committed a
moment after a higher one.
"""

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _sequence() -> sa.Column[int]:
    """The order in which rows were written. SQLite counts by itself only in a column declared as INTEGER."""
    return sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True)


def _release() -> sa.Column[str]:
    return sa.Column("release", sa.Text, sa.ForeignKey("releases.id"), nullable=False)


def _document() -> sa.Column[str]:
    return sa.Column("document", sa.Text, nullable=False)


policies = sa.Table("policies", metadata, sa.Column("digest", sa.Text, primary_key=True), _document())

releases = sa.Table(
    "releases",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("environment", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("policy_digest", sa.Text, sa.ForeignKey("policies.digest"), nullable=False),
    sa.Column("phase", sa.Text, nullable=False),
    sa.Column("opened_at", sa.Double, nullable=False),
    sa.Column("ended_at", sa.Double),
    sa.Column("revision", sa.BigInteger, nullable=False),
    _document(),
)
_is_active = releases.c.ended_at.is_(None)
sa.Index(
    "uq_releases_active",
    releases.c.service,
    releases.c.environment,
    unique=True,
    sqlite_where=_is_active,
    postgresql_where=_is_active,
)
sa.Index(None, releases.c.opened_at, releases.c.id)
sa.Index(None, releases.c.ended_at)

outcomes = sa.Table(
    "outcomes",
    metadata,
    _sequence(),
    _release(),
    _document(),
)
sa.Index(None, outcomes.c.release, outcomes.c.sequence)

trace = sa.Table(
    "trace",
    metadata,
    _release(),
    sa.Column("at", sa.Double, nullable=False),
    _document(),
    sa.PrimaryKeyConstraint("release", "at"),
)

decisions = sa.Table(
    "decisions",
    metadata,
    _release(),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    _document(),
    sa.PrimaryKeyConstraint("release", "stage"),
)

audit = sa.Table(
    "audit",
    metadata,
    _sequence(),
    sa.Column("release", sa.Text, nullable=False),
    _document(),
    # SQLite would otherwise give the number of a deleted last entry to the next one and hide the loss.
    sqlite_autoincrement=True,
)
sa.Index(None, audit.c.release, audit.c.sequence)

outbox = sa.Table(
    "outbox",
    metadata,
    _sequence(),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    _release(),
    _document(),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("attempted_at", sa.Double),
    sa.Column("last_error", sa.Text, nullable=False),
    sa.Column("delivered_at", sa.Double),
)
_is_undelivered = outbox.c.delivered_at.is_(None)
sa.Index(
    "ix_outbox_undelivered",
    outbox.c.attempts,
    outbox.c.sequence,
    sqlite_where=_is_undelivered,
    postgresql_where=_is_undelivered,
)
sa.Index(None, outbox.c.release)

heartbeat = sa.Table(
    "heartbeat",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("beats", sa.BigInteger, nullable=False),
    sa.CheckConstraint("id = 1", name="one_row"),
)
"""One row, written to see whether the database still takes writes."""
