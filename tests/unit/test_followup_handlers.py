from datetime import timedelta
from uuid import UUID

import pytest

from services.followup import api, events, storage
from services.followup.domain.callback import Attempt, Callback, State
from services.followup.domain.refusals import CallbackNotDue, ChangedMeanwhile, NoSuchCallback
from services.followup.handlers import RecordAttempt, RecordSatisfaction
from services.followup.settings import FollowupSettings
from shared.contracts.intake import (
    ComplaintErased,
    ComplaintLinked,
    ComplaintReceived,
    ComplaintUnlinked,
    ComplaintWithdrawn,
)
from shared.contracts.resolution import CaseClosed, CaseReopened, CaseResolved
from shared.testing.events import sample
from shared.testing.memory_door import MemoryDoor

ID = UUID(int=7)
POLICY = FollowupSettings(database_url="postgresql://x@127.0.0.1/x").policy(2026)
HANDLERS = {**api.commands(POLICY), **events.reactions(POLICY)}
ONE_DAY = timedelta(days=1)


def said(event, **changes):
    return sample(event, complaint_id=ID, **changes)


@pytest.fixture
def door():
    return MemoryDoor("followup", storage.STORED, HANDLERS)


@pytest.fixture
def planned(door):
    received = said(ComplaintReceived, number="CMP-2026-000007").model_copy(update={"language": "zh-Hant"})
    door.hear(received, said(CaseResolved, round=1))
    return door


def callback(door):
    return door.row(Callback, ID)


def call(door, outcome, **changes):
    seen = changes.pop("seen", callback(door).revision)
    return door.ask(RecordAttempt(ID, seen, Attempt(outcome), "caller-01"))


def rating(door, score, *, resolved=True, comment=None):
    return door.ask(RecordSatisfaction(ID, callback(door).revision, score, resolved, comment))


class TestPlanning:
    def test_a_resolution_plans_a_call_and_tells_the_customer(self, planned):
        assert planned.said_types == ["callback.scheduled", "message.requested"]
        scheduled, message = (each.data for each in planned.said)
        assert (scheduled["round"], scheduled["attempt"]) == (1, 1)
        assert (message["purpose"], message["language"], message["template"]) == (
            "survey", "zh-Hant", "callback_planned",
        )  # fmt: skip
        assert message["values"]["number"] == "CMP-2026-000007"
        assert message["values"]["due_at"] == callback(planned).due_at.isoformat()

    def test_nobody_can_be_told_before_the_complaint_is_known(self, door):
        door.hear(said(CaseResolved, round=1))
        assert door.said == []
        assert callback(door).state is State.NONE

    def test_the_same_round_is_planned_once(self, planned):
        planned.hear(said(CaseResolved, round=1))
        assert planned.said_types == ["callback.scheduled", "message.requested"]

    def test_the_next_round_is_asked_about_again(self, planned):
        call(planned, "answered")
        rating(planned, 1)
        planned.hear(said(CaseReopened, round=2), said(CaseResolved, round=2))
        assert (callback(planned).state, callback(planned).asked_round) == (State.SCHEDULED, 2)


class TestCalling:
    def test_an_answer(self, planned):
        done = call(planned, "answered")
        assert planned.said_types[2:] == ["callback.attempted", "callback.completed"]
        assert done == {"complaint_id": str(ID), "state": "reached", "revision": 2}

    def test_no_answer_plans_another(self, planned):
        call(planned, "no_answer")
        assert planned.said_types[2:] == ["callback.attempted", "callback.scheduled"]
        assert planned.said[-1].data["attempt"] == 2

    def test_after_enough_it_is_abandoned(self, planned):
        for outcome in ("no_answer", "busy", "wrong_person"):
            call(planned, outcome)
        assert planned.said_types[-2:] == ["callback.attempted", "callback.abandoned"]
        assert (planned.said[-1].data["reason"], planned.said[-1].data["attempts"]) == ("unreachable", 3)
        assert planned.store.timers == {}

    def test_a_refusal_is_respected(self, planned):
        call(planned, "refused")
        assert planned.said[-1].data["reason"] == "refused"
        with pytest.raises(CallbackNotDue):
            call(planned, "answered")

    def test_who_has_not_seen_the_last_change_is_refused(self, planned):
        with pytest.raises(ChangedMeanwhile):
            call(planned, "answered", seen=0)

    def test_what_is_not_known_cannot_be_called(self, door):
        with pytest.raises(NoSuchCallback):
            door.ask(RecordAttempt(ID, 0, Attempt.ANSWERED, "caller-01"))

    def test_a_call_nobody_made_is_given_up(self, planned):
        planned.wait(5 * ONE_DAY)
        assert callback(planned).state is State.ABANDONED
        assert planned.said_types[2:] == ["callback.abandoned"]
        assert planned.said[-1].data["reason"] == "unreachable"

    def test_being_late_makes_no_missed_call_good(self, planned):
        planned.now += 5 * ONE_DAY
        with pytest.raises(ChangedMeanwhile):
            call(planned, "answered")
        assert callback(planned).state is State.ABANDONED

    def test_each_attempt_moves_the_patience(self, planned):
        planned.wait(3 * ONE_DAY)
        call(planned, "no_answer")
        planned.wait(2 * ONE_DAY)
        assert callback(planned).state is State.SCHEDULED


