"""Facts of different services cross: whatever the order in which they come, a complaint ends in one state."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from services.resolution import api, events, storage
from services.resolution.domain.case import Case
from services.resolution.domain.clocks import Deadline
from services.resolution.domain.promise import Promise
from services.resolution.handlers.commands import GiveAnswer, Resolve
from services.resolution.handlers.promises import MakePromise
from services.resolution.settings import ResolutionSettings
from shared.contracts.event import ComplaintEvent
from shared.contracts.followup import CallbackAbandoned, DissatisfactionRaised, SatisfactionRecorded
from shared.contracts.intake import (
    ComplaintErased,
    ComplaintLinked,
    ComplaintReceived,
    ComplaintUnlinked,
    ComplaintWithdrawn,
    MessageReceived,
    MessageSent,
)
from shared.contracts.routing import ClassificationCorrected, ComplaintClassified, ComplaintRouted
from shared.testing.memory_door import MONDAY_MORNING, MemoryDoor

ID = UUID(int=1)
OTHER = UUID(int=2)
RULES = ResolutionSettings(database_url="postgresql://nobody@nowhere/none").policy(2026)
HANDLERS = {**api.commands(RULES), **events.reactions(RULES)}

RECEIVED = ComplaintReceived(
    complaint_id=ID,
    number="CMP-2026-000123",
    contact_id=OTHER,
    customer_id=OTHER,
    channel="email",
    language="zh-Hans",
    received_at=MONDAY_MORNING,
    text="等了三天没有人来",
)
MESSAGE = MessageReceived(
    complaint_id=ID, contact_id=OTHER, channel="email", language="zh-Hans", received_at=MONDAY_MORNING, text="？"
)
SENT = MessageSent(complaint_id=ID, message_id=OTHER, channel="email", purpose="acknowledgement")
LINKED = ComplaintLinked(complaint_id=ID, primary_id=OTHER, primary_number="CMP-2026-000100", reason="same_story")
UNLINKED = ComplaintUnlinked(complaint_id=ID, primary_id=OTHER)
WITHDRAWN = ComplaintWithdrawn(complaint_id=ID)
ERASED = ComplaintErased(complaint_id=ID)

CLASSIFIED = ComplaintClassified(complaint_id=ID, cause="service", confidence=0.7, model="test")
ROUTED = ComplaintRouted(complaint_id=ID, cause="quality", team="quality", assignee="agent-1", priority=2)
ROUTED_AGAIN = ComplaintRouted(complaint_id=ID, cause="service", team="service", assignee="agent-2", priority=7)
ROUTED_ROUND_2 = ComplaintRouted(complaint_id=ID, round=2, cause="service", team="b", assignee="agent-3", priority=1)
CORRECTED = ClassificationCorrected(complaint_id=ID, cause="regulation", by="agent-9")

SATISFIED = SatisfactionRecorded(complaint_id=ID, score=5, resolved=True, satisfied=True)
UNSATISFIED = SatisfactionRecorded(complaint_id=ID, score=1, resolved=False, satisfied=False)
DISSATISFIED = DissatisfactionRaised(complaint_id=ID, score=1)
UNREACHABLE = CallbackAbandoned(complaint_id=ID, attempts=3, reason="unreachable")

Said = Sequence[ComplaintEvent]


def interleavings(*sources: Said) -> Iterator[list[ComplaintEvent]]:
    """Every order of all events in which each source keeps its own."""
    if not any(sources):
        yield []
    for index, source in enumerate(sources):
        if source:
            rest = [*sources[:index], source[1:], *sources[index + 1 :]]
            for order in interleavings(*rest):
                yield [source[0], *order]


def end_state(events_in_order: Said, *, resolved: bool) -> object:
    door = MemoryDoor("resolution", storage.STORED, HANDLERS)
    if resolved:
        resolve(door)
    for result in door.hear(*events_in_order):
        assert result.fate == "done", result.error
    case = replace(door.row(Case, ID), revision=0)
    deadlines = sorted(door.store.all(Deadline), key=lambda each: (each.round, each.kind))
    promises = [(each.text, each.state) for each in door.store.all(Promise)]
    timers = sorted((kind.partition(":")[0] if "promise" in kind else kind) for _, kind in door.store.timers)
    return case, deadlines, promises, timers


def resolve(door: MemoryDoor) -> None:
    door.hear(RECEIVED, CLASSIFIED, ROUTED)
    door.now += timedelta(hours=2)
    for command, values in (
        (MakePromise, ("三天内退款", door.now + timedelta(days=3))),
        (GiveAnswer, ("三天内退款",)),
        (Resolve, ()),
    ):
        door.ask(command(ID, door.row(Case, ID).revision, "agent-1", *values))


def assert_one_end(*sources: Said, resolved: bool) -> None:
    orders = list(interleavings(*sources))
    expected = end_state(orders[0], resolved=resolved)
    for order in orders[1:]:
        names = [type(event).__name__ for event in order]
        assert (names, end_state(order, resolved=resolved)) == (names, expected)


@pytest.mark.parametrize(
    "intake",
    [
        (RECEIVED, MESSAGE, SENT),
        (RECEIVED, WITHDRAWN),
        (RECEIVED, LINKED, MESSAGE, UNLINKED),
        (RECEIVED, LINKED, WITHDRAWN, UNLINKED),
        (RECEIVED, WITHDRAWN, LINKED, UNLINKED),
        (RECEIVED, LINKED, UNLINKED, LINKED),
        (RECEIVED, LINKED, UNLINKED, ERASED),
    ],
)
@pytest.mark.parametrize("routing", [(CLASSIFIED, ROUTED), (CLASSIFIED, ROUTED, ROUTED_AGAIN, CORRECTED)])
def test_a_complaint_that_is_received_and_routed(intake, routing):
    assert_one_end(intake, routing, resolved=False)


@pytest.mark.parametrize(
    "intake", [(MESSAGE, WITHDRAWN), (LINKED, UNLINKED), (LINKED, WITHDRAWN, UNLINKED), (LINKED, ERASED)]
)
@pytest.mark.parametrize("routing", [(CORRECTED, ROUTED_ROUND_2), ()])
@pytest.mark.parametrize("followup", [(SATISFIED,), (UNSATISFIED, DISSATISFIED), (UNREACHABLE, SATISFIED)])
def test_a_complaint_that_is_resolved_and_asked_about(intake, routing, followup):
    assert_one_end(intake, routing, followup, resolved=True)
