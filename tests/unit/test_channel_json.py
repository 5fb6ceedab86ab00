"""Chats, calls and canonical complaints: JSON bodies, read and refused."""

import json

import pytest

from services.intake.channels.canonical import ComplaintSubmission, parse_complaint
from services.intake.channels.chat import Chat, parse_chat
from services.intake.channels.contact import Attachment, Sender, Turn
from services.intake.channels.payload import MAX_BODY_BYTES
from services.intake.channels.phone import Call, parse_call, split_transcript
from services.intake.channels.unreadable import Unreadable


def body(example, **changes):
    return json.dumps({**example, **changes}).encode()


CHAT = {
    "conversation_id": "c-1",
    "platform": "wecom",
    "started_at": "2026-11-02T09:15:00+08:00",
    "customer": {"id": 88, "name": "王小燕", "phone": "13800138000", "email": "Wang@Example.com"},
    "messages": [
        {"from": "bot", "text": "您好，请问有什么可以帮您？"},
        {"at": "2026-11-02T01:15:20Z", "from": "customer", "text": "窗帘装歪了"},
        {"from": "agent", "text": "非常抱歉"},
        {"from": "customer", "text": "约好的师傅没来\u0000"},
    ],
    "unknown": {"ignored": True},
}
CALL = {
    "event": "hangup",
    "callId": "a1-307",
    "from": "13800138000",
    "to": "4008001234",
    "direction": "in",
    "cause": "normalClearing",
    "answered_at": "2026-11-02T01:15:08Z",
    "customer": {"name": "陈先生", "id": "k-7"},
}
COMPLAINT = {"channel": "web", "text": "冰箱门关不严", "customer": {"email": "chen@example.com"}}


def test_a_chat_is_its_customers_words():
    contact = parse_chat(body(CHAT))

    assert (contact.channel, contact.kind, contact.external_id, contact.thread_keys) == (
        "chat",
        "message",
        "c-1",
        ("c-1",),
    )
    assert contact.text == "窗帘装歪了\n约好的师傅没来"
    assert contact.language == "zh-Hans"
    assert contact.sent_at is not None
    assert contact.sent_at.isoformat() == "2026-11-02T01:15:00+00:00"
    assert contact.sender == Sender("王小燕", "wang@example.com", "+8613800138000", "88")
    assert [turn.speaker for turn in contact.transcript] == ["bot", "customer", "agent", "customer"]


@pytest.mark.parametrize("messages", [[], [{"from": "agent", "text": "在吗"}], [{"from": "customer", "text": " "}]])
def test_a_chat_in_which_the_customer_said_nothing_is_missed(messages):
    assert parse_chat(body(CHAT, messages=messages)).kind == "missed"


def test_a_call_with_turns():
    transcript = [{"speaker": "agent", "text": "您好"}, {"speaker": "customer", "text": "净水器漏水"}]
    contact = parse_call(body(CALL, transcript=transcript, agent_note="客户激动"))

    assert contact is not None
    assert (contact.channel, contact.kind, contact.external_id) == ("phone", "message", "a1-307")
    assert contact.text == "净水器漏水"
    assert contact.transcript == (Turn("agent", "您好"), Turn("customer", "净水器漏水"))
    assert contact.agent_note == "客户激动"
    assert contact.sender == Sender("陈先生", None, "+8613800138000", "k-7")


def test_of_an_outgoing_call_the_customer_is_the_one_called():
    contact = parse_call(body(CALL, direction="out", **{"from": "4008001234", "to": "+442079460000"}))

    assert contact is not None
    assert contact.sender.phone == "+442079460000"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"cause": "noAnswer", "answered_at": None}, "missed"),
        ({"cause": "cancel", "answered_at": None}, "missed"),
        ({"cause": None, "answered_at": None}, "missed"),
        ({"cause": "voicemail", "answered_at": None, "transcript": "冰箱漏水"}, "message"),
        ({"agent_note": "要求退款"}, "message"),
        ({"answered_at": None}, "empty"),
        ({"cause": "busy"}, "empty"),
        ({"event": "newCall", "transcript": "冰箱漏水"}, "message"),
    ],
)
def test_what_a_call_is(changes, kind):
    contact = parse_call(body(CALL, **changes))

    assert contact is not None
    assert contact.kind == kind


@pytest.mark.parametrize("event", ["newCall", "answer"])
def test_a_call_that_goes_on_is_no_contact_yet(event):
    assert parse_call(body(CALL, event=event)) is None


