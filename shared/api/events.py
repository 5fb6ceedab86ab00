"""Reading the history of one complaint: what this service said, in order."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from shared.api.keys import require
from shared.api.paging import Page, Paging, page_of
from shared.runtime.database import Database
from shared.runtime.reads import Told, history_of


class EventModel(BaseModel):
    """An event as it stands on its topic: the CloudEvents attributes, and its data."""

    id: UUID
    type: str
    source: str
    subject: UUID
    time: datetime
    sequence: int = Field(description="1…n within this service and subject 本服务内该对象的序号")
    correlationid: UUID
    causationid: UUID | None
    data: dict[str, Any]


def events_router(database: Database, scope: str) -> APIRouter:
    """The route ``GET /v1/complaints/{complaint_id}/events`` for callers with *scope*."""
    router = APIRouter(tags=["events"])

    @router.get(
        "/v1/complaints/{complaint_id}/events",
        summary="What this service said about a complaint 本服务就该投诉发布的事件",
        dependencies=[require(scope)],
    )
    async def list_events(complaint_id: UUID, paging: Paging, request: Request, response: Response) -> Page[EventModel]:
        """Events in order; an unknown complaint has none."""
        last = paging.last_key(int)
        told = await history_of(database, complaint_id, last[0] if last else 0, paging.limit + 1)
        return page_of([_model(each) for each in told], paging, lambda event: (event.sequence,), request, response)

    return router


def _model(told: Told) -> EventModel:
    envelope = told.envelope
    return EventModel(
        id=envelope.id,
        type=envelope.type,
        source=envelope.source,
        subject=envelope.subject,
        time=envelope.time,
        sequence=envelope.sequence,
        correlationid=envelope.correlation_id,
        causationid=envelope.causation_id,
        data=told.data,
    )
