"""What Alembic runs for every command: migrate over the connection, and inside the transaction, of `schema.upgrade`."""

from alembic import context

from gated.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter most of a table: Alembic then copies it.
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
