"""Complaints as people see them and decide on them."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.intake.api.access import READ, SECURED, WRITE, ReaderOrWriter
from services.intake.domain.complaint import Complaint, Status
from services.intake.domain.contact import Kind, Outcome
from services.intake.domain.customer import Tier
from services.intake.domain.refusals import (
    ChangedMeanwhile,
    ComplaintNotLinked,
    ComplaintNotOpen,
    LinkLeadsNowhere,
    NoSuchComplaint,
    NoSuchContact,
)
from services.intake.handlers.complaints import LinkComplaint, UnlinkComplaint, WithdrawComplaint
from services.intake.ports import Complaints, Person
from shared.api.idempotency import Idempotency
from shared.api.keys import Caller, require
from shared.api.outcomes import answered
from shared.api.paging import Page, Paging, page_of
from shared.api.preconditions import SeenRevision, etag
from shared.api.problems import refusals
from shared.api.values import Text
from shared.runtime.door import Door
from shared.runtime.message import Command
from shared.telemetry.tracing import current_traceparent

Name = Annotated[Text, Path(max_length=60, description="Id or number 投诉的 id 或编号", examples=["CMP-2026-000123"])]


_ORIGINAL: Final[dict[str, Any]] = {
    "message/rfc822": {"schema": {"type": "string", "format": "binary"}},
    "application/json": {"schema": {"type": "object"}},
}


class CustomerModel(BaseModel):
    """Who complained; only shown to keys with `intake:read`."""

    customer_id: UUID
    name: str | None
    language: str
    tier: Tier
    identities: dict[str, str] = Field(description="By type: email, phone, external 按类型列出的联系方式")


class ComplaintModel(BaseModel):
    """A complaint, without personal data."""

    model_config = ConfigDict(from_attributes=True)

    complaint_id: UUID
    number: str
    customer_id: UUID
    channel: str
    language: str
    received_at: datetime
    status: Status
    primary_id: UUID | None = Field(description="What it is linked to 并入的投诉")
    revision: int = Field(description="What the ETag says 版本号，同 ETag")


class ComplaintDetailModel(ComplaintModel):
    """A complaint and, for keys that may see it, whose it is."""

    customer: CustomerModel | None = None


class ContactModel(BaseModel):
    """One contact on a complaint."""

    model_config = ConfigDict(from_attributes=True)

    contact_id: UUID
    channel: str
    external_id: str | None = Field(description="The front end's id of it; gone when erased 来源系统的编号")
    kind: Kind
    outcome: Outcome
    reason: str
    received_at: datetime


class WithdrawalRequest(BaseModel):
    """Why the customer no longer wants it handled."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "师傅已经来修好了"}, {"reason": "It turned up after all."}]}
    )

    reason: Text | None = Field(default=None, max_length=5_000)


