"""Routing's tables, and the queries of its routes and its worker."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.dialects.postgresql import JSONB

from services.routing.domain.assignment import queue_of
from services.routing.domain.complaint import Complaint, State
from services.routing.domain.roster import Agent, Workload
from services.routing.ports import Busy, Crew, Unread
from shared.runtime.database import Database
from shared.runtime.tables import add_runtime_tables, moment, stored

_QUEUED: Final = "state = 'routed' and assignee like 'queue:%'"
"""Spelt alike in the index and in the queries, so that the planner sees that the index holds all they look for."""

metadata = sa.MetaData()
add_runtime_tables(metadata)

complaints = sa.Table(
    "complaints",
    metadata,
    sa.Column("complaint_id", sa.Uuid, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("number", sa.Text),
    sa.Column("text", sa.Text),
    sa.Column("channel", sa.Text),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("tier", sa.Text, nullable=False),
    moment("received_at", nullable=True),
    sa.Column("told_by", sa.Uuid),
    sa.Column("correlation_id", sa.Uuid),
    sa.Column("ending", sa.Text),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("closed_round", sa.Integer, nullable=False),
    sa.Column("classification", JSONB),
    sa.Column("doubts", JSONB, nullable=False),
    sa.Column("cause", sa.Text),
    sa.Column("decided_by", sa.Text),
    sa.Column("note", sa.Text),
    sa.Column("confirmed_cause", sa.Text),
    sa.Column("team", sa.Text),
    sa.Column("assignee", sa.Text),
    sa.Column("priority", sa.SmallInteger),
    sa.Column("reasons", JSONB, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Index("complaints_state", "state", "received_at", "complaint_id"),
    sa.Index(
        "complaints_queued",
        "assignee",
        "received_at",
        "complaint_id",
        postgresql_where=sa.text(_QUEUED),
    ),
)

agents = sa.Table(
    "agents",
    metadata,
    sa.Column("agent_id", sa.Text, primary_key=True),
    sa.Column("team", sa.Text, nullable=False),
    sa.Column("languages", JSONB, nullable=False),
    sa.Column("causes", JSONB, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("capacity", sa.Integer, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
)

workloads = sa.Table(
    "workloads",
    metadata,
    sa.Column("agent_id", sa.Text, primary_key=True),
    sa.Column("open_cases", sa.Integer, nullable=False),
)

STORED = (
    stored(Complaint, complaints, stream="complaint_id"),
    stored(Agent, agents),
    stored(Workload, workloads, additive=("open_cases",)),
)

_WAITING: Final = """
select complaint_id, left(text, $2) as text, told_by, correlation_id from complaints
where state = 'waiting' order by received_at, complaint_id limit $1
"""
_SERVABLE: Final = f"""
select queued.complaint_id
from (select distinct 'queue:' || team as queue from agents where active) as manned
cross join lateral (
    select complaint_id, received_at from complaints
    where {_QUEUED} and assignee = manned.queue
    order by received_at, complaint_id limit $1
) as queued
order by queued.received_at, queued.complaint_id limit $1
"""  # noqa: S608 - its parts are constants

_COMPLAINT = TypeAdapter(Complaint)
_AGENT = TypeAdapter(Agent)


class SqlComplaints:
    """Complaints as they stand in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, complaint_id: UUID) -> Complaint | None:
        """What routing knows of one complaint; None until it was received."""
        known = complaints.c.received_at.is_not(None)
        query = sa.select(complaints).where(complaints.c.complaint_id == complaint_id, known)
        rows = await self._database.read(query)
        return _COMPLAINT.validate_python(dict(rows[0])) if rows else None

    async def triage(self, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[Complaint]:
        """Complaints whose cause a person must name, the oldest first."""
        order = sa.tuple_(complaints.c.received_at, complaints.c.complaint_id)
        query = sa.select(complaints).where(complaints.c.state == State.TRIAGE.value).order_by(*order).limit(limit)
        if after is not None:
            query = query.where(order > sa.tuple_(*after))
        return [_COMPLAINT.validate_python(dict(row)) for row in await self._database.read(query)]

    async def waiting(self, limit: int, characters: int) -> Sequence[Unread]:
        """Complaints that wait for the classifier, the oldest first, each text cut to so many *characters*."""
        async with self._database.connection() as connection:
            return [Unread(**row) for row in await connection.fetch(_WAITING, limit, characters)]

    async def servable(self, limit: int) -> Sequence[UUID]:
        """Complaints in the queue of a team that has somebody now, the oldest first."""
        async with self._database.connection() as connection:
            return [row["complaint_id"] for row in await connection.fetch(_SERVABLE, limit)]


class SqlRoster:
    """Agents and teams as they stand in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, agent_id: str) -> Busy | None:
        """One agent."""
        rows = await self._database.read(_busy().where(agents.c.agent_id == agent_id))
        return _as_busy(rows[0]) if rows else None

    async def page(self, after: str | None, limit: int) -> Sequence[Busy]:
        """Agents by their id."""
        query = _busy().order_by(agents.c.agent_id).limit(limit)
        if after is not None:
            query = query.where(agents.c.agent_id > after)
        return [_as_busy(row) for row in await self._database.read(query)]

    async def crews(self) -> dict[str, Crew]:
        """What each team has, by its id; teams that have nothing are missing."""
        active = sa.func.count().filter(agents.c.active).label("active")
        load = sa.func.sum(workloads.c.open_cases).label("open_cases")
        people = sa.select(agents.c.team, active, load).join(workloads, _same_agent()).group_by(agents.c.team)
        crews = {row["team"]: Crew(row["active"], row["open_cases"]) for row in await self._database.read(people)}
        for row in await self._database.read(_queues()):
            crews[row["team"]] = replace(crews.get(row["team"], Crew()), queued=row["queued"])
        return crews


def _queues() -> sa.Select[tuple[object, ...]]:
    own = complaints.c.assignee == queue_of("") + complaints.c.team
    counted = sa.select(complaints.c.team, sa.func.count().label("queued"))
    return counted.where(sa.text(_QUEUED), own).group_by(complaints.c.team)


def _same_agent() -> sa.ColumnElement[bool]:
    return workloads.c.agent_id == agents.c.agent_id


def _busy() -> sa.Select[tuple[object, ...]]:
    return sa.select(agents, workloads.c.open_cases).join(workloads, _same_agent())


def _as_busy(row: sa.RowMapping) -> Busy:
    values = dict(row)
    open_cases = values.pop("open_cases")
    return Busy(_AGENT.validate_python(values), open_cases)
