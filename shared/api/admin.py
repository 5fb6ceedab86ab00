"""What operators need of every service: what waits and why, how far the topics are, and sending history again."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import from_json

from shared.api.keys import Caller, require
from shared.api.paging import Page, Paging, page_of
from shared.api.values import Instant, Text
from shared.runtime import reads
from shared.runtime.engine import Engine
from shared.runtime.ledger import Waiting
from shared.runtime.message import Repair

ADMIN = "admin"
"""The scope of every route here."""


Source = Annotated[Text, Path(max_length=100, description="Whose event it is 事件来源")]


class WaitingModel(BaseModel):
    """An event that cannot be applied yet."""

    source: str
    subject: UUID
    sequence: int
    type: str
    reason: Literal["gap", "behind", "error"]
    error: str | None = Field(description="Type and place of what the handler raised; never its words")
    attempts: int
    first_at: datetime
    data: Any = Field(default=None, description="The event's data; null where it is not JSON")


class RepairModel(BaseModel):
    """What became of a repair."""

    outcome: Literal["applied", "waiting", "busy"]
    error: str | None = None


class LagModel(BaseModel):
    """How far this service is behind."""

    unsent: int = Field(description="Events of its history not on their topic yet")
    relay_trouble: str | None
    consumer_joined: bool
    consumer_halted: bool
    lag: dict[str, int] = Field(description="Records not applied yet, by topic/partition")
    waiting: dict[str, int] = Field(description="Events that wait, by reason")


class ReplayRequest(BaseModel):
    """From when on the history is published again."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"since": "2026-03-01T09:30:00+08:00"}, {"since": "2026-03-01T01:30:00Z"}]}
    )

    since: Instant


class ReplayModel(BaseModel):
    """What will be published again."""

    events: int


class ClockModel(BaseModel):
    """This service's clock, for comparing."""

    now: datetime
    real: datetime
    speed: float


def admin_router(engine: Engine) -> APIRouter:
    """The routes under ``/v1/admin`` of one service, for callers with the scope ``admin``."""
    router = APIRouter(prefix="/v1/admin", tags=["admin"], dependencies=[require(ADMIN)])

    @router.get("/waiting", summary="Events that wait 等待处理的事件")
    async def list_waiting(paging: Paging, request: Request, response: Response) -> Page[WaitingModel]:
        """Oldest first."""
        last = paging.last_key(datetime, str, UUID, int)
        found = await reads.waiting_events(engine.database, last, paging.limit + 1)
        models = [_waiting(event) for event in found]
        return page_of(models, paging, lambda w: (w.first_at, w.source, w.subject, w.sequence), request, response)

    @router.get("/waiting/{source}/{subject}", summary="What waits on one stream 某一流上等待的事件")
    async def show_waiting(source: Source, subject: UUID) -> list[WaitingModel]:
        """In order of sequence; empty when nothing waits."""
        return [_waiting(event) for event in await reads.waiting_on(engine.database, source, subject)]

    @router.post("/waiting/{source}/{subject}/{action}", summary="Retry or discard 重试或丢弃")
    async def repair(
        source: Source, subject: UUID, action: Literal["retry", "discard"], caller: Annotated[Caller, require(ADMIN)]
    ) -> RepairModel:
        """Apply, or skip, the event whose turn it is; what waits behind it follows."""
        del caller
        result = (await engine.door.put_all([Repair(source, subject, action)]))[0]
        if result.fate == "refused" and result.error is not None:
            raise result.error
        outcome: Literal["applied", "waiting"] = "applied" if result.fate == "done" else "waiting"
        return RepairModel(outcome=outcome, error=type(result.error).__name__ if result.error else None)

    @router.get("/lag", summary="How far behind 积压情况")
    async def lag() -> LagModel:
        """Numbers of this process; with several replicas each shows its own partitions."""
        consumer = engine.consumer
        return LagModel(
            unsent=await reads.unsent_events(engine.database),
            relay_trouble=engine.relay.trouble,
            consumer_joined=consumer.joined,
            consumer_halted=consumer.halted,
            lag={f"{tp.topic}/{tp.partition}": count for tp, count in sorted(consumer.lag.items())},
            waiting=await reads.waiting_counts(engine.database),
        )

    @router.post("/replay", summary="Publish history again 重新发布历史事件", status_code=202)
    async def replay(request: ReplayRequest) -> ReplayModel:
        """For subscribers outside; the four services drop what they know by its sequence."""
        return ReplayModel(events=await reads.replay_since(engine.database, request.since))

    @router.get("/clock", summary="This service's clock 本服务的时钟")
    async def clock() -> ClockModel:
        """Compare it with the other services' and with your own."""
        return ClockModel(now=engine.clock.now(), real=datetime.now().astimezone(), speed=engine.clock.speed)

    return router


def _waiting(event: Waiting) -> WaitingModel:
    return WaitingModel(
        source=event.source,
        subject=event.subject,
        sequence=event.sequence,
        type=event.type,
        reason=event.reason,
        error=event.error,
        attempts=event.attempts,
        first_at=event.first_at,
        data=_json(event.body),
    )


def _json(body: bytes) -> Any:  # noqa: ANN401 - whatever the record holds
    try:
        return from_json(body)
    except ValueError:
        return None
