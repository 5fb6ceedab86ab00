"""One door on each of the two stores, for the suite that holds them equal."""

import pytest
import sqlalchemy as sa

from shared.runtime.database import Database
from shared.testing.doors import MemoryDoor, SqlDoor
from shared.testing.invented import KINDS, METADATA, STORED
from shared.testing.script import PERFORM_SCRIPT, Script


@pytest.fixture
def handlers():
    """The door reads this table anew for every batch, so a test may add to it at any time."""
    return {Script: PERFORM_SCRIPT}


@pytest.fixture(params=["memory", "sql"])
async def door(request, handlers):
    if request.param == "memory":
        async with MemoryDoor("routing", KINDS, handlers) as door:
            yield door
    else:
        database = Database(request.getfixturevalue("module_database_url"), pool_size=3)
        await begin_afresh(database)
        async with SqlDoor("routing", database, STORED, handlers) as door:
            yield door
        await database.close()


async def begin_afresh(database: Database) -> None:
    tables = ", ".join(METADATA.tables)
    async with database.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
        await connection.execute(sa.text(f"truncate {tables} restart identity"))
