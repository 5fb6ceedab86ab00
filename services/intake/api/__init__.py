"""The HTTP edge: what front ends post and deliver, and what people see and decide of complaints."""

from functools import partial
from zoneinfo import ZoneInfo

from fastapi import APIRouter

from services.intake.api import complaints as complaint_routes
from services.intake.api import customers as customer_routes
from services.intake.api import messages as message_routes
from services.intake.api import reception as reception_routes
from services.intake.api.access import DELIVER, ERASE, READ, WRITE
from services.intake.domain.reception import ReceptionPolicy
from services.intake.handlers import complaints, customers, messages, reception, surroundings
from services.intake.handlers.complaints import LinkComplaint, UnlinkComplaint, WithdrawComplaint
from services.intake.handlers.contact import ReceiveContact
from services.intake.handlers.customers import EraseCustomer, SetTier
from services.intake.handlers.messages import PostponeMessage, RecordDelivery
from services.intake.ports import Complaints, Letters
from shared.runtime.door import Door
from shared.runtime.message import Handler, Handlers

__all__ = ["DELIVER", "ERASE", "READ", "WRITE", "commands", "routers"]


def commands(policy: ReceptionPolicy, zone: ZoneInfo) -> Handlers:
    """Which handler answers which command."""
    receive = partial(reception.receive_contact, policy=policy, zone=zone)
    return {
        ReceiveContact: Handler(receive, surroundings.of_contact),
        WithdrawComplaint: Handler(complaints.withdraw_complaint, complaints.of_withdrawal),
        LinkComplaint: Handler(complaints.link_complaint, complaints.of_link),
        UnlinkComplaint: Handler(complaints.unlink_complaint, complaints.of_unlinking),
        SetTier: Handler(customers.set_tier, customers.of_tier),
        EraseCustomer: Handler(customers.erase_customer, customers.of_erasure),
        RecordDelivery: Handler(messages.record_delivery, messages.of_message),
        PostponeMessage: Handler(messages.postpone_message, messages.of_message),
    }


def routers(door: Door, complaints: Complaints, letters: Letters) -> tuple[APIRouter, ...]:
    """The routes of intake."""
    return (
        reception_routes.routes(door),
        complaint_routes.routes(door, complaints),
        customer_routes.routes(door),
        message_routes.routes(door, letters),
    )
