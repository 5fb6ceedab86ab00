"""The store on PostgreSQL: a batch is a few round trips on one asyncpg connection."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.runtime.cancellation import is_cancelled
from shared.runtime.columns import Columns
from shared.runtime.database import Connection, Database, is_transient
from shared.runtime.flush import Flush
from shared.runtime.ledger import AnyNeed, Ledger
from shared.runtime.load import Load
from shared.runtime.store import ConstraintViolated
from shared.runtime.tables import Stored
from shared.runtime.work import Work

_ASK_AGAIN_SECONDS = 0.05


class SqlStore:
    """Where a service keeps everything in production."""

    def __init__(self, database: Database, stored: Iterable[Stored]) -> None:
        self._database = database
        self._columns = {item.kind.row: Columns(item) for item in stored}

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["SqlTransaction"]:
        """Open an attempt on a connection of its own; when its end was not heard, ask what became of it."""
        committing: str | None = None
        try:
            async with (
                self._database.connection() as connection,
                connection.transaction(),
                _cut_when_silent(connection),
            ):
                attempt = SqlTransaction(connection, self._columns)
                yield attempt
                committing = attempt.id
        except asyncpg.IntegrityConstraintViolationError as error:
            raise ConstraintViolated(error.constraint_name or type(error).__name__) from error
        except Exception as error:
            if committing is None or not is_transient(error) or not await self._has_committed(committing):
                raise

    async def _has_committed(self, transaction_id: str) -> bool:
        """Ask until there is an answer: to try again what did commit would do it twice."""
        while True:
            try:
                async with self._database.connection() as connection:
                    status = await connection.fetchval("select pg_xact_status($1::text::xid8)", transaction_id)
                if status != "in progress":
                    return bool(status == "committed")
            except Exception as error:
                if is_cancelled() or not is_transient(error):
                    raise
            await asyncio.sleep(_ASK_AGAIN_SECONDS)

    async def due_timers(self, now: datetime, limit: int) -> list[tuple[UUID, str]]:
        """The oldest timers that are due."""
        query = "select subject, kind from timers where try_at <= $1 order by try_at limit $2"
        async with self._database.connection() as connection:
            return [(row["subject"], row["kind"]) for row in await connection.fetch(query, now, limit)]


@asynccontextmanager
async def _cut_when_silent(connection: Connection) -> AsyncIterator[None]:
    """End a connection on which nobody answered; the rollback would be waited for as long again."""
    try:
        yield
    except TimeoutError:
        connection.terminate()
        raise


class SqlTransaction:
    """One attempt at a batch, inside a transaction of PostgreSQL (read committed)."""

    def __init__(self, connection: Connection, columns: Mapping[type, Columns]) -> None:
        self.id: str | None = None
        """By which the server knows this transaction, once everything is written; None if nothing was."""
        self._connection = connection
        self._columns = columns

    async def load(self, needs: Collection[AnyNeed], work: Work, ledger: Ledger) -> None:
        """Fetch what *needs* ask for; streams are locked, or noted as held."""
        await Load(self._connection, self._columns, work, ledger).fetch(needs)

    async def flush(self, work: Work, ledger: Ledger, now: datetime) -> None:
        """Write everything staged."""
        self.id = await Flush(self._connection, self._columns, work, ledger, now).write()
