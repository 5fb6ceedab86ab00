"""Bringing a service's database to the form that its code expects, and telling whether it has it."""

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import command, context, op
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from shared.runtime.database import Database
from shared.runtime.first_tables import FIRST_TABLES

_MIGRATION_LOCK: Final = 0x6D69_6772_6174_65


class DatabaseTooOld(RuntimeError):
    """The database lacks migrations that this code needs: run ``migrate`` first."""


async def migrate(database: Database, folder: Path, metadata: sa.MetaData) -> None:
    """Apply every migration in *folder* that is missing; two processes doing so at once wait for each other."""
    config = _config(folder)
    async with database.engine.begin() as connection:
        await connection.execute(sa.text("set local statement_timeout = 0"))
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        await connection.run_sync(_upgrade, config, metadata)


async def check_migrated(database: Database, folder: Path) -> None:
    """
    Make sure that the database is at this code's newest migration, or at a later one that it does not know.

    Raises:
        DatabaseTooOld: it is not.
    """
    script = ScriptDirectory.from_config(_config(folder))
    async with database.engine.connect() as connection:
        at = await connection.run_sync(_revision)
    known = {revision.revision for revision in script.walk_revisions()}
    if at is None or (at in known and at != script.get_current_head()):
        raise DatabaseTooOld(f"at {at}, needs {script.get_current_head()}")


def run_in_alembic() -> None:
    """Be the body of a service's ``migrations/env.py``."""
    attributes = context.config.attributes
    context.configure(connection=attributes["connection"], target_metadata=attributes["metadata"])
    with context.begin_transaction():
        context.run_migrations()


def create_runtime_tables() -> None:
    """Create the runtime's tables as they were in the first release; the first migration of every service calls it."""
    for statement in FIRST_TABLES:
        op.execute(statement)


def _config(folder: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    return config


def _upgrade(connection: sa.Connection, config: Config, metadata: sa.MetaData) -> None:
    config.attributes |= {"connection": connection, "metadata": metadata}
    command.upgrade(config, "head")


def _revision(connection: sa.Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
