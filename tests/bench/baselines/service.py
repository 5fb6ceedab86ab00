"""
The same services as one would write them plainly: ``python -m tests.bench.baselines.service intake``.

FastAPI, a session and a commit for each request, a consumer with a transaction for each message, and each event sent
and waited for. Parsing, masking, decisions and contracts are the product's own.
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Annotated, Any

import uvicorn
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services.intake import api as intake_api
from services.intake import events as intake_events
from services.intake import storage as intake_storage
from services.intake.api.reception import ReceptionModel
from services.intake.channels.canonical import parse_complaint
from services.intake.domain.reception import REASONS
from services.intake.handlers.contact import read_contact
from services.intake.settings import IntakeSettings
from services.resolution import events as resolution_events
from services.resolution import storage as resolution_storage
from services.resolution.settings import ResolutionSettings
from services.routing import classifier, worker
from services.routing import events as routing_events
from services.routing import storage as routing_storage
from services.routing.handlers import complaints as routing_handlers
from services.routing.handlers.messages import Classify, EnrolMissing, RoutingPolicy
from services.routing.handlers.needs import of_event
from services.routing.settings import RoutingSettings
from shared.api.keys import Caller, Keys
from shared.contracts.envelope import read_envelope
from shared.contracts.intake import ComplaintReceived
from shared.contracts.registry import topic_of
from shared.runtime.message import Delivery, Handler, Handlers, Message
from shared.runtime.tables import Stored
from shared.runtime.work import Work
from shared.settings import ServiceSettings
from tests.bench.baselines.door import PRODUCER, PlainDoor


@dataclass(frozen=True, slots=True)
class Parts:
    """What differs between the three."""

    settings: ServiceSettings
    stored: Sequence[Stored]
    handlers: Handlers
    hears: Sequence[str]
    first: object | None = None
    """A command to begin with."""


def intake() -> Parts:
    """Takes complaints in, and queues what others want said."""
    settings = IntakeSettings()
    handlers = {
        **intake_api.commands(settings.reception, settings.zone),
        **intake_events.reactions(settings.wording),
    }
    return Parts(settings, intake_storage.STORED, handlers, intake_events.SOURCES)


def routing() -> Parts:
    """Classifies and routes each complaint in the transaction that notes it."""
    settings = RoutingSettings()
    policy = RoutingPolicy(settings.roster().all_teams(), settings.triage_below)
    read = Handler(partial(_note_and_classify, model=classifier.load(), policy=policy), of_event)
    handlers = {**worker.commands(policy), **routing_events.reactions(policy), ComplaintReceived: read}
    first = EnrolMissing(settings.roster().all_agents())
    return Parts(settings, routing_storage.STORED, handlers, routing_events.SOURCES, first)


def resolution() -> Parts:
    """Opens the cases."""
    settings = ResolutionSettings()
    handlers = resolution_events.reactions(settings.policy(settings.clock.clock().now().year))
    return Parts(settings, resolution_storage.STORED, handlers, resolution_events.SOURCES)


def _note_and_classify(
    message: Message[ComplaintReceived], work: Work, *, model: classifier.Classifier, policy: RoutingPolicy
) -> None:
    routing_handlers.note_complaint(message, work, policy=policy)
    complaint_id, text = message.payload.complaint_id, message.payload.text
    classification = worker.facts_of(model.classify(text[: worker.LONGEST_TEXT]))
    command = Message(
        Classify(complaint_id, classification),
        message.at,
        message.id,
        message.correlation_id,
        traceparent=message.traceparent,
    )
    routing_handlers.classify(command, work, policy=policy)


async def consume(consumer: AIOKafkaConsumer, door: PlainDoor) -> None:
    """Apply one record after the other."""
    async for record in consumer:
        await door.hear(Delivery(read_envelope(record.headers), record.value or b""))


def app_of(door: PlainDoor, consumer: AIOKafkaConsumer, keys: Keys) -> FastAPI:
    """The HTTP edge: one route, and one to be asked whether it is ready."""
    app = FastAPI()
    bearer = HTTPBearer()

    async def caller(credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> Caller:
        found = keys.find(credentials.credentials)
        if found is None or intake_api.WRITE not in found.scopes:
            raise HTTPException(401)
        return found

    @app.get("/readyz")
    async def ready() -> Response:
        return Response(status_code=200 if consumer.assignment() else 503)

    @app.post("/v1/complaints", status_code=202, response_model=ReceptionModel)
    async def receive(request: Request, response: Response, by: Annotated[Caller, Depends(caller)]) -> object:
        raw = await request.body()
        contact = parse_complaint(raw)
        reception = await door.ask(read_contact(contact, raw, "application/json", contact.sent_at), by.id)
        response.headers["Location"] = f"/v1/complaints/{reception.complaint_id}"
        return {**asdict(reception), "reason_text": REASONS[reception.reason]}

    return app


async def serve(service: str, parts: Parts) -> None:
    """Serve and consume until stopped."""
    settings, broker = parts.settings, parts.settings.kafka.broker()
    url = settings.database_url.get_secret_value()
    topics = [topic_of(owner, broker.prefix) for owner in parts.hears]
    await broker.ensure_topics(heard=topics)
    producer = AIOKafkaProducer(**PRODUCER, **broker.client)
    consumer = AIOKafkaConsumer(
        *topics,
        group_id=f"{broker.prefix}{service}",
        auto_offset_reset="earliest",
        session_timeout_ms=6_000,
        heartbeat_interval_ms=1_000,
        fetch_max_wait_ms=broker.fetch_wait_ms,
        **broker.client,
    )
    door = PlainDoor(service, url, parts.stored, parts.handlers, topic_of(service, broker.prefix), producer)
    if parts.first is not None:
        await door.ask(parts.first, "system")
    async with producer, consumer:
        consuming = asyncio.create_task(consume(consumer, door))
        app = app_of(door, consumer, Keys(settings.keys_file))
        config = uvicorn.Config(app, host=settings.host, port=settings.port, log_config=None, access_log=False)
        serving = asyncio.create_task(uvicorn.Server(config).serve())
        await asyncio.wait([consuming, serving], return_when=asyncio.FIRST_COMPLETED)
        if not consuming.cancel():
            consuming.result()
    await door.engine.dispose()


SERVICES: Mapping[str, Any] = {"intake": intake, "routing": routing, "resolution": resolution}

if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], SERVICES[sys.argv[1]]()))
