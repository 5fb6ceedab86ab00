"""Sample events, and other services that say them."""

from collections import Counter
from datetime import datetime
from typing import Literal, TypeVar
from uuid import UUID

from shared.contracts.documents import samples_of
from shared.contracts.envelope import Envelope
from shared.contracts.event import Event
from shared.contracts.registry import owner_of
from shared.runtime.clock import Clock
from shared.runtime.ids import new_id
from shared.runtime.message import Delivery

E = TypeVar("E", bound=Event)


def sample(event: type[E], language: Literal["zh", "en"] = "zh", **changes: object) -> E:
    """The committed sample of this type of event, with *changes*."""
    return event.model_validate(samples_of(event.TYPE)[language] | changes)


class Speaker:
    """Another service, which numbers what it says about each subject as its own history would."""

    def __init__(self, source: str, clock: Clock) -> None:
        self.source = source
        self._clock = clock
        self._said: Counter[UUID] = Counter()

    def say(self, event: Event, *, at: datetime | None = None) -> Delivery:
        """The record of *event* as it comes from this service's topic; its time is now, or *at*."""
        self._said[event.subject] += 1
        event_id = new_id()
        envelope = Envelope(
            id=event_id,
            type=event.TYPE,
            source=self.source,
            subject=event.subject,
            time=at or self._clock.now(),
            sequence=self._said[event.subject],
            correlation_id=event_id,
        )
        return Delivery(envelope, event.model_dump_json().encode())


class Speakers:
    """All other services: each event is said by its owner."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._speakers: dict[str, Speaker] = {}

    def say(self, event: Event, *, at: datetime | None = None) -> Delivery:
        """The record of *event* as it comes from its owner's topic."""
        owner = owner_of(event.TYPE)
        speaker = self._speakers.setdefault(owner, Speaker(owner, self._clock))
        return speaker.say(event, at=at)
