"""Resolving, closing, reopening, and calling for help."""

from fastapi import APIRouter

from services.resolution.api.handling import CASE, REFUSED
from services.resolution.api.models import By, DoneModel, EscalationRequest, ReasonRequest
from services.resolution.api.submission import Submitted
from services.resolution.domain.refusals import ComplaintOver, ReasonNeeded, RemedyNotDone
from services.resolution.handlers import commands
from shared.api.problems import refusals
from shared.runtime.door import Door


def routes(door: Door) -> APIRouter:
    """The routes for how a case ends."""
    router = APIRouter(tags=["cases"], responses=REFUSED)

    @router.post(
        f"{CASE}/resolution", summary="Resolve 办结", response_model=DoneModel, responses=refusals(RemedyNotDone)
    )
    async def resolve_case(body: By, sent: Submitted) -> object:
        """Nothing is left to do; the customer is asked whether it helped."""
        return await sent.to(door, commands.Resolve(*sent.head(body)))

    @router.post(
        f"{CASE}/closure", summary="Close by hand 人工结案", response_model=DoneModel, responses=refusals(ReasonNeeded)
    )
    async def close_case(body: ReasonRequest, sent: Submitted) -> object:
        """Without an answer, a reason is needed."""
        return await sent.to(door, commands.CloseCase(*sent.head(body), body.reason))

    @router.post(
        f"{CASE}/reopening", summary="Reopen 重开", response_model=DoneModel, responses=refusals(ComplaintOver)
    )
    async def reopen_case(body: ReasonRequest, sent: Submitted) -> object:
        """Another round begins, with tighter clocks."""
        return await sent.to(door, commands.ReopenCase(*sent.head(body), body.reason))

    @router.post(f"{CASE}/escalation", summary="Escalate 升级", response_model=DoneModel)
    async def escalate_case(body: EscalationRequest, sent: Submitted) -> object:
        """Someone with more authority is called on; a missed deadline does so by itself."""
        return await sent.to(door, commands.EscalateCase(*sent.head(body), body.contact))

    return router
