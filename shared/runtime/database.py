"""One pool of connections for a process: SQLAlchemy for read queries, its asyncpg connections for batches."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import sqlalchemy as sa
from pydantic_core import from_json
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection

_SERVER_SETTINGS: Final = {
    "timezone": "UTC",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
    "statement_timeout": "30s",
}
_TRANSIENT_CLASSES: Final = ("08", "40", "53", "57")
_LOCK_NOT_AVAILABLE: Final = "55P03"
SILENCE_SECONDS: Final = 35.0
"""How long an answer is waited for; the server would have ended a slow statement by itself before that."""


class Database:
    """A service's own database."""

    def __init__(self, url: str, *, pool_size: int = 6, application: str = "plaint") -> None:
        self.url = url
        self._application = application
        self.engine: AsyncEngine = create_async_engine(
            url.replace("postgresql://", "postgresql+asyncpg://", 1),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=5,
            hide_parameters=True,
            json_deserializer=from_json,
            connect_args={
                "server_settings": {**_SERVER_SETTINGS, "application_name": application},
                "timeout": 5,
                "command_timeout": SILENCE_SECONDS,
            },
        )

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend an asyncpg connection from the pool; one that breaks is thrown away."""
        async with self.engine.connect() as connection:
            raw = await connection.get_raw_connection()
            driver: Connection | None = raw.driver_connection
            if driver is None or driver.is_closed():
                await connection.invalidate()
                raise ConnectionError("the pool lent a closed connection")
            try:
                yield driver
            except BaseException as error:
                if driver.is_closed() or is_transient(error):
                    await connection.invalidate()
                raise

    @asynccontextmanager
    async def session(self, **settings: str) -> AsyncIterator[Connection]:
        """Open a connection outside the pool, for what belongs to a session: a leader's lock."""
        server_settings = {"timezone": "UTC", "application_name": f"{self._application} leader", **settings}
        connection = await asyncpg.connect(self.url, server_settings=server_settings, timeout=5, command_timeout=5)
        try:
            yield connection
        finally:
            connection.terminate()

    async def read(self, query: sa.Executable) -> Sequence[sa.RowMapping]:
        """The rows of a read query, each by column name."""
        async with self.engine.connect() as connection:
            return (await connection.execute(query)).mappings().all()

    async def close(self) -> None:
        """Give all connections back."""
        await self.engine.dispose()


def is_transient(error: BaseException | None) -> bool:
    """Whether trying the same again later can help: the database is away, full, restarting, or in a deadlock."""
    if isinstance(error, asyncpg.PostgresError):
        state: Any = error.sqlstate or ""
        return state[:2] in _TRANSIENT_CLASSES or state == _LOCK_NOT_AVAILABLE
    if isinstance(error, sa.exc.DBAPIError):
        return error.connection_invalidated or is_transient(error.__cause__ or error.__context__)
    # A value that asyncpg cannot encode is an InterfaceError too; it stays wrong however often it is sent.
    if isinstance(error, asyncpg.InterfaceError):
        return not isinstance(error, ValueError)
    return isinstance(error, OSError | TimeoutError | sa.exc.TimeoutError)