class TestRating:
    def test_a_satisfied_customer(self, planned):
        call(planned, "answered")
        rating(planned, 5, comment="很快，我的电话 13800138000")
        assert planned.said_types[-1] == "satisfaction.recorded"
        told = planned.said[-1].data
        assert (told["score"], told["satisfied"], told["comment"]) == (5, True, "很快，我的电话 ⟦phone:1⟧")

    def test_a_dissatisfied_customer_is_a_fact_of_its_own(self, planned):
        call(planned, "answered")
        rating(planned, 4, resolved=False, comment="Still broken")
        assert planned.said_types[-2:] == ["satisfaction.recorded", "dissatisfaction.raised"]
        assert planned.said[-1].data == {
            "complaint_id": str(ID), "round": 1, "score": 4, "comment": "Still broken",
        }  # fmt: skip

    def test_an_answer_in_writing_completes_the_call(self, planned):
        rating(planned, 5)
        assert planned.said_types[2:] == ["callback.completed", "satisfaction.recorded"]
        assert planned.store.timers == {}

    def test_a_late_word_still_counts(self, planned):
        planned.wait(5 * ONE_DAY)
        rating(planned, 1)
        assert planned.said_types[-2:] == ["satisfaction.recorded", "dissatisfaction.raised"]

    def test_once(self, planned):
        rating(planned, 5)
        with pytest.raises(CallbackNotDue):
            rating(planned, 1)


class TestEnding:
    @pytest.mark.parametrize(
        "event",
        [
            said(ComplaintLinked),
            said(ComplaintWithdrawn),
            said(ComplaintErased),
            said(CaseClosed, round=1),
            said(CaseReopened, round=2),
        ],
    )
    def test_a_planned_call_is_called_off_aloud(self, planned, event):
        planned.hear(event)
        assert planned.said_types[2:] == ["callback.abandoned"]
        assert planned.said[-1].data["reason"] == "case_over"
        assert planned.store.timers == {}

    def test_a_customer_who_answered_is_not_called_off(self, planned):
        rating(planned, 5)
        count = len(planned.said)
        planned.hear(said(CaseClosed, round=1), said(ComplaintLinked))
        assert len(planned.said) == count

    def test_a_mistaken_link_is_asked_about_after_all(self, planned):
        planned.hear(said(ComplaintLinked), said(ComplaintUnlinked))
        assert planned.said_types[2:] == ["callback.abandoned", "callback.scheduled", "message.requested"]

    def test_but_not_twice_when_the_customer_had_answered(self, planned):
        rating(planned, 5)
        planned.hear(said(ComplaintLinked), said(ComplaintUnlinked))
        assert callback(planned).state is State.RATED
        assert planned.said_types[-1] == "satisfaction.recorded"

    def test_a_closed_case_is_not_asked_about_even_if_the_complaint_is_heard_of_later(self, door):
        door.hear(said(CaseResolved, round=1), said(CaseClosed, round=1), said(ComplaintReceived))
        assert door.said == []

    def test_an_erased_complaint_is_never_asked_about(self, planned):
        planned.hear(said(ComplaintLinked), said(ComplaintErased), said(ComplaintUnlinked), said(CaseResolved, round=2))
        assert callback(planned).state is State.OVER

    def test_erasing_leaves_no_word_of_the_customer(self, planned):
        rating(planned, 1, comment="金丝雀在笼子里")
        planned.hear(said(ComplaintErased))
        kept = repr(callback(planned)) + "".join(each.body.decode() for each in planned.store.history)
        assert "金丝雀" not in kept
        assert next(each.data for each in planned.said if each.type.endswith("recorded.v1"))["score"] == 1
