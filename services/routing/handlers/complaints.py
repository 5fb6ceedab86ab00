"""The complaint: classified, given to someone, taken back."""

from dataclasses import replace
from uuid import UUID

from services.routing.domain.classification import Cause, Classification
from services.routing.domain.complaint import (
    Complaint,
    Ending,
    State,
    check_in_triage,
    check_seen,
    classified,
    closed,
    decided,
    ended,
    forgotten,
    must_route,
    reopened,
    routed,
    settled,
    unlinked,
)
from services.routing.domain.refusals import NoSuchComplaint
from services.routing.domain.roster import Agent, Workload
from services.routing.handlers.announcements import (
    announce_classified,
    announce_corrected,
    announce_routed,
    announce_triage,
)
from services.routing.handlers.messages import (
    Classify,
    CorrectClassification,
    DecideTriage,
    Done,
    GiveOut,
    RoutingPolicy,
)
from shared.contracts.event import ComplaintEvent
from shared.contracts.intake import ComplaintReceived
from shared.contracts.resolution import CaseClosed, CaseReopened, CauseConfirmed
from shared.privacy import mask
from shared.runtime.message import Message
from shared.runtime.work import Work


def classify(message: Message[Classify], work: Work, *, policy: RoutingPolicy) -> Done | None:
    """Take what the classifier found; a complaint that no longer waits for it keeps what it has."""
    before = work.get(Complaint, message.payload.complaint_id)
    if before is None or before.state is not State.WAITING:
        return None
    return _settle(before, _classified(before, message.payload.classification, work, policy), work, policy)


def decide_triage(message: Message[DecideTriage], work: Work, *, policy: RoutingPolicy) -> Done:
    """Route a complaint by the cause that a person named."""
    before = _known(message.payload, work)
    check_in_triage(before)
    return _decide(before, message, work, policy)


def correct_classification(message: Message[CorrectClassification], work: Work, *, policy: RoutingPolicy) -> Done:
    """Handle a complaint as another cause from now on; it changes hands when that is another team's."""
    return _decide(_known(message.payload, work), message, work, policy)


def give_out(message: Message[GiveOut], work: Work, *, policy: RoutingPolicy) -> Done | None:
    """Give a complaint that waits in a team's queue to somebody, if there is anybody now."""
    before = work.get(Complaint, message.payload.complaint_id)
    if before is None or not before.is_queued:
        return None
    after = _given_out(before, work, policy)
    if after.assignee != before.assignee:
        announce_routed(after, work)
    return _keep(before, after, work)


# Reactions.


def note_complaint(message: Message[ComplaintReceived], work: Work, *, policy: RoutingPolicy) -> None:
    """
    Keep what the customer wrote; what became of the complaint may have been heard of before.

    If the classifier has read it on the way here, that is one commit less; else it waits for it.
    """
    event = message.payload
    before = _found(event.complaint_id, work)
    after = replace(
        before,
        number=event.number,
        text=event.text,
        channel=event.channel,
        language=event.language,
        tier=event.tier,
        received_at=event.received_at,
        told_by=message.id,
        correlation_id=message.correlation_id,
    )
    if isinstance(message.finding, Classification) and settled(after).state is State.WAITING:
        after = _classified(after, message.finding, work, policy)
    _settle(before, after, work, policy)


def end(message: Message[ComplaintEvent], work: Work, *, ending: Ending, policy: RoutingPolicy) -> None:
    """A complaint that was withdrawn or merged is nobody's any more."""
    before = _found(message.payload.complaint_id, work)
    _settle(before, ended(before, ending), work, policy)


def resume(message: Message[ComplaintEvent], work: Work, *, policy: RoutingPolicy) -> None:
    """A mistaken link was undone: the complaint goes on where it was."""
    before = _found(message.payload.complaint_id, work)
    _settle(before, unlinked(before), work, policy)


def forget(message: Message[ComplaintEvent], work: Work, *, policy: RoutingPolicy) -> None:
    """Blank every text of an erased complaint."""
    before = _found(message.payload.complaint_id, work)
    _settle(before, forgotten(before), work, policy)
    work.blank_history(before.complaint_id)


def release(message: Message[CaseClosed], work: Work, *, policy: RoutingPolicy) -> None:
    """The case of this round is over; its agent has one less."""
    before = _found(message.payload.complaint_id, work)
    _settle(before, closed(before, message.payload.round), work, policy)


def route_again(message: Message[CaseReopened], work: Work, *, policy: RoutingPolicy) -> None:
    """Give the new round to the same person if they are there, else to another one of the team."""
    before = _found(message.payload.complaint_id, work)
    _settle(before, reopened(before, message.payload.round), work, policy)


def note_confirmed_cause(message: Message[CauseConfirmed], work: Work, *, policy: RoutingPolicy) -> None:
    """Keep what the investigation found beside what was predicted."""
    before = _found(message.payload.complaint_id, work)
    after = replace(before, confirmed_cause=Cause(message.payload.cause))
    _settle(before, after, work, policy)


# What they share.


def _known(command: DecideTriage | CorrectClassification, work: Work) -> Complaint:
    complaint = work.get(Complaint, command.complaint_id)
    if complaint is None or complaint.received_at is None:
        raise NoSuchComplaint
    check_seen(complaint, command.seen)
    return complaint


def _classified(complaint: Complaint, reading: Classification, work: Work, policy: RoutingPolicy) -> Complaint:
    if reading.cause is not None:
        announce_classified(complaint.complaint_id, reading.cause, reading, work)
    return classified(complaint, reading, policy.triage_below)


def _found(complaint_id: UUID, work: Work) -> Complaint:
    return work.get(Complaint, complaint_id) or Complaint(complaint_id)


def _decide(
    before: Complaint,
    message: Message[DecideTriage] | Message[CorrectClassification],
    work: Work,
    policy: RoutingPolicy,
) -> Done:
    command = message.payload
    note = mask(command.note).text if command.note else None
    after = decided(before, command.cause, command.by, note)
    previous = before.cause or (before.classification.cause if before.classification else None)
    if command.cause is not previous:
        announce_corrected(after, command.cause, previous, work)
    return _settle(before, after, work, policy)


def _settle(before: Complaint, after: Complaint, work: Work, policy: RoutingPolicy) -> Done:
    """Say and do what follows from *after*, whichever fact completed it."""
    after = settled(after)
    if after.state is State.TRIAGE and before.state is not State.TRIAGE:
        announce_triage(after, work)
    if must_route(before, after, policy.teams):
        after = _given_out(after, work, policy)
        announce_routed(after, work)
    return _keep(before, after, work)


def _given_out(complaint: Complaint, work: Work, policy: RoutingPolicy) -> Complaint:
    open_cases = {load.agent_id: load.open_cases for load in work.find(Workload)}
    return routed(complaint, policy.teams, work.find(Agent), open_cases)


def _keep(before: Complaint, after: Complaint, work: Work) -> Done:
    if after != before:
        after = replace(after, revision=before.revision + 1)
        work.put(after)
    if after.holder != before.holder:
        _count(before.holder, -1, work)
        _count(after.holder, +1, work)
    return Done(after.complaint_id, after.state, after.cause, after.team, after.assignee, after.revision)


def _count(agent_id: str | None, change: int, work: Work) -> None:
    for load in work.find(Workload):
        if load.agent_id == agent_id:
            work.put(replace(load, open_cases=load.open_cases + change))
