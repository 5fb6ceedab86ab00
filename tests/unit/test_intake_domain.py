from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.complaint import (
    Complaint,
    Status,
    check_seen,
    close,
    erase,
    last_in_line,
    link,
    number_of,
    reopen,
    unlink,
    withdraw,
)
from services.intake.domain.contact import Contact, Kind, Outcome, Told, arrival_of, news, text_hash
from services.intake.domain.customer import (
    RECENT_LIMIT,
    Customer,
    Identity,
    IdentityType,
    may_learn_identities,
    names_of,
    recognise,
    remember_complaint,
)
from services.intake.domain.gist import gist_of
from services.intake.domain.likeness import SIZE, fingerprint, likeness
from services.intake.domain.message import OutgoingMessage, RetryPolicy, State, forget, postpone, settle, way_to
from services.intake.domain.reception import REASONS, Known, ReceptionPolicy, decide
from services.intake.domain.refusals import (
    ChangedMeanwhile,
    ComplaintNotLinked,
    ComplaintNotOpen,
    DeliveryAlreadyReported,
    LinkLeadsNowhere,
)
from services.intake.domain.templates import FOOTERS, SUBJECTS, TEMPLATES, Wording
from services.routing.classifier.corpus import training_texts

NOW = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
ME, YOU = UUID(int=1), UUID(int=2)
POLICY = ReceptionPolicy()
STORY = "上周六在你们网店买的电饭煲，用了三回，三回都是夹生饭，加热盘只有半边是热的，麻烦给我换一台好的"
RETOLD = "我上周六买的电饭煲，煮了三回都是夹生饭，加热盘只有半边热，请给我换一台新的"
OTHER_STORY = "昨天下午送来的沙发扶手有一道很长的划痕，送货的人放下就走了，打电话也没有人接"


def complaint(number=1, customer=ME, status=Status.OPEN, **changes):
    defaults = {
        "complaint_id": UUID(int=100 + number),
        "number": f"CMP-2026-{number:06d}",
        "customer_id": customer,
        "contact_id": UUID(int=200 + number),
        "channel": "email",
        "language": "zh-Hans",
        "received_at": NOW,
        "fingerprint": b"",
        "status": status,
    }
    return Complaint(**{**defaults, **changes})


def told(text=STORY, channel="email", kind="message", **changes):
    return Told(channel, kind, text, fingerprint=fingerprint(text), **changes)


def decided(contact, at=NOW, **known):
    decision = decide(contact, Known(**{"customer_id": ME, **known}), at, POLICY)
    assert decision.reason in REASONS
    return decision


