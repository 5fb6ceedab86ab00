"""The composition root of followup: settings in, running parts out."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from fastapi import FastAPI

from services.followup import api, events, storage
from services.followup.settings import FollowupSettings
from shared.api.admin import admin_router
from shared.api.app import create_app
from shared.api.events import events_router
from shared.api.keys import Keys
from shared.refusal import Language
from shared.runtime.engine import Engine
from shared.telemetry.metrics import show_known_until

MIGRATIONS: Final = Path(__file__).parent / "migrations"
TITLE: Final[Mapping[Language, str]] = {"zh": "回访", "en": "Followup"}


def engine_of(settings: FollowupSettings) -> Engine:
    """Everything behind the edges."""
    policy = settings.policy(datetime.now(UTC).year)
    show_known_until("followup", policy.hours.known_until)
    handlers = {**api.commands(policy), **events.reactions(policy)}
    return Engine("followup", settings, storage.STORED, handlers, events.SOURCES, MIGRATIONS)


def app_of(engine: Engine, settings: FollowupSettings) -> FastAPI:
    """The HTTP edge."""
    return create_app(
        "followup",
        TITLE,
        [
            api.routes(engine.door, storage.SqlCallbacks(engine.database)),
            events_router(engine.database, api.READ),
            admin_router(engine),
        ],
        keys=Keys(settings.keys_file),
        checks=engine.checks,
        body_limit_bytes=settings.body_limit_bytes,
    )
