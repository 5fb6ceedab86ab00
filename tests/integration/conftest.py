"""PostgreSQL as the runtime's tests need it: the invented rows' tables, and as many replicas as a test wants."""

from contextlib import AsyncExitStack

import pytest

from shared.runtime.database import Database
from shared.testing.doors import SqlDoor
from shared.testing.invented import METADATA, STORED
from shared.testing.script import PERFORM_SCRIPT, Script


@pytest.fixture
def handlers():
    """The doors read this table anew for every batch, so a test may add to it at any time."""
    return {Script: PERFORM_SCRIPT}


@pytest.fixture
async def connect(database_url):
    """Open a pool of connections to a database and make sure that it has the invented rows' tables."""
    async with AsyncExitStack() as stack:

        async def connect(url=database_url, **options) -> Database:
            database = Database(url, **options)
            stack.push_async_callback(database.close)
            async with database.engine.begin() as connection:
                await connection.run_sync(METADATA.create_all)
            return database

        yield connect


@pytest.fixture
async def replica(connect, handlers):
    """Open one more door, with connections of its own, on the test's database or another one."""
    async with AsyncExitStack() as stack:

        async def replica(service="routing", **options) -> SqlDoor:
            return await stack.enter_async_context(SqlDoor(service, await connect(**options), STORED, handlers))

        yield replica


@pytest.fixture
async def database(connect):
    return await connect(pool_size=3)
