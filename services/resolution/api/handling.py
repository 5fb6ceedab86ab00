"""From taking a case up to the remedy, and what is said on the way."""

from fastapi import APIRouter

from services.resolution.api.models import By, DoneModel, FindingRequest, NoteRequest, RemedyRequest, TextRequest
from services.resolution.api.submission import Submitted, SubmittedAnyway
from services.resolution.domain.refusals import ChangedMeanwhile, NoSuchCase, PersonalDataInText, StepNotPossible
from services.resolution.handlers import commands
from shared.api.problems import refusals
from shared.runtime.door import Door

CASE = "/v1/cases/{complaint_id}"
REFUSED = refusals(NoSuchCase, StepNotPossible, ChangedMeanwhile)


def routes(door: Door) -> APIRouter:
    """The routes for the work on a case."""
    router = APIRouter(tags=["cases"], responses=REFUSED)
    _add_first_steps(router, door)
    _add_remedy(router, door)
    _add_words(router, door)
    return router


def _add_first_steps(router: APIRouter, door: Door) -> None:
    @router.post(f"{CASE}/acknowledgement", summary="Take a case up 接手案件", response_model=DoneModel)
    async def acknowledge_case(body: By, sent: Submitted) -> object:
        """Whoever does anything else with an open case has taken it up as well."""
        return await sent.to(door, commands.Acknowledge(*sent.head(body)))

    @router.post(f"{CASE}/finding", summary="Say what happened 记录调查结论", response_model=DoneModel)
    async def record_finding(body: FindingRequest, sent: Submitted) -> object:
        """A cause that is named here is the true one; a remedy that was in hand is dropped."""
        return await sent.to(door, commands.Investigate(*sent.head(body), body.finding, body.cause))


def _add_remedy(router: APIRouter, door: Door) -> None:
    @router.post(f"{CASE}/remedy", summary="Propose a remedy 提出解决方案", response_model=DoneModel)
    async def propose_remedy(body: RemedyRequest, sent: Submitted) -> object:
        """A proposal takes the place of an earlier one."""
        return await sent.to(door, commands.ProposeRemedy(*sent.head(body), body.remedy, body.text))

    @router.post(f"{CASE}/remedy/approval", summary="Approve the remedy 批准解决方案", response_model=DoneModel)
    async def approve_remedy(body: By, sent: Submitted) -> object:
        """An answer waits for it."""
        return await sent.to(door, commands.ApproveRemedy(*sent.head(body)))

    @router.post(f"{CASE}/remedy/completion", summary="The remedy is done 方案执行完毕", response_model=DoneModel)
    async def complete_remedy(body: By, sent: Submitted) -> object:
        """Before or after the answer; the resolution waits for it."""
        return await sent.to(door, commands.CompleteRemedy(*sent.head(body)))


def _add_words(router: APIRouter, door: Door) -> None:
    refused = refusals(PersonalDataInText)

    @router.post(f"{CASE}/answer", summary="Answer 答复客户", response_model=DoneModel, responses=refused)
    async def answer_customer(body: TextRequest, sent: Submitted) -> object:
        """The decision and its reasons, sent as they stand by the customer's own channel."""
        return await sent.to(door, commands.GiveAnswer(*sent.head(body), body.text))

    @router.post(f"{CASE}/questions", summary="Ask the customer 询问客户", response_model=DoneModel, responses=refused)
    async def ask_customer(body: TextRequest, sent: Submitted) -> object:
        """The clocks run on."""
        return await sent.to(door, commands.AskCustomer(*sent.head(body), body.text))

    @router.post(f"{CASE}/notes", summary="Write a note 添加备注", response_model=DoneModel)
    async def add_note(body: NoteRequest, sent: SubmittedAnyway) -> object:
        """No customer reads it; `If-Match: *` is welcome here."""
        return await sent.to(door, commands.AddNote(*sent.head(body), body.text))
