"""A door that a test opens, on the memory twin or on PostgreSQL, and eyes to see what came of it."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import UUID

from pydantic_core import from_json

from shared.contracts.envelope import read_envelope
from shared.contracts.event import Event
from shared.runtime.batch import Result
from shared.runtime.columns import Columns
from shared.runtime.database import Database
from shared.runtime.door import Door
from shared.runtime.ledger import Waiting
from shared.runtime.memory import MemoryStore
from shared.runtime.message import Command, Due, Handlers, IdempotencyKey, Input
from shared.runtime.needs import Kind
from shared.runtime.reads import Told, waiting_events
from shared.runtime.records import unpack_headers
from shared.runtime.sql import SqlStore
from shared.runtime.store import Store
from shared.runtime.tables import Stored
from shared.testing.clock import FrozenClock
from shared.testing.events import Speakers

R = TypeVar("R")
Timers = dict[tuple[UUID, str], datetime]


class OpenDoor:
    """
    A service's handlers behind a real door; used as an asynchronous context manager, which runs it.

    ``TwinDoor`` and ``SqlDoor`` say where the rows are.
    """

    def __init__(self, service: str, store: Store, kinds: Iterable[Kind], handlers: Handlers) -> None:
        self.clock = FrozenClock()
        self.others = Speakers(self.clock)
        self.door = Door(service, store, kinds, handlers, self.clock)
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Run the door."""
        self._running = asyncio.create_task(self.door.run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it; a door that had died tells why."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
            if not self._running.cancelled():
                self._running.result()

    async def ask(self, payload: object, *, actor: str = "tester", idempotency: IdempotencyKey | None = None) -> Any:  # noqa: ANN401 - whatever the handler answers
        """
        Put a command through, and return its outcome as JSON values.

        Raises:
            Exception: what the handler raised.
        """
        return (await self.door.ask(Command(payload, actor, idempotency))).body

    async def hear(self, *events: Event) -> None:
        """
        Let each event's owner say it now, and apply them together.

        Raises:
            Exception: what the first handler raised that did.
        """
        for result in await self.put(*map(self.others.say, events)):
            if result.error is not None:
                raise result.error

    async def put(self, *inputs: Input) -> list[Result]:
        """Put inputs of every kind through, in order and in one batch, and return what became of each."""
        return await self.door.put_all(inputs)

    async def pass_time(self, by: timedelta) -> None:
        """
        Let time pass, and every timer fire at its own moment on the way.

        Raises:
            Exception: what a timer's handler raised.
        """
        end = self.clock.now() + by
        while due := [at for at in (await self.timers()).values() if at <= end]:
            self.clock.set(max(self.clock.now(), min(due)))
            ripe = [Due(*key) for key, at in (await self.timers()).items() if at <= self.clock.now()]
            for result in await self.put(*ripe):
                if result.error is not None:
                    raise result.error
        self.clock.set(end)

    async def said(self, subject: UUID | None = None) -> list[Told]:
        """The history in the order it is published: of one subject, or all of it."""
        return [told for told in await self._history() if subject in {None, told.envelope.subject}]

    async def rows(self, kind: type[R]) -> list[R]:
        """Every row of a kind."""
        raise NotImplementedError

    async def timers(self) -> Timers:
        """When each open timer is due, by subject and kind."""
        raise NotImplementedError

    async def waiting(self) -> Sequence[Waiting]:
        """Every event that waits, by sequence."""
        raise NotImplementedError

    async def _history(self) -> list[Told]:
        raise NotImplementedError


class TwinDoor(OpenDoor):
    """A door on the memory twin."""

    def __init__(self, service: str, kinds: Sequence[Kind], handlers: Handlers) -> None:
        self.store = MemoryStore(kinds)
        super().__init__(service, self.store, kinds, handlers)

    async def rows(self, kind: type[R]) -> list[R]:
        """Every row of a kind."""
        return self.store.all(kind)

    async def timers(self) -> Timers:
        """When each open timer is due, by subject and kind."""
        return dict(self.store.timers)

    async def waiting(self) -> Sequence[Waiting]:
        """Every event that waits, by sequence."""
        return sorted(self.store.waiting.values(), key=lambda event: event.sequence)

    async def _history(self) -> list[Told]:
        return [Told(read_envelope(event.headers), from_json(event.body)) for event in self.store.history]


class SqlDoor(OpenDoor):
    """A door on PostgreSQL; its tables must be there."""

    def __init__(self, service: str, database: Database, stored: Sequence[Stored], handlers: Handlers) -> None:
        self.database = database
        self.store = SqlStore(database, stored)
        self._columns = {item.kind.row: Columns(item) for item in stored}
        super().__init__(service, self.store, [item.kind for item in stored], handlers)

    async def rows(self, kind: type[R]) -> list[R]:
        """Every row of a kind."""
        columns = self._columns[kind]
        async with self.database.connection() as connection:
            return [columns.row(record) for record in await connection.fetch(columns.select(()))]

    async def timers(self) -> Timers:
        """When each open timer is due, by subject and kind."""
        async with self.database.connection() as connection:
            rows = await connection.fetch("select subject, kind, due_at from timers")
        return {(row["subject"], row["kind"]): row["due_at"] for row in rows}

    async def waiting(self) -> Sequence[Waiting]:
        """Every event that waits, by sequence."""
        return sorted(await waiting_events(self.database, None, 10_000), key=lambda event: event.sequence)

    async def _history(self) -> list[Told]:
        async with self.database.connection() as connection:
            rows = await connection.fetch("select headers, body from history order by id")
        return [Told(read_envelope(unpack_headers(row["headers"])), from_json(row["body"])) for row in rows]
