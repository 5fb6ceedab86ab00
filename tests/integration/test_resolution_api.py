"""Resolution over HTTP, on a real database: the queue, one case, and everything people do with it."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from services.resolution.app import MIGRATIONS, app_of, engine_of
from services.resolution.settings import ResolutionSettings
from services.resolution.storage import metadata
from shared.api.keys import issue_key
from shared.contracts.intake import ComplaintErased, ComplaintReceived, ComplaintWithdrawn
from shared.contracts.routing import ComplaintRouted
from shared.runtime.database import Database
from shared.runtime.migrate import migrate
from shared.runtime.timers import fire_timers
from shared.testing.events import Speakers


class Client(httpx.AsyncClient):
    """A caller with a key, and the services that resolution hears."""

    def __init__(self, engine, app, key):
        super().__init__(
            transport=httpx.ASGITransport(app), base_url="http://resolution", headers={"Authorization": f"Bearer {key}"}
        )
        self.engine = engine
        self.others = Speakers(engine.clock)

    async def hear(self, *events):
        for result in await self.engine.door.put_all(map(self.others.say, events)):
            assert result.fate == "done", result.error

    async def opened(self, *, at=None, **routing) -> str:
        complaint_id = uuid4()
        received = ComplaintReceived(
            complaint_id=complaint_id,
            number="CMP-2026-000123",
            contact_id=uuid4(),
            customer_id=uuid4(),
            channel="email",
            language="zh-Hans",
            received_at=at or self.engine.clock.now(),
            text="等了三天没有人来",
        )
        facts = {"cause": "broken_promise", "team": "commitments", "assignee": "agent-1", "priority": 5}
        await self.hear(received, ComplaintRouted(complaint_id=complaint_id, **{**facts, **routing}))
        return f"/v1/cases/{complaint_id}"

    async def do(self, case, what, body=None, **headers):
        seen = (await self.get(case)).headers["etag"]
        return await self.post(f"{case}/{what}", json=body or {}, headers={"If-Match": seen, **headers})


@pytest.fixture
async def client(database_url, tmp_path):
    database = Database(database_url, pool_size=2)
    await migrate(database, MIGRATIONS, metadata)
    await database.close()
    key, records = issue_key("front-desk", ["resolution:read", "resolution:write"])
    keys_file = tmp_path / "keys.json"
    keys_file.write_text(json.dumps({name: record.model_dump(mode="json") for name, record in records.items()}))
    settings = ResolutionSettings(database_url=database_url, keys_file=keys_file)
    engine = engine_of(settings)
    door = asyncio.create_task(engine.door.run())
    async with Client(engine, app_of(engine, settings), key) as caller:
        yield caller
    door.cancel()
    await asyncio.wait([door])
    await engine.database.close()


async def test_a_case_goes_from_opened_to_closed(client):
    case = await client.opened()
    steps = [
        ("acknowledgement", None, "acknowledged"),
        ("finding", {"finding": "没有改派", "cause": "service", "by": "agent-7"}, "investigating"),
        ("remedy", {"remedy": "refund", "text": "退还上门费"}, "remedy_proposed"),
        ("remedy/approval", {"by": "lead-1"}, "remedy_approved"),
        ("questions", {"text": "请问退到哪张卡？"}, "remedy_approved"),
        ("answer", {"text": "⟦name:1⟧ 您好：上门费今天退还。"}, "answered"),
        ("remedy/completion", None, "answered"),
        ("escalation", {"contact": "lead-2"}, "answered"),
        ("resolution", None, "resolved"),
        ("closure", {"reason": "客户来电致谢"}, "closed"),
        ("reopening", {"reason": "客户又来电"}, "open"),
    ]
    for what, body, state in steps:
        answer = await client.do(case, what, body)
        assert (answer.status_code, answer.json()["state"]) == (200, state), (what, answer.text)
    detail = (await client.get(case)).json()
    assert (detail["round"], detail["cause"], detail["confirmed_cause"]) == (2, "broken_promise", "service")
    assert [(each["round"], each["kind"], each["state"]) for each in detail["deadlines"]] == [
        (1, "acknowledge", "met"),
        (1, "answer", "met"),
        (1, "resolve", "met"),
        (2, "acknowledge", "running"),
        (2, "answer", "running"),
        (2, "resolve", "running"),
    ]
    assert [each["text"] for each in detail["notes"]] == ["客户来电致谢", "客户又来电"]
    told = (await client.get(case.replace("cases", "complaints") + "/events")).json()["items"]
    by = {each["type"].split(".")[2]: each["data"].get("by") for each in told}
    assert (by["acknowledged"], by["investigated"], by["remedy_approved"]) == ("front-desk", "agent-7", "lead-1")


async def test_promises(client):
    case = await client.opened()
    due_at = (client.engine.clock.now() + timedelta(minutes=5)).isoformat()
    made = await client.do(case, "promises", {"text": "五分钟内回电", "due_at": due_at})
    promise_id = made.json()["promise_id"]
    [promise] = (await client.get(case)).json()["promises"]
    assert (promise["promise_id"], promise["state"]) == (promise_id, "made")
    kept = await client.do(case, f"promises/{promise_id}/kept")
    assert kept.json()["promise_id"] == promise_id
    assert (await client.do(case, f"promises/{promise_id}/kept")).json()["type"] == "/problems/promise-decided"
    assert (await client.do(case, f"promises/{uuid4()}/kept")).status_code == 404
    late = await client.do(case, "promises", {"text": "…", "due_at": "2020-01-01T00:00:00Z"})
    assert (late.status_code, late.json()["errors"][0]["pointer"]) == (422, "#/due_at")


async def test_a_command_repeated_with_its_key_is_done_once(client):
    case = await client.opened()
    seen = (await client.get(case)).headers["etag"]
    headers = {"If-Match": seen, "Idempotency-Key": "k-1"}
    first, second = [await client.post(f"{case}/acknowledgement", json={}, headers=headers) for _ in range(2)]
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"


async def test_refusals_are_told_in_both_languages(client):
    case = await client.opened()
    assert (await client.post(f"{case}/acknowledgement", json={})).status_code == 428
    current = (await client.get(case)).headers["etag"]
    stale = await client.post(f"{case}/acknowledgement", json={}, headers={"If-Match": '"0"'})
    assert (stale.status_code, f'"{stale.json()["revision"]}"') == (412, current)
    refused = await client.do(case, "resolution", **{"Accept-Language": "zh"})
    assert refused.status_code == 409
    assert (refused.json()["title"], refused.json()["state"]) == ("案件当前的状态不允许这一步。", "open")
    personal = await client.do(case, "answer", {"text": "请拨打 13800138000"})
    assert (personal.status_code, personal.json()["type"]) == (422, "/problems/personal-data-in-text")
    assert (await client.get(f"/v1/cases/{uuid4()}")).status_code == 404


async def test_a_note_goes_in_whatever_happened_meanwhile(client):
    case = await client.opened()
    before = (await client.get(case)).headers["etag"]
    note = await client.post(f"{case}/notes", json={"text": "下午联系"}, headers={"If-Match": "*"})
    assert note.status_code == 200
    assert (await client.get(case)).headers["etag"] == before


async def test_the_queue_shows_what_is_due_first_page_by_page(client):
    now = client.engine.clock.now()
    early, late = await client.opened(at=now - timedelta(days=20)), await client.opened()
    other = await client.opened(team="service", assignee="agent-2", at=now - timedelta(days=10))
    ids = [case.rpartition("/")[2] for case in (early, other, late)]
    assert [each["complaint_id"] for each in (await client.get("/v1/cases")).json()["items"]] == ids
    of_team = (await client.get("/v1/cases", params={"team": "commitments"})).json()["items"]
    assert [each["complaint_id"] for each in of_team] == [ids[0], ids[2]]
    of_owner = (await client.get("/v1/cases", params={"owner": "agent-2", "state": "open"})).json()["items"]
    assert [each["complaint_id"] for each in of_owner] == [ids[1]]
    first = (await client.get("/v1/cases", params={"limit": 2})).json()
    second = (await client.get("/v1/cases", params={"limit": 2, "cursor": first["next"]})).json()
    assert [each["complaint_id"] for page in (first, second) for each in page["items"]] == ids


async def test_cases_with_nothing_due_are_listed_by_their_state_page_by_page(client):
    cases = [await client.opened() for _ in range(3)]
    for case in cases:
        await client.hear(ComplaintWithdrawn(complaint_id=UUID(case.rpartition("/")[2])))
    assert (await client.get("/v1/cases")).json()["items"] == []
    first = (await client.get("/v1/cases", params={"state": "closed", "limit": 2})).json()
    second = (await client.get("/v1/cases", params={"state": "closed", "limit": 2, "cursor": first["next"]})).json()
    found = [each["complaint_id"] for page in (first, second) for each in page["items"]]
    assert found == sorted(case.rpartition("/")[2] for case in cases)


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
async def test_in_a_state_what_is_due_comes_before_what_is_not_wherever_a_page_ends(client, limit):
    ids = sorted([(await client.opened()).rpartition("/")[2] for _ in range(4)])
    undated = "update cases set next_due_at = null where complaint_id = any($1::uuid[])"
    async with client.engine.database.connection() as connection:
        await connection.execute(undated, [ids[0], ids[2]])
    found, cursor = [], {}
    while cursor is not None:
        page = (await client.get("/v1/cases", params={"state": "open", "limit": limit, **cursor})).json()
        found += [each["complaint_id"] for each in page["items"]]
        cursor = page["next"] and {"cursor": page["next"]}
    assert sorted(found[:2]) == [ids[1], ids[3]]
    assert found[2:] == [ids[0], ids[2]]


async def test_timers_fire_from_the_database(client):
    case = await client.opened(at=datetime(2026, 1, 5, 2, 0, tzinfo=UTC))
    timers = asyncio.create_task(fire_timers(client.engine.door, client.engine.store))
    for _ in range(200):
        detail = (await client.get(case)).json()
        if detail["escalation_level"] == 3:
            break
        await asyncio.sleep(0.02)
    timers.cancel()
    assert {each["state"] for each in detail["deadlines"]} == {"missed"}


async def test_an_erased_complaint_leaves_no_word_in_the_database(client):
    case = await client.opened()
    await client.do(case, "finding", {"finding": "秘密的结论"})
    await client.do(case, "notes", {"text": "秘密的备注"})
    await client.hear(ComplaintErased(complaint_id=UUID(case.rpartition("/")[2])))
    told = await client.get(case.replace("cases", "complaints") + "/events")
    words = (await client.get(case)).text + told.text
    assert "秘密" not in words
    assert "三天" not in words
    refused = await client.do(case, "notes", {"text": "…"})
    assert refused.json()["type"] == "/problems/complaint-over"


async def test_every_body_has_a_chinese_and_an_english_example(client):
    document = (await client.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    commands = [
        each["post"] for path, each in document["paths"].items() if path.startswith("/v1/cases/") and "post" in each
    ]
    named = [each["requestBody"]["content"]["application/json"]["schema"]["$ref"] for each in commands]
    bodies = {name: schemas[name] for name in (reference.rpartition("/")[2] for reference in named)}
    assert len(commands) == 14
    assert {name for name, schema in bodies.items() if len(schema.get("examples", ())) < 2} == set()
    operations = [each["operationId"] for path in document["paths"].values() for each in path.values()]
    assert len(operations) == len(set(operations))
