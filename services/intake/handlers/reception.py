"""Receiving a contact: whose it is, what it is, and what is said about it."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from services.intake.domain.complaint import Complaint
from services.intake.domain.contact import Contact, Outcome, news
from services.intake.domain.customer import Customer, Identity, may_learn_identities
from services.intake.domain.reception import Decision, ReceptionPolicy, decide
from services.intake.handlers.contact import ReceiveContact, Reception
from services.intake.handlers.surroundings import known_around, latest_contact, recognised, same_contact
from services.intake.handlers.taking_in import Arrived
from shared.runtime.ids import new_id
from shared.runtime.message import Message
from shared.runtime.work import Work


def receive_contact(
    message: Message[ReceiveContact], work: Work, *, policy: ReceptionPolicy, zone: ZoneInfo
) -> Reception:
    """Take a contact in; the same one again is answered as before."""
    command = message.payload
    same = same_contact(command, work)
    if same is not None:
        return _answered_again(same, work)
    told = news(command.told, latest_contact(command, work))
    customer, known_by = recognised(command, work)
    decision = decide(told, known_around(command, customer, work), message.at, policy)
    if customer is None:
        customer = _owner(decision, command, message.at, work)
    if customer is not None:
        customer = _learn_name(command, customer, work)
        if may_learn_identities(known_by):
            _learn_identities(command, customer, work)
    return Arrived(message, told, decision, customer, zone).take_in(work)


def _answered_again(contact: Contact, work: Work) -> Reception:
    complaint = work.get(Complaint, contact.complaint_id) if contact.complaint_id else None
    return Reception(
        outcome=contact.outcome,
        reason="already_received",
        contact_id=contact.contact_id,
        complaint_id=contact.complaint_id,
        number=complaint.number if complaint else None,
        customer_id=contact.customer_id,
    )


def _owner(decision: Decision, command: ReceiveContact, at: datetime, work: Work) -> Customer | None:
    """
    Whose contact this is when none of its identities was seen before.

    A conversation goes on with whoever began it. With a complaint somebody new always becomes a customer, otherwise
    only a person who can be recognised again.
    """
    if decision.outcome is Outcome.APPENDED and decision.complaint is not None:
        return work.get(Customer, decision.complaint.customer_id)
    is_complaint = decision.outcome in {Outcome.OPENED, Outcome.LINKED}
    if is_complaint or (decision.outcome is Outcome.RECORDED and command.identities):
        return _new_customer(command, at, work)
    return None


def _new_customer(command: ReceiveContact, at: datetime, work: Work) -> Customer:
    contact = command.contact
    customer = Customer(new_id(), contact.sender.name, contact.language, at)
    work.begin_stream(customer.customer_id)
    work.put(customer)
    return customer


def _learn_name(command: ReceiveContact, customer: Customer, work: Work) -> Customer:
    """Who is known by name has it masked in texts that do not bring it along."""
    if customer.name is not None or command.contact.sender.name is None:
        return customer
    named = replace(customer, name=command.contact.sender.name)
    work.put(named)
    return named


def _learn_identities(command: ReceiveContact, customer: Customer, work: Work) -> None:
    """An identity that is another customer's stays theirs."""
    for kind, value in command.identities.items():
        if work.get(Identity, kind, value) is None:
            work.put(Identity(kind, value, customer.customer_id))
