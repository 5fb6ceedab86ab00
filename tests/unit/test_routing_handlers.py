from dataclasses import replace
from uuid import UUID

import pytest
from pydantic_core import from_json

from services.routing import api, events, storage, worker
from services.routing.classifier import load
from services.routing.domain.classification import UNREADABLE, Cause, Classification, Ground, Severity
from services.routing.domain.complaint import Complaint, State
from services.routing.domain.refusals import (
    ChangedMeanwhile,
    ComplaintErased,
    NoSuchComplaint,
    NoSuchTeam,
    NothingToDecide,
)
from services.routing.domain.roster import Agent, Team, Teams, Workload
from services.routing.handlers.messages import (
    Classify,
    CorrectClassification,
    DecideTriage,
    EnrolMissing,
    GiveOut,
    PutAgent,
    RoutingPolicy,
)
from services.routing.ports import Unread
from services.routing.worker import facts_of
from shared.contracts.intake import (
    ComplaintErased as Erased,
)
from shared.contracts.intake import (
    ComplaintLinked,
    ComplaintReceived,
    ComplaintUnlinked,
    ComplaintWithdrawn,
)
from shared.contracts.resolution import CaseClosed, CaseReopened, CauseConfirmed
from shared.runtime.message import Command
from shared.testing.events import sample
from shared.testing.memory_door import MemoryDoor

ID, OTHER = UUID(int=7), UUID(int=8)
POLICY = RoutingPolicy(
    teams=Teams(
        [
            Team("repair", "维修组", "Repair", frozenset({Cause.QUALITY})),
            Team("desk", "服务台", "Service desk", frozenset(Cause) - {Cause.QUALITY}),
        ]
    ),
    triage_below=0.45,
)
HANDLERS = {**api.commands(POLICY), **worker.commands(POLICY), **events.reactions(POLICY)}
GROUND = Ground(0, 2, "冰箱", Cause.QUALITY, 1.5)
SURE = Classification(Cause.QUALITY, 0.9, "m", severity=Severity.HIGH, grounds=(GROUND,))
UNSURE = Classification(Cause.QUALITY, 0.3, "m", grounds=(GROUND,))


def received(complaint_id=ID, **changes):
    return sample(ComplaintReceived, complaint_id=complaint_id, **changes)


def said_by_resolution(event, complaint_id=ID, **changes):
    return sample(event, complaint_id=complaint_id, **changes)


def linked(complaint_id=ID):
    return sample(ComplaintLinked, complaint_id=complaint_id)


def agent(agent_id, team="repair", *, active=True, capacity=20):
    return Agent(agent_id, team, ("zh-Hans", "en"), active=active, capacity=capacity)


@pytest.fixture
def door():
    door = MemoryDoor("routing", storage.STORED, HANDLERS)
    door.ask(EnrolMissing((agent("r1"), agent("r2"), agent("d1", "desk"))))
    return door


def classify(door, reading=SURE, complaint_id=ID):
    return door.ask(Classify(complaint_id, reading))


def routed(door, complaint_id=ID, reading=SURE):
    door.hear(received(complaint_id))
    classify(door, reading, complaint_id)
    return door.row(Complaint, complaint_id)


def loads(door):
    return {load.agent_id: load.open_cases for load in door.store.all(Workload)}


def last(door, kind):
    return next(each.data for each in reversed(door.said) if each.type == f"routing.{kind}.v1")


