"""Followup as its callers see it: HTTP in front, PostgreSQL behind, no broker."""

import asyncio
import json
from contextlib import AsyncExitStack
from types import SimpleNamespace

import httpx
import pytest

from services.followup.app import MIGRATIONS, app_of, engine_of
from services.followup.settings import FollowupSettings
from services.followup.storage import metadata
from shared.api.keys import issue_key
from shared.contracts.intake import ComplaintErased, ComplaintReceived
from shared.contracts.resolution import CaseClosed, CaseResolved
from shared.runtime.ids import new_id
from shared.runtime.migrate import migrate
from shared.testing.events import Speakers, sample


@pytest.fixture
def settings(tmp_path, database_url):
    """Keys that may do everything or read only."""
    writer, records = issue_key("tester", ["followup:read", "followup:write", "admin"])
    reader, more = issue_key("reader", ["followup:read"])
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({name: each.model_dump(mode="json") for name, each in (records | more).items()}))
    service = FollowupSettings(database_url=database_url, keys_file=keys)
    return SimpleNamespace(service=service, writer=writer, reader=reader)


@pytest.fixture
async def followup(settings):
    engine = engine_of(settings.service)
    await migrate(engine.database, MIGRATIONS, metadata)
    transport = httpx.ASGITransport(app=app_of(engine, settings.service))
    running = asyncio.create_task(engine.door.run())
    async with AsyncExitStack() as stack:

        async def client(key):
            headers = {"Authorization": f"Bearer {key}"}
            return await stack.enter_async_context(
                httpx.AsyncClient(transport=transport, base_url="http://followup", headers=headers)
            )

        yield Followup(await client(settings.writer), await client(settings.reader), engine)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await engine.database.close()


class Followup:
    """The service under test, and those it hears."""

    def __init__(self, http, reader, engine):
        self.http, self.reader, self.engine = http, reader, engine
        self.others = Speakers(engine.clock)

    async def hear(self, *events):
        results = await self.engine.door.put_all([self.others.say(event) for event in events])
        assert {each.fate for each in results} == {"done"}

    async def plan(self):
        """A complaint whose customer is to be called."""
        complaint_id = new_id()
        received = sample(ComplaintReceived, complaint_id=complaint_id)
        await self.hear(received, sample(CaseResolved, complaint_id=complaint_id, round=1))
        return complaint_id

    async def get(self, complaint_id):
        return await self.http.get(f"/v1/callbacks/{complaint_id}")

    async def act(self, complaint_id, action, body, **headers):
        seen = (await self.get(complaint_id)).headers["etag"]
        path = f"/v1/callbacks/{complaint_id}/{action}"
        return await self.http.post(path, json=body, headers={"If-Match": seen, **headers})

    async def said(self, complaint_id):
        events = (await self.http.get(f"/v1/complaints/{complaint_id}/events")).json()["items"]
        return [each["type"].removeprefix("followup.").removesuffix(".v1") for each in events]


async def test_a_resolved_complaint_is_called_back_and_rated(followup):
    complaint_id = await followup.plan()
    planned = await followup.get(complaint_id)
    assert planned.headers["etag"] == '"1"'
    assert (planned.json()["state"], planned.json()["round"]) == ("scheduled", 1)
    called = await followup.act(complaint_id, "attempts", {"outcome": "answered", "by": "agent-07"})
    assert called.json() == {"complaint_id": str(complaint_id), "state": "reached", "revision": 2}
    rated = await followup.act(complaint_id, "satisfaction", {"score": 5, "resolved": True, "comment": "谢谢"})
    assert rated.json()["state"] == "rated"
    assert (await followup.get(complaint_id)).json()["score"] == 5
    assert await followup.said(complaint_id) == [
        "callback.scheduled", "message.requested", "callback.attempted", "callback.completed", "satisfaction.recorded",
    ]  # fmt: skip


async def test_dissatisfaction_is_announced(followup):
    complaint_id = await followup.plan()
    await followup.act(complaint_id, "satisfaction", {"score": 1, "resolved": False, "comment": "打 13800138000"})
    events = (await followup.http.get(f"/v1/complaints/{complaint_id}/events")).json()["items"]
    raised = events[-1]
    assert raised["type"] == "followup.dissatisfaction.raised.v1"
    assert raised["data"]["comment"] == "打 ⟦phone:1⟧"


