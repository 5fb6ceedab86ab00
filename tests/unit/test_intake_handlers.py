import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.intake import api, events, storage
from services.intake.channels.contact import IncomingContact, Sender, Turn
from services.intake.domain.complaint import Complaint, Status, Tokens
from services.intake.domain.contact import Contact, Raw, ThreadKey
from services.intake.domain.customer import Customer, Identity, IdentityType, Tier
from services.intake.domain.message import OutgoingMessage, State
from services.intake.domain.refusals import (
    ChangedMeanwhile,
    ComplaintNotOpen,
    DeliveryAlreadyReported,
    LinkLeadsNowhere,
    NoSuchComplaint,
    NoSuchCustomer,
    NoSuchMessage,
)
from services.intake.handlers.complaints import LinkComplaint, UnlinkComplaint, WithdrawComplaint
from services.intake.handlers.contact import read_contact
from services.intake.handlers.customers import EraseCustomer, SetTier
from services.intake.handlers.masking import LONGEST_TEXT, Masking
from services.intake.handlers.messages import PostponeMessage, RecordDelivery
from services.intake.settings import IntakeSettings
from shared.contracts.followup import FollowupMessageRequested
from shared.contracts.resolution import CaseClosed, CaseReopened, ResolutionMessageRequested
from shared.runtime.message import Command
from shared.testing.memory_door import MONDAY_MORNING, MemoryDoor

SETTINGS = IntakeSettings(database_url="postgresql://x@127.0.0.1/x")
HANDLERS = {**api.commands(SETTINGS.reception, SETTINGS.zone), **events.reactions(SETTINGS.wording)}
STORY = "上周六在你们网店买的电饭煲，用了三回，三回都是夹生饭，加热盘只有半边是热的，麻烦给我换一台好的"
RETOLD = "我上周六买的电饭煲，煮了三回都是夹生饭，加热盘只有半边热，请给我换一台新的"
OTHER_STORY = "昨天下午送来的沙发扶手有一道很长的划痕，送货的人放下就走了，打电话也没有人接"
WANG = Sender("王小燕", "wang@example.com", "+8613800138000", "88")


class Mailroom(MemoryDoor):
    """Intake with contacts coming in."""

    def __init__(self):
        super().__init__("intake", storage.STORED, HANDLERS)

    def get(self, text=STORY, *, sender=WANG, **told) -> dict[str, Any]:
        """Receive a contact, and return the answer."""
        return self.ask(contact(text, sender=sender, **told))

    @property
    def events(self) -> list[dict[str, Any]]:
        return [each.data for each in self.said]

    def one(self, kind):
        rows = self.store.all(kind)
        assert len(rows) == 1
        return rows[0]

    def complaint(self, answer) -> Complaint:
        return self.row(Complaint, UUID(answer["complaint_id"]))


def contact(text=STORY, *, sender=WANG, channel="web", external_id=None, said_at=None, **told):
    incoming = IncomingContact(
        channel=channel, external_id=external_id, text=text, language="zh-Hans", sender=sender, **told
    )
    return read_contact(incoming, text.encode(), "application/json", said_at)


def mail(text=STORY, *, sender=WANG, external_id="<a@example.com>", **told):
    sender = Sender(sender.name, sender.email) if sender else Sender()
    return {"text": text, "sender": sender, "channel": "email", "external_id": external_id, **told}


@pytest.fixture
def room():
    return Mailroom()


