"""What is known around a contact: what must be loaded for it, and what was found."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from services.intake.domain.complaint import Complaint
from services.intake.domain.contact import Arrival, Contact, ThreadKey
from services.intake.domain.customer import Customer, Identity, IdentityType, recognise
from services.intake.domain.reception import Known
from services.intake.handlers.contact import ReceiveContact
from services.intake.handlers.line import line_from, line_needs
from shared.runtime.message import Message
from shared.runtime.needs import Need, Number, Stream, rows
from shared.runtime.work import Work

NUMBERS = "complaint_numbers"
"""The sequence that complaint numbers are drawn from."""

# Needs: what the contact names, then what that leads to.


def of_contact(message: Message[ReceiveContact], work: Work) -> Iterator[Need]:
    """Everything the contact's ids, identities, thread keys and numbers lead to."""
    command = message.payload
    # Drawn even where no complaint comes of it: gaps are normal, and a second round trip is not.
    yield Number(NUMBERS, message.id)
    if command.told.arrival is not None:
        yield rows(Contact, arrival=command.told.arrival, text_hash=command.told.text_hash)
        yield rows(Arrival, arrival=command.told.arrival)
    for kind, value in command.identities.items():
        yield rows(Identity, type=kind, value=value)
    for key in command.thread_keys:
        yield rows(ThreadKey, channel=command.contact.channel, key=key)
    for number in command.contact.numbers:
        yield rows(Complaint, number=number)
    yield from _customer_needs(command, work)
    yield from _complaint_needs(command, work)


def _customer_needs(command: ReceiveContact, work: Work) -> Iterator[Need]:
    found = _found(command, work)
    for identity in found:
        yield Stream(identity.customer_id)
        yield rows(Customer, customer_id=identity.customer_id)
    customer, _ = _strongest(found, work)
    for complaint_id in customer.recent if customer else ():
        yield rows(Complaint, complaint_id=complaint_id)


def _complaint_needs(command: ReceiveContact, work: Work) -> Iterator[Need]:
    arrival = _arrival(command, work)
    if arrival is not None:
        yield rows(Contact, contact_id=arrival.contact_id)
    earlier = [contact for contact in (same_contact(command, work), _latest(arrival, work)) if contact]
    named = [contact.complaint_id for contact in earlier if contact.complaint_id]
    named += [key.complaint_id for key in _thread_keys(command, work)]
    for complaint_id in named:
        yield rows(Complaint, complaint_id=complaint_id)
    quoted = [complaint.complaint_id for complaint in _quoted(command, work)]
    for complaint_id in dict.fromkeys(named + quoted):
        yield from line_needs(complaint_id, work)


# What was found; while needs are asked, as far as it is loaded.


def known_around(command: ReceiveContact, customer: Customer | None, work: Work) -> Known:
    """Everything the decision on this contact rests on."""
    latest = latest_contact(command, work)
    conversation = latest.complaint_id if latest else None
    recent = [work.get(Complaint, complaint_id) for complaint_id in customer.recent] if customer else []
    return Known(
        customer_id=customer.customer_id if customer else None,
        conversation=line_from(conversation, work) if conversation else None,
        threads=_lines([key.complaint_id for key in _thread_keys(command, work)], work),
        quoted=_lines([complaint.complaint_id for complaint in _quoted(command, work)], work),
        recent=[complaint for complaint in recent if complaint],
    )


def _lines(complaint_ids: Iterable[UUID], work: Work) -> list[Complaint]:
    return [complaint for each in dict.fromkeys(complaint_ids) if (complaint := line_from(each, work))]


def same_contact(command: ReceiveContact, work: Work) -> Contact | None:
    """The contact that came before under the same id with the same words."""
    if command.told.arrival is None:
        return None
    found = work.find(Contact, arrival=command.told.arrival, text_hash=command.told.text_hash)
    return found[0] if found else None


def _arrival(command: ReceiveContact, work: Work) -> Arrival | None:
    return work.get(Arrival, command.told.arrival) if command.told.arrival else None


def latest_contact(command: ReceiveContact, work: Work) -> Contact | None:
    """The last contact under the same id, whatever it said."""
    return _latest(_arrival(command, work), work)


def _latest(arrival: Arrival | None, work: Work) -> Contact | None:
    return work.get(Contact, arrival.contact_id) if arrival else None


def _thread_keys(command: ReceiveContact, work: Work) -> list[ThreadKey]:
    found = (work.get(ThreadKey, command.contact.channel, key) for key in command.thread_keys)
    return [key for key in found if key]


def _quoted(command: ReceiveContact, work: Work) -> list[Complaint]:
    return [complaint for number in command.contact.numbers for complaint in work.find(Complaint, number=number)]


def _found(command: ReceiveContact, work: Work) -> list[Identity]:
    found = (work.get(Identity, kind, value) for kind, value in command.identities.items())
    return [identity for identity in found if identity]


def recognised(command: ReceiveContact, work: Work) -> tuple[Customer | None, IdentityType | None]:
    """The customer this contact is from, and by what they are known; nobody if they are new."""
    return _strongest(_found(command, work), work)


def _strongest(found: Iterable[Identity], work: Work) -> tuple[Customer | None, IdentityType | None]:
    evidence = recognise((identity.type, identity.customer_id) for identity in found)
    if evidence is None:
        return None, None
    kind, customer_id = evidence
    return work.get(Customer, customer_id), kind
