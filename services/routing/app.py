"""The composition root of routing: settings in, running parts out."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

import structlog
from fastapi import FastAPI

from services.routing import api, classifier, events, storage, worker
from services.routing.classifier import Classifier, EncoderMissing
from services.routing.handlers.messages import RoutingPolicy
from services.routing.settings import RoutingSettings
from shared.api.admin import admin_router
from shared.api.app import create_app
from shared.api.events import events_router
from shared.api.keys import Keys
from shared.refusal import Language
from shared.runtime.engine import Engine, Loop
from shared.runtime.leader import lead

log = structlog.get_logger()

MIGRATIONS: Final = Path(__file__).parent / "migrations"
TITLE: Final[Mapping[Language, str]] = {"zh": "分派", "en": "Routing"}


def engine_of(settings: RoutingSettings) -> Engine:
    """Everything behind the edges."""
    policy = _policy(settings)
    handlers = {**api.commands(policy), **worker.commands(policy), **events.reactions(policy)}
    return Engine("routing", settings, storage.STORED, handlers, events.SOURCES, MIGRATIONS)


def workers_of(engine: Engine, settings: RoutingSettings) -> Mapping[str, Loop]:
    """
    What routing does beside the engine's own loops: one process at a time does each.

    Every process has its consumer read ahead.
    """
    model = _classifier(settings)
    complaints = storage.SqlComplaints(engine.database)
    first_agents = settings.roster().all_agents()
    engine.consumer.look_ahead = worker.reading_ahead(model, settings.read_ahead_seconds)

    async def classify() -> None:
        await worker.classify_waiting(engine.door, complaints, model, first_agents)

    async def give_out() -> None:
        await worker.give_out_queued(engine.door, complaints)

    return {
        "classifier": partial(lead, engine.database, "routing.classifier", classify),
        "queue": partial(lead, engine.database, "routing.queue", give_out),
    }


def app_of(engine: Engine, settings: RoutingSettings) -> FastAPI:
    """The HTTP edge."""
    complaints, roster = storage.SqlComplaints(engine.database), storage.SqlRoster(engine.database)
    return create_app(
        "routing",
        TITLE,
        [
            *api.routes(engine.door, complaints, roster, _policy(settings).teams),
            events_router(engine.database, api.READ),
            admin_router(engine),
        ],
        keys=Keys(settings.keys_file),
        checks=engine.checks,
        body_limit_bytes=settings.body_limit_bytes,
    )


def _classifier(settings: RoutingSettings) -> Classifier:
    """Load it before the service is ready; without its encoder it answers less surely, and people see more."""
    found = classifier.load(with_encoder=settings.encoder)
    try:
        found.warm_up()
    except EncoderMissing as error:
        log.warning("sentence encoder missing: what the words leave unsure goes to triage", exc_info=error)
    return found


def _policy(settings: RoutingSettings) -> RoutingPolicy:
    return RoutingPolicy(settings.roster().all_teams(), settings.triage_below)