class TestReceiving:
    def test_a_complaint_gets_a_number_and_is_told_without_a_name(self, room):
        answer = room.get("我叫王小燕，电话138 0013 8000，灯坏了", product="吊灯")

        assert answer["outcome"] == "opened"
        assert answer["number"] == "CMP-2026-000001"
        assert room.said_types == ["complaint.received"]
        event = room.events[0]
        assert event["text"] == "我叫⟦name:1⟧，电话⟦phone:1⟧，灯坏了"
        assert (event["customer_id"], event["tier"]) == (answer["customer_id"], "C")
        assert room.one(Tokens).tokens == {"⟦phone:1⟧": "138 0013 8000", "⟦name:1⟧": "王小燕"}
        assert {identity.value for identity in room.store.all(Identity)} == {
            "web:88", "wang@example.com", "+8613800138000",
        }  # fmt: skip
        assert room.one(Raw).content == "我叫王小燕，电话138 0013 8000，灯坏了".encode()

    def test_every_text_of_the_event_is_masked(self, room):
        room.get(
            "灯坏了",
            subject="王小燕投诉",
            product="王小燕的灯",
            order_reference="wang@example.com",
            remedy_sought="请打13800138000",
            transcript=(Turn("agent", "王女士您好"), Turn("customer", "灯坏了")),
        )
        said = json.dumps(room.events, ensure_ascii=False)
        assert "王小燕" not in said
        assert "13800138000" not in said
        assert "wang@" not in said
        assert [turn["text"] for turn in room.events[0]["transcript"]] == ["⟦name:2⟧女士您好", "灯坏了"]

    def test_a_front_end_may_say_when_it_was_told_but_not_in_the_future(self, room):
        before, after = MONDAY_MORNING - timedelta(days=400), MONDAY_MORNING + timedelta(days=400)
        assert room.get(said_at=before)["number"].startswith("CMP-2025-")
        assert room.complaint(room.get(OTHER_STORY, said_at=after)).received_at == MONDAY_MORNING

    def test_the_same_again_is_answered_as_before(self, room):
        first = room.get(external_id="form-1")
        again = room.get(external_id="form-1")

        assert again == {**first, "reason": "already_received"}
        assert room.said_types == ["complaint.received"]

    def test_of_a_chat_that_went_on_only_what_is_new_is_told(self, room):
        first = room.get("灯坏了", channel="chat", external_id="c-1")
        again = room.get("灯坏了\n打13800138000找王小燕", channel="chat", external_id="c-1")

        assert (again["outcome"], again["reason"]) == ("appended", "same_conversation")
        assert again["complaint_id"] == first["complaint_id"]
        assert room.events[1]["text"] == "打⟦phone:1⟧找⟦name:1⟧"

    def test_a_chat_that_begins_with_a_missed_call_opens_when_something_is_said(self, room):
        assert room.get("", kind="missed", channel="phone", external_id="p-1")["outcome"] == "recorded"
        assert room.get("灯坏了", channel="phone", external_id="p-1")["outcome"] == "opened"

    def test_a_reply_joins_and_its_tokens_go_on(self, room):
        first = room.get(**mail("我的电话是13800138000"))
        reply = mail("不是13800138000，是13800138001", external_id="<b@example.com>", thread_keys=("<a@example.com>",))
        again = room.get(**reply)

        assert (again["outcome"], again["reason"]) == ("appended", "same_thread")
        assert again["complaint_id"] == first["complaint_id"]
        assert room.events[1]["text"] == "不是⟦phone:1⟧，是⟦phone:2⟧"

    def test_a_reply_that_comes_before_what_it_answers_is_joined_by_it(self, room):
        reply = room.get(**mail(OTHER_STORY, external_id="<b@example.com>", thread_keys=("<a@example.com>",)))
        first = room.get(**mail(STORY))
        assert (first["outcome"], first["complaint_id"]) == ("appended", reply["complaint_id"])

    def test_a_quoted_number_joins_the_customers_own_complaint_only(self, room):
        first = room.get(**mail())
        own = room.get(**mail(OTHER_STORY, external_id="<b@example.com>", numbers=(first["number"],)))
        stranger = Sender("李四", "li@example.com")
        other = room.get(
            **mail(OTHER_STORY, external_id="<c@example.com>", sender=stranger, numbers=(first["number"],))
        )

        assert (own["outcome"], own["reason"]) == ("appended", "quoted_number")
        assert (other["outcome"], other["reason"]) == ("opened", "other_sender")
        assert other["customer_id"] != first["customer_id"]

    def test_the_same_story_is_linked_and_said_on_its_own_stream(self, room):
        first = room.get(**mail())
        again = room.get(RETOLD, sender=Sender(None, "wang@example.com", None, "w-9"), channel="chat", external_id="c")

        assert again["outcome"] == "linked"
        assert room.said_types == ["complaint.received", "complaint.received", "complaint.linked"]
        assert room.events[2]["complaint_id"] == again["complaint_id"]
        assert room.events[2]["primary_id"] == first["complaint_id"]
        assert room.events[2]["reason"] == "same_story"
        assert room.complaint(again).status is Status.LINKED

    def test_what_comes_on_a_linked_complaint_goes_to_its_primary(self, room):
        first = room.get(**mail())
        room.get(RETOLD, channel="chat", external_id="c")
        again = room.get(f"{RETOLD}\n还有，锅盖也裂了", channel="chat", external_id="c")
        assert (again["outcome"], again["complaint_id"]) == ("appended", first["complaint_id"])

    def test_another_customer_with_the_same_story_is_another_complaint(self, room):
        room.get()
        assert room.get(sender=Sender("李四", "li@example.com"))["outcome"] == "opened"

    @pytest.mark.parametrize(
        ("kind", "outcome"), [("auto_reply", "ignored"), ("bounce", "ignored"), ("empty", "recorded")]
    )
    def test_what_is_no_complaint_is_still_on_record(self, room, kind, outcome):
        answer = room.get(**mail("我在休假，急事请找li@example.com", kind=kind))

        assert (answer["outcome"], answer["reason"], answer["number"]) == (outcome, kind, None)
        assert room.said_types == ["contact.recorded"]
        assert room.events[0]["text"] == "我在休假，急事请找⟦email:1⟧"
        assert room.one(Raw).content
        assert (answer["customer_id"] is None) == (outcome == "ignored")

    def test_who_cannot_be_recognised_complains_all_the_same(self, room):
        first, second = (room.get(sender=Sender()) for _ in range(2))
        assert first["outcome"] == second["outcome"] == "opened"
        assert first["customer_id"] != second["customer_id"]
        assert room.get("谢谢！", sender=Sender())["customer_id"] is None

    def test_an_anonymous_chat_that_leaves_a_number_later_can_be_called(self, room):
        first = room.get("灯坏了", channel="chat", external_id="c", sender=Sender())
        phone = Sender(phone="+8613800138000")
        again = room.get("灯坏了\n打我电话", channel="chat", external_id="c", sender=phone)

        assert again["customer_id"] == first["customer_id"]
        assert room.row(Identity, IdentityType.PHONE, "+8613800138000").customer_id == UUID(first["customer_id"])

    def test_a_name_that_was_given_once_is_masked_ever_after(self, room):
        room.get(sender=Sender(phone="+8613800138000"))
        room.get(OTHER_STORY, sender=Sender("王小燕", phone="+8613800138000"))
        room.get("又是我王小燕，这回是窗帘", sender=Sender(phone="+8613800138000"))
        assert room.events[-1]["text"] == "又是我⟦name:1⟧，这回是窗帘"

    def test_whoever_names_somebodys_phone_gets_no_address_attached_to_them(self, room):
        room.get(sender=Sender("王小燕", None, "+8613800138000"))
        room.get(OTHER_STORY, sender=Sender("李四", "li@example.com", "+8613800138000"))
        assert room.row(Identity, IdentityType.EMAIL, "li@example.com") is None

    def test_contacts_of_one_new_customer_in_one_batch_find_each_other(self, room):
        batch = [
            contact(**mail()),
            contact(**mail(OTHER_STORY, external_id="<b@example.com>", thread_keys=("<a@example.com>",))),
            contact(RETOLD),
            contact(**mail()),
        ]
        results = room.give_together(*map(Command, batch))

        assert [result.error for result in results] == [None] * 4
        assert [result.body["outcome"] for result in results] == ["opened", "appended", "linked", "opened"]
        assert results[3].body == {**results[0].body, "reason": "already_received"}
        assert len({result.body["customer_id"] for result in results}) == 1

    def test_a_text_beyond_all_measure_fits_an_event(self, room):
        room.get("电话13800138000。" * 8000, transcript=tuple(Turn("customer", "喂" * 50) for _ in range(5000)))
        event = room.events[0]
        assert len(event["text"]) <= LONGEST_TEXT
        assert event["text"].endswith(("⟧", "。", "电", "话"))
        assert len(json.dumps(event)) < 400_000


