"""Facts of different services cross: whatever the order in which they come, a complaint ends in one state."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from services.intake import api, events, storage
from services.intake.channels.contact import IncomingContact, Sender
from services.intake.domain.complaint import Complaint, Status
from services.intake.domain.message import OutgoingMessage
from services.intake.handlers.contact import read_contact
from services.intake.settings import IntakeSettings
from shared.contracts.event import ComplaintEvent
from shared.contracts.followup import FollowupMessageRequested
from shared.contracts.resolution import CaseClosed, CaseReopened, ResolutionMessageRequested
from shared.testing.memory_door import MemoryDoor

SETTINGS = IntakeSettings(database_url="postgresql://x@127.0.0.1/x")
HANDLERS = {**api.commands(SETTINGS.reception, SETTINGS.zone), **events.reactions(SETTINGS.wording)}
NOBODY = UUID(int=0)
"""Stands for the complaint until it has its id."""

ACKNOWLEDGED = ResolutionMessageRequested(complaint_id=NOBODY, purpose="acknowledgement", template="acknowledgement")
ANSWERED = ResolutionMessageRequested(complaint_id=NOBODY, purpose="answer", text="灯已换好")
CLOSED = CaseClosed(complaint_id=NOBODY, reason="satisfied")
REOPENED = CaseReopened(complaint_id=NOBODY, round=2, reason="dissatisfied", deadlines=())
CLOSED_AGAIN = CaseClosed(complaint_id=NOBODY, round=2, reason="withdrawn")
SURVEYED = FollowupMessageRequested(complaint_id=NOBODY, purpose="survey", template="callback_planned")
SURVEYED_AGAIN = FollowupMessageRequested(complaint_id=NOBODY, purpose="survey", text="这次好了吗？")

Said = Sequence[ComplaintEvent]


def interleavings(one: Said, other: Said) -> Iterator[list[ComplaintEvent]]:
    """Every order of all events in which each source keeps its own."""
    if not one or not other:
        yield [*one, *other]
        return
    for first, rest in ((one, (one[1:], other)), (other, (one, other[1:]))):
        for following in interleavings(*rest):
            yield [first[0], *following]


def end_state(order: Said, sender: Sender):
    """What is kept after a complaint by *sender* and these events, but for ids and revisions."""
    door = MemoryDoor("intake", storage.STORED, HANDLERS)
    told = IncomingContact(channel="chat", external_id="c-1", text="灯坏了", language="zh-Hans", sender=sender)
    complaint_id = UUID(door.ask(read_contact(told, b"", "application/json"))["complaint_id"])
    results = door.hear(*(event.model_copy(update={"complaint_id": complaint_id}) for event in order))
    assert {result.fate for result in results} == {"done"}
    complaint = door.row(Complaint, complaint_id)
    nobody = {"message_id": NOBODY, "complaint_id": NOBODY, "correlation_id": NOBODY}
    messages = {replace(each, **nobody) for each in door.store.all(OutgoingMessage)}
    return complaint.status, messages, sorted(door.said_types)


@pytest.mark.parametrize("sender", [Sender("王小燕", "wang@example.com"), Sender(external_id="88"), Sender()])
@pytest.mark.parametrize(
    ("resolution", "status"),
    [
        ([ACKNOWLEDGED, ANSWERED], Status.OPEN),
        ([ACKNOWLEDGED, ANSWERED, CLOSED], Status.CLOSED),
        ([ACKNOWLEDGED, ANSWERED, CLOSED, REOPENED], Status.OPEN),
        ([ACKNOWLEDGED, CLOSED, REOPENED, ANSWERED, CLOSED_AGAIN], Status.WITHDRAWN),
    ],
)
def test_every_order_ends_in_one_state(resolution, status, sender):
    followup = [SURVEYED, SURVEYED_AGAIN]
    orders = list(interleavings(resolution, followup))
    states = [end_state(order, sender) for order in orders]

    assert len(orders) > 5
    assert all(state == states[0] for state in states)
    assert states[0][0] is status
    assert len(states[0][1]) == 4
