"""What is sent back: by which way, in which words, and how often it is tried."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal
from uuid import UUID

from services.intake.domain.customer import Identity, IdentityType
from services.intake.domain.refusals import DeliveryAlreadyReported
from shared.privacy import unmask


class State(StrEnum):
    """Where a message stands."""

    QUEUED = "queued"
    """For mail."""
    WAITING_FOR_FRONT_END = "waiting_for_front_end"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """
    Something the customer is to be told, once per event that asked for it.

    ``message_id`` is the id of that event, ``correlation_id`` that of its chain;
    ``body`` holds tokens, which are filled in only when it is sent;
    ``next_try_at`` is in real time, None for at once.
    """

    message_id: UUID
    complaint_id: UUID
    purpose: str
    language: str
    subject: str | None
    body: str | None
    channel: str
    state: State
    requested_at: datetime
    correlation_id: UUID | None = None
    attempts: int = 0
    next_try_at: datetime | None = None

    @property
    def is_pending(self) -> bool:
        """Whether nobody has said yet what became of it."""
        return self.state in {State.QUEUED, State.WAITING_FOR_FRONT_END}


@dataclass(frozen=True, slots=True)
class Letter:
    """An outgoing message with all that whoever delivers it needs. Personal data."""

    message: OutgoingMessage
    number: str
    customer_name: str | None = field(repr=False)
    addresses: Mapping[str, str] = field(repr=False)
    """By type: ``email``, ``phone``, ``external``, and ``conversation`` for the chat it belongs to."""
    tokens: Mapping[str, str] = field(repr=False)
    references: Sequence[str] = ()
    """Message-IDs of the customer's mails on this complaint, oldest first."""

    @property
    def text(self) -> str:
        """The words as the customer gets them."""
        return unmask(self.message.body or "", self.tokens)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a mail is tried, and how long is waited between."""

    attempts: int = 12
    first_pause: timedelta = timedelta(seconds=30)
    longest_pause: timedelta = timedelta(hours=4)

    def next_try(self, attempts: int, now: datetime) -> datetime | None:
        """When to try again after so many failed attempts: each pause twice the last; None to give up."""
        if attempts >= self.attempts:
            return None
        return now + min(self.longest_pause, self.first_pause * 2.0 ** (attempts - 1))


def way_to(
    channel: str, identities: Collection[Identity], *, has_conversation: bool
) -> tuple[str, Literal[State.QUEUED, State.WAITING_FOR_FRONT_END]] | None:
    """
    Choose how a customer is reached: mail where an address is known, else the front end of their *channel*.

    Returns:
        The channel and the state to begin with; None when there is no address at all.
    """
    types = {identity.type for identity in identities}
    if IdentityType.EMAIL in types:
        return "email", State.QUEUED
    if channel == "chat" and (has_conversation or types):
        return channel, State.WAITING_FOR_FRONT_END
    if IdentityType.PHONE in types:
        return "phone", State.WAITING_FOR_FRONT_END
    if IdentityType.EXTERNAL in types:
        return channel, State.WAITING_FOR_FRONT_END
    return None


def settle(message: OutgoingMessage, *, is_sent: bool) -> OutgoingMessage:
    """
    Note what became of a message; saying the same twice changes nothing.

    Raises:
        DeliveryAlreadyReported: the opposite was said before.
    """
    state = State.SENT if is_sent else State.FAILED
    if message.is_pending:
        return replace(message, state=state, attempts=message.attempts + 1, next_try_at=None)
    if message.state is not state:
        raise DeliveryAlreadyReported(state=message.state.value)
    return message


def postpone(message: OutgoingMessage, next_try_at: datetime) -> OutgoingMessage:
    """Try again later."""
    return replace(message, attempts=message.attempts + 1, next_try_at=next_try_at)


def forget(message: OutgoingMessage) -> OutgoingMessage:
    """Take the words out of it; what was not sent will not be."""
    state = State.FAILED if message.is_pending else message.state
    return replace(message, state=state, subject=None, body=None, next_try_at=None)
