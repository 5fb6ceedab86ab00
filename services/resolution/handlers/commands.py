"""What people do with a case, step by step."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from services.resolution.domain import case as cases
from services.resolution.domain.case import Case, Cause, Step
from services.resolution.domain.clocks import SERVICE_KINDS, ServiceKind
from services.resolution.domain.note import Note
from services.resolution.domain.policy import CasePolicy
from services.resolution.domain.texts import masked, sendable
from services.resolution.handlers import clocks, rounds
from services.resolution.handlers.clocks import ANSWERED, TAKEN_UP
from services.resolution.handlers.loading import CaseCommand, Done, keep, known
from services.resolution.handlers.timers import escalate
from shared.contracts.resolution import (
    CaseAcknowledged,
    CaseAnswered,
    CaseInvestigated,
    CaseResolved,
    CauseConfirmed,
    RemedyApproved,
    RemedyDone,
    RemedyProposed,
    ResolutionMessageRequested,
)
from shared.runtime.ids import new_id
from shared.runtime.message import Message
from shared.runtime.work import Work


@dataclass(frozen=True, slots=True)
class Acknowledge(CaseCommand):
    """Take the case up."""


@dataclass(frozen=True, slots=True)
class Investigate(CaseCommand):
    """Say what happened, and the true cause where it is known."""

    finding: str
    cause: Cause | None


@dataclass(frozen=True, slots=True)
class ProposeRemedy(CaseCommand):
    """Propose a way to put it right."""

    remedy: str
    text: str


@dataclass(frozen=True, slots=True)
class ApproveRemedy(CaseCommand):
    """Allow the proposed remedy."""


@dataclass(frozen=True, slots=True)
class CompleteRemedy(CaseCommand):
    """Say that the remedy was carried out."""


@dataclass(frozen=True, slots=True)
class GiveAnswer(CaseCommand):
    """Tell the customer the decision and its reasons."""

    text: str


@dataclass(frozen=True, slots=True)
class AskCustomer(CaseCommand):
    """Ask the customer for what is missing."""

    text: str


@dataclass(frozen=True, slots=True)
class Resolve(CaseCommand):
    """Say that nothing is left to do."""


@dataclass(frozen=True, slots=True)
class CloseCase(CaseCommand):
    """Close the case by hand; without an answer a reason is needed."""

    reason: str | None


@dataclass(frozen=True, slots=True)
class ReopenCase(CaseCommand):
    """Take the case up again by hand."""

    reason: str | None


@dataclass(frozen=True, slots=True)
class EscalateCase(CaseCommand):
    """Call on someone with more authority: ``contact``, or the one named for the team."""

    contact: str | None


@dataclass(frozen=True, slots=True)
class AddNote(CaseCommand):
    """Write something down for the colleagues."""

    text: str


def acknowledge(message: Message[Acknowledge], work: Work) -> Done:
    """Take the case up."""
    command = message.payload
    case = cases.take(known(command, work), Step.ACKNOWLEDGE)
    work.announce(CaseAcknowledged(complaint_id=case.complaint_id, round=case.round, by=command.by))
    return _done(case, TAKEN_UP, message.at, work)


def investigate(message: Message[Investigate], work: Work, *, policy: CasePolicy) -> Done:
    """Note what happened; a cause that is named is the true one, with what was predicted beside it."""
    command = message.payload
    case = cases.investigate(known(command, work), masked(command.finding), command.cause)
    work.announce(
        CaseInvestigated(complaint_id=case.complaint_id, round=case.round, finding=case.finding or "", by=command.by)
    )
    if command.cause is not None:
        work.announce(
            CauseConfirmed(
                complaint_id=case.complaint_id,
                round=case.round,
                cause=command.cause,
                predicted=case.predicted or case.cause,
                by=command.by,
            )
        )
        clocks.start_legal_clocks(case, message.at, work, policy)
    return _done(case, TAKEN_UP, message.at, work)


def propose_remedy(message: Message[ProposeRemedy], work: Work) -> Done:
    """Propose a way to put it right."""
    command = message.payload
    text = masked(command.text)
    case = cases.propose_remedy(known(command, work), command.remedy, text)
    work.announce(
        RemedyProposed(
            complaint_id=case.complaint_id, round=case.round, remedy=command.remedy, text=text, by=command.by
        )
    )
    return _done(case, TAKEN_UP, message.at, work)


def approve_remedy(message: Message[ApproveRemedy], work: Work) -> Done:
    """Allow the proposed remedy."""
    command = message.payload
    case = cases.take(known(command, work), Step.APPROVE_REMEDY)
    work.announce(RemedyApproved(complaint_id=case.complaint_id, round=case.round, by=command.by))
    return _done(case, TAKEN_UP, message.at, work)


def complete_remedy(message: Message[CompleteRemedy], work: Work) -> Done:
    """Note that the approved remedy was carried out."""
    command = message.payload
    case = cases.complete_remedy(known(command, work))
    work.announce(RemedyDone(complaint_id=case.complaint_id, round=case.round, by=command.by))
    return _done(case, TAKEN_UP, message.at, work)


def give_answer(message: Message[GiveAnswer], work: Work, *, policy: CasePolicy) -> Done:
    """Tell the customer the decision and its reasons."""
    command = message.payload
    text = sendable(command.text, policy.own_contacts)
    case = cases.take(known(command, work), Step.ANSWER, answer=text)
    work.announce(CaseAnswered(complaint_id=case.complaint_id, round=case.round, text=text, by=command.by))
    work.announce(
        ResolutionMessageRequested(complaint_id=case.complaint_id, purpose="answer", language=case.language, text=text)
    )
    return _done(case, ANSWERED, message.at, work)


def ask_customer(message: Message[AskCustomer], work: Work, *, policy: CasePolicy) -> Done:
    """Ask the customer for what is missing; the clocks run on."""
    command = message.payload
    case = known(command, work)
    cases.check_worked_on(case)
    text = sendable(command.text, policy.own_contacts)
    work.announce(
        ResolutionMessageRequested(
            complaint_id=case.complaint_id, purpose="question", language=case.language, text=text
        )
    )
    return _done(cases.changed(case), TAKEN_UP, message.at, work)


def resolve(message: Message[Resolve], work: Work, *, policy: CasePolicy) -> Done:
    """State that nothing is left to do; now the customer is asked."""
    command = message.payload
    case = cases.resolve(known(command, work), message.at)
    clocks.wait_for_word(case, message.at, work, policy)
    work.announce(CaseResolved(complaint_id=case.complaint_id, round=case.round, by=command.by))
    return _done(case, SERVICE_KINDS, message.at, work)


def close_case(message: Message[CloseCase], work: Work) -> Done:
    """Close the case by hand; what was answered is done with, what was not is not counted as met."""
    command = message.payload
    case = cases.close_by_hand(known(command, work), command.reason)
    if case.answer is not None:
        clocks.finish_clocks(case, SERVICE_KINDS, message.at, work)
    _write_down(command.reason, command, message.at, work)
    return keep(rounds.close(case, "by_hand", work), work)


def reopen_case(message: Message[ReopenCase], work: Work, *, policy: CasePolicy) -> Done:
    """Begin another round by hand."""
    command = message.payload
    case = known(command, work)
    cases.check_not_over(case)
    case = rounds.reopen(case, "by_hand", message.at, work, policy)
    _write_down(command.reason, command, message.at, work)
    return keep(case, work)


def escalate_case(message: Message[EscalateCase], work: Work, *, policy: CasePolicy) -> Done:
    """Call on someone with more authority."""
    command = message.payload
    case = known(command, work)
    cases.check_worked_on(case)
    contact = command.contact or policy.escalation_contact(case.team)
    return keep(escalate(cases.changed(case), contact, "by_hand", work), work)


def add_note(message: Message[AddNote], work: Work) -> Done:
    """Write something down for the colleagues; nothing that anybody decides on changes by it."""
    command = message.payload
    case = known(command, work)
    cases.check_not_over(case)
    _write_down(command.text, command, message.at, work)
    return keep(case, work)


def _done(case: Case, steps: Collection[ServiceKind], at: datetime, work: Work) -> Done:
    clocks.finish_clocks(case, steps, at, work)
    return keep(case, work)


def _write_down(text: str | None, command: CaseCommand, at: datetime, work: Work) -> None:
    if text:
        work.put(Note(new_id(), command.complaint_id, at, command.by, masked(text)))