class LinkRequest(BaseModel):
    """Which complaint goes on in this one's place."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"primary": "CMP-2026-000123"}, {"primary": "019ce025-ce60-74fe-bb2e-6515d17c11c0"}]
        }
    )

    primary: Text = Field(max_length=60, description="Id or number 投诉的 id 或编号")


class DoneModel(BaseModel):
    """The new status."""

    complaint_id: UUID
    status: Status
    revision: int


def routes(door: Door, complaints: Complaints) -> APIRouter:
    """The routes of complaints and of their contacts."""
    router = APIRouter(tags=["complaints"])

    async def ask(payload: object, caller: Caller, idempotency: Idempotency, response: Response) -> object:
        result = await door.ask(Command(payload, caller.id, idempotency, current_traceparent()))
        return answered(result, response)

    @router.get("/v1/complaints", summary="Complaints, latest first 投诉列表", openapi_extra=SECURED)
    async def list_complaints(
        paging: Paging, request: Request, response: Response, _caller: ReaderOrWriter, status: Status | None = None
    ) -> Page[ComplaintModel]:
        """Without personal data."""
        found = await complaints.page(status, paging.last_key(datetime, UUID), paging.limit + 1)
        models = [ComplaintModel.model_validate(each) for each in found]
        return page_of(models, paging, lambda each: (each.received_at, each.complaint_id), request, response)

    @router.get(
        "/v1/complaints/{complaint}",
        summary="One complaint 单件投诉",
        openapi_extra=SECURED,
        responses=refusals(NoSuchComplaint),
    )
    async def get_complaint(complaint: Name, response: Response, caller: ReaderOrWriter) -> ComplaintDetailModel:
        """With the ETag that the commands want to see; who complained is shown to keys with `intake:read` only."""
        found = await _existing(complaints, complaint)
        response.headers["ETag"] = etag(found.revision)
        person = await complaints.person(found.customer_id) if READ in caller.scopes else None
        model = ComplaintModel.model_validate(found)
        return ComplaintDetailModel(**model.model_dump(), customer=_customer(person) if person else None)

    @router.get(
        "/v1/complaints/{complaint}/contacts",
        summary="Contacts on a complaint 投诉的往来记录",
        dependencies=[require(READ)],
        responses=refusals(NoSuchComplaint),
    )
    async def list_contacts(
        complaint: Name, paging: Paging, request: Request, response: Response
    ) -> Page[ContactModel]:
        """In order; their originals are under `/v1/contacts/{contact_id}/raw`."""
        found = await _existing(complaints, complaint)
        last = paging.last_key(datetime, UUID)
        models = [
            ContactModel.model_validate(each)
            for each in await complaints.contacts(found.complaint_id, last, paging.limit + 1)
        ]
        return page_of(models, paging, lambda each: (each.received_at, each.contact_id), request, response)

    @router.post(
        "/v1/complaints/{complaint}/withdrawal",
        summary="The customer withdraws it 撤回投诉",
        response_model=DoneModel,
        responses=refusals(NoSuchComplaint, ComplaintNotOpen, ChangedMeanwhile),
    )
    async def withdraw_complaint(
        complaint: Name,
        caller: Annotated[Caller, require(WRITE)],
        body: WithdrawalRequest,
        seen: SeenRevision,
        idempotency: Idempotency,
        response: Response,
    ) -> object:
        """Nobody works on it any more, and the customer is not asked."""
        found = await _existing(complaints, complaint)
        return await ask(WithdrawComplaint(found.complaint_id, seen, body.reason), caller, idempotency, response)

    @router.post(
        "/v1/complaints/{complaint}/link",
        summary="Link it to another complaint 并入另一件投诉",
        response_model=DoneModel,
        responses=refusals(NoSuchComplaint, ComplaintNotOpen, LinkLeadsNowhere, ChangedMeanwhile),
    )
    async def link_complaint(
        complaint: Name,
        caller: Annotated[Caller, require(WRITE)],
        body: LinkRequest,
        seen: SeenRevision,
        idempotency: Idempotency,
        response: Response,
    ) -> object:
        """The other one goes on in its place; `unlink` takes it back."""
        found, primary = await _existing(complaints, complaint), await _existing(complaints, body.primary)
        payload = LinkComplaint(found.complaint_id, seen, primary.complaint_id)
        return await ask(payload, caller, idempotency, response)

    @router.post(
        "/v1/complaints/{complaint}/unlink",
        summary="Take a link back 撤销并案",
        response_model=DoneModel,
        responses=refusals(NoSuchComplaint, ComplaintNotLinked, ChangedMeanwhile),
    )
    async def unlink_complaint(
        complaint: Name,
        caller: Annotated[Caller, require(WRITE)],
        seen: SeenRevision,
        idempotency: Idempotency,
        response: Response,
    ) -> object:
        """It is worked on by itself again."""
        found = await _existing(complaints, complaint)
        return await ask(UnlinkComplaint(found.complaint_id, seen), caller, idempotency, response)

    @router.get(
        "/v1/contacts/{contact_id}/raw",
        summary="A contact as it was handed in 联系记录的原文",
        dependencies=[require(READ)],
        response_class=Response,
        responses={
            200: {"content": _ORIGINAL},
            **refusals(NoSuchContact),
        },
    )
    async def get_raw_contact(contact_id: UUID) -> Response:
        """Exactly the bytes; a stranger wrote them, so they are for saving and not for showing."""
        raw = await complaints.raw(contact_id)
        if raw is None:
            raise NoSuchContact
        headers = {"Content-Disposition": f'attachment; filename="{contact_id}"', "X-Content-Type-Options": "nosniff"}
        return Response(raw.content, media_type=raw.content_type, headers=headers)

    return router


async def _existing(complaints: Complaints, name: str) -> Complaint:
    try:
        found = await complaints.find(UUID(name))
    except ValueError:
        found = await complaints.find(name.upper())
    if found is None:
        raise NoSuchComplaint
    return found


def _customer(person: Person) -> CustomerModel:
    customer = person.customer
    return CustomerModel(
        customer_id=customer.customer_id,
        name=customer.name,
        language=customer.language,
        tier=customer.tier,
        identities={identity.type.value: identity.value for identity in person.identities},
    )
