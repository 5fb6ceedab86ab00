"""One contact: what came in, and what was made of it."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

FRONT_END_CHANNELS = frozenset({"chat", "phone", "onsite", "web"})
"""Channels whose ids are given by a front end with a key; the ids of mail are whatever the sender wrote."""


class Kind(StrEnum):
    """What a contact is."""

    COMPLAINT = "complaint"
    MESSAGE = "message"
    """About a complaint that is known."""
    PRAISE = "praise"
    QUESTION = "question"
    MISSED = "missed"
    EMPTY = "empty"
    AUTO_REPLY = "auto_reply"
    BOUNCE = "bounce"


class Outcome(StrEnum):
    """What was made of a contact."""

    OPENED = "opened"
    APPENDED = "appended"
    LINKED = "linked"
    RECORDED = "recorded"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Contact:
    """
    One accepted contact.

    ``arrival`` is the digest of the id under which it may come again, and stays when a person is erased, so that a
    late second delivery does not bring them back; ``external_id`` is that id itself. ``text_hash`` and
    ``text_length`` tell whether what comes again says the same, or more.
    """

    contact_id: UUID
    channel: str
    arrival: str | None
    external_id: str | None = field(repr=False)
    text_hash: str
    text_length: int
    kind: Kind
    outcome: Outcome
    reason: str
    received_at: datetime
    customer_id: UUID | None = None
    complaint_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """The latest contact that came under an id."""

    arrival: str
    contact_id: UUID


@dataclass(frozen=True, slots=True)
class ThreadKey:
    """An id that later contacts of the same channel may refer to, and the complaint it stands for."""

    channel: str
    key: str = field(repr=False)
    complaint_id: UUID


@dataclass(frozen=True, slots=True)
class Raw:
    """A contact exactly as it was handed in, so that it can be read again; goes when its customer goes."""

    contact_id: UUID
    customer_id: UUID | None
    content: bytes = field(repr=False)
    content_type: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """
    What a contact says, as far as deciding on it goes.

    ``kind`` is the channel's word on it: ``message``, ``missed``, ``empty``, ``auto_reply`` or ``bounce``. ``subject``
    is None in a reply, where it repeats somebody else's. ``text_hash`` and ``fingerprint`` are those of all it says.
    """

    channel: str
    kind: str
    text: str = field(repr=False)
    subject: str | None = field(default=None, repr=False)
    arrival: str | None = None
    text_hash: str = ""
    fingerprint: bytes = field(default=b"", repr=False)

    @property
    def is_vouched_for(self) -> bool:
        """Whether the ids it came under were given by one of our front ends."""
        return self.channel in FRONT_END_CHANNELS


def text_hash(text: str) -> str:
    """The digest by which two texts are the same."""
    return hashlib.sha256(text.encode()).hexdigest()


def arrival_of(channel: str, external_id: str | None) -> str | None:
    """The digest of the id under which a contact may arrive again."""
    return text_hash(f"{channel}\n{external_id}") if external_id else None


def news(told: Told, earlier: Contact | None) -> Told:
    """What *told* says beyond *earlier*: a conversation that is handed in again whole repeats its beginning."""
    if earlier is None or text_hash(told.text[: earlier.text_length]) != earlier.text_hash:
        return told
    return replace(told, text=told.text[earlier.text_length :].strip())


def forget(contact: Contact) -> Contact:
    """Take everything that leads to the person out of it."""
    return replace(contact, external_id=None, customer_id=None)