class TestReception:
    @pytest.mark.parametrize("kind", ["auto_reply", "bounce"])
    def test_what_a_machine_wrote_is_ignored_even_in_a_known_thread(self, kind):
        decision = decided(told(kind=kind), threads=[complaint()])
        assert (decision.outcome, decision.kind, decision.reason) == (Outcome.IGNORED, kind, kind)

    @pytest.mark.parametrize("kind", ["missed", "empty"])
    def test_who_was_not_heard_is_recorded(self, kind):
        assert decided(told("", kind=kind)).outcome is Outcome.RECORDED

    def test_a_story_is_a_complaint(self):
        decision = decided(told())
        assert (decision.outcome, decision.reason, decision.complaint) == (Outcome.OPENED, "new_story", None)

    @pytest.mark.parametrize(("known", "reason"), [("threads", "same_thread"), ("quoted", "quoted_number")])
    def test_a_reply_and_a_quoted_number_lead_to_the_customers_own_complaint(self, known, reason):
        decision = decided(told(), **{known: [complaint()]})
        assert (decision.outcome, decision.reason, decision.complaint) == (Outcome.APPENDED, reason, complaint())

    @pytest.mark.parametrize("known", ["threads", "quoted"])
    @pytest.mark.parametrize("customer", [YOU, None])
    def test_a_stranger_is_not_let_in_by_an_id_or_a_number(self, known, customer):
        decision = decided(told(), customer_id=customer, **{known: [complaint()]})
        assert (decision.outcome, decision.reason) == (Outcome.OPENED, "other_sender")

    def test_a_front_ends_word_on_a_conversation_is_taken_a_mails_is_not(self):
        assert decided(told(channel="chat"), customer_id=None, conversation=complaint()).reason == "same_conversation"
        assert decided(told(channel="email"), customer_id=None, conversation=complaint()).outcome is Outcome.OPENED
        assert decided(told(channel="chat"), customer_id=None, quoted=[complaint()]).reason == "other_sender"

    @pytest.mark.parametrize("status", [Status.CLOSED, Status.WITHDRAWN])
    def test_a_closed_complaint_still_gets_its_messages(self, status):
        assert decided(told(), threads=[complaint(status=status)]).outcome is Outcome.APPENDED

    def test_an_erased_complaint_is_not_there(self):
        decision = decided(told(), threads=[complaint(status=Status.ERASED)])
        assert (decision.outcome, decision.reason) == (Outcome.OPENED, "new_story")

    def test_the_same_story_again_is_linked_to_the_complaint_most_like_it(self):
        recent = [complaint(1, fingerprint=fingerprint(OTHER_STORY)), complaint(2, fingerprint=fingerprint(STORY))]
        decision = decided(told(RETOLD), recent=recent)
        assert (decision.outcome, decision.reason, decision.complaint) == (Outcome.LINKED, "same_story", recent[1])

    @pytest.mark.parametrize("status", [Status.CLOSED, Status.WITHDRAWN, Status.LINKED])
    def test_only_an_open_complaint_is_linked_to(self, status):
        recent = [complaint(status=status, fingerprint=fingerprint(STORY))]
        assert decided(told(), recent=recent).outcome is Outcome.OPENED

    def test_an_old_complaint_is_another_occasion(self):
        recent = [complaint(fingerprint=fingerprint(STORY))]
        assert decided(told(), at=NOW + timedelta(days=30), recent=recent).outcome is Outcome.LINKED
        assert decided(told(), at=NOW + timedelta(days=31), recent=recent).outcome is Outcome.OPENED

    def test_thanks_in_a_thread_are_recorded_with_their_complaint_and_reopen_nothing(self):
        decision = decided(told("收到了，谢谢！"), threads=[complaint()])
        assert (decision.outcome, decision.kind, decision.complaint) == (Outcome.RECORDED, Kind.PRAISE, complaint())

    def test_a_question_on_a_known_complaint_belongs_to_it(self):
        question = "请问师傅几点到？"
        assert decided(told(question), threads=[complaint()]).outcome is Outcome.APPENDED
        assert decided(told(question)).kind is Kind.QUESTION

    def test_every_reason_is_told_in_both_languages(self):
        assert all(words.keys() == {"zh", "en"} and all(words.values()) for words in REASONS.values())


