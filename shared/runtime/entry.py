"""From an input to the message and the handler that it is for."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from shared.contracts.registry import EVENTS
from shared.runtime.ids import new_id
from shared.runtime.ledger import AnyNeed, Waiting
from shared.runtime.message import Command, Delivery, Due, Handler, Handlers, Input, Message, Repair

_KINDS: Final = {Command: "command", Delivery: "event", Due: "timer", Repair: "repair"}


@dataclass(slots=True)
class Entry:
    """
    One input on its way through the batch.

    ``settled`` when asking again what it needs would bring nothing new; ``looked`` when the answer depends on what is
    loaded.
    """

    input: Input
    handler: Handler | None = None
    message: Message[Any] | None = None
    error: Exception | None = None
    needs: set[AnyNeed] = field(default_factory=set)
    streams: set[UUID] = field(default_factory=set)
    looked: bool = False
    settled: bool = False


class Reader:
    """Reads the inputs of one batch; what waits and what is due is read once, however often it is looked at."""

    def __init__(self, handlers: Handlers, now: datetime) -> None:
        self._handlers = handlers
        self._now = now
        self._waiting: dict[tuple[str, UUID, int], Entry] = {}
        self._timers: dict[tuple[UUID, str, datetime], Entry] = {}

    @property
    def read(self) -> list[Entry]:
        """What was read of what waits and of what is due."""
        return [*self._waiting.values(), *self._timers.values()]

    def entry(self, item: Input) -> Entry:
        """An input as it came in."""
        entry = Entry(item)
        try:
            entry.handler, entry.message = self._read(item)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it concerns this input alone
            entry.error = error
        return entry

    def waiting(self, waiting: Waiting) -> Entry:
        """An event that waits."""
        place = (waiting.source, waiting.subject, waiting.sequence)
        if place not in self._waiting:
            self._waiting[place] = self.entry(Delivery(waiting.envelope, waiting.body))
        return self._waiting[place]

    def timer(self, due: Due, due_at: datetime) -> Entry:
        """A timer at its due instant."""
        place = (due.subject, due.kind, due_at)
        if place not in self._timers:
            timer_id = new_id()
            message = Message(due, due_at, timer_id, timer_id, subject=due.subject)
            self._timers[place] = Entry(due, self._handlers.get(base_of(due.kind)), message)
        return self._timers[place]

    def _read(self, item: Input) -> tuple[Handler | None, Message[Any] | None]:
        match item:
            case Delivery():
                return self._read_event(item)
            case Command():
                first = item.correlation_id or item.caused_by or item.id
                message = Message(item.payload, self._now, item.id, first, item.actor, None, item.traceparent)
                return self._handlers[type(item.payload)], message
            case Due():
                timer_id = new_id()
                return self._handlers[base_of(item.kind)], Message(
                    item, self._now, timer_id, timer_id, subject=item.subject
                )
            case Repair():
                return None, None

    def _read_event(self, delivery: Delivery) -> tuple[Handler | None, Message[Any] | None]:
        envelope = delivery.envelope
        event = EVENTS.get(envelope.type)
        handler = self._handlers.get(event) if event else None
        if event is None or handler is None:
            return None, None
        return handler, Message(
            payload=event.model_validate_json(delivery.body),
            at=max(self._now, envelope.time),
            id=envelope.id,
            correlation_id=envelope.correlation_id,
            actor=envelope.source,
            subject=envelope.subject,
            traceparent=envelope.traceparent,
            finding=delivery.finding,
        )


def kind_of(item: Input) -> str:
    """What came in, as metrics and traces call it: command, event, timer or repair."""
    return _KINDS[type(item)]


def name_of(item: Input) -> str:
    """What it is about: the command's class, the event's type or the timer's kind."""
    match item:
        case Delivery():
            return item.envelope.type
        case Command():
            return type(item.payload).__name__
        case Due():
            return base_of(item.kind)
        case Repair():
            return item.action


def base_of(kind: str) -> str:
    """The kind by which a timer's handler is found: what the timer is about may follow a colon (``due:answer``)."""
    return kind.partition(":")[0]
