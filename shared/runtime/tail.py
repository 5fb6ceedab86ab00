"""Noticing that a topic knows more than our own history does."""

import asyncio
from collections.abc import Iterable
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from shared.contracts.envelope import Envelope, UnreadableEnvelope, read_envelope
from shared.contracts.registry import PARTITIONS
from shared.runtime.broker import REQUEST_SECONDS, Broker, started
from shared.runtime.database import Database

_LOOK_SECONDS: Final = 3


class HistoryBehindTopic(RuntimeError):
    """
    The topic holds an event that this service's history does not: its database was restored from an older backup.

    Publishing on would give new facts old sequence numbers, and every consumer would drop them as repetitions.
    """


async def check_tail(database: Database, broker: Broker, topic: str) -> None:
    """
    Compare the newest record of each partition with the history.

    Raises:
        HistoryBehindTopic: the topic is ahead.
    """
    newest = [envelope for envelope in map(_envelope, await _last_records(broker, topic)) if envelope is not None]
    subjects = [envelope.subject for envelope in newest]
    async with database.connection() as connection:
        known = await connection.fetch("select subject, last from streams where subject = any($1)", subjects)
    last = {row["subject"]: row["last"] for row in known}
    for envelope in newest:
        if envelope.sequence > last.get(envelope.subject, 0):
            raise HistoryBehindTopic(f"{topic}: {envelope.subject} has sequence {envelope.sequence}")


async def _last_records(broker: Broker, topic: str) -> Iterable[ConsumerRecord]:
    partitions = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
    async with started(AIOKafkaConsumer(fetch_max_wait_ms=50, enable_auto_commit=False, **broker.client)) as consumer:
        consumer.assign(partitions)
        ends = await asyncio.wait_for(consumer.end_offsets(partitions), REQUEST_SECONDS)
        starts = await asyncio.wait_for(consumer.beginning_offsets(partitions), REQUEST_SECONDS)
        filled = [tp for tp in partitions if ends[tp] > starts[tp]]
        for tp in filled:
            consumer.seek(tp, ends[tp] - 1)
        return await _one_of_each(consumer, filled)


async def _one_of_each(consumer: AIOKafkaConsumer, filled: list[TopicPartition]) -> list[ConsumerRecord]:
    newest: dict[TopicPartition, ConsumerRecord] = {}
    if not filled:
        return []
    consumer.pause(*(set(consumer.assignment()) - set(filled)))
    deadline = asyncio.get_running_loop().time() + _LOOK_SECONDS
    while len(newest) < len(filled) and asyncio.get_running_loop().time() < deadline:
        for tp, records in (await consumer.getmany(timeout_ms=200)).items():
            newest[tp] = records[-1]
    return list(newest.values())


def _envelope(record: ConsumerRecord) -> Envelope | None:
    try:
        return read_envelope(record.headers)
    except UnreadableEnvelope:
        return None
