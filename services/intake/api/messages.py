"""Outgoing messages for the front ends that deliver them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from services.intake.api.access import DELIVER
from services.intake.domain.message import Letter, State
from services.intake.domain.refusals import DeliveryAlreadyReported, NoSuchMessage
from services.intake.handlers.messages import RecordDelivery
from services.intake.ports import Letters
from shared.api.idempotency import Idempotency
from shared.api.keys import Caller, require
from shared.api.outcomes import answered
from shared.api.problems import refusals
from shared.api.values import Text
from shared.runtime.door import Door
from shared.runtime.message import Command
from shared.telemetry.tracing import current_traceparent


class MessageModel(BaseModel):
    """A message with everything that delivering it needs. Personal data."""

    message_id: UUID
    complaint_id: UUID
    number: str
    channel: str
    purpose: str
    language: str
    state: State
    requested_at: datetime
    subject: str | None
    text: str = Field(description="The words as the customer gets them 发给客户的原文")
    customer_name: str | None
    addresses: dict[str, str] = Field(description="By type: email, phone, external, conversation 按类型列出的送达地址")


class DeliveryRequest(BaseModel):
    """What became of a message."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"outcome": "sent"},
                {"outcome": "failed", "reason": "客户已屏蔽公众号"},
                {"outcome": "failed", "reason": "number not in service"},
            ]
        }
    )

    outcome: Literal["sent", "failed"]
    reason: Text | None = Field(default=None, max_length=200, description="With a failure 失败原因")


class DeliveredModel(BaseModel):
    """Where the message stands now."""

    message_id: UUID
    state: State


def routes(door: Door, letters: Letters) -> APIRouter:
    """The routes of outgoing messages."""
    router = APIRouter(tags=["messages"])

    @router.get(
        "/v1/messages/{message_id}",
        summary="A message to deliver 待送达的消息",
        dependencies=[require(DELIVER)],
        responses=refusals(NoSuchMessage),
    )
    async def get_message(message_id: UUID) -> MessageModel:
        """Read it when `intake.message.outgoing` names it, deliver it, and report."""
        letter = await letters.find(message_id)
        if letter is None:
            raise NoSuchMessage
        return _model(letter)

    @router.post(
        "/v1/messages/{message_id}/delivery",
        summary="Report a delivery 报告送达结果",
        response_model=DeliveredModel,
        responses=refusals(NoSuchMessage, DeliveryAlreadyReported),
    )
    async def report_delivery(
        message_id: UUID,
        caller: Annotated[Caller, require(DELIVER)],
        body: DeliveryRequest,
        idempotency: Idempotency,
        response: Response,
    ) -> object:
        """The same report twice is one."""
        payload = RecordDelivery(message_id, body.outcome == "sent", body.reason)
        return answered(await door.ask(Command(payload, caller.id, idempotency, current_traceparent())), response)

    return router


def _model(letter: Letter) -> MessageModel:
    message = letter.message
    return MessageModel(
        message_id=message.message_id,
        complaint_id=message.complaint_id,
        number=letter.number,
        channel=message.channel,
        purpose=message.purpose,
        language=message.language,
        state=message.state,
        requested_at=message.requested_at,
        subject=message.subject,
        text=letter.text,
        customer_name=letter.customer_name,
        addresses=dict(letter.addresses),
    )