class TestClassifying:
    def test_a_complaint_waits_for_the_classifier_and_nothing_is_said(self, door):
        door.hear(received())
        assert door.row(Complaint, ID).state is State.WAITING
        assert door.said == []

    def test_what_was_read_on_its_way_is_routed_in_the_same_commit(self, door):
        assert door.give(replace(door.delivery(received()), finding=SURE)).fate == "done"
        assert door.said_types == ["complaint.classified", "complaint.routed"]
        assert door.row(Complaint, ID).holder == "r1"
        assert classify(door) is None

    def test_a_finding_that_cannot_be_used_costs_the_complaint_nothing(self, door):
        nonsense = replace(SURE, confidence=7.0)
        assert door.give(replace(door.delivery(received()), finding=nonsense)).fate == "done"
        assert door.row(Complaint, ID).state is State.WAITING
        assert door.said == []

    def test_a_sure_cause_is_announced_with_its_grounds_and_routed(self, door):
        routed(door)
        assert door.said_types == ["complaint.classified", "complaint.routed"]
        told = last(door, "complaint.classified")
        assert (told["cause"], told["confidence"], told["model"]) == ("quality", 0.9, "m")
        assert told["grounds"] == [{"start": 0, "end": 2, "text": "冰箱", "cause": "quality", "weight": 1.5}]
        given = last(door, "complaint.routed")
        assert (given["team"], given["assignee"], given["round"], given["severity"]) == ("repair", "r1", 1, "high")
        assert given["reasons"][0] == {"zh": "质量问题交维修组", "en": "Quality goes to Repair"}
        assert loads(door) == {"r1": 1, "r2": 0, "d1": 0}

    def test_complaints_go_round_by_load_in_one_batch_too(self, door):
        ids = [UUID(int=n) for n in range(20, 26)]
        door.hear(*map(received, ids))
        door.give_together(*[Command(Classify(each, SURE)) for each in ids])
        assert loads(door) == {"r1": 3, "r2": 3, "d1": 0}

    def test_low_confidence_asks_a_person(self, door):
        assert routed(door, reading=UNSURE).state is State.TRIAGE
        assert door.said_types == ["complaint.classified", "triage.requested"]
        asked = last(door, "triage.requested")
        assert asked["reasons"] == ["low_confidence"]
        assert (asked["cause"], asked["confidence"]) == ("quality", 0.3)
        assert loads(door) == {"r1": 0, "r2": 0, "d1": 0}

    def test_what_could_not_be_read_goes_to_a_person_and_claims_no_cause(self, door):
        assert routed(door, reading=UNREADABLE).state is State.TRIAGE
        assert door.said_types == ["triage.requested"]
        assert (last(door, "triage.requested")["cause"], last(door, "triage.requested")["confidence"]) == (None, None)

    def test_a_late_classification_changes_nothing(self, door):
        before = routed(door)
        assert classify(door, UNSURE) is None
        assert classify(door, complaint_id=OTHER) is None
        assert door.row(Complaint, ID) == before
        assert door.row(Complaint, OTHER) is None

    def test_the_real_classifier_speaks_the_words_of_the_contract(self, door):
        routed(door, reading=facts_of(load().classify("说好周二送到，结果没送，答应的事一再落空，我要投诉")))
        assert last(door, "complaint.routed")["team"] == "desk"
        assert len(last(door, "complaint.classified")["probabilities"]) == 6

    def test_a_classifier_that_fails_on_a_text_leaves_it_to_a_person(self):
        class Broken:
            def classify(self, text):
                raise ZeroDivisionError(text)

        assert worker._read(Broken(), Unread(ID, "x")) is UNREADABLE


