"""The composition root of resolution: settings in, running parts out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fastapi import FastAPI

from services.resolution import api, events, storage
from services.resolution.settings import ResolutionSettings
from shared.api.admin import admin_router
from shared.api.app import create_app
from shared.api.events import events_router
from shared.api.keys import Keys
from shared.refusal import Language
from shared.runtime.engine import Engine
from shared.telemetry.metrics import show_known_until

MIGRATIONS: Final = Path(__file__).parent / "migrations"
TITLE: Final[Mapping[Language, str]] = {"zh": "处理", "en": "Resolution"}


def engine_of(settings: ResolutionSettings) -> Engine:
    """Everything behind the edges."""
    policy = settings.policy(settings.clock.clock().now().year)
    show_known_until("resolution", policy.clocks.hours.known_until)
    handlers = {**api.commands(policy), **events.reactions(policy)}
    return Engine("resolution", settings, storage.STORED, handlers, events.SOURCES, MIGRATIONS)


def app_of(engine: Engine, settings: ResolutionSettings) -> FastAPI:
    """The HTTP edge."""
    return create_app(
        "resolution",
        TITLE,
        [
            api.routes(engine.door, storage.SqlCases(engine.database)),
            events_router(engine.database, api.READ),
            admin_router(engine),
        ],
        keys=Keys(settings.keys_file),
        checks=engine.checks,
        body_limit_bytes=settings.body_limit_bytes,
    )
