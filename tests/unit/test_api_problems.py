"""Whatever goes wrong over HTTP is a problem of RFC 9457, in zh or en."""

import json
from datetime import UTC, datetime
from typing import Annotated, Literal

import httpx
import pytest
from fastapi import APIRouter, Body, FastAPI, Header, Query
from pydantic import BaseModel, Field
from pydantic.functional_validators import AfterValidator
from pydantic_core import PydanticCustomError
from starlette.exceptions import HTTPException
from structlog.testing import capture_logs

from shared.api.app import create_app
from shared.api.keys import Keys
from shared.api.language import preferred_language
from shared.api.problems import refusals
from shared.refusal import (
    Busy,
    Conflict,
    Denied,
    Invalid,
    NotFound,
    PreconditionRequired,
    Stale,
    TooLarge,
    Violation,
)

ZH, EN = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"}, {"Accept-Language": "en-GB"}


class AlreadyAnswered(Conflict):
    """This case has already been answered."""

    zh = "此投诉已经答复。"


KINDS = {
    "answered": (AlreadyAnswered(answered_at=datetime(2026, 3, 1, tzinfo=UTC), status="no"), 409),
    "missing": (NotFound(), 404),
    "conflict": (Conflict(detail={"zh": "第二轮已结束。", "en": "Round 2 is over."}), 409),
    "invalid": (Invalid([Violation("#/amount", "应为正数。", "Must be positive.")]), 422),
    "stale": (Stale(revision=8), 412),
    "denied": (Denied(), 403),
    "busy": (Busy(retry_after_seconds=3), 503),
    "large": (TooLarge(), 413),
    "blind": (PreconditionRequired(), 428),
}


def not_a_canary(text: str) -> str:
    if text == "canary":
        raise PydanticCustomError("no_canary", "No birds.", {"zh": "不收鸟类。"})
    return text


class Mail(BaseModel):
    kind: Literal["mail"]
    subject: Annotated[str, Field(max_length=5)]


class Call(BaseModel):
    kind: Literal["call"]
    seconds: int


class Intake(BaseModel):
    text: Annotated[str, AfterValidator(not_a_canary)]
    messages: list[Annotated[Mail | Call, Field(discriminator="kind")]] = []
    tags: dict[str, int] = {}
    ratio: int | list[int] = 0


router = APIRouter()


@router.post("/refuse/{kind}")
async def refuse(kind: str) -> None:
    raise KINDS[kind][0]


@router.post("/intakes", responses=refusals(AlreadyAnswered, Stale, Conflict))
async def take_in(body: Intake, urgent: Annotated[int, Query(ge=1)] = 1, x_level: Annotated[int, Header()] = 0) -> dict:
    return {"text": body.text, "urgent": urgent, "level": x_level}


@router.get("/intakes")
async def list_intakes() -> dict:
    return {}


@router.post("/raw")
async def take_raw(body: Annotated[bytes, Body(media_type="message/rfc822")], n: int = 0) -> dict:
    return {"size": len(body), "n": n}


@router.get("/explode")
async def explode() -> None:
    raise RuntimeError("canary 13800138000")


@router.get("/teapot")
async def teapot() -> None:
    raise HTTPException(418, "canary")


@pytest.fixture
def app() -> FastAPI:
    return create_app("test", {"zh": "测试", "en": "Test"}, [router], keys=Keys(None), checks={})


@pytest.fixture
async def client(app):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
        yield client


