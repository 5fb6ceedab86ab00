"""The HTTP edge: what callers of customers read and report."""

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.followup import handlers
from services.followup.domain.callback import Attempt, Callback, CallbackPolicy, State
from services.followup.domain.refusals import CallbackNotDue, ChangedMeanwhile, NoSuchCallback
from services.followup.handlers import RecordAttempt, RecordSatisfaction
from services.followup.ports import Callbacks
from shared.api.idempotency import Idempotency
from shared.api.keys import Caller, require
from shared.api.outcomes import answered
from shared.api.paging import Page, Paging, page_of
from shared.api.preconditions import SeenRevision, etag
from shared.api.problems import refusals
from shared.api.values import Text
from shared.runtime.door import Door
from shared.runtime.message import Command, Handler, Handlers
from shared.telemetry.tracing import current_traceparent

READ = "followup:read"
WRITE = "followup:write"


class CallbackModel(BaseModel):
    """The callback of one complaint."""

    model_config = ConfigDict(from_attributes=True)

    complaint_id: UUID
    number: str | None
    language: str
    state: State
    round: int = Field(description="Of the last resolution; 0 before the first 第几轮处理")
    attempts: int
    due_at: datetime | None
    score: int | None
    revision: int = Field(description="What the ETag says 版本号，同 ETag")


class AttemptRequest(BaseModel):
    """How a call went."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"outcome": "no_answer", "by": "agent-07"}, {"outcome": "answered"}]}
    )

    outcome: Attempt
    by: Text | None = Field(default=None, max_length=100, description="Id of who called; the caller's key if absent")


class SatisfactionRequest(BaseModel):
    """What the customer said."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"score": 5, "resolved": True, "comment": "处理得很快，谢谢"},
                {"score": 2, "resolved": False, "comment": "The same fault came back the next day."},
            ]
        }
    )

    score: int = Field(ge=1, le=5, description="1 very dissatisfied … 5 very satisfied 1 很不满意 … 5 很满意")
    resolved: bool = Field(description="Is the problem solved, in the customer's own word 客户认为问题是否已解决")
    comment: Text | None = Field(default=None, max_length=5_000)


class DoneModel(BaseModel):
    """The new state."""

    complaint_id: UUID
    state: State
    revision: int


def commands(policy: CallbackPolicy) -> Handlers:
    """Which handler answers which command."""
    return {
        RecordAttempt: Handler(partial(handlers.record_attempt, policy=policy), handlers.of_command),
        RecordSatisfaction: Handler(partial(handlers.record_satisfaction, policy=policy), handlers.of_command),
    }


def routes(door: Door, callbacks: Callbacks) -> APIRouter:
    """The routes of followup."""
    router = APIRouter(tags=["callbacks"])
    refused = refusals(NoSuchCallback, CallbackNotDue, ChangedMeanwhile)

    @router.get("/v1/callbacks", summary="Whom to call back 待回访列表", dependencies=[require(READ)])
    async def list_callbacks(
        paging: Paging, request: Request, response: Response, state: State | None = None
    ) -> Page[CallbackModel]:
        """Callbacks by their time, the most urgent first."""
        found = await callbacks.page(state, paging.last_key(datetime, UUID), paging.limit + 1)
        models = [CallbackModel.model_validate(each) for each in found]
        return page_of(models, paging, lambda c: (c.due_at, c.complaint_id), request, response)

    @router.get(
        "/v1/callbacks/{complaint_id}",
        summary="One callback 单个回访",
        dependencies=[require(READ)],
        responses=refusals(NoSuchCallback),
    )
    async def get_callback(complaint_id: UUID, response: Response) -> CallbackModel:
        """With the ETag that the commands want to see."""
        callback = await _existing(callbacks, complaint_id)
        response.headers["ETag"] = etag(callback.revision)
        return CallbackModel.model_validate(callback)

    @router.post(
        "/v1/callbacks/{complaint_id}/attempts",
        summary="Report a call 记录一次回访",
        response_model=DoneModel,
        responses=refused,
    )
    async def report_attempt(
        caller: Annotated[Caller, require(WRITE)],
        complaint_id: UUID,
        body: AttemptRequest,
        seen: SeenRevision,
        idempotency: Idempotency,
        response: Response,
    ) -> object:
        """Say how it went; the next attempt is planned where one is needed."""
        payload = RecordAttempt(complaint_id, seen, body.outcome, body.by or caller.id)
        result = await door.ask(Command(payload, caller.id, idempotency, current_traceparent()))
        return answered(result, response)

    @router.post(
        "/v1/callbacks/{complaint_id}/satisfaction",
        summary="Report the rating 记录满意度",
        response_model=DoneModel,
        responses=refused,
    )
    async def report_satisfaction(
        caller: Annotated[Caller, require(WRITE)],
        complaint_id: UUID,
        body: SatisfactionRequest,
        seen: SeenRevision,
        idempotency: Idempotency,
        response: Response,
    ) -> object:
        """A customer who was not helped reopens the case."""
        payload = RecordSatisfaction(complaint_id, seen, body.score, body.resolved, body.comment)
        result = await door.ask(Command(payload, caller.id, idempotency, current_traceparent()))
        return answered(result, response)

    return router


async def _existing(callbacks: Callbacks, complaint_id: UUID) -> Callback:
    callback = await callbacks.find(complaint_id)
    if callback is None:
        raise NoSuchCallback
    return callback