class TestGist:
    def test_of_thousands_of_complaints_hardly_one_is_recorded_as_something_else(self):
        texts = training_texts()
        lost = [text.id for text in texts if text.is_complaint and gist_of(text.text)]
        told = [text.id for text in texts if text.kind == "question" and gist_of(text.text) == "question"]
        assert len(lost) <= 5, lost
        assert len(told) >= 40

    @pytest.mark.parametrize(
        "text",
        [
            "请问电话是多少？",
            "請問電話是多少？",
            "请问今天几点关门？",
            "请问说明书在哪里下载？",
            "Can people bring dogs?",
        ],
    )
    def test_a_plain_question_is_one(self, text):
        assert gist_of(text) == "question"

    @pytest.mark.parametrize(
        "text",
        [
            "我想问一下啊你们师傅上次把我家门锁装反了现在怎么锁啊",
            "請問押金要走多久呢？說是財務在走，走了兩個多月了",
            "Is there anybody actually reading these?",
            'Thank you for the "deluxe" breakfast: one roll, one small butter, and time for us two to get acquainted.',
        ],
    )
    def test_a_complaint_in_a_questions_or_in_thankful_clothes_is_none(self, text):
        assert gist_of(text) is None

    @pytest.mark.parametrize(
        "text",
        [
            "谢谢！",
            "好喔，謝謝",
            "收到短信了，非常感谢！",
            "问题已经解决了，谢谢你们",
            "没问题了，多谢",
            "我不是要投訴，是想說一聲謝謝。志工阿姨扶住我媽媽，一路陪到我趕過去。",
            "特地写信表扬一下昨天值班的小刘师傅，又快又细心。",
            "想对前台的姑娘说声谢谢，那天下雨她把自己的伞借给了我。",
            "Thanks a lot!",
            "Thank you so much, it works now.",
            "I just wanted to say thank you to the nurse who sat with my mother on Thursday.",
            "No problem, thanks again.",
            "Dear team,\nthank you for the lovely evening. The cake was wonderful.",
        ],
    )
    def test_thanks(self, text):
        assert gist_of(text) == "praise"

    @pytest.mark.parametrize(
        "text",
        [
            "谢谢，但灯还是不亮",
            "灯不亮，谢谢",
            "请处理一下，谢谢",
            "想请师傅来修灯，先谢谢了",
            "麻烦给我换一台好的，谢谢！",
            "谢谢你们的服务，等了三天也没有人来。",
            "我真是要谢谢你们，一个月修了三次",
            "感謝貴公司的回覆，惟款項至今未退",
            "请问怎么退货？谢谢",
            "Thanks for nothing.",
            "Thank you for your reply, but the lamp is still broken.",
            "I wanted to ask somebody to call me back, thank you",
            "Could you please send someone to look at the boiler? Thanks",
            "Please refund me. Thanks",
            "The sofa has a scratch on its arm. Thank you.",
        ],
    )
    def test_a_complaint_with_a_thank_you_in_it_stays_one(self, text):
        assert gist_of(text) is None

    @pytest.mark.parametrize(
        "text",
        [
            "请问你们周末几点开门？",
            "您好，想问一下会员卡可以两个人一起用吗？谢谢",
            "請問展覽到幾號，門票多少錢？",
            "What time do you open on Sunday?",
            "Hello, do you ship to Ireland? Thanks!",
        ],
    )
    def test_plain_questions(self, text):
        assert gist_of(text) == "question"

    @pytest.mark.parametrize(
        "text",
        [
            "请问我的快递到哪里了？",
            "老师您好，想问一下今天的活动是怎么回事\n孩子在门口站了半小时，一个人都没有",
            "我问一下，门禁卡全停了，这事是谁定的？",
            "请问你们为什么多扣了我两个月的钱？",
            "Where is my sofa?",
            "Is anybody ever going to answer?" + " Why was I charged twice?",
            "What are you going to do about the broken lift?",
            "The lift is out of order",
            "唉，也不知道从哪儿说起",
        ],
    )
    def test_a_question_about_something_of_ones_own_is_none(self, text):
        assert gist_of(text) is None

    def test_a_subject_of_trouble_outweighs_a_polite_text(self):
        assert gist_of("麻烦看一下，谢谢", "电梯坏了") is None
        assert gist_of("谢谢", "电梯又停了没人修") is None

    @given(st.text(max_size=300))
    def test_any_text_can_be_read(self, text):
        assert gist_of(text) in {"praise", "question", None}


class TestLikeness:
    def test_retold_in_other_words_it_is_like_another_story_it_is_not(self):
        assert likeness(fingerprint(STORY), fingerprint(RETOLD)) > 0.4
        assert likeness(fingerprint(STORY), fingerprint(OTHER_STORY)) < 0.1

    def test_english_retold(self):
        first = "My sofa was guaranteed for Monday morning and nobody came. I took an unpaid day off for it."
        again = "I took a day off because the sofa was guaranteed for Monday morning, and nobody came!"
        other = "You have billed me on an estimate for the third quarter running although I send readings."
        assert likeness(fingerprint(first), fingerprint(again)) > 0.4
        assert likeness(fingerprint(first), fingerprint(other)) < 0.1

    def test_of_a_few_words_nothing_is_concluded(self):
        assert likeness(fingerprint("转人工"), fingerprint("转人工")) == 0

    def test_a_sample_of_long_texts_tells_about_the_same_as_the_whole(self):
        letters = Random(7)  # noqa: S311 - the same letters every time
        long, end = ("".join(chr(letters.randrange(0x4E00, 0x5E00)) for _ in range(count)) for count in (4000, 2000))
        assert len(fingerprint(long)) == 4 * SIZE
        assert likeness(fingerprint(long), fingerprint(long)) == 1
        assert likeness(fingerprint(long), fingerprint(long[:2000] + end)) == pytest.approx(0.5, abs=0.07)

    @given(st.text(max_size=200), st.text(max_size=200))
    def test_it_is_a_share_and_the_same_both_ways(self, one, other):
        there, back = (likeness(fingerprint(a), fingerprint(b)) for a, b in ((one, other), (other, one)))
        assert there == back
        assert 0 <= there <= 1


