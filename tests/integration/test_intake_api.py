"""Intake as its callers see it: HTTP in front, PostgreSQL behind, no broker; and its mail, to a real server."""

import asyncio
import json
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from types import SimpleNamespace
from uuid import uuid4

import httpx
import pytest
from aiosmtpd.controller import Controller

from plaint.local.ports import free_port
from services.intake.app import MIGRATIONS, app_of, engine_of, workers_of
from services.intake.settings import IntakeSettings
from services.intake.storage import metadata
from shared.api.keys import issue_key
from shared.contracts.resolution import ResolutionMessageRequested
from shared.runtime.migrate import migrate
from shared.testing.events import Speakers

SCOPES = {
    "desk": ["intake:read", "intake:write", "intake:deliver", "intake:erase", "admin"],
    "front-end": ["intake:write"],
    "stranger": ["followup:read"],
}
STORY = "上周六买的电饭煲，用了三回，三回都是夹生饭，加热盘只有半边是热的，打13800138000找我"
WANG = {"name": "王小燕", "email": "wang@example.com"}
COMPLAINT = {"channel": "web", "external_id": "form-1", "text": STORY, "customer": WANG}
MAIL = (
    b"From: Wang Xiaoyan <wang@example.com>\r\nTo: care@example.org\r\nMessage-ID: <a@example.com>\r\n"
    b"Subject: Lamp broken\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nThe lamp arrived in three pieces.\r\n"
)


class Post:
    """A mail server that answers each recipient as it was told to."""

    def __init__(self):
        self.mails, self.replies = [], []

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 - as aiosmtpd calls it
        if self.replies:
            return self.replies.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - as aiosmtpd calls it
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        return "250 OK"


@pytest.fixture
def post():
    box = Post()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    box.port = controller.port
    yield box
    controller.stop()


@pytest.fixture
def settings(tmp_path, database_url):
    keys, records = {}, {}
    for name, scopes in SCOPES.items():
        keys[name], record = issue_key(name, scopes)
        records |= {key_id: each.model_dump(mode="json") for key_id, each in record.items()}
    (tmp_path / "keys.json").write_text(json.dumps(records))
    return SimpleNamespace(keys=keys, values={"database_url": database_url, "keys_file": tmp_path / "keys.json"})


@pytest.fixture
async def start(settings):
    async with AsyncExitStack() as stack:

        async def start(**more):
            service = IntakeSettings(**settings.values, **more)
            engine = engine_of(service)
            stack.push_async_callback(engine.database.close)
            await migrate(engine.database, MIGRATIONS, metadata)
            loops = [engine.door.run, *(workers_of(engine, service).values() if more else ())]
            for loop in loops:
                stack.push_async_callback(ended, asyncio.create_task(loop()))
            transport = httpx.ASGITransport(app_of(engine, service))
            clients = {
                name: await stack.enter_async_context(
                    httpx.AsyncClient(
                        transport=transport, base_url="http://intake", headers={"Authorization": f"Bearer {key}"}
                    )
                )
                for name, key in settings.keys.items()
            }
            return Intake(engine, clients)

        yield start


async def ended(task):
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.fixture
async def intake(start):
    return await start()


class Intake:
    """The service under test, and those it hears."""

    def __init__(self, engine, clients):
        self.engine, self.desk = engine, clients["desk"]
        self.front_end, self.stranger = clients["front-end"], clients["stranger"]
        self.others = Speakers(engine.clock)

    async def complain(self, **changes):
        answer = await self.desk.post("/v1/complaints", json=COMPLAINT | changes)
        assert answer.status_code == 202, answer.text
        return answer.json()

    async def mail(self, raw=MAIL):
        answer = await self.desk.post("/v1/channels/email", content=raw, headers={"Content-Type": "message/rfc822"})
        assert answer.status_code == 202, answer.text
        return answer.json()

    async def ask_to_write(self, answer, text="灯已换好，⟦name:1⟧"):
        event = ResolutionMessageRequested(complaint_id=answer["complaint_id"], purpose="answer", text=text)
        delivery = self.others.say(event)
        assert [each.fate for each in await self.engine.door.put_all([delivery])] == ["done"]
        return delivery.envelope.id

    async def do(self, name, step, body=None):
        seen = (await self.desk.get(f"/v1/complaints/{name}")).headers["etag"]
        return await self.desk.post(f"/v1/complaints/{name}/{step}", json=body, headers={"If-Match": seen})

    async def said(self, answer):
        events = (await self.desk.get(f"/v1/complaints/{answer['complaint_id']}/events")).json()["items"]
        return [event["type"].removeprefix("intake.").removesuffix(".v1") for event in events]

    async def until(self, answer, event):
        async with asyncio.timeout(10):
            while event not in await self.said(answer):
                await asyncio.sleep(0.02)


