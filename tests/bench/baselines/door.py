"""A message at a time: a session, a commit, and a ``send_and_wait`` for every event that came of it."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any, Final, cast

from aiokafka import AIOKafkaProducer
from sqlalchemy.ext.asyncio import async_sessionmaker

from shared.contracts.envelope import Envelope
from shared.contracts.event import Event
from shared.contracts.registry import EVENTS
from shared.runtime.ids import new_id
from shared.runtime.message import Delivery, Handler, Handlers, Message
from shared.runtime.needs import Need
from shared.runtime.tables import Stored
from shared.runtime.work import Work
from shared.telemetry.tracing import current_traceparent
from tests.bench.baselines.orm import Mapped, OrmTransaction, engine_of
from tests.bench.baselines.work import PlainWork

Announced = Collection[tuple[Envelope, Event]]

PRODUCER: Final[dict[str, Any]] = {"acks": "all", "linger_ms": 0}


class PlainDoor:
    """
    Runs a service's handlers without the runtime.

    Args:
        service: whose events they announce.
        url: its database.
        stored: its tables.
        handlers: the product's own.
        topic: where to send what they announce.
        producer: sends it; None to keep it in the history only.
    """

    def __init__(
        self,
        service: str,
        url: str,
        stored: Iterable[Stored],
        handlers: Handlers,
        topic: str,
        producer: AIOKafkaProducer | None = None,
    ) -> None:
        items = tuple(stored)
        self.engine = engine_of(url)
        self._service = service
        self._kinds = [item.kind for item in items]
        self._mapped = Mapped(items)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False, autoflush=False)
        self._handlers = handlers
        self._topic = topic
        self._producer = producer

    async def ask(self, payload: object, actor: str) -> Any:
        """Do what is asked for, and answer when it is stored and sent."""
        asked = new_id()
        trace = current_traceparent()
        message = Message(payload, datetime.now(UTC), asked, asked, actor, traceparent=trace)
        async with self._sessions() as session, session.begin():
            transaction = OrmTransaction(session, self._mapped)
            outcome, announced = await self._run(self._handlers[type(payload)], message, transaction)
        await self._send(announced)
        return outcome

    async def hear(self, delivery: Delivery) -> None:
        """Apply an event once, and return when what came of it is stored and sent."""
        envelope = delivery.envelope
        event = EVENTS.get(envelope.type)
        handler = self._handlers.get(event) if event else None
        announced: Announced = ()
        async with self._sessions() as session, session.begin():
            transaction = OrmTransaction(session, self._mapped)
            fresh = await transaction.advance(envelope.source, envelope.subject, envelope.sequence)
            if fresh and event is not None and handler is not None:
                message = _message(envelope, event.model_validate_json(delivery.body))
                _, announced = await self._run(handler, message, transaction)
        await self._send(announced)

    async def _run(self, handler: Handler, message: Message[Any], transaction: OrmTransaction) -> tuple[Any, Announced]:
        work = PlainWork(self._service, self._kinds, message)
        as_work = cast("Work", work)
        loaded: set[Need] = set()
        while wanted := set(handler.needs(message, as_work)) - loaded:
            await transaction.load(wanted, work)
            loaded |= wanted
        outcome = handler.run(message, as_work)
        transaction.stage(work)
        return outcome, work.announced

    async def _send(self, announced: Announced) -> None:
        if self._producer is None:
            return
        for envelope, event in announced:
            await self._producer.send_and_wait(
                self._topic,
                key=str(envelope.subject).encode(),
                value=event.model_dump_json().encode(),
                headers=list(envelope.headers()),
            )


def _message(envelope: Envelope, payload: Event) -> Message[Any]:
    return Message(
        payload=payload,
        at=max(datetime.now(UTC), envelope.time),
        id=envelope.id,
        correlation_id=envelope.correlation_id,
        actor=envelope.source,
        subject=envelope.subject,
        traceparent=envelope.traceparent,
    )