class TestMasking:
    def test_a_cut_never_leaves_half_a_number_or_half_a_token(self):
        for filler in range(LONGEST_TEXT - 14, LONGEST_TEXT + 2):
            masked = Masking([]).text("灯" * filler + "13800138000，快来" + "灯" * 20)
            assert "1380" not in masked
            assert masked.count("⟦") == masked.count("⟧")


class TestDecisions:
    def seen(self, room, answer):
        return room.complaint(answer).revision

    def test_a_withdrawal_is_said_with_its_reason_masked(self, room):
        answer = room.get()
        complaint_id = UUID(answer["complaint_id"])
        done = room.ask(WithdrawComplaint(complaint_id, 1, "王小燕说不用了，13800138000"))

        assert done == {"complaint_id": answer["complaint_id"], "status": "withdrawn", "revision": 2}
        assert room.events[-1]["reason"] == "⟦name:1⟧说不用了，⟦phone:1⟧"
        with pytest.raises(ComplaintNotOpen):
            room.ask(WithdrawComplaint(complaint_id, 2, None))
        with pytest.raises(ChangedMeanwhile):
            room.ask(WithdrawComplaint(complaint_id, 1, None))
        with pytest.raises(NoSuchComplaint):
            room.ask(WithdrawComplaint(UUID(int=1), 1, None))

    def test_links_by_hand_and_back(self, room):
        first, second, third = (UUID(room.get(sender=Sender())["complaint_id"]) for _ in range(3))
        room.ask(LinkComplaint(second, 1, first))
        assert room.events[-1]["primary_number"] == "CMP-2026-000001"
        assert room.events[-1]["reason"] == "by_hand"
        with pytest.raises(LinkLeadsNowhere):
            room.ask(LinkComplaint(first, 1, second))
        assert room.ask(LinkComplaint(third, 1, second))["status"] == "linked"
        assert room.row(Complaint, third).primary_id == first

        assert room.ask(UnlinkComplaint(second, 2)) == {"complaint_id": str(second), "status": "open", "revision": 3}
        assert room.said_types[-1] == "complaint.unlinked"
        with pytest.raises(LinkLeadsNowhere):
            room.ask(LinkComplaint(second, 3, UUID(int=1)))

    def test_a_closed_case_is_no_longer_compared_with_until_it_is_reopened(self, room):
        first = UUID(room.get()["complaint_id"])
        room.hear(CaseClosed(complaint_id=first, reason="satisfied"))
        assert room.get(RETOLD)["outcome"] == "opened"
        room.hear(CaseReopened(complaint_id=first, round=2, reason="dissatisfied", deadlines=()))
        assert room.row(Complaint, first).status is Status.OPEN
        room.hear(CaseClosed(complaint_id=UUID(int=9), reason="satisfied"))

    def test_a_tier_counts_from_the_next_complaint_on(self, room):
        answer = room.get()
        assert room.ask(SetTier(UUID(answer["customer_id"]), Tier.A))["tier"] == "A"
        room.get(OTHER_STORY)
        assert [event["tier"] for event in room.events] == ["C", "A"]
        with pytest.raises(NoSuchCustomer):
            room.ask(SetTier(UUID(int=1), Tier.A))