# Contacts in.


async def test_a_complaint_is_accepted_with_its_number(intake):
    answer = await intake.front_end.post("/v1/complaints", json=COMPLAINT)
    body = answer.json()

    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/complaints/{body['complaint_id']}"
    assert body["outcome"] == "opened"
    assert body["number"].endswith("-000001")
    assert body["reason_text"]["zh"] == "这是一件新的投诉，已登记编号。"


async def test_the_same_again_is_the_same_complaint(intake):
    first, again = await intake.complain(), await intake.complain()
    assert again["complaint_id"] == first["complaint_id"]
    assert again["reason"] == "already_received"


async def test_an_idempotency_key_gives_the_first_answer_again(intake):
    headers = {"Idempotency-Key": "k-1"}
    body = {"channel": "web", "text": STORY}
    first, again = [await intake.desk.post("/v1/complaints", json=body, headers=headers) for _ in range(2)]
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]


async def test_replicas_that_get_the_same_at_once_agree(start):
    one, other = await start(), await start()
    texts = [f"{STORY}{number}" for number in range(5)]
    answers = await asyncio.gather(
        *[
            each.complain(external_id=f"f-{place}", text=text)
            for place, text in enumerate(texts)
            for each in (one, other)
        ]
    )
    pairs = list(zip(answers[::2], answers[1::2], strict=True))
    assert all(left["complaint_id"] == right["complaint_id"] for left, right in pairs)
    assert len({answer["customer_id"] for answer in answers}) == 1
    assert len({answer["complaint_id"] for answer in answers}) == len(texts)


async def test_a_call_is_taken_in_when_it_is_over(intake):
    call = {"callId": "c-1", "from": "13800138000", "to": "4008001234", "direction": "in"}
    ringing = await intake.desk.post("/v1/channels/phone", json={**call, "event": "newCall"})
    over = await intake.desk.post("/v1/channels/phone", json={**call, "event": "hangup", "transcript": "客户：灯坏了"})

    assert ringing.status_code == 202
    assert (ringing.json()["outcome"], ringing.json()["contact_id"]) == ("ignored", None)
    assert over.json()["outcome"] == "opened"


async def test_what_cannot_be_read_is_told_with_its_places(intake):
    bad = {"messages": [{"from": "nobody", "text": "?"}]}
    answer = await intake.desk.post("/v1/channels/chat", json=bad, headers={"Accept-Language": "zh"})

    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/unreadable-contact"
    assert {error["pointer"] for error in answer.json()["errors"]} >= {"#/conversation_id", "#/messages/0/from"}
    assert (await intake.desk.post("/v1/channels/email", content=b"")).status_code == 422
    assert (await intake.desk.post("/v1/complaints", content=b"{")).status_code == 422


async def test_unknown_channels_and_bodies_beyond_measure_are_refused(intake):
    assert (await intake.desk.post("/v1/channels/fax", content=b"x")).status_code == 404
    too_long = json.dumps({"channel": "web", "text": "灯" * 1_000_000}).encode()
    assert (await intake.desk.post("/v1/complaints", content=too_long)).status_code == 413


# Looking, and who may see what.


async def test_who_complained_is_shown_to_those_who_may_see_it(intake):
    answer = await intake.complain()
    path = f"/v1/complaints/{answer['number'].lower()}"
    desk, front_end = await intake.desk.get(path), await intake.front_end.get(path)

    assert desk.headers["etag"] == '"1"'
    assert desk.json()["customer"]["name"] == "王小燕"
    assert desk.json()["customer"]["identities"] == {"email": "wang@example.com"}
    assert front_end.json()["customer"] is None
    assert front_end.json()["status"] == "open"
    for secret in ("王小燕", "wang@", "13800138000"):
        assert secret not in front_end.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/complaints", 403),
        ("/v1/complaints/CMP-2026-000001", 403),
        ("/v1/complaints/CMP-2026-000001/contacts", 403),
        (f"/v1/contacts/{uuid4()}/raw", 403),
        (f"/v1/messages/{uuid4()}", 403),
    ],
)
async def test_other_keys_see_nothing(intake, path, status):
    assert (await intake.stranger.get(path)).status_code == status


