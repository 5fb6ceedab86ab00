"""Facts of intake, of resolution and of routing's own worker cross in every order: there is one end."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest

from services.routing import api, events, storage, worker
from services.routing.domain.classification import Cause, Classification, Ground
from services.routing.domain.complaint import Complaint, State
from services.routing.domain.roster import Agent, Team, Teams, Workload
from services.routing.handlers.messages import Classify, EnrolMissing, GiveOut, RoutingPolicy
from shared.contracts.intake import (
    ComplaintErased,
    ComplaintLinked,
    ComplaintReceived,
    ComplaintUnlinked,
    ComplaintWithdrawn,
)
from shared.contracts.resolution import CaseClosed, CaseReopened, CauseConfirmed
from shared.testing.events import sample
from shared.testing.memory_door import MemoryDoor

ID = UUID(int=7)
POLICY = RoutingPolicy(Teams([Team("all", "全组", "All", frozenset(Cause))]), triage_below=0.45)
HANDLERS = {**api.commands(POLICY), **worker.commands(POLICY), **events.reactions(POLICY)}
SURE = Classification(Cause.QUALITY, 0.9, "m", grounds=(Ground(0, 1, "x", Cause.QUALITY, 1.0),))
UNSURE = replace(SURE, confidence=0.2)
CLASSIFY, GIVE_OUT = "classify", GiveOut(ID)
PEOPLE = tuple(Agent(f"a{n}", "all", ("zh-Hans", "en")) for n in (1, 2))


def said(event, **changes):
    return sample(event, complaint_id=ID, **changes)


RECEIVED = said(ComplaintReceived)
LINKED, UNLINKED = said(ComplaintLinked), said(ComplaintUnlinked)
WITHDRAWN, ERASED = said(ComplaintWithdrawn), said(ComplaintErased)
CONFIRMED = said(CauseConfirmed, cause="service")


def closed(number):
    return said(CaseClosed, round=number)


def reopened(number):
    return said(CaseReopened, round=number)


LIVES = {
    "answered": ([RECEIVED], [CONFIRMED, closed(1)], State.RELEASED),
    "reopened": ([RECEIVED], [CONFIRMED, closed(1), reopened(2)], State.ROUTED),
    "reopened and answered": ([RECEIVED], [closed(1), reopened(2), CONFIRMED, closed(2)], State.RELEASED),
    "linked": ([RECEIVED, LINKED], [closed(1)], State.OVER),
    "linked by mistake": ([RECEIVED, LINKED, UNLINKED], [closed(1), reopened(2)], State.ROUTED),
    "linked by mistake, unnoticed": ([RECEIVED, LINKED, UNLINKED], [CONFIRMED], State.ROUTED),
    "linked by mistake, answered": ([RECEIVED, LINKED, UNLINKED], [closed(1), reopened(2), closed(2)], State.RELEASED),
    "withdrawn": ([RECEIVED, WITHDRAWN], [CONFIRMED, closed(1)], State.OVER),
    "withdrawn, then reopened": ([RECEIVED, WITHDRAWN], [closed(1), reopened(2)], State.OVER),
    "erased": ([RECEIVED, ERASED], [closed(1)], State.OVER),
    "linked, unlinked, erased": ([RECEIVED, LINKED, UNLINKED, ERASED], [closed(1), reopened(2)], State.OVER),
}


def interleavings(*sources: list[object]) -> Iterator[list[object]]:
    """Every order of all that the sources say that keeps each source's own order."""
    if not any(sources):
        yield []
    for index, source in enumerate(sources):
        if source:
            rest = [*sources[:index], source[1:], *sources[index + 1 :]]
            yield from ([source[0], *following] for following in interleavings(*rest))