def requested(answer, event=ResolutionMessageRequested, **changes):
    return event(**{"complaint_id": answer["complaint_id"], "purpose": "answer", "text": "灯已换好，请查收", **changes})


class TestMessages:
    def test_who_has_an_address_gets_mail(self, room):
        room.hear(requested(room.get(), text="⟦name:1⟧您好"))
        message = room.one(OutgoingMessage)
        assert (message.state, message.channel, message.language) == (State.QUEUED, "email", "zh-Hans")
        assert message.subject == "对您投诉的答复 [CMP-2026-000001]"
        assert message.body == "⟦name:1⟧您好"
        assert room.said_types == ["complaint.received"]

    def test_a_template_is_put_into_the_customers_language(self, room):
        answer = room.get()
        values = {"number": answer["number"], "due_at": "2026-11-17T06:30:00+00:00"}
        event = requested(
            answer, FollowupMessageRequested, text=None, template="callback_planned", values=values, language="zh-Hant"
        )
        room.hear(event)
        assert "2026年11月17日 14:30 左右致電回訪" in room.one(OutgoingMessage).body

    def test_a_delivery_is_said_once_and_answers_to_it_join(self, room):
        answer = room.get(**mail())
        room.hear(requested(answer))
        message_id = room.one(OutgoingMessage).message_id
        delivery = RecordDelivery(message_id, is_sent=True, mail_id="<out@example.org>")

        assert room.ask(delivery) == room.ask(delivery) == {"message_id": str(message_id), "state": "sent"}
        assert room.said_types == ["complaint.received", "message.sent"]
        assert room.events[-1]["message_id"] == str(message_id)
        with pytest.raises(DeliveryAlreadyReported):
            room.ask(RecordDelivery(message_id, is_sent=False))
        reply = mail("还是不行", external_id="<b@example.com>", thread_keys=("<out@example.org>",))
        assert room.get(**reply)["complaint_id"] == answer["complaint_id"]

    def test_a_front_end_is_asked_where_there_is_no_address_for_mail(self, room):
        answer = room.get(channel="chat", external_id="c-1", sender=Sender(external_id="88"))
        room.hear(requested(answer))
        message = room.one(OutgoingMessage)
        assert message.state is State.WAITING_FOR_FRONT_END
        assert room.said_types == ["complaint.received", "message.outgoing"]
        assert "text" not in room.events[-1]
        room.ask(RecordDelivery(message.message_id, is_sent=False, reason="屏蔽，改打13800138000"))
        assert (room.said_types[-1], room.events[-1]["reason"]) == ("message.failed", "屏蔽，改打⟦phone:1⟧")

    def test_who_cannot_be_reached_is_not_told(self, room):
        room.hear(requested(room.get(sender=Sender())))
        assert (room.said_types[-1], room.events[-1]["reason"]) == ("message.failed", "no_address")
        assert room.one(OutgoingMessage).body is None

    def test_what_is_asked_for_an_unknown_complaint_is_let_go(self, room):
        results = room.hear(requested({"complaint_id": UUID(int=4)}))
        assert [result.fate for result in results] == ["done"]
        assert room.store.all(OutgoingMessage) == []

    def test_a_mail_can_be_left_for_later(self, room):
        room.hear(requested(room.get()))
        message_id = room.one(OutgoingMessage).message_id
        later = MONDAY_MORNING + timedelta(minutes=1)
        room.ask(PostponeMessage(message_id, later))
        assert (room.one(OutgoingMessage).attempts, room.one(OutgoingMessage).next_try_at) == (1, later)
        with pytest.raises(NoSuchMessage):
            room.ask(PostponeMessage(UUID(int=1), later))