async def test_a_front_end_neither_reads_contacts_nor_erases(intake):
    answer = await intake.complain()
    assert (await intake.front_end.get(f"/v1/contacts/{answer['contact_id']}/raw")).status_code == 403
    assert (await intake.front_end.post(f"/v1/customers/{answer['customer_id']}/erasure")).status_code == 403


async def test_complaints_are_listed_latest_first_page_by_page(intake):
    numbers = [(await intake.complain(external_id=f"f-{place}", customer={}))["number"] for place in range(5)]
    await intake.do(numbers[2], "withdrawal", {})
    found, cursor = [], {}
    while cursor is not None:
        page = (await intake.desk.get("/v1/complaints", params={"limit": 2, "status": "open", **cursor})).json()
        found += [each["number"] for each in page["items"]]
        cursor = {"cursor": page["next"]} if page["next"] else None
    assert found == [numbers[4], numbers[3], numbers[1], numbers[0]]


async def test_contacts_are_listed_and_their_originals_kept(intake):
    first = await intake.mail()
    reply = MAIL.replace(b"<a@", b"<b@").replace(b"Subject:", b"In-Reply-To: <a@example.com>\r\nSubject: Re:")
    await intake.mail(reply.replace(b"three pieces", b"four pieces"))
    contacts = (await intake.desk.get(f"/v1/complaints/{first['number']}/contacts")).json()["items"]
    raw = await intake.desk.get(f"/v1/contacts/{first['contact_id']}/raw")

    assert [(each["outcome"], each["external_id"]) for each in contacts] == [
        ("opened", "<a@example.com>"),
        ("appended", "<b@example.com>"),
    ]
    assert raw.content == MAIL
    assert raw.headers["content-type"] == "message/rfc822"
    assert raw.headers["x-content-type-options"] == "nosniff"
    assert (await intake.desk.get(f"/v1/contacts/{uuid4()}/raw")).status_code == 404


# Decisions.


