"""Complaints over HTTP: cause and route, the triage queue, and the word of a person on a cause."""

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.routing.api.scopes import READ, WRITE
from services.routing.domain.classification import Cause, Doubt, Manner, Severity
from services.routing.domain.complaint import State
from services.routing.domain.refusals import ChangedMeanwhile, ComplaintErased, NoSuchComplaint, NothingToDecide
from services.routing.handlers import complaints as handlers
from services.routing.handlers.messages import CorrectClassification, DecideTriage, RoutingPolicy
from services.routing.handlers.needs import of_command
from services.routing.ports import Complaints
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


class GroundModel(BaseModel):
    """A passage of the text that spoke for a cause."""

    model_config = ConfigDict(from_attributes=True)

    start: int = Field(description="First character, in code points 起始字符")
    end: int = Field(description="One past the last 末字符之后")
    text: str
    cause: Cause
    weight: float


class ClassificationModel(BaseModel):
    """What the classifier made of the text."""

    model_config = ConfigDict(from_attributes=True)

    cause: Cause | None = Field(description="null when the text could not be read 无法判读时为 null")
    sub_cause: str | None = Field(description="The kind within the cause, such as service.late 子类")
    confidence: float = Field(description="Calibrated probability of the cause 校准后的概率")
    runner_up: Cause | None
    secondary: Cause | None
    probabilities: dict[str, float]
    manner: Manner
    severity: Severity
    is_complaint: bool
    grounds: list[GroundModel]
    model: str
    degraded: bool = Field(description="Part of the classifier was missing 分类器缺少一部分")


class SentenceModel(BaseModel):
    """The same sentence for both readers."""

    model_config = ConfigDict(from_attributes=True)

    zh: str
    en: str


class ComplaintModel(BaseModel):
    """What routing knows of one complaint."""

    model_config = ConfigDict(from_attributes=True)

    complaint_id: UUID
    number: str | None
    state: State
    text: str | None = Field(description="Masked; null when erased 已脱敏；删除后为 null")
    channel: str | None
    language: str
    tier: str
    received_at: datetime
    round: int = Field(description="第几轮处理")
    classification: ClassificationModel | None
    doubts: list[Doubt] = Field(description="Why a person must look 需要人工判断的缘由")
    cause: Cause | None = Field(description="What it is handled as 当前按何原因处理")
    decided_by: str | None = Field(description="Who named the cause; null when the classifier did 由谁判定")
    note: str | None
    confirmed_cause: Cause | None = Field(description="What the investigation found 调查核实的原因")
    team: str | None
    assignee: str | None = Field(description="An agent, or queue:<team> 经办人，或小组队列")
    priority: int | None = Field(description="1 is most urgent 1 最紧急")
    reasons: list[SentenceModel] = Field(description="Why this team, person and priority 分派理由")
    revision: int = Field(description="What the ETag says 版本号，同 ETag")


class CauseRequest(BaseModel):
    """The cause that a person names."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"cause": "broken_promise", "by": "agent-04", "note": "约定周二送达，未送"},
                {"cause": "expectation_gap", "note": "It works as described; the advert promised more."},
            ]
        }
    )

    cause: Cause
    by: Text | None = Field(default=None, max_length=100, description="Id of who decided; the caller's key if absent")
    note: Text | None = Field(default=None, max_length=2_000)


class DoneModel(BaseModel):
    """Where the complaint stands now."""

    complaint_id: UUID
    state: State
    cause: Cause | None
    team: str | None
    assignee: str | None
    revision: int


def complaint_commands(policy: RoutingPolicy) -> Handlers:
    """Which handler answers which command of people on a complaint."""
    return {
        DecideTriage: Handler(partial(handlers.decide_triage, policy=policy), of_command),
        CorrectClassification: Handler(partial(handlers.correct_classification, policy=policy), of_command),
    }


def complaint_routes(door: Door, complaints: Complaints) -> APIRouter:
    """The routes on complaints."""
    router = APIRouter(tags=["complaints"])

    @router.get(
        "/v1/complaints/{complaint_id}",
        summary="Cause and route 原因与分派",
        dependencies=[require(READ)],
        responses=refusals(NoSuchComplaint),
    )
    async def get_complaint(complaint_id: UUID, response: Response) -> ComplaintModel:
        """With the grounds of the classification, and the ETag that the commands want to see."""
        complaint = await complaints.find(complaint_id)
        if complaint is None:
            raise NoSuchComplaint
        response.headers["ETag"] = etag(complaint.revision)
        return ComplaintModel.model_validate(complaint)

    @router.get("/v1/triage", summary="Complaints whose cause a person names 待人工分拣", dependencies=[require(READ)])
    async def list_triage(paging: Paging, request: Request, response: Response) -> Page[ComplaintModel]:
        """The oldest first."""
        found = await complaints.triage(paging.last_key(datetime, UUID), paging.limit + 1)
        models = [ComplaintModel.model_validate(each) for each in found]
        return page_of(models, paging, lambda c: (c.received_at, c.complaint_id), request, response)

    @router.post(
        "/v1/complaints/{complaint_id}/triage-decision",
        summary="Name the cause of a complaint in triage 判定原因",
        response_model=DoneModel,
        responses=refusals(NoSuchComplaint, NothingToDecide, ComplaintErased, ChangedMeanwhile),
    )
    async def decide_triage(
        caller: Annotated[Caller, require(WRITE)],
        complaint_id: UUID,
        body: CauseRequest,
        seen: SeenRevision,
        idempotency: Idempotency,
        response: Response,
    ) -> object:
        """The complaint is routed by it at once."""
        payload = DecideTriage(complaint_id, seen, body.cause, body.by or caller.id, body.note)
        return answered(await door.ask(Command(payload, caller.id, idempotency, current_traceparent())), response)

    @router.post(
        "/v1/complaints/{complaint_id}/correction",
        summary="Correct the cause 更正原因",
        response_model=DoneModel,
        responses=refusals(NoSuchComplaint, ComplaintErased, ChangedMeanwhile),
    )
    async def correct_classification(
        caller: Annotated[Caller, require(WRITE)],
        complaint_id: UUID,
        body: CauseRequest,
        seen: SeenRevision,
        idempotency: Idempotency,
        response: Response,
    ) -> object:
        """A complaint that another team answers for changes hands."""
        payload = CorrectClassification(complaint_id, seen, body.cause, body.by or caller.id, body.note)
        return answered(await door.ask(Command(payload, caller.id, idempotency, current_traceparent())), response)

    return router