def is_problem(answer, status):
    body = answer.json()
    assert answer.status_code == status == body["status"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["vary"] == "Accept-Language"
    assert body["request_id"] == answer.headers["x-request-id"]
    assert len(body["trace_id"]) == 32
    return body


@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_of_refusal_has_its_status_and_titles(client, kind):
    refusal, status = KINDS[kind]
    for headers, language in ((ZH, "zh"), (EN, "en")):
        answer = await client.post(f"/refuse/{kind}", headers=headers)
        body = is_problem(answer, status)
        assert body["title"] == refusal.title(language)
        assert answer.headers["content-language"] == language
        assert body["type"] == f"/problems/{refusal.slug}"
        assert body["instance"] == f"/refuse/{kind}"


async def test_values_of_a_refusal_are_members_that_replace_none_of_the_standard(client):
    body = (await client.post("/refuse/answered")).json()

    assert body["answered_at"] == "2026-03-01T00:00:00Z"
    assert body["status"] == 409


async def test_detail_and_errors_come_in_the_language_of_the_caller(client):
    assert (await client.post("/refuse/conflict", headers=ZH)).json()["detail"] == "第二轮已结束。"
    assert (await client.post("/refuse/conflict", headers=EN)).json()["detail"] == "Round 2 is over."
    errors = (await client.post("/refuse/invalid", headers=ZH)).json()["errors"]
    assert errors == [{"pointer": "#/amount", "detail": "应为正数。"}]


async def test_busy_says_when_to_try_again(client):
    assert (await client.post("/refuse/busy")).headers["retry-after"] == "3"


async def errors_of(client, body, headers=EN, query=""):
    answer = await client.post(f"/intakes{query}", json=body, headers=headers)
    return {error["pointer"]: error["detail"] for error in is_problem(answer, 422)["errors"]}


async def test_a_wrong_request_is_told_by_pointers_in_both_languages(client):
    body = {"messages": [{"kind": "mail", "subject": "far too long"}, {"kind": "call", "seconds": "x"}]}

    assert await errors_of(client, body, EN) == {
        "#/text": "Field required",
        "#/messages/0/subject": "String should have at most 5 characters",
        "#/messages/1/seconds": "Input should be a valid integer, unable to parse string as an integer",
    }
    assert await errors_of(client, body, ZH) == {
        "#/text": "缺少此项。",
        "#/messages/0/subject": "最多允许 5 个字符。",
        "#/messages/1/seconds": "应为整数。",
    }


async def test_query_and_header_have_pointers_of_their_own(client):
    errors = await errors_of(client, {"text": "a"}, {**ZH, "X-Level": "high"}, "?urgent=0")

    assert errors == {"query/urgent": "应大于或等于 1。", "header/x-level": "应为整数。"}


async def test_pointers_escape_and_leave_out_the_names_of_union_members(client):
    assert await errors_of(client, {"text": "a", "tags": {"a/b~税": "x"}}, ZH) == {
        "#/tags/a~1b~0%E7%A8%8E": "应为整数。"
    }
    assert list(await errors_of(client, {"text": "a", "ratio": {}})) == ["#/ratio"]
    assert list(await errors_of(client, {"text": "a", "messages": [{"kind": "fax"}]})) == ["#/messages/0"]
    assert await errors_of(client, {"text": "a", "messages": [{}]}, ZH) == {
        "#/messages/0": "缺少用于区分类型的 'kind'。"
    }


async def test_a_validator_of_ours_speaks_both_languages(client):
    assert await errors_of(client, {"text": "canary"}, ZH) == {"#/text": "不收鸟类。"}
    assert await errors_of(client, {"text": "canary"}, EN) == {"#/text": "No birds."}


async def test_a_thousand_mistakes_are_told_by_their_first_fifty(client):
    assert len(await errors_of(client, {"text": "a", "tags": {str(n): "x" for n in range(1000)}})) == 50


@pytest.mark.parametrize(
    ("content", "zh", "en"),
    [
        (b'{"text": }', "第 9 个字符处", "at character 9"),
        (b'{"text": "\xff\xfe"}', "第 10 个字节处", "at byte 10"),
    ],
)
async def test_broken_json_is_told_with_its_position(client, content, zh, en):
    for headers, words in ((ZH, zh), (EN, en)):
        answer = await client.post(
            "/intakes", content=content, headers={**headers, "Content-Type": "application/json; charset=utf-8"}
        )
        body = is_problem(answer, 422)
        assert body["type"] == "/problems/not-json"
        assert words in body["errors"][0]["detail"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", ""])
async def test_another_media_type_is_415(client, content_type):
    answer = await client.post("/intakes", content=b'{"text": "a"}', headers={**ZH, "Content-Type": content_type})

    assert is_problem(answer, 415)["title"] == "请以 application/json 发送。"
    assert answer.headers["accept"] == "application/json"


async def test_json_of_the_wrong_shape_is_not_a_media_type_problem(client):
    assert await errors_of(client, b"text".decode(), ZH) == {"#": "应为对象。"}


async def test_a_route_for_raw_bodies_takes_them_and_still_checks_the_query(client):
    headers = {"Content-Type": "message/rfc822"}
    assert (await client.post("/raw", content=b"From: a", headers=headers)).json() == {"size": 7, "n": 0}
    assert is_problem(await client.post("/raw?n=x", content=b"From: a", headers=headers), 422)


@pytest.mark.parametrize("path", ["/nothing", "/intakes/"])
async def test_an_unknown_address_is_404_in_both_languages(client, path):
    assert is_problem(await client.get(path, headers=ZH), 404)["title"] == "没有这个地址。"
    assert is_problem(await client.get(path, headers=EN), 404)["type"] == "/problems/unknown-address"


async def test_a_wrong_method_is_405_and_names_all_that_work(client):
    answer = await client.put("/intakes", headers=EN)

    assert is_problem(answer, 405)["title"] == "This address does not know this method."
    assert answer.headers["allow"] == "GET, POST"


async def test_a_failure_of_ours_is_500_and_says_nothing_of_it(client):
    with capture_logs() as lines:
        answer = await client.get("/explode", headers=ZH)

    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["request failed unexpectedly"]
    assert is_problem(answer, 500)["type"] == "/problems/unexpected-error"
    assert "canary" not in answer.text
    assert "RuntimeError" not in answer.text


async def test_any_other_status_of_the_framework_is_a_problem_too(client):
    answer = await client.get("/teapot")

    assert is_problem(answer, 418)
    assert "canary" not in answer.text


async def test_the_type_of_a_problem_is_an_address_that_explains_it(client):
    link = (await client.post("/refuse/answered")).json()["type"]

    explained = (await client.get(link)).json()
    assert explained == {
        "type": link,
        "status": 409,
        "title": {"zh": "此投诉已经答复。", "en": "This case has already been answered."},
    }
    page = await client.get(link, headers={"Accept": "text/html"})
    assert "此投诉已经答复。" in page.text
    assert link in [each["type"] for each in (await client.get("/problems")).json()["items"]]
    assert is_problem(await client.get("/problems/none-such"), 404)["type"] == "/problems/problem-unknown"


async def test_openapi_documents_problems_and_never_the_frameworks_own_error(client):
    document = (await client.get("/openapi.json")).json()

    assert "HTTPValidationError" not in json.dumps(document)
    operation = document["paths"]["/intakes"]["post"]
    assert operation["operationId"] == "take_in"
    for status in ("422", "409", "412", "default"):
        schema = operation["responses"][status]["content"]["application/problem+json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/Problem"}
    assert "already-answered" in operation["responses"]["409"]["description"]
    assert "此投诉已经答复。" in operation["responses"]["409"]["description"]
    assert "request_id" in document["components"]["schemas"]["Problem"]["properties"]


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("*", "en"),
        ("de", "en"),
        ("zh", "zh"),
        ("zh-Hant-HK", "zh"),
        ("en-US,en;q=0.9,zh;q=0.8", "en"),
        ("en;q=0.2, ZH-cn;q=0.3", "zh"),
        ("zh;q=0, en;q=0.1", "en"),
        ("zh,en", "zh"),
        ("en,zh", "en"),
        ("zh;q=abc", "en"),
    ],
)
def test_the_language_follows_the_weights_of_accept_language(header, language):
    assert preferred_language(header) == language
