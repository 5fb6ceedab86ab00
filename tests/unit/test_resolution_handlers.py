"""A case on the memory twin: what is announced, what runs, and what time does."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from services.resolution import api, events, storage
from services.resolution.domain.case import Case, State
from services.resolution.domain.clocks import Deadline, DeadlineState
from services.resolution.domain.note import Note
from services.resolution.domain.promise import Promise, PromiseState
from services.resolution.domain.refusals import (
    ChangedMeanwhile,
    ComplaintOver,
    NoSuchCase,
    NoSuchPromise,
    PersonalDataInText,
    PromiseDecided,
    ReasonNeeded,
    StepNotPossible,
)
from services.resolution.handlers import commands as do
from services.resolution.handlers.promises import KeepPromise, MakePromise
from services.resolution.settings import ResolutionSettings
from shared.contracts.followup import CallbackAbandoned, DissatisfactionRaised, SatisfactionRecorded
from shared.contracts.intake import (
    ComplaintErased,
    ComplaintLinked,
    ComplaintReceived,
    ComplaintUnlinked,
    ComplaintWithdrawn,
    MessageFailed,
    MessageReceived,
    MessageSent,
)
from shared.contracts.routing import ClassificationCorrected, ComplaintClassified, ComplaintRouted
from shared.testing.memory_door import MemoryDoor

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Desk:
    """One complaint, and the people who work on it."""

    def __init__(self, **settings):
        rules = ResolutionSettings(database_url="postgresql://nobody@nowhere/none", **settings).policy(2026)
        self.door = MemoryDoor("resolution", storage.STORED, {**api.commands(rules), **events.reactions(rules)})
        self.id = uuid4()

    @property
    def case(self) -> Case:
        return self.door.row(Case, self.id)

    @property
    def deadlines(self) -> dict[tuple[int, str], Deadline]:
        return {key[1:]: row for key, row in self.door.store.rows[Deadline].items() if key[0] == self.id}

    @property
    def promises(self) -> list[Promise]:
        return self.door.store.all(Promise)

    @property
    def timers(self) -> set[str]:
        return {kind for subject, kind in self.door.store.timers if subject == self.id}

    def do(self, command, *values, by="agent-1"):
        seen = self.case.revision if self.case else 0
        return self.door.ask(command(self.id, seen, by, *values))

    def hear(self, event, **values):
        [result] = self.door.hear(event(complaint_id=self.id, **values))
        assert result.fate == "done", result.error

    def received(self, **changes):
        facts = {
            "number": "CMP-2026-000123",
            "contact_id": uuid4(),
            "customer_id": UUID(int=7),
            "channel": "email",
            "language": "zh-Hans",
            "received_at": self.door.now,
            "subject_line": "热水器",
            "text": "等了三天没有人来，电话 ⟦phone:1⟧",
        }
        self.hear(ComplaintReceived, **{**facts, **changes})

    def routed(self, **changes):
        facts = {"cause": "broken_promise", "team": "commitments", "assignee": "agent-1", "priority": 5}
        self.hear(ComplaintRouted, **{**facts, **changes})

    def opened(self):
        self.received()
        self.routed()
        return self

    def resolved(self):
        self.opened().do(do.GiveAnswer, "师傅明天上门。")
        self.do(do.Resolve)
        return self

    def said(self, kind):
        return [each.data for each in self.door.said if each.type == f"resolution.{kind}.v1"]


@pytest.fixture
def desk():
    return Desk()


# Opening.


@pytest.mark.parametrize("order", ["intake first", "routing first"])
def test_a_case_is_opened_when_both_facts_are_there(desk, order):
    first, second = (desk.received, desk.routed) if order == "intake first" else (desk.routed, desk.received)
    first()
    assert desk.case.state is State.PENDING
    assert desk.door.said_types == []
    second()
    assert desk.door.said_types == ["case.opened", "message.requested"]
    [opened] = desk.said("case.opened")
    assert (opened["number"], opened["team"], opened["owner"]) == ("CMP-2026-000123", "commitments", "agent-1")
    assert [each["kind"] for each in opened["deadlines"]] == ["acknowledge", "answer", "resolve"]


def test_the_customer_is_told_the_number_and_the_date_of_the_answer_in_their_language(desk):
    desk.opened()
    [message] = desk.said("message.requested")
    answer = desk.deadlines[1, "answer"]
    assert (message["purpose"], message["template"], message["language"]) == (
        "acknowledgement",
        "acknowledgement",
        "zh-Hans",
    )
    assert message["values"] == {"number": "CMP-2026-000123", "due_at": answer.due_at.isoformat()}


def test_the_clocks_of_the_first_round_begin_with_the_receipt_however_late_the_case_is_opened(desk):
    desk.received()
    received_at = desk.door.now
    desk.door.wait(5 * HOUR)
    desk.routed()
    assert desk.case.received_at == received_at
    assert desk.deadlines[1, "acknowledge"].due_at == received_at + 4 * HOUR
    desk.door.wait(timedelta(0))
    assert desk.door.said_types[-2:] == ["deadline.missed", "case.escalated"]


def test_another_routing_changes_the_owner_and_no_clock(desk):
    desk.opened()
    before = desk.deadlines
    desk.routed(assignee="agent-2", team="service", priority=1)
    assert (desk.case.owner, desk.case.team, desk.deadlines) == ("agent-2", "service", before)
    assert desk.door.said_types.count("case.opened") == 1


def test_a_correction_to_regulation_starts_the_legal_clock(desk):
    desk.opened()
    desk.hear(ClassificationCorrected, cause="regulation", by="agent-9")
    deadline = desk.deadlines[1, "cn_12315_odr"]
    assert (deadline.legal, deadline.state) == (True, DeadlineState.RUNNING)
    assert "due:cn_12315_odr" in desk.timers


# Working.


def test_the_long_way_from_opened_to_resolved(desk):
    desk.hear(ComplaintClassified, cause="service", confidence=0.8, model="test", is_complaint=True, probabilities={})
    desk.opened()
    desk.do(do.Acknowledge)
    desk.do(do.Investigate, "派单系统没有改派", "broken_promise")
    desk.do(do.ProposeRemedy, "compensation", "免费上门")
    desk.do(do.ApproveRemedy, by="lead-1")
    desk.do(do.CompleteRemedy)
    desk.do(do.GiveAnswer, "⟦name:1⟧ 您好，师傅已上门。")
    done = desk.do(do.Resolve)
    assert desk.door.said_types[2:] == [
        "case.acknowledged",
        "deadline.met",
        "case.investigated",
        "cause.confirmed",
        "case.remedy_proposed",
        "case.remedy_approved",
        "case.remedy_done",
        "case.answered",
        "message.requested",
        "deadline.met",
        "case.resolved",
        "deadline.met",
    ]
    assert desk.said("cause.confirmed")[0] == {
        "complaint_id": str(desk.id),
        "round": 1,
        "cause": "broken_promise",
        "predicted": "service",
        "by": "agent-1",
    }
    assert (done["state"], done["revision"]) == ("resolved", desk.case.revision)
    assert {each.state for each in desk.deadlines.values()} == {DeadlineState.MET}
    assert desk.timers == {"silence"}
    assert desk.case.next_due_at is None


def test_the_answer_goes_to_the_customer_as_it_stands(desk):
    desk.opened().do(do.GiveAnswer, "⟦name:1⟧ 您好：已退款。")
    message = desk.said("message.requested")[-1]
    assert (message["purpose"], message["language"], message["text"]) == (
        "answer",
        "zh-Hans",
        "⟦name:1⟧ 您好：已退款。",
    )


def test_a_question_goes_to_the_customer_and_the_clocks_run_on(desk):
    desk.opened().do(do.AskCustomer, "请问是哪一台设备？")
    assert desk.said("message.requested")[-1]["purpose"] == "question"
    assert desk.case.state is State.OPEN
    assert desk.deadlines[1, "acknowledge"].state is DeadlineState.MET
    assert desk.deadlines[1, "answer"].state is DeadlineState.RUNNING


def test_personal_data_reaches_neither_the_events_nor_the_tables(desk):
    desk.opened()
    with pytest.raises(PersonalDataInText):
        desk.do(do.GiveAnswer, "请拨打 13800138000")
    desk.do(do.Investigate, "客户电话 13800138000 无人接听", None)
    desk.do(do.ProposeRemedy, "apology", "致电 13800138000 道歉")
    desk.do(do.AddNote, "备用电话 13800138000")
    desk.do(MakePromise, "明天致电 13800138000", desk.door.now + DAY)
    assert "13800138000" not in str((desk.door.store.history, desk.door.store.rows))


def test_the_organisations_own_number_may_stand_in_an_answer():
    desk = Desk(own_contacts=("400-820-8820",)).opened()
    desk.do(do.GiveAnswer, "如有疑问请拨打 400-820-8820")
    assert "400-820-8820" in desk.said("case.answered")[0]["text"]


def test_a_finding_of_regulation_starts_the_legal_clock_and_the_resolution_meets_it(desk):
    desk.opened().do(do.Investigate, "合同条款违法", "regulation")
    assert (1, "cn_12315_odr") in desk.deadlines
    desk.do(do.GiveAnswer, "…")
    desk.do(do.Resolve)
    assert desk.deadlines[1, "cn_12315_odr"].state is DeadlineState.MET
    assert [each["kind"] for each in desk.said("deadline.met") if each["legal"]] == ["cn_12315_odr"]


def test_commands_want_a_case_and_what_is_there_now(desk):
    with pytest.raises(NoSuchCase):
        desk.do(do.Acknowledge)
    desk.opened()
    with pytest.raises(ChangedMeanwhile):
        desk.door.ask(do.Acknowledge(desk.id, desk.case.revision - 1, "agent-1"))


def test_a_message_of_the_customer_is_something_to_see_before_answering(desk):
    desk.opened()
    seen = desk.case.revision
    desk.hear(
        MessageReceived,
        contact_id=uuid4(),
        channel="email",
        language="zh-Hans",
        received_at=desk.door.now,
        text="还有人吗",
    )
    with pytest.raises(ChangedMeanwhile):
        desk.door.ask(do.GiveAnswer(desk.id, seen, "agent-1", "…"))
    assert desk.case.messages_received == 1


def test_a_timer_in_between_is_no_conflict(desk):
    desk.opened()
    seen = desk.case.revision
    desk.door.wait(4 * HOUR)
    assert desk.door.ask(do.Acknowledge(desk.id, seen, "agent-1"))["state"] == "acknowledged"


def test_messages_are_counted(desk):
    desk.opened()
    desk.hear(MessageSent, message_id=uuid4(), channel="email", purpose="acknowledgement")
    desk.hear(MessageFailed, message_id=uuid4(), channel="email", purpose="answer", reason="no_address")
    assert (desk.case.messages_sent, desk.case.messages_failed) == (1, 1)


# Time.


def test_a_clock_warns_then_breaks_at_the_due_instant_and_calls_for_help():
    desk = Desk(escalation_contacts={"commitments": "lead-031"}).opened()
    due_at = desk.deadlines[1, "acknowledge"].due_at
    desk.door.wait(3 * HOUR)
    assert desk.door.said_types[-1] == "deadline.approaching"
    desk.door.wait(HOUR - timedelta(microseconds=1))
    assert desk.door.said_types[-1] == "deadline.approaching"
    desk.door.wait(timedelta(microseconds=1))
    missed, escalated = desk.door.said[-2:]
    assert (missed.type, missed.time) == ("resolution.deadline.missed.v1", due_at)
    assert escalated.data | {"complaint_id": ""} == {
        "complaint_id": "",
        "round": 1,
        "level": 1,
        "to": "lead-031",
        "reason": "missed:acknowledge",
    }


def test_downtime_does_not_turn_a_breach_into_a_met_deadline(desk):
    desk.opened()
    desk.door.now += 4 * HOUR  # and no timer fired
    desk.do(do.Acknowledge)
    assert desk.door.said_types[2:] == [
        "deadline.approaching",
        "deadline.missed",
        "case.escalated",
        "case.acknowledged",
    ]
    deadline = desk.deadlines[1, "acknowledge"]
    assert (deadline.state, deadline.done_at) == (DeadlineState.MISSED, desk.door.now)


def test_each_breach_raises_the_level_and_names_a_supervisor_where_no_contact_is_set(desk):
    desk.opened().door.wait(10 * DAY)
    escalated = desk.said("case.escalated")
    assert [(each["level"], each["reason"]) for each in escalated] == [
        (1, "missed:acknowledge"),
        (2, "missed:answer"),
        (3, "missed:resolve"),
    ]
    assert escalated[0]["to"] == "supervisor:commitments"


def test_what_is_late_stays_in_front_of_the_queue_until_it_is_done(desk):
    desk.opened()
    due_at = desk.deadlines[1, "acknowledge"].due_at
    desk.door.wait(DAY)
    assert desk.case.next_due_at == due_at
    desk.do(do.Acknowledge)
    assert desk.case.next_due_at == desk.deadlines[1, "answer"].due_at


def test_a_silent_customer_closes_the_case(desk):
    desk.resolved().door.wait(14 * DAY)
    assert desk.case.closed_reason == "silence"
    assert desk.timers == set()


def test_whoever_writes_after_the_resolution_is_not_silent(desk):
    desk.resolved().door.wait(10 * DAY)
    desk.hear(
        MessageReceived, contact_id=uuid4(), channel="chat", language="en", received_at=desk.door.now, text="thanks"
    )
    desk.door.wait(13 * DAY)
    assert desk.case.state is State.RESOLVED
    desk.door.wait(DAY)
    assert desk.case.closed_reason == "silence"


# Promises.


def test_a_promise_is_kept_or_told_as_broken_at_its_time(desk):
    desk.opened()
    due_at = desk.door.now + 2 * HOUR
    kept = desk.do(MakePromise, "一小时内回电", due_at)["promise_id"]
    desk.do(MakePromise, "今天退款", due_at)
    desk.do(KeepPromise, UUID(kept))
    desk.door.wait(2 * HOUR)
    assert {each.text: each.state for each in desk.promises} == {
        "一小时内回电": PromiseState.KEPT,
        "今天退款": PromiseState.BROKEN,
    }
    [broken] = [each for each in desk.door.said if each.type == "resolution.promise.broken.v1"]
    assert (broken.time, broken.data["text"]) == (due_at, "今天退款")
    with pytest.raises(PromiseDecided):
        desk.do(KeepPromise, UUID(kept))
    with pytest.raises(NoSuchPromise):
        desk.do(KeepPromise, uuid4())


def test_a_promise_leads_the_queue_and_outlives_the_resolution(desk):
    desk.opened()
    due_at = desk.door.now + HOUR
    promise = desk.do(MakePromise, "一小时内回电", due_at)["promise_id"]
    assert desk.case.next_due_at == due_at
    desk.do(do.GiveAnswer, "…")
    desk.do(do.Resolve)
    assert desk.case.next_due_at == due_at
    desk.do(KeepPromise, UUID(promise))
    assert desk.case.next_due_at is None


# Ends.


def test_a_satisfied_customer_closes_the_case(desk):
    desk.resolved().hear(SatisfactionRecorded, score=5, resolved=True, satisfied=True)
    assert (desk.case.state, desk.case.closed_reason) == (State.CLOSED, "satisfied")
    assert desk.said("case.closed")[0]["reason"] == "satisfied"


def test_an_unsatisfied_rating_closes_nothing(desk):
    desk.resolved().hear(SatisfactionRecorded, score=1, resolved=False, satisfied=False)
    assert desk.case.state is State.RESOLVED


@pytest.mark.parametrize(
    ("reason", "state"), [("unreachable", "closed"), ("refused", "closed"), ("case_over", "resolved")]
)
def test_a_customer_who_cannot_be_asked_closes_the_case(desk, reason, state):
    desk.resolved().hear(CallbackAbandoned, attempts=3, reason=reason)
    assert desk.case.state == state


def test_a_customer_who_was_not_helped_gets_another_round_with_half_the_time(desk):
    desk.resolved()
    desk.hear(DissatisfactionRaised, score=1)
    assert (desk.case.state, desk.case.round) == (State.OPEN, 2)
    [reopened] = desk.said("case.reopened")
    assert (reopened["reason"], reopened["round"]) == ("dissatisfied", 2)
    assert [each["kind"] for each in reopened["deadlines"]] == ["acknowledge", "answer", "resolve"]
    assert desk.deadlines[2, "acknowledge"].due_at == desk.door.now + 2 * HOUR
    assert desk.deadlines[1, "answer"].state is DeadlineState.MET
    desk.routed(round=2, assignee="agent-3", priority=1)
    assert (desk.case.owner, desk.case.state) == ("agent-3", State.OPEN)
    assert desk.deadlines[2, "acknowledge"].due_at == desk.door.now + 2 * HOUR


def test_late_news_of_an_earlier_round_changes_nothing(desk):
    desk.resolved().hear(DissatisfactionRaised, score=1)
    desk.do(do.GiveAnswer, "新的答复")
    desk.do(do.Resolve)
    before = desk.case
    desk.hear(DissatisfactionRaised, score=1)
    desk.hear(SatisfactionRecorded, score=5, resolved=True, satisfied=True)
    desk.hear(CallbackAbandoned, attempts=3, reason="unreachable")
    assert desk.case == before


def test_a_case_that_closed_reopens_for_its_own_round(desk):
    desk.resolved().door.wait(14 * DAY)
    desk.hear(DissatisfactionRaised, score=2)
    assert (desk.case.state, desk.case.round, desk.case.closed_reason) == (State.OPEN, 2, None)


def test_a_withdrawn_complaint_lets_nothing_run_and_says_little(desk):
    desk.opened().do(MakePromise, "明天回电", desk.door.now + DAY)
    desk.hear(ComplaintWithdrawn)
    assert desk.door.said_types[-1] == "case.closed"
    assert desk.deadlines[1, "acknowledge"].state is DeadlineState.MET
    assert desk.deadlines[1, "answer"].state is DeadlineState.CANCELLED
    assert desk.promises[0].state is PromiseState.CANCELLED
    assert (desk.timers, desk.case.next_due_at) == (set(), None)


def test_a_complaint_that_was_over_before_it_was_routed_is_opened_and_closed_at_once(desk):
    desk.received()
    desk.hear(ComplaintWithdrawn)
    assert desk.door.said_types == []
    desk.routed()
    assert desk.door.said_types == ["case.opened", "case.closed"]
    assert desk.timers == set()


def test_an_undone_link_lets_everything_run_on_as_if_never_stopped(desk):
    desk.opened().do(do.Acknowledge)
    desk.do(MakePromise, "明天回电", desk.door.now + DAY)
    before, clocks = desk.case, desk.deadlines
    timers = desk.timers
    desk.hear(ComplaintLinked, primary_id=uuid4(), primary_number="CMP-2026-000100", reason="same_story")
    assert desk.case.closed_reason == "linked"
    desk.hear(ComplaintUnlinked, primary_id=uuid4())
    assert (desk.case.state, desk.case.round, desk.deadlines) == (before.state, 1, clocks)
    assert desk.timers == timers
    assert desk.promises[0].state is PromiseState.MADE
    [reopened] = desk.said("case.reopened")
    assert (reopened["reason"], [each["kind"] for each in reopened["deadlines"]]) == ("unlinked", ["answer", "resolve"])


def test_a_resolved_case_waits_for_its_customer_again_after_an_undone_link(desk):
    desk.resolved()
    desk.hear(ComplaintLinked, primary_id=uuid4(), primary_number="CMP-2026-000100", reason="by_hand")
    assert desk.timers == set()
    desk.hear(ComplaintUnlinked, primary_id=uuid4())
    assert (desk.case.state, desk.timers) == (State.RESOLVED, {"silence"})


def test_erasure_leaves_no_word(desk):
    desk.resolved()
    desk.hear(DissatisfactionRaised, score=1)
    desk.do(do.Investigate, "秘密的结论", None)
    desk.do(do.ProposeRemedy, "apology", "秘密的方案")
    desk.do(do.AddNote, "秘密的备注")
    desk.do(MakePromise, "秘密的承诺", desk.door.now + DAY)
    desk.hear(ComplaintErased)
    kept = str((desk.door.store.rows, [each.body.decode() for each in desk.door.store.history]))
    assert not [word for word in ("秘密", "三天没有人来", "热水器", "师傅明天") if word in kept]
    assert desk.case.closed_reason == "erased"
    assert {note.text for note in desk.door.store.all(Note)} == {"⟦erased⟧"}
    with pytest.raises(ComplaintOver):
        desk.do(do.AddNote, "…")


def test_closing_by_hand_counts_what_was_not_answered_as_neither_met_nor_missed(desk):
    desk.opened()
    with pytest.raises(ReasonNeeded):
        desk.do(do.CloseCase, None)
    desk.do(do.CloseCase, "客户已另行解决")
    assert {each.state for each in desk.deadlines.values()} == {DeadlineState.CANCELLED}
    assert desk.door.store.all(Note)[0].text == "客户已另行解决"
    desk.do(do.ReopenCase, None)
    assert (desk.case.round, desk.said("case.reopened")[0]["reason"]) == (2, "by_hand")


def test_closing_an_answered_case_by_hand_meets_its_clocks(desk):
    desk.opened().do(do.GiveAnswer, "…")
    desk.do(do.CloseCase, None)
    assert {each.state for each in desk.deadlines.values()} == {DeadlineState.MET}


def test_nobody_reopens_what_the_customer_withdrew(desk):
    desk.resolved().hear(ComplaintWithdrawn)
    with pytest.raises(ComplaintOver):
        desk.do(do.ReopenCase, None)


def test_help_can_be_called_by_hand(desk):
    desk.opened().do(do.EscalateCase, "lead-9")
    assert desk.said("case.escalated")[0] == {
        "complaint_id": str(desk.id),
        "round": 1,
        "level": 1,
        "to": "lead-9",
        "reason": "by_hand",
    }
    desk.do(do.GiveAnswer, "…")
    desk.do(do.Resolve)
    with pytest.raises(StepNotPossible):
        desk.do(do.EscalateCase, None)


def test_a_note_needs_no_view_of_the_case_and_changes_none(desk):
    desk.opened()
    before = desk.case
    desk.door.ask(do.AddNote(desk.id, None, "agent-1", "客户希望下午联系"))
    assert desk.case == before
    [note] = desk.door.store.all(Note)
    assert (note.by, note.text, note.at) == ("agent-1", "客户希望下午联系", desk.door.now)
