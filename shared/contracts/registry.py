"""Which event types there are, who owns them and on which topic they travel."""

from collections.abc import Iterator
from types import ModuleType
from typing import Final, get_args

from shared.contracts import followup, intake, resolution, routing
from shared.contracts.event import Event, Service

OWNERS: Final[tuple[Service, ...]] = get_args(Service)
PARTITIONS: Final = 12
"""Partitions of every service's topic: the same for all, so that a complaint has the same partition everywhere."""
DEAD_PARTITIONS: Final = 1
RETENTION_DAYS: Final = 30


def _published(module: ModuleType) -> Iterator[type[Event]]:
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Event) and "TYPE" in vars(value):
            yield value


EVENTS: Final[dict[str, type[Event]]] = {
    event.TYPE: event for module in (intake, routing, resolution, followup) for event in _published(module)
}


def owner_of(event_type: str) -> str:
    """The service that alone may say *event_type*: its first word."""
    return event_type.partition(".")[0]


def topic_of(owner: str, prefix: str = "") -> str:
    """The topic on which *owner* says everything; *prefix* keeps two installations apart."""
    return f"{prefix}complaints.{owner}"


def dead_topic_of(consumer: str, prefix: str = "") -> str:
    """Where *consumer* puts records that it cannot even read."""
    return f"{prefix}complaints.{consumer}.dead"
