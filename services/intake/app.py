"""The composition root of intake: settings in, running parts out."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

from fastapi import FastAPI

from services.intake import api, events, mail, storage
from services.intake.settings import IntakeSettings
from shared.api.admin import admin_router
from shared.api.app import create_app
from shared.api.events import events_router
from shared.api.keys import Keys
from shared.refusal import Language
from shared.runtime.engine import Engine, Loop

MIGRATIONS: Final = Path(__file__).parent / "migrations"
TITLE: Final[Mapping[Language, str]] = {"zh": "受理", "en": "Intake"}


def engine_of(settings: IntakeSettings) -> Engine:
    """Everything behind the edges."""
    handlers = {**api.commands(settings.reception, settings.zone), **events.reactions(settings.wording)}
    return Engine("intake", settings, storage.STORED, handlers, events.SOURCES, MIGRATIONS)


def app_of(engine: Engine, settings: IntakeSettings) -> FastAPI:
    """The HTTP edge."""
    complaints, letters = storage.SqlComplaints(engine.database), storage.SqlLetters(engine.database)
    return create_app(
        "intake",
        TITLE,
        [
            *api.routers(engine.door, complaints, letters),
            events_router(engine.database, api.READ),
            admin_router(engine),
        ],
        keys=Keys(settings.keys_file),
        checks=engine.checks,
        body_limit_bytes=settings.body_limit_bytes,
    )


def workers_of(engine: Engine, settings: IntakeSettings) -> Mapping[str, Loop]:
    """What runs beside the engine: the sending of mail."""
    if settings.smtp_host is None:
        return {"mail": mail.leave_mail_waiting}
    mailer = mail.mailer_of(settings, settings.smtp_host)
    letters = storage.SqlLetters(engine.database)
    return {"mail": partial(mail.send_mail, engine.door, engine.database, letters, mailer, settings.retry)}
