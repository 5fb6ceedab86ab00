"""What is decided on customers."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from services.intake.api.access import ERASE, WRITE
from services.intake.domain.customer import Tier
from services.intake.domain.refusals import NoSuchCustomer
from services.intake.handlers.customers import EraseCustomer, SetTier
from shared.api.idempotency import Idempotency
from shared.api.keys import Caller, require
from shared.api.outcomes import answered
from shared.api.problems import refusals
from shared.runtime.door import Door
from shared.runtime.message import Command
from shared.telemetry.tracing import current_traceparent


class TierRequest(BaseModel):
    """The customer's tier."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"tier": "A"}, {"tier": "D"}]})

    tier: Tier = Field(description="Moves service clocks only, never legal ones 只影响服务时限，不影响法定时限")


class TierModel(BaseModel):
    """What the tier is now."""

    customer_id: UUID
    tier: Tier


class ErasedModel(BaseModel):
    """Whose words are gone."""

    customer_id: UUID
    complaints: list[UUID] = Field(description="Erased now, here and in every service 各服务随之清除的投诉")


def routes(door: Door) -> APIRouter:
    """The routes of customers."""
    router = APIRouter(tags=["customers"])

    @router.put(
        "/v1/customers/{customer_id}/tier",
        summary="Set a customer's tier 设定客户等级",
        response_model=TierModel,
        responses=refusals(NoSuchCustomer),
    )
    async def set_tier(
        customer_id: UUID,
        caller: Annotated[Caller, require(WRITE)],
        body: TierRequest,
        idempotency: Idempotency,
        response: Response,
    ) -> object:
        """It counts from the customer's next complaint on."""
        payload = SetTier(customer_id, body.tier)
        return answered(await door.ask(Command(payload, caller.id, idempotency, current_traceparent())), response)

    @router.post(
        "/v1/customers/{customer_id}/erasure",
        summary="Forget a person 删除客户的个人信息",
        response_model=ErasedModel,
        responses=refusals(NoSuchCustomer),
    )
    async def erase_customer(
        customer_id: UUID,
        caller: Annotated[Caller, require(ERASE)],
        idempotency: Idempotency,
        response: Response,
    ) -> object:
        """Names, addresses, originals and words go, in every service; numbers, times and outcomes stay."""
        payload = EraseCustomer(customer_id)
        return answered(await door.ask(Command(payload, caller.id, idempotency, current_traceparent())), response)

    return router
