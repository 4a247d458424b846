"""The numbering of the schema's revisions."""

import importlib.resources

from alembic.config import Config
from alembic.script import ScriptDirectory

from gated.store import schema


def revisions() -> list[str]:
    """Every revision, first to last."""
    config = Config()
    config.set_main_option("script_location", str(importlib.resources.files("gated.store") / "migrations"))
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]


def test_the_last_migration_leads_to_the_schema_that_the_code_needs() -> None:
    assert revisions()[-1] == schema.HEAD


def test_revisions_are_numbers_that_sort() -> None:
    """Older and newer are told apart by comparing them as text."""
    assert revisions() == [f"{number:04}" for number in range(1, len(revisions()) + 1)]