class TestPeople:
    def test_a_decision_in_triage_routes(self, door):
        seen = routed(door, reading=UNSURE).revision
        done = door.ask(DecideTriage(ID, seen, Cause.QUALITY, "lead-1", None))
        assert door.said_types[2:] == ["complaint.routed"]
        assert done == {
            "complaint_id": str(ID), "state": "routed", "cause": "quality", "team": "repair", "assignee": "r1",
            "revision": seen + 1,
        }  # fmt: skip

    def test_a_decision_for_another_cause_is_a_correction_and_its_note_is_masked(self, door):
        seen = routed(door, reading=UNSURE).revision
        door.ask(DecideTriage(ID, seen, Cause.SERVICE, "lead-1", "请回电 13800138000"))
        assert door.said_types[2:] == ["classification.corrected", "complaint.routed"]
        corrected = last(door, "classification.corrected")
        assert (corrected["cause"], corrected["previous"], corrected["by"]) == ("service", "quality", "lead-1")
        assert corrected["note"] == door.row(Complaint, ID).note == "请回电 ⟦phone:1⟧"
        assert loads(door) == {"r1": 0, "r2": 0, "d1": 1}

    def test_only_what_is_in_triage_can_be_decided(self, door):
        seen = routed(door).revision
        with pytest.raises(NothingToDecide):
            door.ask(DecideTriage(ID, seen, Cause.SERVICE, "lead-1", None))

    def test_a_correction_to_another_teams_cause_changes_hands(self, door):
        seen = routed(door).revision
        door.ask(CorrectClassification(ID, seen, Cause.SERVICE, "r1", "不是质量"))
        assert door.said_types[2:] == ["classification.corrected", "complaint.routed"]
        assert last(door, "complaint.routed")["reasons"][0]["zh"] == "服务问题（人工判定）交服务台"
        assert loads(door) == {"r1": 0, "r2": 0, "d1": 1}

    def test_a_correction_within_the_team_stays_with_the_person(self, door):
        reading = Classification(Cause.SERVICE, 0.9, "m")
        seen = routed(door, reading=reading).revision
        done = door.ask(CorrectClassification(ID, seen, Cause.COMMUNICATION, "d1", None))
        assert door.said_types[2:] == ["classification.corrected"]
        assert (done["cause"], done["assignee"]) == ("communication", "d1")

    def test_a_correction_while_it_waits_holds_when_the_classifier_comes(self, door):
        door.hear(received())
        door.ask(CorrectClassification(ID, 1, Cause.SERVICE, "lead-1", None))
        assert last(door, "classification.corrected")["previous"] is None
        classify(door, UNSURE)
        assert door.said_types == ["classification.corrected", "complaint.classified", "complaint.routed"]
        assert door.row(Complaint, ID).team == "desk"

    def test_a_correction_of_what_is_over_is_kept_and_routes_nothing(self, door):
        routed(door)
        door.hear(sample(ComplaintWithdrawn, complaint_id=ID))
        door.ask(CorrectClassification(ID, 3, Cause.SERVICE, "lead-1", None))
        assert door.said_types[2:] == ["classification.corrected"]
        assert loads(door) == {"r1": 0, "r2": 0, "d1": 0}

    def test_naming_the_same_cause_again_corrects_nothing(self, door):
        seen = routed(door).revision
        door.ask(CorrectClassification(ID, seen, Cause.QUALITY, "lead-1", "看过了"))
        assert door.said_types == ["complaint.classified", "complaint.routed"]

    @pytest.mark.parametrize("command", [DecideTriage, CorrectClassification])
    def test_who_has_not_seen_the_last_change_is_refused(self, door, command):
        seen = routed(door, reading=UNSURE).revision
        with pytest.raises(ChangedMeanwhile) as refusal:
            door.ask(command(ID, seen - 1, Cause.SERVICE, "lead-1", None))
        assert refusal.value.values == {"revision": seen}

    @pytest.mark.parametrize("command", [DecideTriage, CorrectClassification])
    def test_what_was_not_received_is_not_known(self, door, command):
        door.hear(said_by_resolution(CaseClosed, round=1))
        for complaint_id in (ID, OTHER):
            with pytest.raises(NoSuchComplaint):
                door.ask(command(complaint_id, 1, Cause.SERVICE, "lead-1", None))


