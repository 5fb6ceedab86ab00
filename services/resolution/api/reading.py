"""Reading cases: the queue, and one of them."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.resolution.api.models import CaseDetailModel, CaseModel
from services.resolution.api.submission import READ
from services.resolution.domain.case import State
from services.resolution.domain.refusals import NoSuchCase
from services.resolution.ports import CaseFile, Cases, Wanted
from shared.api.keys import require
from shared.api.paging import Page, Paging, page_of
from shared.api.preconditions import etag
from shared.api.problems import refusals
from shared.api.values import Text

_Id = Annotated[Text | None, Query(max_length=100)]


def routes(cases: Cases) -> APIRouter:
    """The routes that change nothing."""
    router = APIRouter(tags=["cases"], dependencies=[require(READ)])

    @router.get("/v1/cases", summary="What is due next 待办案件列表")
    async def list_cases(
        paging: Paging,
        request: Request,
        response: Response,
        team: _Id = None,
        owner: _Id = None,
        state: Annotated[
            State | None, Query(description="Without it, cases on which something is due. 缺省列出有待办期限的案件。")
        ] = None,
    ) -> Page[CaseModel]:
        """Cases by their next date, the most urgent first; what is late stays in front until it is done."""
        after = paging.last_key(datetime | None, UUID)
        found = await cases.page(Wanted(team, owner, state), after and (after[0], after[1]), paging.limit + 1)
        models = [CaseModel.model_validate(each) for each in found]
        return page_of(models, paging, lambda c: (c.next_due_at, c.complaint_id), request, response)

    @router.get("/v1/cases/{complaint_id}", summary="One case 单个案件", responses=refusals(NoSuchCase))
    async def get_case(complaint_id: UUID, response: Response) -> CaseDetailModel:
        """With its clocks, promises and notes, and the ETag that the commands want to see."""
        file = await cases.find(complaint_id)
        if file is None:
            raise NoSuchCase
        response.headers["ETag"] = etag(file.case.revision)
        return _detail(file)

    return router


def _detail(file: CaseFile) -> CaseDetailModel:
    return CaseDetailModel.model_validate(
        {
            **asdict(file.case),
            "deadlines": [asdict(each) for each in file.deadlines],
            "promises": [asdict(each) for each in file.promises],
            "notes": [asdict(each) for each in file.notes],
        }
    )
