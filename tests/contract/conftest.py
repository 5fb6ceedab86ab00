"""One door on each of the two stores, for the suite that holds them equal."""

from contextlib import asynccontextmanager

import pytest
import sqlalchemy as sa

from shared.runtime.database import Database
from shared.runtime.ledger import Ledger
from shared.runtime.needs import Stream
from shared.runtime.work import Work
from shared.testing.doors import SqlDoor, TwinDoor
from shared.testing.invented import KINDS, METADATA, STORED
from shared.testing.script import PERFORM_SCRIPT, Script


@pytest.fixture
def handlers():
    """The door reads this table anew for every batch, so a test may add to it at any time."""
    return {Script: PERFORM_SCRIPT}


@pytest.fixture(params=["memory", "sql"])
async def door(request, handlers):
    if request.param == "memory":
        async with TwinDoor("routing", KINDS, handlers) as door:
            yield door
    else:
        database = Database(request.getfixturevalue("module_database_url"), pool_size=3)
        await begin_afresh(database)
        async with SqlDoor("routing", database, STORED, handlers) as door:
            yield door
        await database.close()


@pytest.fixture
def hold(door):
    """Hold a stream for a while as another replica would."""

    @asynccontextmanager
    async def hold_on_postgres(subject):
        async with door.store.transaction() as transaction:
            await transaction.load({Stream(subject)}, Work("routing", KINDS), Ledger())
            yield

    @asynccontextmanager
    async def hold_in_memory(subject):
        door.store.held.add(subject)
        yield
        door.store.held.discard(subject)

    return hold_in_memory if isinstance(door, TwinDoor) else hold_on_postgres


async def begin_afresh(database: Database) -> None:
    tables = ", ".join(METADATA.tables)
    async with database.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
        await connection.execute(sa.text(f"truncate {tables} restart identity"))
