"""Facts of intake and of resolution cross in every order: there is one end."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest

from services.followup import api, events, storage
from services.followup.domain.callback import Callback, State
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


def said(event, **changes):
    return sample(event, complaint_id=ID, **changes)


RECEIVED = said(ComplaintReceived)
LINKED, UNLINKED = said(ComplaintLinked), said(ComplaintUnlinked)
WITHDRAWN, ERASED = said(ComplaintWithdrawn), said(ComplaintErased)


def resolved(number):
    return said(CaseResolved, round=number)


def closed(number):
    return said(CaseClosed, round=number)


def reopened(number):
    return said(CaseReopened, round=number)


LIVES = {
    "resolved": ([RECEIVED], [resolved(1)], State.SCHEDULED),
    "closed": ([RECEIVED], [resolved(1), closed(1)], State.ABANDONED),
    "closed unresolved": ([RECEIVED], [closed(1)], State.NONE),
    "reopened": ([RECEIVED], [resolved(1), reopened(2)], State.ABANDONED),
    "reopened and resolved": ([RECEIVED], [resolved(1), reopened(2), resolved(2)], State.SCHEDULED),
    "closed, reopened and closed": (
        [RECEIVED],
        [resolved(1), closed(1), reopened(2), resolved(2), closed(2)],
        State.ABANDONED,
    ),
    "linked": ([RECEIVED, LINKED], [resolved(1), closed(1)], State.OVER),
    "linked while resolved": ([RECEIVED, LINKED], [resolved(1)], State.OVER),
    "linked in the second round": ([RECEIVED, LINKED], [resolved(1), reopened(2), resolved(2)], State.OVER),
    "linked by mistake": ([RECEIVED, LINKED, UNLINKED], [resolved(1)], State.SCHEDULED),
    "linked by mistake and closed": ([RECEIVED, LINKED, UNLINKED], [resolved(1), closed(1)], State.ABANDONED),
    "linked by mistake and reopened": (
        [RECEIVED, LINKED, UNLINKED],
        [closed(1), reopened(2), resolved(2)],
        State.SCHEDULED,
    ),
    "withdrawn": ([RECEIVED, WITHDRAWN], [resolved(1), closed(1)], State.OVER),
    "linked and withdrawn": ([RECEIVED, LINKED, WITHDRAWN, UNLINKED], [resolved(1)], State.OVER),
    "erased": ([RECEIVED, LINKED, UNLINKED, ERASED], [resolved(1), reopened(2), resolved(2)], State.OVER),
}


def interleavings(*sources: list[object]) -> Iterator[list[object]]:
    """Every order of all that the sources say that keeps each source's own order."""
    if not any(sources):
        yield []
    for index, source in enumerate(sources):
        if source:
            rest = [*sources[:index], source[1:], *sources[index + 1 :]]
            yield from ([source[0], *following] for following in interleavings(*rest))


def lived(order) -> MemoryDoor:
    door = MemoryDoor("followup", storage.STORED, HANDLERS)
    assert {result.fate for result in door.hear(*order)} == {"done"}
    return door


@pytest.mark.parametrize("life", LIVES)
def test_every_order_has_one_end(life):
    intake, resolution, state = LIVES[life]
    ends = []
    for order in interleavings(intake, resolution):
        door = lived(order)
        end = (replace(door.row(Callback, ID), revision=0), door.store.timers)
        if end not in ends:
            ends.append(end)
    assert len(ends) == 1
    assert ends[0][0].state is state
    assert bool(ends[0][1]) == (state is State.SCHEDULED)


@pytest.mark.parametrize("life", LIVES)
def test_every_call_that_was_announced_is_still_planned_or_called_off(life):
    intake, resolution, _ = LIVES[life]
    for order in interleavings(intake, resolution):
        door = lived(order)
        said_types = [each for each in door.said_types if each != "message.requested"]
        planned = 0
        for each in said_types:
            planned += {"callback.scheduled": 1, "callback.abandoned": -1}[each]
            assert planned in {0, 1}
        assert planned == (door.row(Callback, ID).state is State.SCHEDULED)
