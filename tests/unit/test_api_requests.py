"""Revisions, pages and idempotency keys, as they stand in requests."""

import base64
import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from shared.api.app import create_app
from shared.api.idempotency import Idempotency, parse_key
from shared.api.keys import Caller, Keys, issue_key, require
from shared.api.paging import CursorInvalid, Page, Paging, page_of, read_cursor, write_cursor
from shared.api.preconditions import SeenRevision, SeenRevisionOrAny, etag
from shared.refusal import Invalid

router = APIRouter()


class Numbered(BaseModel):
    n: int


@router.patch("/case")
async def change_case(revision: SeenRevision, response: Response) -> int:
    response.headers["etag"] = etag(revision + 1)
    return revision


@router.patch("/any")
async def change_any(revision: SeenRevisionOrAny) -> int | None:
    return revision


@router.get("/numbers")
async def list_numbers(wanted: Paging, request: Request, response: Response) -> Page[Numbered]:
    (last,) = wanted.last_key(int) or (0,)
    found = [Numbered(n=n) for n in range(last + 1, min(last + wanted.limit + 1, 7) + 1)]
    return page_of(found, wanted, lambda item: (item.n,), request, response)


@router.post("/commands")
async def command(
    body: dict[str, str], key: Idempotency, caller: Annotated[Caller, require("a")]
) -> dict[str, str] | None:
    told = {"a": body.get("a", ""), "caller": caller.id}
    return {**told, "scope": key.scope, "key": key.key, "hash": key.request_hash} if key else None


@pytest.fixture
async def client(tmp_path):
    key, record = issue_key("desk", ["a"])
    (tmp_path / "keys").write_text(f'{{"desk": {record["desk"].model_dump_json()}}}')
    app = create_app("test", {"zh": "测试", "en": "Test"}, [router], keys=Keys(tmp_path / "keys"), checks={})
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t", headers=headers) as client:
        yield client


async def test_if_match_is_the_revision_that_was_seen(client):
    answer = await client.patch("/case", headers={"If-Match": ' "7" '})

    assert answer.json() == 7
    assert answer.headers["etag"] == '"8"'


@pytest.mark.parametrize(
    ("language", "title"), [("zh", "请说明您所依据的版本。"), ("en", "Say which revision you have seen.")]
)
async def test_without_if_match_nothing_is_changed(client, language, title):
    for path in ("/case", "/any"):
        answer = await client.patch(path, headers={"Accept-Language": language})
        assert (answer.status_code, answer.json()["title"]) == (428, title)


@pytest.mark.parametrize("tag", ["7", 'W/"7"', '"7", "8"', '"a"', '""', '"-1"', '"07"', '"' + "9" * 30 + '"', "*"])
async def test_another_tag_is_invalid_and_told_where(client, tag):
    answer = await client.patch("/case", headers={"If-Match": tag, "Accept-Language": "zh"})

    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"pointer": "header/if-match", "detail": '应为一个强 ETag，例如 "7"。'}]


async def test_any_revision_is_taken_only_where_the_route_says_so(client):
    assert (await client.patch("/any", headers={"If-Match": "*"})).json() is None
    assert (await client.patch("/any", headers={"If-Match": '"3"'})).json() == 3


async def test_following_the_link_reads_everything_once(client):
    url, read = "/numbers?limit=3&tag=a%20b", []
    while url:
        answer = await client.get(url)
        read += [item["n"] for item in answer.json()["items"]]
        url = answer.links.get("next", {}).get("url")
        assert (url is None) == (answer.json()["next"] is None)
        assert url is None or ("tag=a+b" in url and "limit=3" in url)

    assert read == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("limit", ["0", "201", "x"])
async def test_a_page_has_1_to_200_items(client, limit):
    assert (await client.get(f"/numbers?limit={limit}")).json()["errors"][0]["pointer"] == "query/limit"


@pytest.mark.parametrize("cursor", ["", "x", "!!", "游标", write_cursor("a"), write_cursor(1, 2), write_cursor()])
@pytest.mark.parametrize(("language", "title"), [("zh", "游标无效。"), ("en", "This cursor is not one of ours.")])
async def test_a_cursor_of_someone_else_is_invalid(client, cursor, language, title):
    answer = await client.get("/numbers", params={"cursor": cursor}, headers={"Accept-Language": language})

    assert (answer.status_code, answer.json()["title"]) == (422, title)
    assert answer.json()["errors"][0]["pointer"] == "query/cursor"


def test_a_cursor_keeps_the_types_of_its_key():
    key = (datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=UTC), UUID(int=7), "投诉", 5)

    assert read_cursor(write_cursor(*key), datetime, UUID, str, int) == key


@pytest.mark.parametrize("part", ["a\0b", "\ud800"])
def test_a_cursor_holds_no_text_that_a_database_refuses(part):
    cursor = base64.urlsafe_b64encode(json.dumps([part]).encode()).decode()
    with pytest.raises(CursorInvalid):
        read_cursor(cursor, str)


async def test_an_idempotency_key_belongs_to_caller_method_path_and_body(client):
    body = b'{"a":"b"}'
    headers = {"Content-Type": "application/json", "Idempotency-Key": "k-1"}

    assert (await client.post("/commands", content=body, headers=headers)).json() == {
        "a": "b",
        "caller": "desk",
        "scope": "desk POST /commands",
        "key": "k-1",
        "hash": sha256(body).hexdigest(),
    }


async def test_without_the_header_there_is_no_key_and_without_a_caller_no_answer(client):
    assert (await client.post("/commands", json={})).json() is None
    headers = {"Authorization": "", "Idempotency-Key": "k"}
    assert (await client.post("/commands", json={}, headers=headers)).status_code == 401


@pytest.mark.parametrize(
    ("header", "key"),
    [("k", "k"), ('"k"', "k"), (" a=b ", "a=b"), (r'"a\"b\\c"', r'a"b\c')],
)
def test_bare_and_quoted_are_the_same_key(header, key):
    assert parse_key(header) == key


@pytest.mark.parametrize(
    "header", ["", '""', '"', '"a', "a b", '"a b"', "k" * 256, '"' + "k" * 256 + '"', "键", "a\nb"]
)
def test_another_form_of_key_is_invalid(header):
    with pytest.raises(Invalid) as refused:
        parse_key(header)

    assert refused.value.errors[0].pointer == "header/idempotency-key"


def test_the_longest_key_has_255_characters():
    assert parse_key("k" * 255) == parse_key(f'"{"k" * 255}"') == "k" * 255


@pytest.mark.parametrize("body", [b"{", b'{"a": "\xff"}'])
async def test_a_stranger_learns_only_that_a_key_is_needed(client, body):
    """FastAPI reads the body before it asks who is calling."""
    headers = {"Content-Type": "application/json"}

    known = await client.post("/commands", content=body, headers=headers)
    stranger = await client.post("/commands", content=body, headers=headers | {"Authorization": "Bearer x"})

    assert (known.status_code, known.json()["type"]) == (422, "/problems/not-json")
    assert (stranger.status_code, stranger.json()["type"]) == (401, "/problems/key-required")
    assert stranger.headers["www-authenticate"] == 'Bearer realm="plaint"'