class TestComplaint:
    def test_the_year_in_a_number_is_the_organisations(self):
        new_year = datetime(2026, 12, 31, 16, 30, tzinfo=UTC)
        assert number_of(123, new_year, SHANGHAI) == "CMP-2027-000123"
        assert number_of(1_234_567, NOW, SHANGHAI) == "CMP-2026-1234567"

    def test_what_is_not_open_is_not_withdrawn(self):
        assert withdraw(complaint()).status is Status.WITHDRAWN
        with pytest.raises(ComplaintNotOpen):
            withdraw(complaint(status=Status.CLOSED))

    def test_a_link_can_be_taken_back(self):
        linked = link(complaint(1), complaint(2))
        assert (linked.status, linked.primary_id, linked.revision) == (Status.LINKED, complaint(2).complaint_id, 2)
        unlinked, primary_id = unlink(linked)
        assert (unlinked.status, unlinked.primary_id, primary_id) == (Status.OPEN, None, complaint(2).complaint_id)
        with pytest.raises(ComplaintNotLinked):
            unlink(unlinked)

    @pytest.mark.parametrize("primary", [complaint(1), complaint(2, status=Status.WITHDRAWN)])
    def test_a_link_leads_to_another_complaint_that_goes_on(self, primary):
        with pytest.raises(LinkLeadsNowhere):
            link(complaint(1), primary)

    @pytest.mark.parametrize(
        ("status", "reason", "after"),
        [
            (Status.OPEN, "satisfied", Status.CLOSED),
            (Status.OPEN, "withdrawn", Status.WITHDRAWN),
            (Status.CLOSED, "withdrawn", Status.WITHDRAWN),
            (Status.WITHDRAWN, "silence", Status.WITHDRAWN),
            (Status.LINKED, "linked", Status.LINKED),
            (Status.OPEN, "linked", Status.OPEN),
            (Status.ERASED, "erased", Status.ERASED),
        ],
    )
    def test_a_case_that_ends_closes_what_was_open(self, status, reason, after):
        assert close(complaint(status=status), reason).status is after

    def test_a_case_that_goes_on_opens_what_was_closed(self):
        assert reopen(complaint(status=Status.CLOSED)).status is Status.OPEN
        assert reopen(complaint(status=Status.LINKED)).status is Status.LINKED
        assert reopen(complaint()) == complaint()

    def test_erasing_keeps_the_figures(self):
        erased = erase(complaint(fingerprint=b"1234"))
        assert (erased.status, erased.fingerprint, erased.number) == (Status.ERASED, b"", complaint().number)

    def test_a_message_follows_the_links_within_one_customer(self):
        mine = [complaint(1), complaint(2), complaint(3)]
        assert last_in_line(mine) == mine[2]
        assert last_in_line([mine[0], complaint(4, customer=YOU), mine[1]]) == mine[0]

    def test_who_has_not_seen_the_latest_is_told(self):
        check_seen(complaint(revision=3), 3)
        with pytest.raises(ChangedMeanwhile):
            check_seen(complaint(revision=3), 2)


class TestContact:
    def contact(self, text):
        return Contact(
            ME, "chat", "a", "c-1", text_hash(text), len(text), Kind.COMPLAINT, Outcome.OPENED, "new_story", NOW
        )

    def test_of_a_conversation_handed_in_again_only_what_is_new_counts(self):
        assert news(told("灯坏了\n谁来修？"), self.contact("灯坏了")).text == "谁来修？"
        assert news(told("灯修好了"), self.contact("灯坏了")).text == "灯修好了"
        assert news(told("灯坏了"), None).text == "灯坏了"

    def test_ids_of_two_channels_are_two(self):
        assert arrival_of("chat", "88") != arrival_of("phone", "88")
        assert arrival_of("web", None) is None


class TestCustomer:
    def test_the_strongest_evidence_wins(self):
        found = [(IdentityType.PHONE, ME), (IdentityType.EMAIL, YOU)]
        assert recognise(found) == (IdentityType.EMAIL, YOU)
        assert recognise([]) is None

    def test_an_address_is_only_learnt_from_a_front_end_that_knows_the_customer(self):
        assert may_learn_identities(None)
        assert may_learn_identities(IdentityType.EXTERNAL)
        assert not may_learn_identities(IdentityType.PHONE)
        assert not may_learn_identities(IdentityType.EMAIL)

    def test_only_so_many_complaints_are_compared_with(self):
        customer = Customer(ME, "闻喆", "zh-Hans", NOW)
        for number in range(RECENT_LIMIT + 5):
            customer = remember_complaint(customer, UUID(int=number))
        assert customer.recent == tuple(UUID(int=number) for number in range(5, RECENT_LIMIT + 5))
        assert names_of(customer, "Wen Zhe") == ["闻喆", "Wen Zhe"]
        assert names_of(None, None) == []


