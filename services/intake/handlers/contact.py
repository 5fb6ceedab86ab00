"""A contact on its way in: what the handler gets, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.intake.channels.contact import IncomingContact
from services.intake.domain.contact import Outcome, Told, arrival_of, text_hash
from services.intake.domain.customer import IdentityType
from services.intake.domain.likeness import fingerprint
from services.intake.handlers.masking import Words, search_words

_THREAD_KEYS = 20
"""References of a mail that are looked up and kept, nearest first."""


@dataclass(frozen=True, slots=True)
class ReceiveContact:
    """
    Someone made contact.

    ``identities`` are by what its sender can be recognised; ``thread_keys`` the ids it refers to, nearest first, its
    own at the end; ``said_at`` is when, in the word of a front end that took it down later; None for now.
    """

    contact: IncomingContact = field(repr=False)
    told: Told
    words: Words = field(repr=False)
    identities: Mapping[IdentityType, str] = field(repr=False)
    thread_keys: tuple[str, ...] = field(repr=False)
    raw: bytes = field(repr=False)
    content_type: str
    said_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reception:
    """What a contact was taken for."""

    outcome: Outcome
    reason: str
    contact_id: UUID | None
    complaint_id: UUID | None = None
    number: str | None = None
    customer_id: UUID | None = None


def read_contact(
    contact: IncomingContact, raw: bytes, content_type: str, said_at: datetime | None = None
) -> ReceiveContact:
    """The command for a contact that was parsed; all that takes time on a long text is done here, before the door."""
    text = contact.text or contact.agent_note or contact.subject or ""
    told = Told(
        channel=contact.channel,
        kind=contact.kind,
        text=text,
        subject=None if contact.thread_keys or not contact.text else contact.subject,
        arrival=arrival_of(contact.channel, contact.external_id),
        text_hash=text_hash(text),
        fingerprint=fingerprint(text) if contact.kind == "message" else b"",
    )
    return ReceiveContact(
        contact,
        told,
        search_words(contact, text),
        _identities(contact),
        _thread_keys(contact),
        raw,
        content_type,
        said_at,
    )


def _identities(contact: IncomingContact) -> dict[IdentityType, str]:
    sender = contact.sender
    external = f"{contact.channel}:{sender.external_id}" if sender.external_id else None
    found = {IdentityType.EXTERNAL: external, IdentityType.EMAIL: sender.email, IdentityType.PHONE: sender.phone}
    return {kind: value for kind, value in found.items() if value}


def _thread_keys(contact: IncomingContact) -> tuple[str, ...]:
    own = (contact.external_id,) if contact.external_id else ()
    return tuple(dict.fromkeys((*contact.thread_keys[:_THREAD_KEYS], *own)))
