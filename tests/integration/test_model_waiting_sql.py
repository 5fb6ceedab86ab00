"""The machines of the twin over PostgreSQL, with few examples: what holds for it holds for what runs in production."""

import pytest

from shared.runtime.database import Database
from shared.testing.doors import OpenDoor, SqlDoor
from shared.testing.invented import METADATA, STORED
from tests.unit.test_model_timers import TimerMachine
from tests.unit.test_model_waiting import DoorMachine, WaitingMachine, play

FEW = 8
"""A step costs ten times what it does on the twin."""
EMPTY = f"truncate {', '.join(METADATA.tables)} restart identity"


def on(url: str, machine: type[DoorMachine]) -> type[DoorMachine]:
    """The machine with PostgreSQL behind its door."""

    class SqlMachine(machine):
        async def open(self) -> OpenDoor:
            self.database = Database(url, pool_size=2)
            async with self.database.engine.begin() as connection:
                await connection.run_sync(METADATA.create_all)
            async with self.database.connection() as connection:
                await connection.execute(EMPTY)
            return SqlDoor("routing", self.database, STORED, self.handlers)

        async def close(self) -> None:
            await super().close()
            await self.database.close()

    return SqlMachine


@pytest.mark.parametrize("machine", [WaitingMachine, TimerMachine])
def test_postgresql_does_what_the_model_says(database_url, machine):
    play(on(database_url, machine), FEW)
