"""One contact: what a customer told the organisation once, by whichever channel."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Channel = Literal["email", "chat", "phone", "onsite", "web"]
Language = Literal["zh-Hans", "zh-Hant", "en", "und"]
Speaker = Literal["customer", "agent", "bot"]
Kind = Literal["message", "missed", "auto_reply", "bounce", "empty"]


@dataclass(frozen=True, slots=True)
class Sender:
    """Who the contact says it is from; nothing here has been verified."""

    name: str | None = None
    email: str | None = None
    """Lower-cased address."""
    phone: str | None = None
    """E.164."""
    external_id: str | None = None
    """The front end's own id of the customer."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One utterance in a chat or a call."""

    speaker: Speaker
    text: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with the contact, described and not carried."""

    name: str
    content_type: str
    size: int
    """Bytes, after transfer decoding."""
    sha256: str
    """Hex digest of those bytes; empty when the front end gave none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingContact:
    """
    Everything one contact says, before anybody decides what it is.

    ``kind`` is ``message`` when the customer said something, ``missed`` when they called or opened a chat and
    nobody heard them, ``auto_reply`` and ``bounce`` when a machine wrote, ``empty`` when there is nothing to read.
    """

    channel: Channel
    external_id: str | None
    """
    Key under which the same contact arrives again: Message-ID with its angle brackets, conversation id, call id,
    the client's own id. ``None`` only for a posted complaint whose client named none.
    """
    kind: Kind = "message"
    thread_keys: tuple[str, ...] = ()
    """Ids of what this answers, nearest first: In-Reply-To, then References; a chat's conversation id."""
    numbers: tuple[str, ...] = ()
    """Complaint numbers found in the recipient's address and the subject, such as ``CMP-2026-000123``."""
    sent_at: datetime | None = None
    """When the customer says it was sent (aware, UTC); their clock, not ours."""
    subject: str | None = None
    text: str = ""
    """The customer's own words in this contact: no quoted history, no signature, no agent's or bot's turn."""
    transcript: tuple[Turn, ...] = ()
    language: Language = "und"
    sender: Sender = Sender()
    attachments: tuple[Attachment, ...] = ()
    agent_note: str | None = None
    product: str | None = None
    order_reference: str | None = None
    remedy_sought: str | None = None
    charset: str | None = None
    """Charset the mail's text was really in."""
    warnings: tuple[str, ...] = ()
    """What was put right on the way, such as ``declared gb2312, decoded gb18030``; no customer data."""


def customer_words(transcript: Iterable[Turn]) -> str:
    """Return what the customer said in *transcript*, one turn a line."""
    return "\n".join(turn.text for turn in transcript if turn.speaker == "customer" and turn.text)
