"""`gated db`: the tables of the store."""

from pathlib import Path

import click

from gated.cli import options, teach
from gated.cli.api import Failed
from gated.cli.check import line
from gated.cli.exits import Exit
from gated.daemon import settings
from gated.model.errors import GatedError
from gated.store import schema


@click.group()
def db() -> None:
    """Look after the database."""


@db.command(
    epilog=teach.epilog(
        examples=["gated db upgrade --config /etc/gated/gated.yaml", "gated db upgrade --store sqlite:///gated.db"],
        exits={
            "0": "the database is up to date",
            "1": "it is not: it cannot be reached, or a newer gated has been here",
            "2": "the command line cannot be used",
        },
    )
)
@options.config
@click.option("--store", help="The database's address, instead of what the configuration file says.")
def upgrade(config: Path, store: str | None) -> None:
    """Bring the database's tables to the schema that this gated works with.

    Run it before a new version of gated starts on PostgreSQL; on SQLite the daemon does it by itself. Safe to repeat,
    and from several places at once.
    """
    try:
        found = schema.upgrade(store if store is not None else _configured(config))
    except GatedError as error:
        raise Failed(Exit.REFUSED, str(error)) from None
    if found == schema.HEAD:
        click.echo(f"the database is at schema {schema.HEAD} already")
    else:
        click.echo(f"the database is at schema {schema.HEAD} now; it was {f'at {found}' if found else 'empty'}")


def _configured(config: Path) -> str:
    loaded = settings.load(config)
    if loaded.settings is None:
        raise Failed(Exit.REFUSED, "\n".join(line(fault) for fault in loaded.faults))
    return loaded.settings.store_url
