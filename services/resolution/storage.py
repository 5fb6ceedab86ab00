"""Resolution's tables, and the queries of its routes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.dialects.postgresql import JSONB

from services.resolution.domain.case import Case
from services.resolution.domain.clocks import Deadline
from services.resolution.domain.note import Note
from services.resolution.domain.promise import Promise
from services.resolution.ports import CaseFile, Wanted
from shared.runtime.database import Database
from shared.runtime.tables import add_runtime_tables, moment, stored

metadata = sa.MetaData()
add_runtime_tables(metadata)

cases = sa.Table(
    "cases",
    metadata,
    sa.Column("complaint_id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.Text),
    sa.Column("customer_id", sa.Uuid),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("channel", sa.Text),
    moment("received_at", nullable=True),
    sa.Column("tier", sa.Text, nullable=False),
    sa.Column("subject_line", sa.Text),
    sa.Column("text", sa.Text),
    sa.Column("predicted", sa.Text),
    sa.Column("cause", sa.Text),
    sa.Column("regulated", sa.Boolean, nullable=False),
    sa.Column("team", sa.Text),
    sa.Column("owner", sa.Text),
    sa.Column("priority", sa.SmallInteger, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("routed_round", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("finding", sa.Text),
    sa.Column("confirmed_cause", sa.Text),
    sa.Column("remedy", sa.Text),
    sa.Column("remedy_text", sa.Text),
    sa.Column("remedy_done", sa.Boolean, nullable=False),
    sa.Column("answer", sa.Text),
    moment("resolved_at", nullable=True),
    sa.Column("closed_reason", sa.Text),
    sa.Column("closed_from", sa.Text),
    sa.Column("over", JSONB, nullable=False),
    sa.Column("escalation_level", sa.Integer, nullable=False),
    sa.Column("messages_received", sa.Integer, nullable=False),
    sa.Column("messages_sent", sa.Integer, nullable=False),
    sa.Column("messages_failed", sa.Integer, nullable=False),
    moment("next_due_at", nullable=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Index("cases_in_state", "state", "next_due_at", "complaint_id"),
    sa.Index("cases_by_due", "next_due_at", "complaint_id"),
    sa.Index("cases_of_team", "team", "next_due_at", "complaint_id"),
    sa.Index("cases_of_owner", "owner", "next_due_at", "complaint_id"),
)

deadlines = sa.Table(
    "deadlines",
    metadata,
    sa.Column("complaint_id", sa.Uuid, primary_key=True),
    sa.Column("round", sa.Integer, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    moment("due_at"),
    moment("warn_at"),
    sa.Column("legal", sa.Boolean, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    moment("done_at", nullable=True),
)

promises = sa.Table(
    "promises",
    metadata,
    sa.Column("promise_id", sa.Uuid, primary_key=True),
    sa.Column("complaint_id", sa.Uuid, nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    moment("due_at"),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Index("promises_of_case", "complaint_id"),
)

notes = sa.Table(
    "notes",
    metadata,
    sa.Column("note_id", sa.Uuid, primary_key=True),
    sa.Column("complaint_id", sa.Uuid, nullable=False),
    moment("at"),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Index("notes_of_case", "complaint_id"),
)

STORED = (
    stored(Case, cases, stream="complaint_id"),
    stored(Deadline, deadlines, stream="complaint_id"),
    stored(Promise, promises, stream="complaint_id"),
    stored(Note, notes, stream="complaint_id"),
)

_CASE: Final = TypeAdapter(Case)
_DEADLINES: Final = TypeAdapter(list[Deadline])
_PROMISES: Final = TypeAdapter(list[Promise])
_NOTES: Final = TypeAdapter(list[Note])

_KEY: Final = (cases.c.next_due_at, cases.c.complaint_id)
_Query: TypeAlias = sa.Select[tuple[object, ...]]


class SqlCases:
    """Cases as they stand in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, complaint_id: UUID) -> CaseFile | None:
        """The case of one complaint."""
        found = await self._all(cases, complaint_id)
        if not found:
            return None
        return CaseFile(
            _CASE.validate_python(found[0]),
            _DEADLINES.validate_python(await self._all(deadlines, complaint_id, "round", "due_at")),
            _PROMISES.validate_python(await self._all(promises, complaint_id, "due_at")),
            _NOTES.validate_python(await self._all(notes, complaint_id, "at")),
        )

    async def page(self, wanted: Wanted, after: tuple[datetime | None, UUID] | None, limit: int) -> Sequence[Case]:
        """Cases by what is due next, the most urgent first; those with nothing due come last."""
        query = sa.select(cases).where(*_is_wanted(wanted))
        due_at, last = after or (None, None)
        rows: list[sa.RowMapping] = []
        # Two queries, as no index is read from the middle of what is due on into what is not due at all.
        if last is None or due_at is not None:
            rows += await self._database.read(_due(query, due_at, last).limit(limit))
            last = None
        if wanted.state is not None and len(rows) < limit:
            rows += await self._database.read(_not_due(query, last).limit(limit - len(rows)))
        return [_CASE.validate_python(dict(row)) for row in rows]

    async def _all(self, table: sa.Table, complaint_id: UUID, *order: str) -> list[dict[str, object]]:
        query = (
            sa.select(table).where(table.c.complaint_id == complaint_id).order_by(*(table.c[name] for name in order))
        )
        return [dict(row) for row in await self._database.read(query)]


def _is_wanted(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    columns = {cases.c.team: wanted.team, cases.c.owner: wanted.owner, cases.c.state: wanted.state}
    return [column == value for column, value in columns.items() if value is not None]


def _due(query: _Query, due_at: datetime | None, last: UUID | None) -> _Query:
    query = query.where(cases.c.next_due_at.is_not(None)).order_by(*_KEY)
    return query if due_at is None else query.where(sa.tuple_(*_KEY) > sa.tuple_(due_at, last))


def _not_due(query: _Query, last: UUID | None) -> _Query:
    # By a date that none of them has, too: only then does the planner see that the index has them in order.
    query = query.where(cases.c.next_due_at.is_(None)).order_by(*_KEY)
    return query if last is None else query.where(cases.c.complaint_id > last)