def test_a_transcript_in_one_piece_is_split_by_its_marks():
    assert split_transcript("坐席：您好\n客户: 净水器漏水\n地板泡坏了\nAgent: sorry") == (
        Turn("agent", "您好"),
        Turn("customer", "净水器漏水"),
        Turn("customer", "地板泡坏了"),
        Turn("agent", "sorry"),
    )
    assert split_transcript("地板泡坏了") == (Turn("customer", "地板泡坏了"),)
    assert split_transcript("") == ()


def test_a_canonical_complaint_with_everything():
    sha256 = "AB" * 32
    contact = parse_complaint(
        body(
            COMPLAINT,
            external_id="form-1",
            received_at="2026-11-02T09:15:00+08:00",
            language="zh-TW",
            subject="冰箱",
            product="BX-520",
            order_reference="SO-1",
            remedy_sought="换新",
            attachments=[{"name": "a.jpg", "content_type": "image/jpeg", "size": 3, "sha256": sha256}],
        )
    )

    assert (contact.channel, contact.external_id, contact.kind) == ("web", "form-1", "message")
    assert (contact.product, contact.order_reference, contact.remedy_sought) == ("BX-520", "SO-1", "换新")
    assert contact.language == "zh-Hant"
    assert contact.attachments == (Attachment("a.jpg", "image/jpeg", 3, sha256.lower()),)
    assert contact.sender.email == "chen@example.com"


def test_a_canonical_complaint_with_the_least():
    contact = parse_complaint(b'{"channel": "onsite", "text": "The lamp is broken."}')

    assert contact.external_id is None
    assert contact.sender == Sender()
    assert contact.language == "en"


@pytest.mark.parametrize("shape", [Chat, Call, ComplaintSubmission])
def test_the_examples_in_the_documentation_are_read(shape):
    examples = shape.model_json_schema()["examples"]
    languages = {shape.model_validate_json(json.dumps(example)).to_contact().language for example in examples}

    assert len(examples) >= 2
    assert "zh-Hans" in languages


@pytest.mark.parametrize(
    ("read", "raw", "pointers"),
    [
        (parse_chat, b"", [""]),
        (parse_chat, b"[]", [""]),
        (parse_chat, b'{"conversation_id": }', [""]),
        (parse_chat, b'{"conversation_id": "\xc4\xe3"}', [""]),
        (parse_chat, b"{}", ["/conversation_id", "/messages"]),
        (parse_chat, body(CHAT, conversation_id=" "), ["/conversation_id"]),
        (parse_chat, body(CHAT, customer={"phone": 1}), ["/customer/phone"]),
        (parse_chat, body(CHAT, messages=[{"from": "system", "text": "x"}]), ["/messages/0/from"]),
        (parse_chat, body(CHAT, messages=[{"from": "agent"}]), ["/messages/0/text"]),
        (parse_chat, body(CHAT, started_at="yesterday"), ["/started_at"]),
        (parse_chat, body(CHAT, started_at="0001-01-01T00:00:00+08:00"), ["/started_at"]),
        (parse_call, body(CALL, event="ringing"), ["/event"]),
        (parse_call, body({"event": "hangup"}), ["/callId", "/from", "/to", "/direction"]),
        (parse_complaint, body(COMPLAINT, text=""), ["/text"]),
        (parse_complaint, body(COMPLAINT, channel="fax"), ["/channel"]),
        (parse_complaint, body(COMPLAINT, attachments=[{"name": "a", "sha256": "x"}]), ["/attachments/0/sha256"]),
        (parse_complaint, b" " * (MAX_BODY_BYTES + 1), [""]),
        (parse_complaint, b"[" * 100_000, [""]),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(read, raw, pointers):
    with pytest.raises(Unreadable) as refusal:
        read(raw)

    assert [problem.pointer for problem in refusal.value.problems] == pointers
    assert all(problem.reason["zh"] and problem.reason["en"] for problem in refusal.value.problems)


def test_broken_json_is_refused_with_line_and_column():
    with pytest.raises(Unreadable, match="line 2 column 3"):
        parse_complaint(b'{"text":\n  }')


def test_a_refusal_never_quotes_the_customer():
    with pytest.raises(Unreadable) as refusal:
        parse_chat(body(CHAT, customer={"phone": ["secret-138"]}, started_at="secret-day", platform={"secret": 1}))

    assert "secret" not in str(refusal.value)
    assert "secret" not in str([problem.reason for problem in refusal.value.problems])
