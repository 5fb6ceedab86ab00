"""What the product's handlers work on, in its simplest form: a dictionary for each kind of rows."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from shared.contracts.envelope import Envelope
from shared.contracts.event import Event
from shared.runtime.ids import new_id
from shared.runtime.message import Message
from shared.runtime.needs import Kind

R = TypeVar("R")
Rows = dict[Any, Any]


class PlainWork:
    """The rows that one message needs and changes; handlers see the methods that they know of ``Work``."""

    def __init__(self, source: str, kinds: Iterable[Kind], message: Message[Any]) -> None:
        self.kinds = {kind.row: kind for kind in kinds}
        self.before: dict[type, Rows] = {kind: {} for kind in self.kinds}
        self.now: dict[type, Rows] = {kind: {} for kind in self.kinds}
        self.streams: dict[UUID, tuple[int, datetime | None]] = {}
        self.timers: dict[tuple[UUID, str], datetime | None] = {}
        self.numbers: dict[tuple[str, UUID], int] = {}
        self.announced: list[tuple[Envelope, Event]] = []
        self._source = source
        self._message = message

    def accept(self, kind: type, row: object) -> None:
        """Take a row from the database."""
        key = self.kinds[kind].key_of(row)
        self.before[kind][key] = self.now[kind][key] = row

    def get(self, kind: type[R], *key: object) -> R | None:
        """The row with this primary key."""
        found: R | None = self.now[kind].get(key[0] if len(key) == 1 else key)
        return found

    def find(self, kind: type[R], **equal: object) -> list[R]:
        """All rows with these values."""
        rows = self.now[kind].values()
        return [row for row in rows if row is not None and all(getattr(row, n) == v for n, v in equal.items())]

    def put(self, row: object) -> None:
        """Write a row."""
        self.now[type(row)][self.kinds[type(row)].key_of(row)] = row

    def delete(self, row: object) -> None:
        """Remove a row."""
        self.now[type(row)][self.kinds[type(row)].key_of(row)] = None

    def begin_stream(self, subject: UUID) -> None:
        """Start the stream of a new subject."""
        self.streams[subject] = (0, None)

    def announce(self, event: Event) -> UUID:
        """State a fact."""
        last, last_at = self.streams[event.subject]
        envelope = Envelope(
            id=new_id(),
            type=event.TYPE,
            source=self._source,
            subject=event.subject,
            time=max(self._message.at, last_at or self._message.at),
            sequence=last + 1,
            correlation_id=self._message.correlation_id,
            causation_id=self._message.id,
            traceparent=self._message.traceparent,
        )
        self.streams[event.subject] = (envelope.sequence, envelope.time)
        self.announced.append((envelope, event))
        return envelope.id

    def set_timer(self, subject: UUID, kind: str, due_at: datetime) -> None:
        """Have something done later."""
        self.timers[subject, kind] = due_at

    def cancel_timer(self, subject: UUID, kind: str) -> None:
        """Have it not done."""
        self.timers[subject, kind] = None

    def timer(self, subject: UUID, kind: str) -> datetime | None:
        """When it will be done."""
        return self.timers.get((subject, kind))

    def number(self, sequence: str, asker: UUID) -> int:
        """The number that was drawn."""
        return self.numbers[sequence, asker]
