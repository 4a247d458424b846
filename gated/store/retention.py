"""What is forgotten, and when.

A release that ended long enough ago goes with its history, its decisions, its charts and its delivered signals.
Kept for ever:

- active releases, whatever their age;
- a release with an undelivered signal: the signal is told at least once, and telling it takes the release;
- the audit entries: they must outlive what they are about, and cost some hundred bytes each;
- policies: a few kilobytes for every change of the rule files.
"""

import sqlalchemy as sa

from gated.store.records import Pruned
from gated.store.tables import decisions, outbox, outcomes, releases, trace


def prune(connection: sa.Connection, before: float, *, limit: int) -> Pruned:
    """Delete the releases that ended first, with all that hangs on them.

    Args:
        connection: in a transaction.
        before: only releases that ended before this instant, Unix seconds.
        limit: at most so many releases.

    Returns:
        How much was deleted; fewer releases than `limit` means that none is left to delete.
    """
    is_waiting = sa.exists().where(outbox.c.release == releases.c.id, outbox.c.delivered_at.is_(None))
    forgotten = connection.scalars(
        sa.select(releases.c.id)
        .where(releases.c.ended_at < before, ~is_waiting)
        .order_by(releases.c.ended_at)
        .limit(limit)
    ).all()
    if not forgotten:
        return Pruned()

    def delete(table: sa.Table, key: sa.Column[str]) -> int:
        return connection.execute(sa.delete(table).where(key.in_(forgotten))).rowcount

    delete(trace, trace.c.release)
    return Pruned(
        outcomes=delete(outcomes, outcomes.c.release),
        decisions=delete(decisions, decisions.c.release),
        signals=delete(outbox, outbox.c.release),
        # Last: the foreign keys keep a release until nothing refers to it.
        releases=delete(releases, releases.c.id),
    )
