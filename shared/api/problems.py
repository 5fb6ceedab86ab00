"""Every refusal and failure as ``application/problem+json`` (RFC 9457), in the language of the caller."""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from email.message import Message as HeaderParser
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import quote

import structlog
from fastapi import Request, Response, routing
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json
from starlette.exceptions import HTTPException

from shared.api.keys import refuse_strangers
from shared.api.language import preferred_language
from shared.api.violations import violations
from shared.refusal import (
    Busy,
    Conflict,
    Denied,
    Invalid,
    Language,
    NotFound,
    PreconditionRequired,
    Refused,
    Stale,
    TooLarge,
    Violation,
)
from shared.runtime.database import is_transient
from shared.runtime.refusals import TooBusy

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

STATUS: dict[type[Refused], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    Stale: HTTPStatus.PRECONDITION_FAILED,
    Denied: HTTPStatus.FORBIDDEN,
    Busy: HTTPStatus.SERVICE_UNAVAILABLE,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    PreconditionRequired: HTTPStatus.PRECONDITION_REQUIRED,
    Refused: HTTPStatus.CONFLICT,
}
"""The one place where kinds of refusal become HTTP."""


class NotJson(Invalid):
    """The body is not JSON."""

    zh = "请求正文不是有效的 JSON。"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """What kind of problem it is; the same for every occurrence."""

    slug: str
    status: int
    zh: str
    en: str

    def title(self, language: Language) -> str:
        """Say it in one sentence."""
        return self.zh if language == "zh" else self.en

    @property
    def uri(self) -> str:
        """Where the service itself explains the problem."""
        return f"/problems/{self.slug}"


_OF_HTTP = {
    kind.status: kind
    for kind in (
        ProblemType("bad-request", 400, "无法读取该请求。", "The request cannot be read."),
        ProblemType("key-required", 401, "需要有效的 API 密钥。", "A valid API key is required."),
        ProblemType("unknown-address", 404, "没有这个地址。", "There is nothing at this address."),
        ProblemType("method-not-allowed", 405, "该地址不支持此方法。", "This address does not know this method."),
        ProblemType("unsupported-media-type", 415, "请以 application/json 发送。", "Please send application/json."),
        ProblemType("unexpected-error", 500, "系统内部出错，已作记录。", "Something failed here; it has been noted."),
    )
}


class ProblemError(BaseModel):
    """One thing that is wrong with what was sent."""

    pointer: str = Field(
        description="JSON Pointer into the body (`#/a/b`, RFC 6901), or `query/…`, `header/…`, `path/…`.",
        examples=["#/message/text", "query/limit"],
    )
    detail: str