async def test_linking_and_unlinking_by_number(intake):
    first, second = await intake.complain(), await intake.complain(external_id="f-2", customer={})
    linked = await intake.do(second["number"], "link", {"primary": first["number"]})
    assert linked.json()["status"] == "linked"
    stale = await intake.desk.post(f"/v1/complaints/{second['number']}/unlink", headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert (await intake.do(second["number"], "unlink")).json()["status"] == "open"
    assert await intake.said(second) == ["complaint.received", "complaint.linked", "complaint.unlinked"]
    assert (await intake.do(second["number"], "unlink")).status_code == 409
    missing = await intake.do(second["number"], "link", {"primary": "CMP-1999-000001"})
    assert missing.status_code == 404


async def test_a_tier_is_set(intake):
    answer = await intake.complain()
    path = f"/v1/customers/{answer['customer_id']}/tier"
    assert (await intake.desk.put(path, json={"tier": "A"})).json()["tier"] == "A"
    assert (await intake.desk.put(path, json={"tier": "E"})).status_code == 422
    shown = await intake.desk.get(f"/v1/complaints/{answer['number']}")
    assert shown.json()["customer"]["tier"] == "A"


async def test_a_person_is_forgotten_in_every_table(intake):
    answer = await intake.mail()
    await intake.ask_to_write(answer, "⟦name:1⟧，灯已换好")
    erased = await intake.desk.post(f"/v1/customers/{answer['customer_id']}/erasure")

    assert erased.json()["complaints"] == [answer["complaint_id"]]
    assert (
        await tables(intake.engine, ("wang@example.com", "Wang Xiaoyan", "three pieces", "灯已换好", "a@example")) == []
    )
    shown = await intake.desk.get(f"/v1/complaints/{answer['number']}")
    assert (shown.json()["status"], shown.json()["customer"]) == ("erased", None)
    again = await intake.desk.post(f"/v1/customers/{answer['customer_id']}/erasure")
    assert again.status_code == 404
    assert (await intake.mail())["reason"] == "already_received"


async def tables(engine, words):
    """Which of *words* stand in which table."""
    async with engine.database.connection() as connection:
        found = []
        for name in metadata.tables:
            rows = await connection.fetch(f"select * from {name}")  # noqa: S608 - names from the code
            text = " ".join(
                value.decode(errors="replace") if isinstance(value, bytes) else str(value)
                for row in rows
                for value in row.values()
            )
            found += [(name, word) for word in words if word in text]
        return found


# Messages out.


async def test_a_front_end_reads_a_message_delivers_it_and_reports(intake):
    chat = {
        "conversation_id": "c-1",
        "customer": {"id": "88", "name": "王小燕"},
        "messages": [{"from": "customer", "text": "王小燕家灯坏了"}],
    }
    answer = (await intake.desk.post("/v1/channels/chat", json=chat)).json()
    message_id = await intake.ask_to_write(answer)
    path = f"/v1/messages/{message_id}"
    message = (await intake.desk.get(path)).json()

    assert await intake.said(answer) == ["complaint.received", "message.outgoing"]
    assert (message["text"], message["state"]) == ("灯已换好，王小燕", "waiting_for_front_end")
    assert message["addresses"] == {"external": "88", "conversation": "c-1"}
    reports = [await intake.desk.post(f"{path}/delivery", json={"outcome": "sent"}) for _ in range(2)]
    assert [report.json()["state"] for report in reports] == ["sent", "sent"]
    assert (await intake.desk.post(f"{path}/delivery", json={"outcome": "failed"})).status_code == 409
    assert await intake.said(answer) == ["complaint.received", "message.outgoing", "message.sent"]
    assert (await intake.desk.get(f"/v1/messages/{uuid4()}")).status_code == 404


async def test_a_mail_goes_out_in_the_customers_thread(start, post):
    intake = await start(smtp_host="127.0.0.1", smtp_port=post.port, from_address="care@example.org", from_name="客服")
    answer = await intake.mail()
    message_id = await intake.ask_to_write(answer, "Hello ⟦name:1⟧, here is your lamp.")
    await intake.until(answer, "message.sent")
    sent = post.mails[0]

    assert sent["to"] == "Wang Xiaoyan <wang@example.com>"
    assert sent["from"] == "客服 <care@example.org>"
    assert sent["subject"] == f"Our answer to your complaint [{answer['number']}]"
    assert sent["message-id"] == f"<{message_id}@example.org>"
    assert sent["in-reply-to"] == sent["references"] == "<a@example.com>"
    assert sent["auto-submitted"] == "auto-generated"
    assert answer["number"] in sent.get_content()

    reply = MAIL.replace(b"<a@", b"<b@").replace(b"Subject:", f"In-Reply-To: {sent['message-id']}\r\nSubject:".encode())
    assert (await intake.mail(reply))["complaint_id"] == answer["complaint_id"]


async def test_a_server_that_is_busy_is_tried_again(start, post):
    post.replies = ["451 later", "451 later"]
    intake = await start(smtp_host="127.0.0.1", smtp_port=post.port, mail_first_pause=timedelta(milliseconds=10))
    answer = await intake.mail()
    await intake.ask_to_write(answer)
    await intake.until(answer, "message.sent")

    assert len(post.mails) == 1
    assert await intake.said(answer) == ["complaint.received", "message.sent"]


@pytest.mark.parametrize(
    ("replies", "attempts", "reason"),
    [(["550 nobody here"], 5, "refused_by_server"), (["451 later"] * 2, 2, "gave_up")],
)
async def test_a_mail_that_will_never_arrive_is_given_up(start, post, replies, attempts, reason):
    post.replies = replies
    pause = timedelta(milliseconds=10)
    intake = await start(smtp_host="127.0.0.1", smtp_port=post.port, mail_first_pause=pause, mail_attempts=attempts)
    answer = await intake.mail()
    await intake.ask_to_write(answer)
    await intake.until(answer, "message.failed")

    events = (await intake.desk.get(f"/v1/complaints/{answer['complaint_id']}/events")).json()["items"]
    assert events[-1]["data"]["reason"] == reason
    assert post.mails == []


# The document.


async def test_every_body_has_a_chinese_and_an_english_example(intake):
    document = (await intake.desk.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    for path, operations in document["paths"].items():
        if path.startswith("/v1/admin"):
            continue
        for operation in operations.values():
            for body in operation.get("requestBody", {}).get("content", {}).values():
                schema = body["schema"]
                schema = schemas[schema["$ref"].rsplit("/", 1)[-1]] if "$ref" in schema else schema
                if schema.get("format") != "binary":
                    assert len(schema["examples"]) >= 2, path
                    assert "$ref" not in json.dumps(schema.get("properties", {})) or "components" in json.dumps(schema)
