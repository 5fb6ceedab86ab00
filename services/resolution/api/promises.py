"""Promising, and keeping promises."""

from uuid import UUID

from fastapi import APIRouter

from services.resolution.api.handling import CASE, REFUSED
from services.resolution.api.models import By, DoneModel, PromiseRequest
from services.resolution.api.submission import Submitted
from services.resolution.domain.refusals import NoSuchPromise, PromiseDecided, PromiseNotAhead
from services.resolution.handlers.promises import KeepPromise, MakePromise
from shared.api.problems import refusals
from shared.runtime.door import Door


def routes(door: Door) -> APIRouter:
    """The routes of the promise ledger."""
    router = APIRouter(tags=["promises"], responses=REFUSED)

    @router.post(
        f"{CASE}/promises", summary="Promise 作出承诺", response_model=DoneModel, responses=refusals(PromiseNotAhead)
    )
    async def make_promise(body: PromiseRequest, sent: Submitted) -> object:
        """A promise that nobody reports as kept is told as broken when its time has passed."""
        return await sent.to(door, MakePromise(*sent.head(body), body.text, body.due_at))

    @router.post(
        f"{CASE}/promises/{{promise_id}}/kept",
        summary="A promise was kept 兑现承诺",
        response_model=DoneModel,
        responses=refusals(NoSuchPromise, PromiseDecided),
    )
    async def keep_promise(promise_id: UUID, body: By, sent: Submitted) -> object:
        """In whatever round it was made."""
        return await sent.to(door, KeepPromise(*sent.head(body), promise_id))

    return router