class Problem(BaseModel):
    """A problem as of RFC 9457. Further members depend on the type."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["/problems/already-answered"])
    title: str = Field(description="zh or en by Accept-Language.", examples=["此投诉已经答复。"])
    status: int = Field(examples=[409])
    detail: str | None = None
    instance: str | None = None
    errors: list[ProblemError] | None = None
    request_id: str | None = None
    trace_id: str | None = None


def problem_type(refusal: type[Refused]) -> ProblemType:
    """Find what a kind of refusal is over HTTP, by the nearest kind in ``STATUS``."""
    status = next(STATUS[kind] for kind in refusal.__mro__ if kind in STATUS)
    return ProblemType(refusal.slug, status, refusal.title("zh"), refusal.title("en"))


def all_problem_types() -> dict[str, ProblemType]:
    """Return everything this process can answer with, by slug."""
    kinds = [*_OF_HTTP.values(), *(problem_type(refusal) for refusal in _descendants(Refused))]
    return {kind.slug: kind for kind in kinds}


def _descendants(kind: type[Refused]) -> Iterable[type[Refused]]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)


def problem_response(
    request: Request,
    kind: ProblemType,
    *,
    detail: Mapping[Language, str] | None = None,
    errors: Iterable[Violation] = (),
    values: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """
    Answer with a problem, in the language the caller prefers.

    Args:
        request: what is answered; its path becomes ``instance``, its ids are repeated.
        kind: what went wrong.
        detail: a sentence about this occurrence, by language.
        errors: what exactly is wrong with what was sent.
        values: further members; they never replace a member of RFC 9457.
        headers: further headers.
    """
    language = preferred_language(request.headers.get("accept-language"))
    body: dict[str, object] = {
        **(values or {}),
        "type": kind.uri,
        "title": kind.title(language),
        "status": int(kind.status),
        "instance": quote(request.url.path),
        "request_id": getattr(request.state, "request_id", None),
        "trace_id": getattr(request.state, "trace_id", None),
    }
    if detail is not None:
        body["detail"] = detail[language]
    if listed := [{"pointer": error.pointer, "detail": error.text(language)} for error in errors]:
        body["errors"] = listed
    return Response(
        to_json(body, exclude_none=True),
        kind.status,
        {"content-language": language, "vary": "Accept-Language", **(headers or {})},
        MEDIA_TYPE,
    )


async def answer_refused(request: Request, error: Refused) -> Response:
    """Answer what the domain refused."""
    return problem_response(
        request,
        problem_type(type(error)),
        detail=error.detail,
        errors=error.errors if isinstance(error, Invalid) else (),
        values=error.values,
        headers={"retry-after": str(error.retry_after_seconds)} if isinstance(error, Busy) else None,
    )


async def answer_invalid(request: Request, error: RequestValidationError) -> Response:
    """Answer a request that does not have the documented shape; a stranger only learns that a key is needed."""
    # A body is read before the guard is asked.
    if stranger := _stranger(request):
        return problem_response(request, _OF_HTTP[401], headers=stranger.headers)
    if _is_other_media_type(request, error):
        return problem_response(request, _OF_HTTP[415], headers={"accept": "application/json"})
    not_json = any(each["type"] == "json_invalid" for each in error.errors())
    kind = problem_type(NotJson if not_json else Invalid)
    return problem_response(request, kind, errors=violations(error.errors(), error.body))


def _stranger(request: Request) -> HTTPException | None:
    try:
        refuse_strangers(request)
    except HTTPException as stranger:
        return stranger
    return None


def _is_other_media_type(request: Request, error: RequestValidationError) -> bool:
    # FastAPI hands a body it did not take for JSON to the model as bytes.
    misread = isinstance(error.body, bytes) and any(tuple(each["loc"]) == ("body",) for each in error.errors())
    parser = HeaderParser()
    parser["content-type"] = request.headers.get("content-type", "application/octet-stream")
    subtype = parser.get_content_subtype()
    return misread and not (subtype == "json" or subtype.endswith("+json"))


async def answer_http(request: Request, error: HTTPException) -> Response:
    """Answer what the framework refused: an unknown address, a wrong method, an unreadable body."""
    if isinstance(error.__cause__, UnicodeDecodeError):
        if stranger := _stranger(request):
            return problem_response(request, _OF_HTTP[401], headers=stranger.headers)
        return await answer_refused(request, _not_utf8(error.__cause__))
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return problem_response(request, problem_type(TooLarge), headers=headers)
    return problem_response(request, _of_http(error.status_code), headers=headers)


def _not_utf8(error: UnicodeDecodeError) -> Invalid:
    zh, en = f"第 {error.start} 个字节处不是 UTF-8。", f"Not UTF-8 at byte {error.start}."
    return NotJson([Violation("#", zh, en)])


def _methods(request: Request) -> set[str]:
    # The framework names those of the first matching route only.
    return {
        method
        for route in routing.iter_route_contexts(request.app.routes)
        if route.path_regex.fullmatch(request.scope["path"])
        for method in route.methods or ()
    }


def _of_http(status: int) -> ProblemType:
    if status in _OF_HTTP:
        return _OF_HTTP[status]
    phrase = HTTPStatus(status).phrase
    return ProblemType(phrase.lower().replace(" ", "-"), status, phrase, phrase)


def answer_unexpected(request: Request, error: Exception) -> Response:
    """Answer a failure of ours without a word of what failed; type and place go into the log."""
    if is_transient(error):
        return problem_response(request, problem_type(TooBusy), headers={"retry-after": "1"})
    log.error("request failed unexpectedly", method=request.method, exc_info=error)
    return problem_response(request, _OF_HTTP[500])


HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    Refused: answer_refused,
    RequestValidationError: answer_invalid,
    HTTPException: answer_http,
}
"""What FastAPI is to do with each kind of exception."""


def refusals(*kinds: type[Refused]) -> dict[int | str, dict[str, Any]]:
    """Document on a route (``responses=refusals(AlreadyAnswered)``) which refusals it answers with."""
    documented: dict[int | str, dict[str, Any]] = {}
    for kind in map(problem_type, kinds):
        known = documented.setdefault(int(kind.status), problem_in_openapi(""))
        line = f"`{kind.slug}`: {kind.en} {kind.zh}"
        known["description"] = f"{known['description']}\n\n{line}".strip()
    return documented


def problem_in_openapi(description: str) -> dict[str, Any]:
    """Describe an answer that is a problem, as OpenAPI wants it."""
    content: dict[Literal["schema"], dict[str, str]] = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {"description": description, "content": {MEDIA_TYPE: content}}
