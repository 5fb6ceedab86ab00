"""What intake says: complaints as they were told, and what was sent back."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.event import Channel, ComplaintEvent, Event, Language, Text, Turn


class ComplaintReceived(ComplaintEvent):
    """A complaint was accepted and given its number; it survives any crash from here on."""

    TYPE: ClassVar[str] = "intake.complaint.received.v1"
    number: str = Field(description="Human number such as CMP-2026-000123; gaps are normal")
    contact_id: UUID = Field(description="The contact that opened it")
    customer_id: UUID = Field(description="Opaque; who it is, only intake knows")
    channel: Channel
    language: Language
    received_at: datetime
    subject_line: Text | None = None
    text: Text
    transcript: tuple[Turn, ...] = ()
    product: Text | None = None
    order_reference: Text | None = None
    remedy_sought: Text | None = None
    tier: Literal["A", "B", "C", "D"] = Field(default="C", description="Customer tier; moves service clocks only")


class MessageReceived(ComplaintEvent):
    """The customer wrote or called again about a complaint that is known."""

    TYPE: ClassVar[str] = "intake.message.received.v1"
    contact_id: UUID
    channel: Channel
    language: Language
    received_at: datetime
    text: Text


class ComplaintLinked(ComplaintEvent):
    """This complaint tells the same story as another one, which goes on in its place."""

    TYPE: ClassVar[str] = "intake.complaint.linked.v1"
    primary_id: UUID = Field(description="The complaint that is worked on")
    primary_number: str
    reason: str = Field(description="same_story when found by likeness, by_hand when a person linked them")


class ComplaintUnlinked(ComplaintEvent):
    """The link was a mistake: this complaint is worked on by itself again."""

    TYPE: ClassVar[str] = "intake.complaint.unlinked.v1"
    primary_id: UUID


class ComplaintWithdrawn(ComplaintEvent):
    """The customer no longer wants this complaint handled."""

    TYPE: ClassVar[str] = "intake.complaint.withdrawn.v1"
    reason: Text | None = None


class ContactRecorded(Event):
    """Someone made contact and it was no complaint: praise, a question, a missed call, an automatic reply."""

    TYPE: ClassVar[str] = "intake.contact.recorded.v1"
    contact_id: UUID
    customer_id: UUID | None = None
    channel: Channel
    kind: Literal["praise", "question", "missed", "auto_reply", "bounce", "empty", "other"]
    language: Language
    received_at: datetime
    text: Text | None = None

    @property
    def subject(self) -> UUID:
        """A contact has a stream of its own."""
        return self.contact_id


class MessageOutgoing(ComplaintEvent):
    """
    A message waits for the front end of its channel to deliver it.

    The front end reads text and address from intake (``GET /v1/messages/{message_id}``) and reports back; neither
    stands here.
    """

    TYPE: ClassVar[str] = "intake.message.outgoing.v1"
    message_id: UUID
    channel: Channel
    purpose: str


class MessageSent(ComplaintEvent):
    """A message that some service had requested was handed to the customer's channel."""

    TYPE: ClassVar[str] = "intake.message.sent.v1"
    message_id: UUID = Field(description="The id of the event that requested the message")
    channel: Channel
    purpose: str


class MessageFailed(ComplaintEvent):
    """A requested message could not be delivered, and trying again will not help."""

    TYPE: ClassVar[str] = "intake.message.failed.v1"
    message_id: UUID
    channel: Channel
    purpose: str
    reason: str = Field(description="no_address, refused_by_server, gave_up, or the front end's own word")


class ComplaintErased(ComplaintEvent):
    """The person asked to be forgotten: every service blanks this complaint's texts."""

    TYPE: ClassVar[str] = "intake.complaint.erased.v1"
