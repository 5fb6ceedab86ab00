"""What is sent back: queued once per event that asks for it, and what became of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.intake.domain.complaint import Complaint
from services.intake.domain.contact import Contact, ThreadKey
from services.intake.domain.customer import Customer, Identity
from services.intake.domain.message import OutgoingMessage, State, postpone, settle, way_to
from services.intake.domain.refusals import NoSuchMessage
from services.intake.domain.templates import Wording
from services.intake.handlers.masking import Masking
from shared.contracts.event import MessageRequest
from shared.contracts.intake import MessageFailed, MessageOutgoing, MessageSent
from shared.runtime.message import Message
from shared.runtime.needs import Need, Stream, rows
from shared.runtime.work import Work

NO_ADDRESS = "no_address"
UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class RecordDelivery:
    """
    What became of a message: it was handed over, or it never will be.

    ``reason`` goes with a failure; ``mail_id`` is the Message-ID of a mail, by which answers to it find their way.
    """

    message_id: UUID
    is_sent: bool
    reason: str | None = None
    mail_id: str | None = None


@dataclass(frozen=True, slots=True)
class PostponeMessage:
    """It could not be sent just now; ``next_try_at`` is in real time."""

    message_id: UUID
    next_try_at: datetime


@dataclass(frozen=True, slots=True)
class Delivered:
    """Where a message stands."""

    message_id: UUID
    state: State


# Needs.


def of_request(message: Message[MessageRequest], work: Work) -> Iterator[Need]:
    """The complaint, and how its customer is reached."""
    complaint_id = message.payload.complaint_id
    yield Stream(complaint_id)
    yield rows(OutgoingMessage, message_id=message.id)
    yield rows(Complaint, complaint_id=complaint_id)
    complaint = work.get(Complaint, complaint_id)
    if complaint is not None:
        yield rows(Customer, customer_id=complaint.customer_id)
        yield rows(Identity, customer_id=complaint.customer_id)
        yield rows(Contact, contact_id=complaint.contact_id)


def of_message(message: Message[RecordDelivery | PostponeMessage], work: Work) -> Iterator[Need]:
    """The message, and the stream of its complaint."""
    message_id = message.payload.message_id
    yield rows(OutgoingMessage, message_id=message_id)
    outgoing = work.get(OutgoingMessage, message_id)
    if outgoing is not None:
        yield Stream(outgoing.complaint_id)
    mail_id = getattr(message.payload, "mail_id", None)
    if mail_id is not None:
        yield rows(ThreadKey, channel="email", key=mail_id)


# Reactions.


def queue_message(message: Message[MessageRequest], work: Work, *, wording: Wording) -> None:
    """Put what a service has to say into words and on its way; a customer without an address cannot be told."""
    request = message.payload
    complaint = work.get(Complaint, request.complaint_id)
    if complaint is None or work.get(OutgoingMessage, message.id) is not None:
        return
    opening = work.get(Contact, complaint.contact_id)
    identities = work.find(Identity, customer_id=complaint.customer_id)
    way = way_to(complaint.channel, identities, has_conversation=bool(opening and opening.external_id))
    channel, state = way or (complaint.channel, State.FAILED)
    customer = work.get(Customer, complaint.customer_id)
    reader = wording.reader(request.language, complaint.language, customer.language if customer else "und")
    values = {"number": complaint.number, **request.values}
    outgoing = OutgoingMessage(
        message_id=message.id,
        complaint_id=complaint.complaint_id,
        purpose=request.purpose,
        language=reader,
        subject=wording.subject(request.purpose, complaint.number, reader) if way else None,
        body=(request.text or wording.body(request.template, values, reader)) if way else None,
        channel=channel,
        state=state,
        requested_at=message.at,
        correlation_id=message.correlation_id,
    )
    work.put(outgoing)
    _announce_queued(outgoing, work)


def _announce_queued(outgoing: OutgoingMessage, work: Work) -> None:
    if outgoing.state is State.FAILED:
        announce_failed(outgoing, NO_ADDRESS, work)
    elif outgoing.state is State.WAITING_FOR_FRONT_END:
        work.announce(
            MessageOutgoing.model_validate(
                {
                    "complaint_id": outgoing.complaint_id,
                    "message_id": outgoing.message_id,
                    "channel": outgoing.channel,
                    "purpose": outgoing.purpose,
                }
            )
        )


# Commands.


def record_delivery(message: Message[RecordDelivery], work: Work) -> Delivered:
    """Say that a message was sent or never will be; the same report twice says it once."""
    command = message.payload
    before = _known(command.message_id, work)
    after = settle(before, is_sent=command.is_sent)
    if after is not before:
        if command.is_sent:
            _announce_sent(after, work)
        else:
            announce_failed(after, Masking(()).text(command.reason or UNEXPLAINED), work)
        work.put(after)
    if command.is_sent and command.mail_id and work.get(ThreadKey, "email", command.mail_id) is None:
        work.put(ThreadKey("email", command.mail_id, after.complaint_id))
    return Delivered(after.message_id, after.state)


def postpone_message(message: Message[PostponeMessage], work: Work) -> Delivered:
    """Leave a mail for later."""
    outgoing = _known(message.payload.message_id, work)
    if outgoing.is_pending:
        outgoing = postpone(outgoing, message.payload.next_try_at)
        work.put(outgoing)
    return Delivered(outgoing.message_id, outgoing.state)


# What they share.


def _known(message_id: UUID, work: Work) -> OutgoingMessage:
    outgoing = work.get(OutgoingMessage, message_id)
    if outgoing is None:
        raise NoSuchMessage
    return outgoing


def _announce_sent(outgoing: OutgoingMessage, work: Work) -> None:
    work.announce(
        MessageSent.model_validate(
            {
                "complaint_id": outgoing.complaint_id,
                "message_id": outgoing.message_id,
                "channel": outgoing.channel,
                "purpose": outgoing.purpose,
            }
        )
    )


def announce_failed(outgoing: OutgoingMessage, reason: str, work: Work) -> None:
    """Say that the customer was not told."""
    work.announce(
        MessageFailed.model_validate(
            {
                "complaint_id": outgoing.complaint_id,
                "message_id": outgoing.message_id,
                "channel": outgoing.channel,
                "purpose": outgoing.purpose,
                "reason": reason,
            }
        )
    )
