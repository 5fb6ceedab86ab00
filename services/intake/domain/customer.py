"""Who a contact is from: identities that were seen before lead to one customer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

RECENT_LIMIT = 20
"""With so many of a customer's latest complaints a new story is compared: enough for a person, bounded for a firm."""


class IdentityType(StrEnum):
    """By what a customer is recognised; the stronger evidence first."""

    EXTERNAL = "external"
    """The front end's own id of the customer, written ``<channel>:<id>``."""
    EMAIL = "email"
    PHONE = "phone"


class Tier(StrEnum):
    """How important the customer is (handbook 001); moves service clocks, never legal ones."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


@dataclass(frozen=True, slots=True)
class Customer:
    """
    A person or firm that made contact.

    ``recent`` are the ids of their latest complaints, oldest first, at most ``RECENT_LIMIT``.
    """

    customer_id: UUID
    name: str | None = field(repr=False)
    language: str
    created_at: datetime
    tier: Tier = Tier.C
    recent: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """One way to recognise a customer; two who claim the same are one."""

    type: IdentityType
    value: str = field(repr=False)
    customer_id: UUID


def recognise(found: Iterable[tuple[IdentityType, UUID]]) -> tuple[IdentityType, UUID] | None:
    """Choose the customer with the strongest evidence among the identities that were seen before."""
    order = list(IdentityType)
    return min(found, key=lambda each: order.index(each[0]), default=None)


def may_learn_identities(by: IdentityType | None) -> bool:
    """
    Whether a customer recognised by *by* gets the contact's other identities too.

    Only a new customer (None), or one whom the front end knows by its own id. Whoever merely states somebody's phone
    number must not attach an e-mail address of their own to that person: answers would go there.
    """
    return by in {None, IdentityType.EXTERNAL}


def remember_complaint(customer: Customer, complaint_id: UUID) -> Customer:
    """Add a complaint to those that the next story of this customer is compared with."""
    return replace(customer, recent=(*customer.recent, complaint_id)[-RECENT_LIMIT:])


def names_of(customer: Customer | None, told: str | None = None) -> Sequence[str]:
    """Every name this person is known by: the kept one, and the one given this time."""
    return [name for name in dict.fromkeys((customer.name if customer else None, told)) if name]
