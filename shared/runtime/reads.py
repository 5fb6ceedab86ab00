"""What people and other programs may read of the runtime: history, what waits, and how far the relay is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic_core import from_json

from shared.contracts.envelope import Envelope, read_envelope
from shared.runtime.database import Database
from shared.runtime.ledger import Waiting
from shared.runtime.records import WAITING_COLUMNS, unpack_headers, waiting_from

_COLUMNS: Final = ", ".join(WAITING_COLUMNS)


@dataclass(frozen=True, slots=True)
class Told:
    """One event of the history: its envelope and its data."""

    envelope: Envelope
    data: dict[str, Any]


async def history_of(database: Database, subject: UUID, after: int, limit: int) -> list[Told]:
    """What this service said about *subject* after the sequence number *after*, in order."""
    query = "select headers, body from history where subject = $1 and sequence > $2 order by sequence limit $3"
    async with database.connection() as connection:
        rows = await connection.fetch(query, subject, after, limit)
    return [Told(read_envelope(unpack_headers(row["headers"])), from_json(row["body"])) for row in rows]


async def waiting_events(
    database: Database, after: tuple[datetime, str, UUID, int] | None, limit: int
) -> Sequence[Waiting]:
    """Events that wait, oldest first, page by page: *after* is (first_at, source, subject, sequence)."""
    later = "(first_at, source, subject, sequence) > ($1, $2, $3, $4)"
    query = (
        f"select {_COLUMNS} from waiting where $1::timestamptz is null or {later}"  # noqa: S608 - no value is put in
        " order by first_at, source, subject, sequence limit $5"
    )
    async with database.connection() as connection:
        rows = await connection.fetch(query, *(after or (None, None, None, None)), limit)
    return [waiting_from(row) for row in rows]


async def waiting_on(database: Database, source: str, subject: UUID) -> Sequence[Waiting]:
    """Everything that waits on one track, in order."""
    query = (
        f"select {_COLUMNS} from waiting"  # noqa: S608 - the runtime's own columns
        " where source = $1 and subject = $2 order by sequence limit 200"
    )
    async with database.connection() as connection:
        return [waiting_from(row) for row in await connection.fetch(query, source, subject)]


async def waiting_counts(database: Database) -> dict[str, int]:
    """How many events wait, by reason."""
    async with database.connection() as connection:
        rows = await connection.fetch("select reason, count(*) as count from waiting group by reason")
    return {row["reason"]: row["count"] for row in rows}


async def unsent_events(database: Database) -> int:
    """How many events of the history are not on their topic yet."""
    query = "select count(*) from history where id > coalesce((select last_id from relay where id = 1), 0)"
    async with database.connection() as connection:
        return int(await connection.fetchval(query))


async def replay_since(database: Database, since: datetime) -> int:
    """
    Have the relay publish everything said since *since* once more; consumers of ours drop it, outsiders may want it.

    Returns:
        How many events will be sent again.
    """
    async with database.connection() as connection, connection.transaction():
        first = await connection.fetchrow("select min(id) as id, count(*) as count from history where at >= $1", since)
        if first is None or first["id"] is None:
            return 0
        await connection.execute(
            "update relay set replay_from = least(coalesce(replay_from, $1), $1) where id = 1", first["id"]
        )
        return int(first["count"])
