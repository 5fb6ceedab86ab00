"""What intake's routes and its mail worker read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.intake.domain.complaint import Complaint, Status
from services.intake.domain.contact import Contact, Raw
from services.intake.domain.customer import Customer, Identity
from services.intake.domain.message import Letter


@dataclass(frozen=True, slots=True)
class Person:
    """Who a customer is. Personal data."""

    customer: Customer
    identities: Sequence[Identity]


class Complaints(Protocol):
    """Complaints and contacts as they stand in the database."""

    async def find(self, name: UUID | str) -> Complaint | None:
        """One complaint, by its id or its number."""

    async def page(
        self, status: Status | None, before: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[Complaint]:
        """Complaints, the latest first."""

    async def contacts(self, complaint_id: UUID, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[Contact]:
        """What was said on a complaint, in order."""

    async def person(self, customer_id: UUID) -> Person | None:
        """Who a customer is; None once they are forgotten."""

    async def raw(self, contact_id: UUID) -> Raw | None:
        """A contact as it was handed in."""


class Letters(Protocol):
    """Outgoing messages with all that delivering them needs."""

    async def find(self, message_id: UUID) -> Letter | None:
        """One message."""

    async def due(self, now: datetime, limit: int) -> Sequence[Letter]:
        """Mails whose time has come, the oldest request first; *now* is real time."""
