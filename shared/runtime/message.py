"""What comes in by the door, and what a handler sees of it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from shared.contracts.envelope import Envelope
from shared.runtime.ids import new_id
from shared.runtime.needs import Need
from shared.runtime.work import Work

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Message(Generic[P]):
    """
    One input as its handler sees it.

    ``at`` is the time of the message and the only clock a handler has; it is never before the time of what caused
    the message. ``subject`` is the stream of an event or a timer; a command names its streams by its needs.
    ``finding`` is what was found out about an event before it came to the door; a handler can do without.
    """

    payload: P
    at: datetime
    id: UUID
    correlation_id: UUID
    actor: str = "system"
    subject: UUID | None = None
    traceparent: str | None = None
    finding: object = None


@dataclass(frozen=True, slots=True)
class Handler:
    """
    A function for one kind of message, and what must be loaded before it runs.

    ``needs`` may look at what it asked for itself, and at nothing else: it is asked again when that has been loaded.
    An event that ``can_wait`` for company is one whose outcome nobody waits for: it may be handled a little later.
    """

    run: Callable[[Message[Any], Work], object]
    needs: Callable[[Message[Any], Work], Iterable[Need]]
    can_wait: bool = False


Handlers = Mapping[type | str, Handler]
"""By class of command or event, or by kind of timer up to its colon."""


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A caller's promise that two requests with this key are one; ``scope`` is the caller and the path."""

    scope: str
    key: str
    request_hash: str


@dataclass(frozen=True, slots=True)
class Command:
    """
    What someone asks for, by HTTP or from a worker of this service.

    A worker finishes what an event began: it names that event as ``caused_by``, with its correlation, and so the story
    of a complaint has no hole where the work was done outside the door.
    """

    payload: object
    actor: str = "system"
    idempotency: IdempotencyKey | None = None
    traceparent: str | None = None
    id: UUID = field(default_factory=new_id)
    caused_by: UUID | None = None
    correlation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event as it came from a topic, and what was found out about it on its way to the door, if anything was."""

    envelope: Envelope
    body: bytes
    finding: object = None


@dataclass(frozen=True, slots=True)
class Due:
    """A timer whose time has come."""

    subject: UUID
    kind: str


@dataclass(frozen=True, slots=True)
class Repair:
    """What an operator decides about the first event that waits on a stream."""

    source: str
    subject: UUID
    action: Literal["retry", "discard"]


Input = Command | Delivery | Due | Repair
