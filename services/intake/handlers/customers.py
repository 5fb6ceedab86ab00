"""What is done to a customer: their tier is set, or they are forgotten."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from uuid import UUID

from services.intake.domain.complaint import Complaint, Status, Tokens, erase
from services.intake.domain.contact import Contact, Outcome, ThreadKey
from services.intake.domain.contact import forget as forget_contact
from services.intake.domain.customer import Customer, Identity, Tier
from services.intake.domain.message import OutgoingMessage
from services.intake.domain.message import forget as forget_message
from services.intake.domain.refusals import NoSuchCustomer
from services.intake.handlers.messages import announce_failed
from shared.contracts.intake import ComplaintErased
from shared.runtime.message import Message
from shared.runtime.needs import Need, Stream, rows
from shared.runtime.work import Work


@dataclass(frozen=True, slots=True)
class SetTier:
    """The organisation ranks a customer."""

    customer_id: UUID
    tier: Tier


@dataclass(frozen=True, slots=True)
class EraseCustomer:
    """A person asks to be forgotten."""

    customer_id: UUID


@dataclass(frozen=True, slots=True)
class TierSet:
    """What a customer's tier is now."""

    customer_id: UUID
    tier: Tier


@dataclass(frozen=True, slots=True)
class Erased:
    """Whose words are gone."""

    customer_id: UUID
    complaints: tuple[UUID, ...]


# Needs.


def of_tier(message: Message[SetTier], _work: Work) -> Iterable[Need]:
    """The customer."""
    return _customer(message.payload.customer_id)


def of_erasure(message: Message[EraseCustomer], work: Work) -> Iterator[Need]:
    """Everything of the customer but the originals, which may be large and go with the customer's row."""
    customer_id = message.payload.customer_id
    yield from _customer(customer_id)
    yield rows(Identity, customer_id=customer_id)
    yield rows(Complaint, customer_id=customer_id)
    yield rows(Contact, customer_id=customer_id)
    for complaint in work.find(Complaint, customer_id=customer_id):
        yield Stream(complaint.complaint_id)
        for kind in (Tokens, ThreadKey, OutgoingMessage):
            yield rows(kind, complaint_id=complaint.complaint_id)
    for contact in work.find(Contact, customer_id=customer_id):
        yield Stream(contact.contact_id)


def _customer(customer_id: UUID) -> Iterable[Need]:
    return (Stream(customer_id), rows(Customer, customer_id=customer_id))


# Commands.


def set_tier(message: Message[SetTier], work: Work) -> TierSet:
    """Rank a customer; it counts from their next complaint on."""
    command = message.payload
    work.put(replace(_known(command.customer_id, work), tier=command.tier))
    return TierSet(command.customer_id, command.tier)


def erase_customer(message: Message[EraseCustomer], work: Work) -> Erased:
    """Forget a person: names, addresses, originals, tokens and words, here and, by the events, everywhere."""
    customer_id = message.payload.customer_id
    customer = _known(customer_id, work)
    complaints = [each for each in work.find(Complaint, customer_id=customer_id) if each.status is not Status.ERASED]
    for complaint in complaints:
        _erase(complaint, work)
    for contact in work.find(Contact, customer_id=customer_id):
        if contact.outcome in {Outcome.RECORDED, Outcome.IGNORED}:
            work.blank_history(contact.contact_id)
        work.put(forget_contact(contact))
    for identity in work.find(Identity, customer_id=customer_id):
        work.delete(identity)
    work.delete(customer)
    return Erased(customer_id, tuple(complaint.complaint_id for complaint in complaints))


def _erase(complaint: Complaint, work: Work) -> None:
    complaint_id = complaint.complaint_id
    for message in work.find(OutgoingMessage, complaint_id=complaint_id):
        if message.is_pending:
            announce_failed(message, "erased", work)
        work.put(forget_message(message))
    for key in work.find(ThreadKey, complaint_id=complaint_id):
        work.delete(key)
    for tokens in work.find(Tokens, complaint_id=complaint_id):
        work.delete(tokens)
    work.put(erase(complaint))
    work.announce(ComplaintErased(complaint_id=complaint_id))
    work.blank_history(complaint_id)


def _known(customer_id: UUID, work: Work) -> Customer:
    customer = work.get(Customer, customer_id)
    if customer is None:
        raise NoSuchCustomer
    return customer
