"""What resolution does on the facts of intake, routing and followup, in whatever order they come."""

from dataclasses import replace
from datetime import datetime

from services.resolution.domain import case as cases
from services.resolution.domain.case import Case, ClosedReason, Ending, State
from services.resolution.domain.note import Note
from services.resolution.domain.policy import CasePolicy
from services.resolution.domain.promise import Promise
from services.resolution.handlers import clocks, rounds
from services.resolution.handlers.loading import found, keep
from shared.contracts.erasure import BLANK
from shared.contracts.event import ComplaintEvent
from shared.contracts.followup import CallbackAbandoned, DissatisfactionRaised, FollowupEvent, SatisfactionRecorded
from shared.contracts.intake import ComplaintReceived, ComplaintUnlinked, MessageFailed, MessageReceived, MessageSent
from shared.contracts.routing import ClassificationCorrected, ComplaintClassified, ComplaintRouted
from shared.runtime.message import Message
from shared.runtime.work import Work

# Intake.


def note_complaint(message: Message[ComplaintReceived], work: Work, *, policy: CasePolicy) -> None:
    """Learn what the complaint is about; its owner may be known already."""
    event = message.payload
    case = cases.changed(
        found(event.complaint_id, work),
        number=event.number,
        customer_id=event.customer_id,
        language=event.language,
        channel=event.channel,
        received_at=event.received_at,
        tier=event.tier,
        subject_line=event.subject_line,
        text=event.text,
    )
    keep(rounds.settle(case, message.at, work, policy), work)


def note_message(message: Message[MessageReceived], work: Work, *, policy: CasePolicy) -> None:
    """Count what the customer wrote again; whoever writes after the resolution is not silent."""
    before = found(message.payload.complaint_id, work)
    case = cases.changed(before, messages_received=before.messages_received + 1)
    if case.state is State.RESOLVED:
        clocks.wait_for_word(case, message.at, work, policy)
    keep(case, work)


def count_sent(message: Message[MessageSent], work: Work) -> None:
    """Count a message that reached the customer's channel."""
    case = found(message.payload.complaint_id, work)
    keep(replace(case, messages_sent=case.messages_sent + 1), work)


def count_failed(message: Message[MessageFailed], work: Work) -> None:
    """Count a message that did not; the owner sees it on the case."""
    case = found(message.payload.complaint_id, work)
    keep(cases.changed(case, messages_failed=case.messages_failed + 1), work)


def end(message: Message[ComplaintEvent], work: Work, *, ending: Ending, policy: CasePolicy) -> None:
    """Close the case of a complaint that intake calls over, or see to it that it is closed once it could be opened."""
    case = cases.call_over(found(message.payload.complaint_id, work), ending)
    keep(rounds.settle(case, message.at, work, policy), work)


def forget(message: Message[ComplaintEvent], work: Work, *, policy: CasePolicy) -> None:
    """Blank every text of an erased complaint, here and in the history."""
    complaint_id = message.payload.complaint_id
    case = cases.call_over(cases.blanked(found(complaint_id, work), BLANK), "erased")
    keep(rounds.settle(case, message.at, work, policy), work)
    for promise in work.find(Promise, complaint_id=complaint_id):
        work.put(replace(promise, text=BLANK))
    for note in work.find(Note, complaint_id=complaint_id):
        work.put(replace(note, text=BLANK))
    work.blank_history(complaint_id)


def take_up_again(message: Message[ComplaintUnlinked], work: Work, *, policy: CasePolicy) -> None:
    """A mistaken link was undone: the case goes on where it stood."""
    before = found(message.payload.complaint_id, work)
    case = cases.undo_link(before)
    if case.state is not before.state:
        case = rounds.resume(case, message.at, work, policy)
    if not case.over:
        clocks.resume_promises(case, work)
    keep(rounds.settle(case, message.at, work, policy), work)


# Routing.


def note_classification(message: Message[ComplaintClassified], work: Work) -> None:
    """Remember what was predicted, to stand beside the cause that the investigation will find."""
    event = message.payload
    case = found(event.complaint_id, work)
    keep(replace(case, predicted=event.cause, cause=case.cause or event.cause), work)


def note_routing(message: Message[ComplaintRouted], work: Work, *, policy: CasePolicy) -> None:
    """Learn who answers; the first time, the case is opened, later only its owner changes."""
    event = message.payload
    routing = cases.Routing(
        event.round, event.cause, event.team, event.assignee, priority=event.priority, severity=event.severity
    )
    case = cases.add_routing(found(event.complaint_id, work), routing)
    _keep_with_legal_clocks(case, message.at, work, policy)


def correct_cause(message: Message[ClassificationCorrected], work: Work, *, policy: CasePolicy) -> None:
    """Take a person's word for the classifier's."""
    case = cases.name_cause(found(message.payload.complaint_id, work), message.payload.cause)
    _keep_with_legal_clocks(case, message.at, work, policy)


def _keep_with_legal_clocks(case: Case, at: datetime, work: Work, policy: CasePolicy) -> None:
    case = rounds.settle(case, at, work, policy)
    clocks.start_legal_clocks(case, at, work, policy)
    keep(case, work)


# Followup.


def close_satisfied(message: Message[SatisfactionRecorded], work: Work) -> None:
    """A customer who was helped ends the case."""
    if message.payload.satisfied:
        _conclude(message.payload, "satisfied", work)


def close_unreachable(message: Message[CallbackAbandoned], work: Work) -> None:
    """A customer who cannot be asked ends it too; an attempt given up because the case was over says nothing."""
    if message.payload.reason != "case_over":
        _conclude(message.payload, "unreachable", work)


def reopen_dissatisfied(message: Message[DissatisfactionRaised], work: Work, *, policy: CasePolicy) -> None:
    """Begin another round for a customer who was not helped in this one; news of an earlier round changes nothing."""
    event = message.payload
    case = found(event.complaint_id, work)
    if event.round == case.round and case.state in {State.RESOLVED, State.CLOSED}:
        case = rounds.reopen(case, "dissatisfied", message.at, work, policy)
        keep(rounds.settle(case, message.at, work, policy), work)


def _conclude(event: FollowupEvent, reason: ClosedReason, work: Work) -> None:
    case = found(event.complaint_id, work)
    if event.round == case.round and cases.is_concluded_by(case, reason):
        keep(rounds.close(cases.conclude(case, reason), reason, work), work)
