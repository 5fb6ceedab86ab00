"""What people and cases do to a complaint: withdraw, link, unlink, close, reopen."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from services.intake.domain.complaint import (
    Complaint,
    Status,
    Tokens,
    check_seen,
    close,
    link,
    reopen,
    unlink,
    withdraw,
)
from services.intake.domain.customer import Customer, names_of
from services.intake.domain.refusals import LinkLeadsNowhere, NoSuchComplaint
from services.intake.handlers.masking import Masking
from shared.contracts.event import ComplaintEvent
from shared.contracts.intake import ComplaintLinked, ComplaintUnlinked, ComplaintWithdrawn
from shared.contracts.resolution import CaseClosed, CaseReopened
from shared.runtime.message import Message
from shared.runtime.needs import Need, Stream, rows
from shared.runtime.work import Work


@dataclass(frozen=True, slots=True)
class WithdrawComplaint:
    """The customer no longer wants it handled."""

    complaint_id: UUID
    seen: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class LinkComplaint:
    """A person saw that two complaints tell one story."""

    complaint_id: UUID
    seen: int
    primary_id: UUID


@dataclass(frozen=True, slots=True)
class UnlinkComplaint:
    """The link was a mistake."""

    complaint_id: UUID
    seen: int


@dataclass(frozen=True, slots=True)
class Done:
    """What a command answers: the revision to act on next."""

    complaint_id: UUID
    status: Status
    revision: int


# Needs.


def of_withdrawal(message: Message[WithdrawComplaint], work: Work) -> Iterator[Need]:
    """The complaint, and by what its customer would be known in the reason."""
    complaint_id = message.payload.complaint_id
    yield from _complaint(complaint_id)
    yield rows(Tokens, complaint_id=complaint_id)
    complaint = work.get(Complaint, complaint_id)
    if complaint is not None:
        yield rows(Customer, customer_id=complaint.customer_id)


def of_unlinking(message: Message[UnlinkComplaint], _work: Work) -> Iterable[Need]:
    """The complaint that the command names."""
    return _complaint(message.payload.complaint_id)


def of_link(message: Message[LinkComplaint], work: Work) -> Iterator[Need]:
    """Both complaints, and what the other is linked to itself."""
    command = message.payload
    yield from _complaint(command.complaint_id)
    yield from _complaint(command.primary_id)
    primary = work.get(Complaint, command.primary_id)
    if primary is not None and primary.primary_id is not None:
        yield from _complaint(primary.primary_id)


def of_event(message: Message[ComplaintEvent], _work: Work) -> Iterable[Need]:
    """The complaint that the event is about."""
    return _complaint(message.payload.complaint_id)


def _complaint(complaint_id: UUID) -> Iterable[Need]:
    return (Stream(complaint_id), rows(Complaint, complaint_id=complaint_id))


# Commands.


def withdraw_complaint(message: Message[WithdrawComplaint], work: Work) -> Done:
    """Stop handling a complaint because its customer says so."""
    command = message.payload
    complaint = withdraw(_known(command.complaint_id, command.seen, work))
    tokens = work.get(Tokens, complaint.complaint_id)
    masking = Masking(names_of(work.get(Customer, complaint.customer_id)), tokens.tokens if tokens else None)
    reason = masking.optional(command.reason)
    work.put(Tokens(complaint.complaint_id, masking.tokens))
    work.announce(ComplaintWithdrawn(complaint_id=complaint.complaint_id, reason=reason))
    return _kept(complaint, work)


def link_complaint(message: Message[LinkComplaint], work: Work) -> Done:
    """Let another complaint go on in the place of this one; of a linked one, what it is linked to."""
    command = message.payload
    follower = _known(command.complaint_id, command.seen, work)
    primary = work.get(Complaint, command.primary_id)
    if primary is not None and primary.primary_id is not None:
        primary = work.get(Complaint, primary.primary_id)
    if primary is None:
        raise LinkLeadsNowhere
    complaint = link(follower, primary)
    work.announce(
        ComplaintLinked(
            complaint_id=complaint.complaint_id,
            primary_id=primary.complaint_id,
            primary_number=primary.number,
            reason="by_hand",
        )
    )
    return _kept(complaint, work)


def unlink_complaint(message: Message[UnlinkComplaint], work: Work) -> Done:
    """Let a complaint be worked on by itself again."""
    command = message.payload
    complaint, primary_id = unlink(_known(command.complaint_id, command.seen, work))
    work.announce(ComplaintUnlinked(complaint_id=complaint.complaint_id, primary_id=primary_id))
    return _kept(complaint, work)


# Reactions.


def note_closed(message: Message[CaseClosed], work: Work) -> None:
    """Remember that the complaint is nobody's work any more: new stories are not compared with it."""
    complaint = work.get(Complaint, message.payload.complaint_id)
    if complaint is not None:
        work.put(close(complaint, message.payload.reason))


def note_reopened(message: Message[CaseReopened], work: Work) -> None:
    """Remember that the complaint is worked on again."""
    complaint = work.get(Complaint, message.payload.complaint_id)
    if complaint is not None:
        work.put(reopen(complaint))


# What they share.


def _known(complaint_id: UUID, seen: int, work: Work) -> Complaint:
    complaint = work.get(Complaint, complaint_id)
    if complaint is None:
        raise NoSuchComplaint
    check_seen(complaint, seen)
    return complaint


def _kept(complaint: Complaint, work: Work) -> Done:
    work.put(complaint)
    return Done(complaint.complaint_id, complaint.status, complaint.revision)
