"""What a handler needs, loaded and written through a SQLAlchemy ORM session: an object for every row."""

from collections.abc import Collection, Iterable
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from pydantic import TypeAdapter
from pydantic_core import from_json, to_json
from sqlalchemy import orm
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from shared.contracts.envelope import Envelope
from shared.runtime.needs import Need, Number, Rows, Stream
from shared.runtime.records import pack_headers
from shared.runtime.tables import Stored
from tests.bench.baselines.work import PlainWork

POOL_SIZE: Final = 10
"""Connections, twice what SQLAlchemy keeps by default."""
PATIENCE_SECONDS: Final = 300.0
"""How long a request waits for one: on a busy machine it is to be slow, not to fail."""
_RUNTIME: Final = ("streams", "positions", "timers", "history")


def engine_of(url: str) -> AsyncEngine:
    """A pool of connections with a fast JSON library."""
    return create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://", 1),
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=PATIENCE_SECONDS,
        json_deserializer=from_json,
        json_serializer=lambda value: to_json(value).decode(),
    )


class Mapped:
    """One class for each table of a service, and how its rows become what the domain knows."""

    def __init__(self, stored: Iterable[Stored]) -> None:
        items = tuple(stored)
        tables = items[0].table.metadata.tables
        registry = orm.registry()
        self.of_table = {
            name: _mapped(registry, tables[name]) for name in (*_RUNTIME, *(item.table.name for item in items))
        }
        self.of_kind = {item.kind.row: self.of_table[item.table.name] for item in items}
        self.names = {item.kind.row: [column.name for column in item.table.columns] for item in items}
        self.adapters: dict[type, TypeAdapter[Any]] = {item.kind.row: TypeAdapter(item.kind.row) for item in items}


def _mapped(registry: orm.registry, table: sa.Table) -> Any:
    mapped = type(f"{table.name.title()}Row", (), {})
    registry.map_imperatively(mapped, table)
    return mapped


class OrmTransaction:
    """Load and store for one message, within a session that somebody else commits."""

    def __init__(self, session: AsyncSession, mapped: Mapped) -> None:
        self._session = session
        self._mapped = mapped
        self._rows: dict[tuple[type, Any], Any] = {}
        self._streams: dict[UUID, Any] = {}
        self._timers: dict[tuple[UUID, str], Any] = {}

    async def advance(self, source: str, subject: UUID, sequence: int) -> bool:
        """
        Note that this event of the track is applied; False when it was before.

        Raises:
            LookupError: the one before has not come.
        """
        positions = self._mapped.of_table["positions"]
        position = await self._session.get(positions, (source, subject))
        if position is None:
            position = positions(source=source, subject=subject, last=0)
            self._session.add(position)
        if sequence <= position.last:
            return False
        if sequence > position.last + 1:
            raise LookupError(f"{source} {subject}: {sequence} after {position.last}")
        position.last = sequence
        return True

    async def load(self, needs: Collection[Need], work: PlainWork) -> None:
        """Fetch what *needs* ask for, streams first, one after the other."""
        for need in sorted(needs, key=lambda need: not isinstance(need, Stream)):
            match need:
                case Stream():
                    await self._lock(need.subject, work)
                case Rows():
                    await self._load_rows(need, work)
                case Number():
                    drawn = await self._session.execute(sa.select(sa.func.nextval(need.sequence)))
                    work.numbers[need.sequence, need.asker] = drawn.scalar_one()

    async def _lock(self, subject: UUID, work: PlainWork) -> None:
        stream = await self._session.get(self._mapped.of_table["streams"], subject, with_for_update=True)
        self._streams[subject] = stream
        work.begin_stream(subject)
        if stream is not None:  # a subject without one has no timers either
            work.streams[subject] = (stream.last, stream.last_at)
            timers = self._mapped.of_table["timers"]
            for timer in await self._session.scalars(sa.select(timers).where(timers.subject == subject)):
                self._timers[subject, timer.kind] = timer
                work.timers[subject, timer.kind] = timer.due_at

    async def _load_rows(self, need: Rows, work: PlainWork) -> None:
        kind, mapped = work.kinds[need.kind], self._mapped.of_kind[need.kind]
        named = dict(zip(need.columns, need.values, strict=True))
        if named.keys() == set(kind.key):
            one = await self._session.get(mapped, tuple(named[name] for name in kind.key))
            found = [] if one is None else [one]
        else:
            equal = [getattr(mapped, name) == value for name, value in named.items()]
            found = list(await self._session.scalars(sa.select(mapped).where(*equal)))
        names, adapter = self._mapped.names[need.kind], self._mapped.adapters[need.kind]
        for row in found:
            self._rows[need.kind, kind.key_of(row)] = row
            work.accept(need.kind, adapter.validate_python({name: getattr(row, name) for name in names}))

    def stage(self, work: PlainWork) -> None:
        """Put everything that was decided into the session; its commit writes it."""
        for kind, rows in work.now.items():
            for key, row in rows.items():
                if row is not work.before[kind].get(key):
                    self._stage_row(kind, key, work.before[kind].get(key), row, work)
        self._stage_streams(work)
        for (subject, name), due_at in work.timers.items():
            self._stage_timer(subject, name, due_at)
        for envelope, event in work.announced:
            self._stage_event(envelope, event.model_dump_json().encode())

    def _stage_row(self, kind: type, key: object, before: object, row: object, work: PlainWork) -> None:
        names = self._mapped.names[kind]
        if before is None and row is not None:
            self._session.add(self._mapped.of_kind[kind](**{name: getattr(row, name) for name in names}))
        elif row is None and before is not None:
            self._session.sync_session.delete(self._rows[kind, key])
        elif row != before:
            self._change(self._rows[kind, key], before, row, work.kinds[kind].additive, names)

    def _change(self, kept: Any, before: object, row: object, additive: Collection[str], names: Iterable[str]) -> None:
        for name in names:
            old, value = getattr(before, name), getattr(row, name)
            if value != old:
                # Counters are moved in the database, so that two replicas do not undo each other.
                setattr(kept, name, getattr(type(kept), name) + (value - old) if name in additive else value)

    def _stage_streams(self, work: PlainWork) -> None:
        for subject, (last, last_at) in work.streams.items():
            stream = self._streams.get(subject)
            if stream is not None:
                stream.last, stream.last_at = last, last_at
            elif last or subject not in self._streams:
                self._add("streams", subject=subject, last=last, last_at=last_at)

    def _stage_timer(self, subject: UUID, kind: str, due_at: object) -> None:
        timer = self._timers.get((subject, kind))
        if timer is None and due_at is not None:
            self._add("timers", subject=subject, kind=kind, due_at=due_at, try_at=due_at, attempts=0)
        elif timer is not None and due_at is None:
            self._session.sync_session.delete(timer)
        elif timer is not None and due_at != timer.due_at:
            timer.due_at, timer.try_at, timer.attempts = due_at, due_at, 0

    def _stage_event(self, envelope: Envelope, body: bytes) -> None:
        self._add(
            "history",
            subject=envelope.subject,
            sequence=envelope.sequence,
            type=envelope.type,
            at=envelope.time,
            headers=pack_headers(envelope.headers()),
            body=body,
        )

    def _add(self, table: str, **values: object) -> None:
        self._session.add(self._mapped.of_table[table](**values))