class TestLife:
    def test_a_closed_case_counts_no_more_and_only_once(self, door):
        routed(door)
        door.hear(said_by_resolution(CaseClosed, round=1), said_by_resolution(CaseClosed, round=1))
        assert door.row(Complaint, ID).state is State.RELEASED
        door.hear(sample(ComplaintWithdrawn, complaint_id=ID), sample(Erased, complaint_id=ID))
        assert loads(door) == {"r1": 0, "r2": 0, "d1": 0}

    def test_a_reopened_case_goes_to_the_same_person(self, door):
        routed(door)
        routed(door, OTHER)
        door.hear(said_by_resolution(CaseClosed, OTHER, round=1))
        door.hear(said_by_resolution(CaseClosed, OTHER, round=1), said_by_resolution(CaseReopened, OTHER, round=2))
        given = last(door, "complaint.routed")
        assert (given["round"], given["assignee"]) == (2, "r2")
        assert given["reasons"][1]["en"] == "Stays with the person who had it before"
        assert loads(door) == {"r1": 1, "r2": 1, "d1": 0}

    def test_unless_they_are_away(self, door):
        routed(door)
        door.hear(said_by_resolution(CaseClosed, round=1))
        door.ask(PutAgent(agent("r1", active=False), 1))
        door.hear(said_by_resolution(CaseReopened, round=2))
        assert last(door, "complaint.routed")["assignee"] == "r2"
        assert loads(door) == {"r1": 0, "r2": 1, "d1": 0}

    def test_a_reopening_that_closed_nothing_counts_once(self, door):
        routed(door)
        door.hear(said_by_resolution(CaseReopened, round=2))
        assert last(door, "complaint.routed")["round"] == 2
        assert loads(door)["r1"] == 1

    @pytest.mark.parametrize("event", [ComplaintLinked, ComplaintWithdrawn, Erased])
    def test_what_is_over_counts_no_more(self, door, event):
        routed(door)
        door.hear(sample(event, complaint_id=ID))
        assert door.row(Complaint, ID).state is State.OVER
        assert loads(door) == {"r1": 0, "r2": 0, "d1": 0}

    def test_a_mistaken_link_is_routed_again(self, door):
        routed(door)
        door.hear(linked(), sample(ComplaintUnlinked, complaint_id=ID))
        assert door.said_types == ["complaint.classified", "complaint.routed", "complaint.routed"]
        assert loads(door)["r1"] == 1

    def test_a_link_before_the_classifier_came_is_classified_when_undone(self, door):
        door.hear(received(), linked())
        assert classify(door) is None
        door.hear(sample(ComplaintUnlinked, complaint_id=ID))
        assert door.row(Complaint, ID).state is State.WAITING
        classify(door)
        assert door.row(Complaint, ID).state is State.ROUTED

    def test_a_link_undone_returns_to_the_triage_queue_aloud(self, door):
        routed(door, reading=UNSURE)
        door.hear(linked(), sample(ComplaintUnlinked, complaint_id=ID))
        assert door.said_types == ["complaint.classified", "triage.requested", "triage.requested"]

    def test_a_case_closed_in_triage_leaves_the_queue_until_reopened(self, door):
        routed(door, reading=UNSURE)
        door.hear(said_by_resolution(CaseClosed, round=1))
        assert door.row(Complaint, ID).state is State.RELEASED
        door.hear(said_by_resolution(CaseReopened, round=2))
        assert door.row(Complaint, ID).state is State.TRIAGE

    def test_the_confirmed_cause_stands_beside_the_predicted_one(self, door):
        routed(door)
        door.hear(said_by_resolution(CauseConfirmed, cause="service"))
        complaint = door.row(Complaint, ID)
        assert (complaint.confirmed_cause, complaint.cause) == (Cause.SERVICE, Cause.QUALITY)
        assert door.said_types == ["complaint.classified", "complaint.routed"]

    def test_erasing_leaves_no_word_of_the_customer(self, door):
        door.hear(received(text="金丝雀在笼子里"))
        classify(door, Classification(Cause.QUALITY, 0.3, "m", grounds=(Ground(0, 3, "金丝雀", Cause.QUALITY, 1.0),)))
        door.ask(DecideTriage(ID, 2, Cause.SERVICE, "lead-1", "金丝雀"))
        door.hear(sample(Erased, complaint_id=ID))
        kept = repr(door.row(Complaint, ID)) + "".join(each.body.decode() for each in door.store.history)
        assert "金丝雀" not in kept
        assert from_json(door.store.history[0].body)["cause"] == "quality"
        with pytest.raises(ComplaintErased):
            door.ask(CorrectClassification(ID, 4, Cause.QUALITY, "lead-1", "金丝雀"))

    def test_an_erased_complaint_never_comes_back(self, door):
        door.hear(received(), linked(), sample(Erased, complaint_id=ID), sample(ComplaintUnlinked, complaint_id=ID))
        assert classify(door) is None
        assert door.row(Complaint, ID).state is State.OVER


