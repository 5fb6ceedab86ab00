"""Random histories of one case: whatever people and services do, it stays within the table of transitions."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.resolution import api, events, storage
from services.resolution.domain.case import TRANSITIONS, Case, State, Step
from services.resolution.domain.clocks import Deadline, DeadlineState
from services.resolution.domain.promise import Promise, PromiseState
from services.resolution.handlers import commands as do
from services.resolution.handlers.promises import KeepPromise, MakePromise
from services.resolution.settings import ResolutionSettings
from shared.contracts.event import ComplaintEvent
from shared.contracts.followup import DissatisfactionRaised, SatisfactionRecorded
from shared.contracts.intake import ComplaintLinked, ComplaintReceived, ComplaintUnlinked, ComplaintWithdrawn
from shared.contracts.routing import ComplaintRouted
from shared.refusal import Refused
from shared.testing.memory_door import MONDAY_MORNING, MemoryDoor

ID = UUID(int=1)
RULES = ResolutionSettings(database_url="postgresql://nobody@nowhere/none").policy(2026)
HANDLERS = {**api.commands(RULES), **events.reactions(RULES)}

STEP_OF = {
    "case.opened": Step.OPEN,
    "case.acknowledged": Step.ACKNOWLEDGE,
    "case.investigated": Step.INVESTIGATE,
    "case.remedy_proposed": Step.PROPOSE_REMEDY,
    "case.remedy_approved": Step.APPROVE_REMEDY,
    "case.remedy_done": Step.COMPLETE_REMEDY,
    "case.answered": Step.ANSWER,
    "case.resolved": Step.RESOLVE,
    "case.closed": Step.CLOSE,
    "case.reopened": Step.REOPEN,
}
FINAL = {DeadlineState.MET, DeadlineState.MISSED}

COMMANDS = st.sampled_from(
    [
        (do.Acknowledge,),
        (do.Investigate, "…", None),
        (do.Investigate, "…", "regulation"),
        (do.ProposeRemedy, "refund", "…"),
        (do.ApproveRemedy,),
        (do.CompleteRemedy,),
        (do.GiveAnswer, "…"),
        (do.GiveAnswer, "…"),
        (do.Resolve,),
        (do.Resolve,),
        (do.CloseCase, "…"),
        (do.ReopenCase, None),
        (do.EscalateCase, None),
        (MakePromise, "…", MONDAY_MORNING + timedelta(days=3)),
        (KeepPromise, UUID(int=9)),
    ]
)
EVENTS = st.sampled_from(
    [
        ComplaintLinked(complaint_id=ID, primary_id=ID, primary_number="CMP-2026-000100", reason="by_hand"),
        ComplaintUnlinked(complaint_id=ID, primary_id=ID),
        ComplaintUnlinked(complaint_id=ID, primary_id=ID),
        ComplaintWithdrawn(complaint_id=ID),
        SatisfactionRecorded(complaint_id=ID, score=5, resolved=True, satisfied=True),
        DissatisfactionRaised(complaint_id=ID, score=1),
        DissatisfactionRaised(complaint_id=ID, score=1, round=2),
    ]
)
WAITS = st.sampled_from([timedelta(hours=3), timedelta(days=2), timedelta(days=15)])
HISTORIES = st.lists(st.one_of(COMMANDS, COMMANDS, COMMANDS, EVENTS, WAITS), min_size=5, max_size=25)


def opened() -> MemoryDoor:
    door = MemoryDoor("resolution", storage.STORED, HANDLERS)
    received = ComplaintReceived(
        complaint_id=ID,
        number="CMP-2026-000123",
        contact_id=ID,
        customer_id=ID,
        channel="chat",
        language="en",
        received_at=MONDAY_MORNING,
        text="…",
    )
    door.hear(received, ComplaintRouted(complaint_id=ID, cause="quality", team="q", assignee="agent-1", priority=5))
    return door


def live(door: MemoryDoor, happening: Any) -> None:
    match happening:
        case timedelta():
            door.wait(happening)
        case ComplaintEvent():
            [result] = door.hear(happening)
            assert result.fate == "done", result.error
        case command, *values:
            try:
                door.ask(command(ID, door.row(Case, ID).revision, "agent-1", *values))
            except Refused:
                return


def told_state(door: MemoryDoor) -> State:
    """Where the case stands for someone who only reads the events; fails on a step that cannot follow."""
    state, closed_from = State.PENDING, State.PENDING
    for each in door.said:
        step = STEP_OF.get(each.type.removeprefix("resolution.").removesuffix(".v1"))
        if step is None:
            continue
        if step is Step.CLOSE and state is State.CLOSED:
            assert each.data["reason"] == "satisfied"  # the customer's word corrects an earlier ending
        elif step is Step.REOPEN and each.data["reason"] == "unlinked":
            assert state is State.CLOSED
            state = closed_from
        else:
            closed_from = state
            state = TRANSITIONS[state, step]
    return state


@settings(max_examples=120, deadline=None)
@given(HISTORIES)
def test_no_history_leaves_the_table_and_no_decided_clock_changes(history):
    door = opened()
    decided: dict[Any, Deadline] = {}
    for happening in history:
        live(door, happening)
        case = door.row(Case, ID)
        assert told_state(door) is case.state
        deadlines = door.store.rows[Deadline]
        assert {key: deadlines[key].state for key in decided} == {key: each.state for key, each in decided.items()}
        decided |= {key: each for key, each in deadlines.items() if each.state in FINAL}
        assert_consistent(door, case)


def assert_consistent(door: MemoryDoor, case: Case) -> None:
    """What runs has a timer, what does not has none, and on a case that is done with nothing runs."""
    running = [each for each in door.store.all(Deadline) if each.state is DeadlineState.RUNNING]
    made = [each for each in door.store.all(Promise) if each.state is PromiseState.MADE]
    timers = {kind for _, kind in door.store.timers if not kind.startswith("warn")}
    wanted = {f"due:{each.kind}" for each in running} | {f"promise:{each.promise_id}" for each in made}
    assert timers == wanted | ({"silence"} if case.state is State.RESOLVED else set())
    if case.state in {State.RESOLVED, State.CLOSED}:
        assert not running


@settings(max_examples=40, deadline=None)
@given(HISTORIES)
def test_every_clock_is_decided_once_and_told_so(history):
    door = opened()
    for happening in history:
        live(door, happening)
    told = [
        (each.data["round"], each.data["kind"], each.type.split(".")[2])
        for each in door.said
        if each.type.startswith("resolution.deadline.") and "approaching" not in each.type
    ]
    decided = [(each.round, each.kind, str(each.state)) for each in door.store.all(Deadline) if each.state in FINAL]
    assert sorted(told) == sorted(decided)
