"""One pool of connections for a process: SQLAlchemy for read queries, its asyncpg connections for batches."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import sqlalchemy as sa
from pydantic_core import from_json
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi

from shared.bare import bare

# The package itself would import the ORM, which nothing here uses: 50 ms and 8 MB.
with bare("sqlalchemy.ext.asyncio"):
    from sqlalchemy.ext.asyncio.engine import AsyncConnection, AsyncEngine, create_async_engine

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
        self.pool_size = pool_size
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
        async with self._lent() as connection:
            raw = await connection.get_raw_connection()
            driver: Connection | None = raw.driver_connection
            if driver is None or driver.is_closed():
                raise ConnectionError("the pool lent a closed connection")
            yield driver

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[AsyncConnection]:
        async with self.engine.connect() as connection:
            try:
                yield connection
            except BaseException as error:
                if is_transient(error):
                    await connection.invalidate()
                self._distrust(error)
                raise

    def _distrust(self, error: BaseException) -> None:
        """
        Have the idle connections made anew if this one broke: they would be waited for in vain, each in its turn.

        SQLAlchemy does the same, but for its own statements only and not when nobody answers.
        """
        if _is_broken(error):
            self.engine.sync_engine.pool._invalidate_time = time.time()  # noqa: SLF001

    def connections_lent(self) -> int:
        """How many of the pool's connections are in use now."""
        pool = self.engine.sync_engine.pool
        return pool.checkedout() if isinstance(pool, sa.QueuePool) else 0

    @asynccontextmanager
    async def session(self, **settings: str) -> AsyncIterator[Connection]:
        """Open a connection outside the pool, for what belongs to a session: a leader's lock."""
        server_settings = {"timezone": "UTC", "application_name": f"{self._application} leader", **settings}
        connection = await asyncpg.connect(self.url, server_settings=server_settings, timeout=5, command_timeout=5)
        try:
            yield connection
        except BaseException as error:
            self._distrust(error)  # a leader's heartbeat notices first
            raise
        finally:
            connection.terminate()

    async def read(self, query: sa.Executable) -> Sequence[sa.RowMapping]:
        """The rows of a read query, each by column name."""
        async with self._lent() as connection:
            return (await connection.execute(query)).mappings().all()

    async def close(self) -> None:
        """Give all connections back."""
        await self.engine.dispose()


def _is_broken(error: BaseException | None) -> bool:
    """Whether a connection ended, or nobody answered on it."""
    if isinstance(error, sa.exc.DBAPIError):
        return error.connection_invalidated or _is_broken(error.__cause__ or error.__context__)
    said_by_server = isinstance(error, asyncpg.PostgresError) and not isinstance(error, asyncpg.PostgresConnectionError)
    return is_transient(error) and not said_by_server


def is_transient(error: BaseException | None) -> bool:
    """Whether trying the same again later can help: the database is away, full, restarting, or in a deadlock."""
    if isinstance(error, asyncpg.PostgresError):
        state: Any = error.sqlstate or ""
        return state[:2] in _TRANSIENT_CLASSES or state == _LOCK_NOT_AVAILABLE
    if isinstance(error, sa.exc.DBAPIError):
        return error.connection_invalidated or is_transient(error.__cause__ or error.__context__)
    # SQLAlchemy puts an error of its driver's adapter between its own and asyncpg's where there is no connection yet.
    if isinstance(error, AsyncAdapt_asyncpg_dbapi.Error):
        return is_transient(error.__cause__ or error.__context__)
    # The server's farewell to an idle session; asyncpg did not expect it and calls that its own mistake.
    if isinstance(error, asyncpg.InternalClientError):
        return True
    # A value that asyncpg cannot encode is an InterfaceError too; it stays wrong however often it is sent.
    if isinstance(error, asyncpg.InterfaceError):
        return not isinstance(error, ValueError)
    return isinstance(error, OSError | TimeoutError | sa.exc.TimeoutError)
