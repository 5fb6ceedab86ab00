"""Followup's table, and the queries of its routes."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from pydantic import TypeAdapter

from services.followup.domain.callback import Callback, State
from shared.runtime.database import Database
from shared.runtime.tables import add_runtime_tables, moment, stored

metadata = sa.MetaData()
add_runtime_tables(metadata)

callbacks = sa.Table(
    "callbacks",
    metadata,
    sa.Column("complaint_id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.Text),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("ending", sa.Text),
    sa.Column("round", sa.Integer, nullable=False),
    moment("resolved_at", nullable=True),
    sa.Column("over_round", sa.Integer, nullable=False),
    sa.Column("asked_round", sa.Integer, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    moment("due_at", nullable=True),
    sa.Column("score", sa.SmallInteger),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Index("callbacks_due", "due_at", "complaint_id", postgresql_where=sa.text("due_at is not null")),
)

STORED = (stored(Callback, callbacks, stream="complaint_id"),)

_CALLBACK = TypeAdapter(Callback)


class SqlCallbacks:
    """Callbacks as they stand in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, complaint_id: UUID) -> Callback | None:
        """The callback of one complaint."""
        rows = await self._database.read(sa.select(callbacks).where(callbacks.c.complaint_id == complaint_id))
        return _CALLBACK.validate_python(dict(rows[0])) if rows else None

    async def page(self, state: State | None, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[Callback]:
        """Callbacks that are planned, the most urgent first."""
        order = sa.tuple_(callbacks.c.due_at, callbacks.c.complaint_id)
        query = sa.select(callbacks).where(callbacks.c.due_at.is_not(None)).order_by(*order).limit(limit)
        if state is not None:
            query = query.where(callbacks.c.state == state.value)
        if after is not None:
            query = query.where(order > sa.tuple_(*after))
        return [_CALLBACK.validate_python(dict(row)) for row in await self._database.read(query)]