class TestMessage:
    def message(self, state=State.QUEUED):
        return OutgoingMessage(ME, YOU, "answer", "en", "subject", "body", "email", state, NOW)

    @pytest.mark.parametrize(
        ("channel", "types", "conversation", "way"),
        [
            ("chat", ["email", "external"], True, ("email", State.QUEUED)),
            ("chat", ["external"], True, ("chat", State.WAITING_FOR_FRONT_END)),
            ("chat", [], True, ("chat", State.WAITING_FOR_FRONT_END)),
            ("chat", [], False, None),
            ("phone", ["phone"], False, ("phone", State.WAITING_FOR_FRONT_END)),
            ("phone", [], True, None),
            ("email", ["phone"], False, ("phone", State.WAITING_FOR_FRONT_END)),
            ("web", ["external"], False, ("web", State.WAITING_FOR_FRONT_END)),
            ("onsite", [], True, None),
        ],
    )
    def test_the_way_to_a_customer(self, channel, types, conversation, way):
        identities = [Identity(IdentityType(each), "x", ME) for each in types]
        assert way_to(channel, identities, has_conversation=conversation) == way

    def test_a_report_counts_once(self):
        sent = settle(self.message(), is_sent=True)
        assert (sent.state, sent.attempts) == (State.SENT, 1)
        assert settle(sent, is_sent=True) is sent
        with pytest.raises(DeliveryAlreadyReported):
            settle(sent, is_sent=False)

    def test_pauses_grow_and_end(self):
        policy = RetryPolicy(attempts=5, first_pause=timedelta(seconds=30), longest_pause=timedelta(minutes=2))
        pauses = [policy.next_try(attempt, NOW) for attempt in range(1, 6)]
        assert pauses[:4] == [NOW + timedelta(seconds=seconds) for seconds in (30, 60, 120, 120)]
        assert pauses[4] is None
        assert postpone(self.message(), NOW).attempts == 1

    def test_what_is_forgotten_is_not_sent(self):
        forgotten = forget(self.message())
        assert (forgotten.state, forgotten.subject, forgotten.body) == (State.FAILED, None, None)
        assert forget(self.message(State.SENT)).state is State.SENT


class TestTemplates:
    WORDING = Wording(SHANGHAI)

    @pytest.mark.parametrize("template", sorted(TEMPLATES))
    def test_every_template_is_there_in_three_languages(self, template):
        values = {"number": "CMP-2026-000123", "due_at": "2026-11-17T06:30:00+00:00"}
        for reader in ("zh-Hans", "zh-Hant", "en"):
            body = self.WORDING.body(template, values, reader)
            assert "CMP-2026-000123" in body
            assert "{" not in body
        assert FOOTERS.keys() == {"zh-Hans", "zh-Hant", "en"}
        assert all(words.keys() == FOOTERS.keys() for words in SUBJECTS.values())

    @pytest.mark.parametrize(
        ("reader", "date"),
        [
            ("zh-Hans", "2026年11月17日 14:30"),
            ("zh-Hant", "2026年11月17日 14:30"),
            ("en", "14:30 on 17 November 2026"),
        ],
    )
    def test_dates_are_the_organisations_in_the_readers_language(self, reader, date):
        values = {"number": "CMP-2026-000123", "due_at": "2026-11-17T06:30:00+00:00"}
        assert date in self.WORDING.body("callback_planned", values, reader)

    def test_what_is_not_known_is_left_unsaid(self):
        body = self.WORDING.body("acknowledgement", {"number": "CMP-2026-000123"}, "en")
        assert "answer by" not in body
        assert self.WORDING.body("no such template", {"number": "1"}, "en").startswith("Hello, there is news")

    def test_the_number_stands_in_the_subject(self):
        assert self.WORDING.subject("survey", "CMP-2026-000123", "en") == "Did we help? [CMP-2026-000123]"
        assert self.WORDING.subject("later purpose", "CMP-1", "zh-Hans") == "您的投诉有新进展 [CMP-1]"

    def test_the_reader_is_the_first_whose_language_we_write(self):
        assert self.WORDING.reader("und", "zh-Hant", "en") == "zh-Hant"
        assert self.WORDING.reader("fr", "und") == "zh-Hans"
