"""Who may call, and what happens to those who may not."""

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter

from shared.api.app import create_app
from shared.api.keys import Caller, Keys, issue_key, require

router = APIRouter()


@router.get("/me")
async def me(caller: Annotated[Caller, require("intake:write")]) -> dict:
    return {"id": caller.id, "scopes": sorted(caller.scopes)}


@router.get("/both", dependencies=[require("intake:read")])
async def both(caller: Annotated[Caller, require("intake:write")]) -> dict:
    return {"id": caller.id}


class File:
    """A key file and the keys in it."""

    def __init__(self, path):
        self.path = path
        self.records = {}

    def add(self, key_id, *scopes, expires_at=None):
        key, record = issue_key(key_id, scopes, expires_at)
        self.records |= {name: each.model_dump(mode="json", exclude_none=True) for name, each in record.items()}
        self.path.write_text(json.dumps(self.records))
        return key


@pytest.fixture
def file(tmp_path):
    return File(tmp_path / "keys.json")


async def ask(keys, authorization, path="/me", language="en"):
    app = create_app("test", {"zh": "测试", "en": "Test"}, [router], keys=keys, checks={})
    headers = {"Accept-Language": language} | ({"Authorization": authorization} if authorization else {})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
        return await client.get(path, headers=headers)


async def test_a_key_with_the_scope_lets_its_holder_in(file):
    key = file.add("mail-gateway", "intake:write", "intake:read")

    for scheme in ("Bearer", "bearer"):
        answer = await ask(Keys(file.path), f"{scheme} {key}")
        assert answer.json() == {"id": "mail-gateway", "scopes": ["intake:read", "intake:write"]}


def test_a_key_has_256_random_bits_and_its_file_only_a_hash(file):
    key = file.add("desk", "a")
    secret = key.removeprefix("plaint_desk_")

    assert len(bytes.fromhex(secret)) == 32
    assert secret not in file.path.read_text()
    assert key != issue_key("desk", ["a"])[0]


@pytest.mark.parametrize("key_id", ["", "Desk", "a_b", "-a", "a" * 41, "客服", "a\n"])
def test_an_id_that_could_not_be_told_from_the_secret_is_refused(key_id):
    with pytest.raises(ValueError, match="key id"):
        issue_key(key_id, [])


@pytest.mark.parametrize(
    ("language", "title"), [("zh", "需要有效的 API 密钥。"), ("en", "A valid API key is required.")]
)
async def test_nobody_gets_in_without_a_valid_key_and_nobody_learns_why(file, language, title):
    key = file.add("desk", "intake:write")
    old = file.add("old", "intake:write", expires_at=datetime.now(UTC) - timedelta(seconds=1))
    wrong = key[:-1] + ("0" if key[-1] != "0" else "1")
    tried = [None, "", "Bearer", f"Basic {key}", f"Bearer {wrong}", f"Bearer {old}", f"Bearer {key}x", "Bearer x"]
    other = issue_key("unknown", ["intake:write"])[0]

    answers = [await ask(Keys(file.path), each, language=language) for each in [*tried, f"Bearer {other}"]]

    assert {answer.status_code for answer in answers} == {401}
    assert {answer.json()["title"] for answer in answers} == {title}
    assert {answer.headers["www-authenticate"] for answer in answers} == {'Bearer realm="plaint"'}
    assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}


@pytest.mark.parametrize(
    ("language", "title"), [("zh", "此密钥没有所需的权限。"), ("en", "This key does not allow this.")]
)
async def test_a_key_without_the_scope_is_403_and_says_which(file, language, title):
    key = file.add("desk", "intake:read")

    answer = await ask(Keys(file.path), f"Bearer {key}", language=language)

    assert answer.status_code == 403
    assert (answer.json()["title"], answer.json()["missing_scopes"]) == (title, ["intake:write"])
    assert (await ask(Keys(file.path), f"Bearer {key}", "/both")).status_code == 403


async def test_a_key_with_all_scopes_of_a_route_gets_in(file):
    key = file.add("desk", "intake:read", "intake:write")

    assert (await ask(Keys(file.path), f"Bearer {key}", "/both")).status_code == 200


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"desk": {}}', '{"desk": {"sha256": "x", "scopes": []}}'])
def test_without_a_readable_file_everything_is_refused(file, content):
    key = file.add("desk", "intake:write")
    file.path.unlink()
    if content is not None:
        file.path.write_text(content)

    assert Keys(file.path).find(key) is None
    assert Keys(None).find(key) is None


def test_the_placeholder_for_unknown_ids_is_no_key():
    assert Keys(None).find("plaint_nobody_" + "0" * 64) is None


def test_a_changed_file_counts_after_at_most_a_second(file, monkeypatch):
    now = 100.0
    monkeypatch.setattr("shared.api.keys.time.monotonic", lambda: now)
    key = file.add("desk", "a")
    keys = Keys(file.path)
    assert keys.find(key) == Caller("desk", frozenset({"a"}))

    file.path.write_text("{}")
    assert keys.find(key) is not None
    now += 1.0
    assert keys.find(key) is None


async def test_openapi_shows_the_scopes_a_route_needs():
    app = create_app("test", {"zh": "测试", "en": "Test"}, [router], keys=Keys(None), checks={})
    document = app.openapi()

    assert document["paths"]["/me"]["get"]["security"] == [{"ApiKey": ["intake:write"]}]
    assert sorted(document["paths"]["/both"]["get"]["security"][0]["ApiKey"]) == ["intake:read", "intake:write"]
    assert document["components"]["securitySchemes"]["ApiKey"]["scheme"] == "bearer"
    assert {"401", "403"} <= set(document["paths"]["/me"]["get"]["responses"])
    assert "security" not in document["paths"]["/livez"]["get"]
    assert document == app.openapi()
