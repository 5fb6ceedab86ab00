"""Bringing a service's database to the form that its code expects."""

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import command, context, op
from alembic.config import Config

from shared.runtime.database import Database
from shared.runtime.first_tables import FIRST_TABLES

_MIGRATION_LOCK: Final = 0x6D69_6772_6174_65


async def migrate(database: Database, folder: Path, metadata: sa.MetaData) -> None:
    """Apply every migration in *folder* that is missing; two processes doing so at once wait for each other."""
    config = _config(folder)
    async with database.engine.begin() as connection:
        await connection.execute(sa.text("set local statement_timeout = 0"))
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        await connection.run_sync(_upgrade, config, metadata)


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