class TestErasure:
    def test_a_person_is_forgotten_but_the_figures_stay(self, room):
        answer = room.get(**mail())
        room.get(**mail("收到，谢谢！", external_id="<b@example.com>", thread_keys=("<a@example.com>",)))
        room.hear(requested(answer))
        erased = room.ask(EraseCustomer(UUID(answer["customer_id"])))

        assert erased["complaints"] == [answer["complaint_id"]]
        assert room.said_types[-2:] == ["message.failed", "complaint.erased"]
        for kind in (Customer, Identity, Tokens, ThreadKey):
            assert room.store.all(kind) == []
        assert room.one(OutgoingMessage).body is None
        assert {(each.external_id, each.customer_id) for each in room.store.all(Contact)} == {(None, None)}
        assert room.complaint(answer).status is Status.ERASED
        said = json.dumps(room.events, ensure_ascii=False)
        assert "电饭煲" not in said
        assert "收到，谢谢" not in said
        with pytest.raises(NoSuchCustomer):
            room.ask(EraseCustomer(UUID(answer["customer_id"])))

    def test_a_late_second_delivery_brings_nobody_back(self, room):
        answer = room.get(**mail())
        room.ask(EraseCustomer(UUID(answer["customer_id"])))
        again = room.get(**mail())

        assert again["reason"] == "already_received"
        assert again["customer_id"] is None
        assert room.store.all(Customer) == []

    def test_who_writes_anew_is_new(self, room):
        answer = room.get(**mail())
        room.ask(EraseCustomer(UUID(answer["customer_id"])))
        again = room.get(**mail(external_id="<b@example.com>", thread_keys=("<a@example.com>",)))
        assert (again["outcome"], again["reason"]) == ("opened", "new_story")
        assert again["customer_id"] != answer["customer_id"]

    def test_nothing_is_sent_after_it(self, room):
        answer = room.get(channel="chat", external_id="c-1")
        room.ask(EraseCustomer(UUID(answer["customer_id"])))
        room.hear(requested(answer))
        assert (room.said_types[-1], room.events[-1]["reason"]) == ("message.failed", "no_address")
