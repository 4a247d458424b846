"""The store: what decisions returned, kept, and everything that is asked of it."""

import sqlalchemy as sa

from gated.model.errors import NotFound
from gated.model.ids import ReleaseId
from gated.model.plan import Policy
from gated.model.release import Release
from gated.model.step import Decision, OutcomeChange, Step
from gated.model.trace import TracePoint
from gated.store import codec, cursor, retention, schema, writing
from gated.store.database import Database
from gated.store.records import AuditRecord, Filter, OutboxEntry, Page, Pruned
from gated.store.tables import audit, decisions, heartbeat, outbox, outcomes, policies, releases, trace

_PRUNED_AT_ONCE = 200
"""Releases deleted in one transaction, so that retention never keeps a commit waiting for long."""
_ANY = Filter()
_SINGULAR = {releases.name: "release", policies.name: "policy"}


class Store:
    """One database.

    Any method may be called from any thread, and raises `Unavailable` when the database does not answer, is busy, full,
    read-only or damaged; `gated.store.errors` has the leaves.

    Args:
        database: whose schema has been checked; see `open`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, url: str, *, upgrades: bool = False) -> "Store":
        """Connect, and make sure that the tables are the ones this gated works with.

        Args:
            url: `sqlite:///path/to/file.db` or `postgresql://user:password@host/name`.
            upgrades: whether to bring an older or empty database up to date first.

        Raises:
            InvalidInput: the address cannot be used.
            SchemaOutdated: the tables are older, or there are none, and `upgrades` is False.
            SchemaTooNew: a newer gated has been here.
            Unavailable: the database cannot be reached, or is damaged.
        """
        if upgrades:
            schema.upgrade(url)
        database = Database(url)
        try:
            database.check_integrity()
            with database.reading() as connection:
                schema.check(connection)
        except BaseException:
            database.close()
            raise
        return cls(database)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def ping(self) -> None:
        """Make sure that the database takes writes, by a small one that is committed.

        A full disk is noticed as soon as the write needs room on it, and that is not every time.
        """
        with self._database.writing() as connection:
            connection.execute(sa.update(heartbeat).values(beats=heartbeat.c.beats + 1))

    # --- writing ------------------------------------------------------------------------------------------------

    def commit(self, *steps: Step, policy: Policy | None = None) -> None:
        """Write steps in one transaction: all of every step, or nothing of any.

        A release is new at revision 1, and then `policy` or an earlier commit must have brought its policy. At any
        other revision the stored one must be the revision before. Steps are written in the order given: the one that
        ends a release before the one that opens its successor.

        Args:
            steps: of different releases.
            policy: stored with them unless it is there.

        Raises:
            ReleaseChanged: somebody else wrote one of the releases first.
            AlreadyActive: a new release's service has another active one in its environment.
            AlreadyDecided: a stage has its decision.
            NotFound: a new release's policy is neither stored nor given.
            InvalidInput: a text cannot be stored.
            Unavailable: as above. Nothing was written; or, only if the connection broke during the commit itself,
                everything was, and committing again raises `ReleaseChanged`.
        """
        with self._database.writing() as connection:
            if policy is not None:
                writing.write_policy(connection, policy)
            for step in steps:
                writing.write_step(connection, step)

    def prune(self, before: float) -> Pruned:
        """Forget releases that ended before an instant; see `gated.store.retention` for what is kept.

        Works in short transactions; what an interruption leaves is done the next time.

        Args:
            before: Unix seconds.
        """
        total = Pruned()
        while True:
            with self._database.writing() as connection:
                batch = retention.prune(connection, before, limit=_PRUNED_AT_ONCE)
            total += batch
            if batch.releases < _PRUNED_AT_ONCE:
                return total

    # --- releases -----------------------------------------------------------------------------------------------

    def release(self, release_id: ReleaseId) -> Release:
        """The release of that id.

        Raises:
            NotFound: there is none, or it was pruned.
        """
        return codec.RELEASE.decode(self._document(releases, releases.c.id, release_id))

    def policy(self, digest: str) -> Policy:
        """The policy of that digest.

        Raises:
            NotFound: there is none.
        """
        return codec.POLICY.decode(self._document(policies, policies.c.digest, digest))

    def active(self) -> tuple[Release, ...]:
        """Every release the gate still watches, by id."""
        return self._releases(sa.select(releases.c.document).where(_is_active).order_by(releases.c.id))

    def recent(self, since: float) -> tuple[Release, ...]:
        """Every active release, and those that ended at or after an instant (Unix seconds), by id."""
        is_recent = _is_active | (releases.c.ended_at >= since)
        return self._releases(sa.select(releases.c.document).where(is_recent).order_by(releases.c.id))

    def find_active(self, service: str, environment: str) -> Release | None:
        """The release that is under way there; None when there is none."""
        is_there = (releases.c.service == service) & (releases.c.environment == environment)
        found = self._releases(sa.select(releases.c.document).where(is_there, _is_active))
        return found[0] if found else None

    def releases(self, wanted: Filter = _ANY, *, limit: int = 100, after: str = "") -> Page:
        """A page of releases, newest first. Releases that are opened meanwhile move nothing between pages.

        Args:
            wanted: which ones.
            limit: how many at most, at least 1.
            after: the `next_cursor` of the page before; empty for the first page.

        Raises:
            InvalidInput: `after` is not a cursor.
        """
        query = sa.select(releases.c.document).where(*_conditions(wanted))
        if after:
            query = query.where(sa.tuple_(releases.c.opened_at, releases.c.id) < cursor.parse(after))
        # One more than wanted tells whether there is another page.
        found = self._releases(query.order_by(releases.c.opened_at.desc(), releases.c.id.desc()).limit(limit + 1))
        page = found[:limit]
        return Page(page, cursor.after(page[-1]) if len(found) > limit else "")

    # --- what is remembered about them --------------------------------------------------------------------------

    def history(self, release_id: ReleaseId, *, limit: int | None = None) -> tuple[OutcomeChange, ...]:
        """Every change of mind of every rule of a release, in order; empty when there is no such release.

        Args:
            release_id: which release.
            limit: only so many, the latest; None for all.
        """
        latest_first = outcomes.c.sequence.desc()
        query = sa.select(outcomes.c.document).where(outcomes.c.release == release_id).order_by(latest_first)
        documents = self._documents(query.limit(limit))
        return tuple(codec.OUTCOME.decode(document) for document in reversed(documents))

    def trace(self, release_id: ReleaseId) -> tuple[TracePoint, ...]:
        """The looks at a release that were kept for charts, in order; empty when there is no such release."""
        query = sa.select(trace.c.document).where(trace.c.release == release_id).order_by(trace.c.at)
        return tuple(codec.TRACE_POINT.decode(document) for document in self._documents(query))

    def decisions(self, release_id: ReleaseId) -> tuple[Decision, ...]:
        """The decisions about the stages of a release, in order of time; empty when there is no such release."""
        query = sa.select(decisions.c.document).where(decisions.c.release == release_id).order_by(decisions.c.at)
        return tuple(codec.DECISION.decode(document) for document in self._documents(query))

    def audit(
        self, release_id: ReleaseId | None = None, *, limit: int = 100, before: int | None = None
    ) -> tuple[AuditRecord, ...]:
        """Who did what, newest first.

        Args:
            release_id: to this release; None for all.
            limit: how many entries at most.
            before: only entries with a smaller sequence, to go on where the last answer ended.
        """
        query = sa.select(audit.c.sequence, audit.c.document).order_by(audit.c.sequence.desc()).limit(limit)
        if release_id is not None:
            query = query.where(audit.c.release == release_id)
        if before is not None:
            query = query.where(audit.c.sequence < before)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(AuditRecord(row.sequence, codec.AUDIT_ENTRY.decode(row.document)) for row in rows)

    # --- the outbox ---------------------------------------------------------------------------------------------

    def undelivered(self, limit: int) -> tuple[OutboxEntry, ...]:
        """Signals still to be told, those tried least often first; among equals in the order in which they arose.

        So a signal that can never be told stands in nobody's way.

        Args:
            limit: how many at most.
        """
        query = (
            sa.select(outbox.c.document, outbox.c.attempts, outbox.c.attempted_at, outbox.c.last_error)
            .where(_is_undelivered)
            .order_by(outbox.c.attempts, outbox.c.sequence)
            .limit(limit)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(
            OutboxEntry(codec.SIGNAL.decode(row.document), row.attempts, row.attempted_at, row.last_error)
            for row in rows
        )

    def mark_delivered(self, signal_id: str, at: float) -> None:
        """Note that a signal was told, at an instant in Unix seconds. Harmless when that is known already."""
        self._mark(signal_id, at, delivered_at=at)

    def mark_failed(self, signal_id: str, at: float, error: str) -> None:
        """Note that telling a signal failed. Harmless when it was told after all.

        Args:
            signal_id: which signal.
            at: when, Unix seconds.
            error: why, in a few words; never a credential.
        """
        # PostgreSQL refuses NUL, and both engines refuse what is not Unicode; an error may quote anything.
        readable = error.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
        self._mark(signal_id, at, last_error=readable)

    def oldest_undelivered_at(self) -> float | None:
        """When the oldest signal still to be told arose, Unix seconds; None when all are told."""
        with self._database.reading() as connection:
            oldest: float | None = connection.scalar(sa.select(sa.func.min(outbox.c.created_at)).where(_is_undelivered))
            return oldest

    def _mark(self, signal_id: str, at: float, **changes: object) -> None:
        change = sa.update(outbox).where(outbox.c.id == signal_id, _is_undelivered)
        with self._database.writing() as connection:
            connection.execute(change.values(attempts=outbox.c.attempts + 1, attempted_at=at, **changes))

    # --- reading documents --------------------------------------------------------------------------------------

    def _document(self, table: sa.Table, key: sa.Column[str], value: str) -> str:
        found = self._documents(sa.select(table.c.document).where(key == value))
        if not found:
            raise NotFound(f"there is no {_SINGULAR[table.name]} {value!r}")
        return found[0]

    def _releases(self, query: sa.Select[tuple[str]]) -> tuple[Release, ...]:
        return tuple(codec.RELEASE.decode(document) for document in self._documents(query))

    def _documents(self, query: sa.Select[tuple[str]]) -> tuple[str, ...]:
        with self._database.reading() as connection:
            return tuple(connection.scalars(query))


_is_active = releases.c.ended_at.is_(None)
_is_undelivered = outbox.c.delivered_at.is_(None)


def _conditions(wanted: Filter) -> list[sa.ColumnElement[bool]]:
    exact = {
        releases.c.service: wanted.service,
        releases.c.environment: wanted.environment,
        releases.c.version: wanted.version,
    }
    conditions = [column == value for column, value in exact.items() if value is not None]
    if wanted.phases is not None:
        conditions.append(releases.c.phase.in_([phase.value for phase in wanted.phases]))
    if wanted.is_active is not None:
        conditions.append(_is_active if wanted.is_active else ~_is_active)
    return conditions
