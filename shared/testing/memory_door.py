"""A service's handlers behind a door on the memory twin: no database, no broker, no clock."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from pydantic_core import from_json

from shared.contracts.envelope import Envelope
from shared.contracts.event import Event
from shared.contracts.registry import owner_of
from shared.runtime.batch import Batch, Result
from shared.runtime.ids import new_id
from shared.runtime.memory import MemoryStore
from shared.runtime.message import Command, Delivery, Due, Handlers, Input
from shared.runtime.tables import Stored
from shared.runtime.work import Work

R = TypeVar("R")
MONDAY_MORNING = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)
"""10:00 on a working Monday in Shanghai: where a test's time starts unless it says otherwise."""


@dataclass(slots=True)
class Said:
    """One event that the service announced."""

    type: str
    time: datetime
    data: dict[str, Any]


class MemoryDoor:
    """
    Takes inputs one after the other and shows what came of them.

    ``now`` is the time of the next input; ``wait`` moves it and fires the timers that fall due on the way.
    """

    def __init__(
        self, service: str, stored: Sequence[Stored], handlers: Handlers, now: datetime = MONDAY_MORNING
    ) -> None:
        self.service = service
        self.now = now
        self.store = MemoryStore([item.kind for item in stored])
        self._handlers = handlers
        self._sequences: dict[tuple[str, UUID], int] = {}

    def hear(self, *events: Event) -> list[Result]:
        """Deliver events of other services, each in a batch of its own, numbered in order for their stream."""
        return [self.give(self.delivery(event)) for event in events]

    def ask(self, payload: object, actor: str = "tester") -> Any:  # noqa: ANN401 - whatever the handler answers
        """
        Put a command through.

        Returns:
            The body of the answer, as JSON.

        Raises:
            Refused: the handler refused; any other exception it raised comes out as it is.
        """
        result = self.give(Command(payload, actor))
        if result.error is not None:
            raise result.error
        return result.body

    def wait(self, duration: timedelta) -> None:
        """Let time pass; each timer on the way fires when it is due."""
        until = self.now + duration
        while due := min(((at, s, k) for (s, k), at in self.store.timers.items() if at <= until), default=None):
            at, subject, kind = due
            self.now = max(self.now, at)
            self.give(Due(subject, kind))
        self.now = until

    def delivery(self, event: Event) -> Delivery:
        """The event as it would come from its topic, next in order."""
        source = owner_of(event.TYPE)
        sequence = self._sequences[source, event.subject] = self._sequences.get((source, event.subject), 0) + 1
        event_id = new_id()
        envelope = Envelope(event_id, event.TYPE, source, event.subject, self.now, sequence, event_id)
        return Delivery(envelope, event.model_dump_json().encode())

    def give(self, item: Input) -> Result:
        """Put one input through in a batch of its own."""
        return asyncio.run(self._attempt([item]))[0]

    def give_together(self, *items: Input) -> list[Result]:
        """Put several inputs through in one batch."""
        return asyncio.run(self._attempt(items))

    async def _attempt(self, items: Sequence[Input]) -> list[Result]:
        work = Work(self.service, self.store.kinds)
        batch = Batch(items, self._handlers, work, self.now)
        async with self.store.transaction() as transaction:
            await batch.load(transaction)
            results = batch.run()
            await transaction.flush(work, batch.ledger, self.now)
        return results

    def row(self, kind: type[R], *key: object) -> R | None:
        """The row of *kind* with this primary key."""
        found: R | None = self.store.rows[kind].get(key[0] if len(key) == 1 else key)
        return found

    @property
    def said(self) -> list[Said]:
        """Everything announced so far, in order."""
        return [
            Said(each.type, datetime.fromisoformat(dict(each.headers)["ce_time"].decode()), from_json(each.body))
            for each in self.store.history
        ]

    @property
    def said_types(self) -> list[str]:
        """The types of everything announced so far, without owner and version: ``case.opened``."""
        return [each.type.removeprefix(f"{self.service}.").removesuffix(".v1") for each in self.store.history]
