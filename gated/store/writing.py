"""How a step becomes rows. Everything here happens inside the caller's transaction and is undone with it."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from gated.model.errors import NotFound
from gated.model.ids import ReleaseId
from gated.model.plan import Policy
from gated.model.release import Release
from gated.model.step import Decision, Step
from gated.store import codec
from gated.store.errors import AlreadyActive, AlreadyDecided, ReleaseChanged
from gated.store.tables import audit, decisions, outbox, outcomes, policies, releases, trace

_FIRST_REVISION = 1


def write_policy(connection: sa.Connection, policy: Policy) -> None:
    """Store a policy unless it is there: the digest names its content, so there is nothing to change."""
    _insert(connection, policies, {"digest": policy.digest, "document": codec.POLICY.encode(policy)})


def write_step(connection: sa.Connection, step: Step) -> None:
    """Store the next state of a release and everything that is recorded with it.

    Raises:
        ReleaseChanged: the release is not at the revision the step was made from.
        AlreadyActive: it is new, and its service has another active release in its environment.
        AlreadyDecided: a stage has its decision.
        NotFound: it is new, and its policy is neither stored nor given.
        InvalidInput: a text in it cannot be stored.
    """
    release = step.release
    if release.revision == _FIRST_REVISION:
        _open(connection, release)
    else:
        _change(connection, release)
    for decision in step.decisions:
        _decide(connection, decision)
    # Lists, so that the driver sends them in one go and asks for none of the sequences back.
    _append(
        connection,
        outcomes,
        [{"release": release.id, "document": codec.OUTCOME.encode(change)} for change in step.outcomes],
    )
    for point in step.trace:
        # Looks are apart; only a clock that was set back could make two of the same instant, and one is enough.
        _insert(connection, trace, {"release": release.id, "at": point.at, "document": codec.TRACE_POINT.encode(point)})
    _append(
        connection,
        audit,
        [{"release": entry.release, "document": codec.AUDIT_ENTRY.encode(entry)} for entry in step.audit],
    )
    _append(
        connection,
        outbox,
        [
            {
                "id": signal.id,
                "release": signal.release,
                "document": codec.SIGNAL.encode(signal),
                "created_at": signal.at,
                "attempts": 0,
                "last_error": "",
            }
            for signal in step.signals
        ],
    )


def _open(connection: sa.Connection, release: Release) -> None:
    if connection.scalar(sa.select(policies.c.digest).where(policies.c.digest == release.policy_digest)) is None:
        raise NotFound(f"release {release.id} needs policy {release.policy_digest}, which is not stored")
    if not _insert(connection, releases, _row(release)):
        active = _active_id(connection, release)
        if active is None or active == release.id:
            raise ReleaseChanged(release.id, expected=0)
        raise AlreadyActive(active, release.service, release.environment)


def _change(connection: sa.Connection, release: Release) -> None:
    """Compare and set: only the writer that read the present revision finds the row."""
    previous = release.revision - 1
    found = connection.execute(
        sa.update(releases).where(releases.c.id == release.id, releases.c.revision == previous).values(_row(release))
    )
    if found.rowcount == 0:
        raise ReleaseChanged(release.id, expected=previous)


def _decide(connection: sa.Connection, decision: Decision) -> None:
    row = {
        "release": decision.release,
        "stage": decision.stage,
        "at": decision.at,
        "document": codec.DECISION.encode(decision),
    }
    if not _insert(connection, decisions, row):
        raise AlreadyDecided(decision.release, decision.stage)


def _row(release: Release) -> dict[str, object]:
    return {
        "id": release.id,
        "service": release.service,
        "environment": release.environment,
        "version": release.version,
        "policy_digest": release.policy_digest,
        "phase": release.phase.value,
        "opened_at": release.opened_at,
        "ended_at": release.ended_at,
        "revision": release.revision,
        "document": codec.RELEASE.encode(release),
    }


def _active_id(connection: sa.Connection, release: Release) -> ReleaseId | None:
    found: ReleaseId | None = connection.scalar(
        sa.select(releases.c.id).where(
            releases.c.service == release.service,
            releases.c.environment == release.environment,
            releases.c.ended_at.is_(None),
        )
    )
    return found


def _insert(connection: sa.Connection, table: sa.Table, row: dict[str, object]) -> bool:
    """Insert a row unless a unique key forbids it; whether it was inserted.

    Not by catching the driver's error: on PostgreSQL an error ends the transaction, and with it the chance to ask
    what was in the way.
    """
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    # SQLAlchemy keeps the count of updates and deletes only, unless told.
    options = {"preserve_rowcount": True}
    return (
        connection.execute(insert(table).values(row).on_conflict_do_nothing(), execution_options=options).rowcount == 1
    )


def _append(connection: sa.Connection, table: sa.Table, rows: list[dict[str, object]]) -> None:
    if rows:
        connection.execute(sa.insert(table), rows)