def lived(order, reading, *, people=PEOPLE, ahead=False) -> MemoryDoor:
    """Live through events and the worker's commands; the worker, who may read ahead, has its turn in the end."""
    door = MemoryDoor("routing", storage.STORED, HANDLERS)
    door.ask(EnrolMissing(people))
    for step in [*order, CLASSIFY, GIVE_OUT]:
        if step is CLASSIFY:
            door.ask(Classify(ID, reading))
        elif isinstance(step, EnrolMissing | GiveOut):
            door.ask(step)
        elif step is RECEIVED and ahead:
            assert door.give(replace(door.delivery(step), finding=reading)).fate == "done"
            assert door.row(Complaint, ID).classification == reading
        else:
            assert [result.fate for result in door.hear(step)] == ["done"]
    return door


def end_of(door: MemoryDoor) -> tuple[Complaint, list[int]]:
    """
    What is left in the end.

    Reasons tell how it came about (who had it before). What ended before it was given to anyone is not given out
    afterwards, and what is over is not classified either: none of that is part of where the complaint stands.
    """
    complaint = replace(door.row(Complaint, ID), revision=0, reasons=(), told_by=None, correlation_id=None)
    if complaint.state in {State.RELEASED, State.OVER}:
        complaint = replace(complaint, team=None, assignee=None, priority=None)
    if complaint.state is State.OVER:
        complaint = replace(complaint, classification=None, doubts=(), cause=None)
    return complaint, sorted(load.open_cases for load in door.store.all(Workload))


@pytest.mark.parametrize("life", LIVES)
@pytest.mark.parametrize("reading", [SURE, UNSURE], ids=["sure", "unsure"])
def test_every_order_has_one_end(life, reading):
    intake, resolution, state = LIVES[life]
    ends = []
    for order in interleavings(intake, resolution, [CLASSIFY]):
        door = lived(order, reading)
        end = end_of(door)
        if end not in ends:
            ends.append(end)
    assert len(ends) == 1
    complaint, open_cases = ends[0]
    assert complaint.state is (State.TRIAGE if state is State.ROUTED and reading is UNSURE else state)
    assert sum(open_cases) == (complaint.state is State.ROUTED)


@pytest.mark.parametrize("life", LIVES)
@pytest.mark.parametrize("reading", [SURE, UNSURE], ids=["sure", "unsure"])
def test_what_was_read_on_its_way_ends_like_what_was_read_later(life, reading):
    intake, resolution, _ = LIVES[life]
    whole = end_of(lived([*intake, *resolution], reading))
    for order in interleavings(intake, resolution):
        assert end_of(lived(order, reading, ahead=True)) == whole


@pytest.mark.parametrize("life", ["reopened", "linked by mistake", "withdrawn"])
def test_nor_does_it_matter_when_somebody_comes_to_an_empty_team(life):
    intake, resolution, _ = LIVES[life]
    whole = end_of(lived([*intake, *resolution], SURE))
    for order in interleavings(intake, resolution, [CLASSIFY], [EnrolMissing(PEOPLE)]):
        assert end_of(lived(order, SURE, people=())) == whole


@pytest.mark.parametrize("life", LIVES)
def test_the_last_routing_that_was_said_is_the_one_that_stands(life):
    intake, resolution, _ = LIVES[life]
    for order in interleavings(intake, resolution, [CLASSIFY]):
        door = lived(order, SURE)
        complaint = door.row(Complaint, ID)
        routings = [each.data for each in door.said if each.type == "routing.complaint.routed.v1"]
        if complaint.state is State.ROUTED:
            assert (routings[-1]["round"], routings[-1]["assignee"]) == (complaint.round, complaint.assignee)
        assert [routing["round"] for routing in routings] == sorted(routing["round"] for routing in routings)


@pytest.mark.parametrize("life", ["erased", "linked, unlinked, erased"])
def test_no_order_leaves_a_word_of_an_erased_complaint(life):
    intake, resolution, _ = LIVES[life]
    for order in interleavings(intake, resolution, [CLASSIFY]):
        door = lived(order, SURE)
        complaint = door.row(Complaint, ID)
        assert complaint.text is None
        assert complaint.classification is None or complaint.classification.grounds == ()
        assert all(b'"text":"x"' not in each.body for each in door.store.history)
