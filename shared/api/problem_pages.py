"""The addresses that problem types point to, each explained in both languages."""

from html import escape

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from shared.api.problems import ProblemType, all_problem_types
from shared.refusal import NotFound

router = APIRouter(prefix="/problems", tags=["problems"])

_PAGE = """<!doctype html>
<html lang="zh"><head><meta charset="utf-8"><title>{slug}</title></head>
<body><h1>{slug}</h1><p>{zh}</p><p lang="en">{en}</p><p>HTTP {status}</p></body></html>
"""


class ProblemUnknown(NotFound):
    """There is no problem type of this name."""

    zh = "没有此名称的问题类型。"


@router.get("", summary="List problem types 列出问题类型")
async def list_problem_types() -> dict[str, list[dict[str, object]]]:
    """List every type of problem this service answers with."""
    return {"items": [_told(kind) for _, kind in sorted(all_problem_types().items())]}


@router.get("/{slug}", summary="Explain a problem type 说明问题类型", response_model=None)
async def describe_problem_type(slug: str, request: Request) -> Response:
    """Say what a problem type means, as a page for browsers and as JSON for everyone else."""
    kind = all_problem_types().get(slug)
    if kind is None:
        raise ProblemUnknown
    if "text/html" in request.headers.get("accept", ""):
        page = _PAGE.format(slug=escape(kind.slug), zh=escape(kind.zh), en=escape(kind.en), status=int(kind.status))
        return HTMLResponse(page)
    return JSONResponse(_told(kind))


def _told(kind: ProblemType) -> dict[str, object]:
    return {"type": kind.uri, "status": int(kind.status), "title": {"zh": kind.zh, "en": kind.en}}
