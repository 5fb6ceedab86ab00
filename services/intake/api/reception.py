"""Handing in contacts: complaints as such, mails, chats and calls."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from services.intake.api.access import WRITE
from services.intake.api.bodies import json_body, mail_body
from services.intake.channels.canonical import ComplaintSubmission, parse_complaint
from services.intake.channels.chat import Chat, parse_chat
from services.intake.channels.contact import IncomingContact
from services.intake.channels.email import parse_email
from services.intake.channels.parts import MailLimits
from services.intake.channels.payload import MAX_BODY_BYTES
from services.intake.channels.phone import Call, parse_call
from services.intake.channels.unreadable import Unreadable
from services.intake.domain.reception import REASONS
from services.intake.domain.refusals import UnreadableContact
from services.intake.handlers.contact import ReceiveContact, read_contact
from shared.api.idempotency import Idempotency
from shared.api.keys import Caller, require
from shared.api.outcomes import answered
from shared.api.problems import refusals
from shared.contracts.event import Bilingual
from shared.refusal import TooLarge, Violation
from shared.runtime.door import Door
from shared.runtime.message import Command
from shared.telemetry.tracing import current_traceparent

Parse = Callable[[bytes], IncomingContact | None]

_JSON: Final = "application/json"
_PARSED_AT_ONCE_BYTES: Final = 16_384
"""Longer bodies are parsed in a thread: a mail of 1 MiB takes a tenth of a second."""


class ReceptionModel(BaseModel):
    """What the contact was taken for."""

    outcome: Literal["opened", "appended", "linked", "recorded", "ignored"]
    complaint_id: UUID | None = Field(description="The complaint it opened or belongs to 所立或所属的投诉")
    number: str | None = Field(description="Give this to the customer 请告知客户", examples=["CMP-2026-000123"])
    customer_id: UUID | None
    contact_id: UUID | None = Field(description="None for a call that is not over yet 通话未结束时为空")
    reason: str = Field(description=f"Why 原因: {', '.join(REASONS)}")
    reason_text: Bilingual


def routes(door: Door) -> APIRouter:
    """The routes by which contacts come in."""
    router = APIRouter(tags=["reception"])
    post = partial(
        router.post,
        status_code=202,
        response_model=ReceptionModel,
        responses=refusals(UnreadableContact, TooLarge),
    )

    async def receive(
        parse: Parse, content_type: str, caller: Caller, idempotency: Idempotency, request: Request, response: Response
    ) -> object:
        raw = await request.body()
        command = await _read(parse, raw, content_type)
        if command is None:
            return _not_over()
        result = await door.ask(Command(command, caller.id, idempotency, current_traceparent()))
        body = answered(result, response)
        if body["complaint_id"] is not None:
            response.headers["Location"] = f"/v1/complaints/{body['complaint_id']}"
        return {**body, "reason_text": REASONS[body["reason"]]}

    @post("/v1/complaints", summary="Hand in a complaint 提交投诉", openapi_extra=json_body(ComplaintSubmission))
    async def receive_complaint(
        caller: Annotated[Caller, require(WRITE)], request: Request, response: Response, idempotency: Idempotency
    ) -> object:
        """For front ends without a channel of their own; the same `external_id` again is the same complaint."""
        return await receive(parse_complaint, _JSON, caller, idempotency, request, response)

    @post("/v1/channels/email", summary="Hand in a mail as received 提交原始邮件", openapi_extra=mail_body())
    async def receive_email(
        caller: Annotated[Caller, require(WRITE)], request: Request, response: Response, idempotency: Idempotency
    ) -> object:
        """RFC 5322 bytes, any charset; replies join their complaint."""
        return await receive(parse_email, "message/rfc822", caller, idempotency, request, response)

    @post("/v1/channels/chat", summary="Hand in a chat 提交在线对话", openapi_extra=json_body(Chat))
    async def receive_chat(
        caller: Annotated[Caller, require(WRITE)], request: Request, response: Response, idempotency: Idempotency
    ) -> object:
        """The whole conversation; handed in again when it went on, only what is new is taken."""
        return await receive(parse_chat, _JSON, caller, idempotency, request, response)

    @post("/v1/channels/phone", summary="Hand in a call 提交通话", openapi_extra=json_body(Call))
    async def receive_call(
        caller: Annotated[Caller, require(WRITE)], request: Request, response: Response, idempotency: Idempotency
    ) -> object:
        """A call is taken in when it is over; before that it is only answered."""
        return await receive(parse_call, _JSON, caller, idempotency, request, response)

    return router


async def _read(parse: Parse, raw: bytes, content_type: str) -> ReceiveContact | None:
    if len(raw) > (MAX_BODY_BYTES if content_type == _JSON else MailLimits().max_bytes):
        raise TooLarge
    if len(raw) <= _PARSED_AT_ONCE_BYTES:
        return _parsed(parse, raw, content_type)
    return await asyncio.to_thread(_parsed, parse, raw, content_type)


def _parsed(parse: Parse, raw: bytes, content_type: str) -> ReceiveContact | None:
    try:
        contact = parse(raw)
    except Unreadable as unreadable:
        problems = unreadable.problems
        raise UnreadableContact(
            Violation(f"#{problem.pointer}", problem.reason["zh"], problem.reason["en"]) for problem in problems
        ) from None
    if contact is None:
        return None
    # Only who posts a complaint as such says when it was made; other times are those of a sender's clock.
    return read_contact(contact, raw, content_type, contact.sent_at if parse is parse_complaint else None)


def _not_over() -> dict[str, object]:
    nothing = dict.fromkeys(("complaint_id", "number", "customer_id", "contact_id"))
    return {"outcome": "ignored", **nothing, "reason": "not_over", "reason_text": REASONS["not_over"]}