class TestRoster:
    def test_first_agents_never_overwrite_what_the_roster_says(self, door):
        door.ask(PutAgent(agent("r1", active=False), 1))
        door.ask(EnrolMissing((agent("r1"), agent("r3"))))
        assert door.row(Agent, "r1").active is False
        assert door.row(Agent, "r3").revision == 1
        assert loads(door) == {"r1": 0, "r2": 0, "r3": 0, "d1": 0}

    def test_a_change_keeps_the_count_of_open_cases(self, door):
        routed(door)
        assert door.ask(PutAgent(agent("r1", capacity=5), 1)) == {"agent_id": "r1", "revision": 2}
        assert loads(door)["r1"] == 1

    @pytest.mark.parametrize(("agent_id", "seen"), [("r1", 0), ("r1", 2), ("new", 1)])
    def test_who_saw_another_roster_is_refused(self, door, agent_id, seen):
        with pytest.raises(ChangedMeanwhile):
            door.ask(PutAgent(agent(agent_id), seen))

    def test_anything_seen_will_do_when_asked_so(self, door):
        assert door.ask(PutAgent(agent("r1"), None))["revision"] == 2
        assert door.ask(PutAgent(agent("new"), None))["revision"] == 1

    def test_a_team_that_is_not_there_is_refused(self, door):
        with pytest.raises(NoSuchTeam):
            door.ask(PutAgent(agent("r1", "nowhere"), 1))


class TestQueue:
    @pytest.fixture
    def door(self):
        return MemoryDoor("routing", storage.STORED, HANDLERS)

    def test_nobody_there_means_the_queue_and_no_count(self, door):
        assert routed(door).assignee == "queue:repair"
        assert last(door, "complaint.routed")["assignee"] == "queue:repair"
        assert loads(door) == {}

    def test_somebody_who_comes_gets_what_waits_in_the_same_round(self, door):
        routed(door)
        routed(door, OTHER)
        door.ask(PutAgent(agent("r1"), 0))
        for each in (ID, OTHER):
            door.ask(GiveOut(each))
        assert door.said_types[4:] == ["complaint.routed", "complaint.routed"]
        assert (last(door, "complaint.routed")["round"], last(door, "complaint.routed")["assignee"]) == (1, "r1")
        assert loads(door) == {"r1": 2}

    def test_who_came_and_went_again_gets_nothing(self, door):
        before = routed(door)
        door.ask(GiveOut(ID))
        assert door.row(Complaint, ID) == before
        assert door.said_types == ["complaint.classified", "complaint.routed"]

    def test_only_what_is_in_a_queue_is_given_out(self, door):
        door.ask(PutAgent(agent("r1"), 0))
        before = routed(door)
        assert door.ask(GiveOut(ID)) is None
        assert door.ask(GiveOut(OTHER)) is None
        assert door.row(Complaint, ID) == before
        door.hear(sample(ComplaintWithdrawn, complaint_id=ID))
        assert door.ask(GiveOut(ID)) is None
        assert loads(door) == {"r1": 0}

    def test_a_queued_complaint_that_is_over_was_never_counted(self, door):
        routed(door)
        door.ask(PutAgent(agent("r1"), 0))
        door.hear(said_by_resolution(CaseClosed, round=1))
        assert loads(door) == {"r1": 0}