async def test_the_most_urgent_is_listed_first_in_pages(followup):
    ids = [str(await followup.plan()) for _ in range(3)]
    await followup.act(ids[1], "attempts", {"outcome": "refused"})
    first = (await followup.http.get("/v1/callbacks", params={"limit": 1})).json()
    second = (await followup.http.get("/v1/callbacks", params={"limit": 1, "cursor": first["next"]})).json()
    listed = [each["complaint_id"] for each in first["items"] + second["items"]]
    assert sorted(listed) == sorted([ids[0], ids[2]])
    assert first["items"][0]["due_at"] <= second["items"][0]["due_at"]
    assert second["next"] is None
    rated = await followup.http.get("/v1/callbacks", params={"state": "reached"})
    assert rated.json()["items"] == []


async def test_a_repeated_request_has_one_effect_and_one_answer(followup):
    complaint_id = await followup.plan()
    path, headers = f"/v1/callbacks/{complaint_id}/attempts", {"If-Match": '"1"', "Idempotency-Key": "call-1"}
    first = await followup.http.post(path, json={"outcome": "busy"}, headers=headers)
    again = await followup.http.post(path, json={"outcome": "busy"}, headers=headers)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert (await followup.get(complaint_id)).json()["attempts"] == 1
    other = await followup.http.post(path, json={"outcome": "answered"}, headers=headers)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/key-reused")


async def test_who_saw_an_older_state_or_none_is_told_in_their_language(followup):
    complaint_id = await followup.plan()
    path = f"/v1/callbacks/{complaint_id}/attempts"
    blind = await followup.http.post(path, json={"outcome": "busy"})
    stale = await followup.http.post(
        path, json={"outcome": "busy"}, headers={"If-Match": '"0"', "Accept-Language": "zh-CN"}
    )
    assert (blind.status_code, stale.status_code) == (428, 412)
    assert stale.json()["title"] == "该回访在您查看之后已有变化。"
    assert stale.json()["revision"] == 1


async def test_a_call_that_is_not_due_is_refused(followup):
    complaint_id = await followup.plan()
    await followup.hear(sample(CaseClosed, complaint_id=complaint_id, round=1))
    refused = await followup.act(complaint_id, "attempts", {"outcome": "answered"})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/callback-not-due")


async def test_what_is_not_known_or_makes_no_sense_is_refused(followup):
    missing = await followup.get(new_id())
    assert (missing.status_code, missing.json()["type"]) == (404, "/problems/no-such-callback")
    complaint_id = await followup.plan()
    invalid = await followup.act(complaint_id, "satisfaction", {"score": 6, "resolved": True})
    assert invalid.status_code == 422
    assert [each["pointer"] for each in invalid.json()["errors"]] == ["#/score"]


async def test_an_erased_complaint_keeps_its_figures_and_no_words(followup):
    complaint_id = await followup.plan()
    await followup.act(complaint_id, "satisfaction", {"score": 1, "resolved": False, "comment": "金丝雀"})
    await followup.hear(sample(ComplaintErased, complaint_id=complaint_id))
    assert ((await followup.get(complaint_id)).json()["state"], len(await followup.said(complaint_id))) == ("over", 5)
    async with followup.engine.database.connection() as connection:
        kept = await connection.fetch("select body from history union all select body from waiting")
    assert "金丝雀" not in "".join(row["body"].decode() for row in kept)


async def test_reading_is_not_writing_and_nobody_is_let_in_without_a_key(followup):
    complaint_id = await followup.plan()
    path = f"/v1/callbacks/{complaint_id}"
    assert (await followup.reader.get(path)).status_code == 200
    refused = await followup.reader.post(f"{path}/attempts", json={"outcome": "busy"}, headers={"If-Match": '"1"'})
    assert refused.status_code == 403
    for address in (path, "/v1/callbacks"):
        assert (await followup.http.get(address, headers={"Authorization": "Bearer x"})).status_code == 401


async def test_every_body_has_a_chinese_and_an_english_example(followup):
    document = (await followup.http.get("/openapi.json")).json()
    operations = [each for path in document["paths"].values() for each in path.values()]
    assert len({each["operationId"] for each in operations}) == len(operations)
    for name in ("AttemptRequest", "SatisfactionRequest"):
        assert len(document["components"]["schemas"][name]["examples"]) == 2
