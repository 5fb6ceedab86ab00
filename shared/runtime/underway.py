"""Which records a consumer has handed to the door and not heard of, and so where a new reader would have to begin."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from aiokafka import ConsumerRecord, TopicPartition

from shared.runtime.batch import Result
from shared.runtime.message import Delivery


@dataclass(frozen=True, slots=True)
class Handed:
    """A record in the door's hands, and what will become of it."""

    record: ConsumerRecord
    delivery: Delivery
    result: asyncio.Future[Result]

    @property
    def partition(self) -> TopicPartition:
        """The partition from which the record came."""
        return TopicPartition(self.record.topic, self.record.partition)


class Underway:
    """
    Records between the topic and the database.

    One whose stream another replica holds stays here while those behind it are applied; the offsets that may be
    committed end before it.
    """

    def __init__(self) -> None:
        self._handed: list[Handed] = []
        self._read: dict[TopicPartition, int] = {}
        self._told: dict[TopicPartition, int] = {}

    def __len__(self) -> int:
        return len(self._handed)

    def read(self, record: ConsumerRecord) -> None:
        """Note that *record* was read, whatever becomes of it."""
        self._read[TopicPartition(record.topic, record.partition)] = record.offset + 1

    def hand(self, handed: Iterable[Handed]) -> None:
        """Note what the door has been given."""
        self._handed += handed

    async def wait(self, seconds: float) -> None:
        """Wait until the door has dealt with all of it, or the time is up."""
        if self._handed:
            await asyncio.wait([each.result for each in self._handed], timeout=seconds)

    def finished(self) -> list[Handed]:
        """Take out what the door has dealt with, in the order in which it was handed over."""
        finished = [each for each in self._handed if each.result.done()]
        self._handed = [each for each in self._handed if not each.result.done()]
        return finished

    def places(self) -> dict[TopicPartition, int]:
        """Offsets up to which everything is in the database, for the partitions where they moved since last asked."""
        places = dict(self._read)
        for each in self._handed:
            places[each.partition] = min(places[each.partition], each.record.offset)
        moved = {tp: offset for tp, offset in places.items() if self._told.get(tp) != offset}
        self._told |= moved
        return moved

    def give_up(self) -> None:
        """Want no more of what the door has not begun; it is read again."""
        for each in self._handed:
            each.result.cancel()
