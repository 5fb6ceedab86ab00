"""Noticing that a topic and our own history do not agree: the one or the other was lost in part."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from shared.contracts.envelope import Envelope, UnreadableEnvelope, read_envelope
from shared.contracts.registry import PARTITIONS
from shared.runtime.broker import REQUEST_SECONDS, Broker, started
from shared.runtime.database import Database
from shared.runtime.records import unpack_headers

_SILENCE_SECONDS: Final = 3


class HistoryBehindTopic(RuntimeError):
    """
    The topic holds an event that this service's history does not: its database was restored from an older backup.

    Publishing on would give new facts old sequence numbers, and every consumer would drop them as repetitions.
    """


class BrokerWentBack(RuntimeError):
    """The topic ends, or acknowledges, at an offset it had already given: it has lost records, or is another one."""


async def check_tail(database: Database, broker: Broker, topic: str, acknowledged: Mapping[int, int]) -> None:
    """
    Compare what the topic holds beyond the last acknowledgement we remember with the history.

    Ordinarily that is nothing, or one batch sent just before a crash. After a restore it is what the lost time said;
    there the number alone tells nothing, since new facts may have taken it meanwhile: the event's id does. Of a
    partition whose acknowledgements are not known the newest record is compared.

    Args:
        database: where the history is.
        broker: where the topic is.
        topic: the one that this service publishes on.
        acknowledged: the last offset of each partition that the relay knows of.

    Raises:
        HistoryBehindTopic: the topic holds an event that the history lacks.
        BrokerWentBack: the topic lacks records that it had acknowledged.
        TimeoutError: the topic cannot be read, so nothing is certain.
    """
    options = {"fetch_max_wait_ms": 50, "enable_auto_commit": False, **broker.client}
    async with started(AIOKafkaConsumer(**options)) as consumer:
        partitions = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
        consumer.assign(partitions)
        async with asyncio.timeout(REQUEST_SECONDS):
            ends = await consumer.end_offsets(partitions)
            starts = await consumer.beginning_offsets(partitions)
        for tp in partitions:
            # Tansu tells the beginning of the last batch for the end, so only an empty partition is certain.
            if ends[tp] == 0 and tp.partition in acknowledged:
                raise BrokerWentBack(f"partition {tp.partition}: empty after {acknowledged[tp.partition]}")
        places = {
            tp: min(max(acknowledged[tp.partition] + 1, starts[tp]), ends[tp] - 1)
            if tp.partition in acknowledged
            else ends[tp] - 1
            for tp in partitions
            if ends[tp] > starts[tp]
        }
        async for records in _from(consumer, places, ends):
            await _check_known(database, topic, records)


async def _from(
    consumer: AIOKafkaConsumer, places: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
) -> AsyncIterator[list[ConsumerRecord]]:
    """Give all records from *places* up to *ends*."""
    left = set(places)
    consumer.pause(*(set(consumer.assignment()) - left))
    for tp, offset in places.items():
        consumer.seek(tp, offset)
    heard = asyncio.get_running_loop().time()
    while left:
        found = await consumer.getmany(timeout_ms=200)
        for tp, records in found.items():
            if records[-1].offset >= ends[tp] - 1:
                left.discard(tp)
        if found:
            heard = asyncio.get_running_loop().time()
            yield [record for records in found.values() for record in records]
        elif asyncio.get_running_loop().time() - heard > _SILENCE_SECONDS:
            # Tansu answers with nothing where a topic was made anew: it tells the old one's end.
            left -= {tp for tp in left if consumer.highwater(tp) is not None}
            if left:
                raise TimeoutError(f"partitions {sorted(tp.partition for tp in left)} are silent")


async def _check_known(database: Database, topic: str, records: Sequence[ConsumerRecord]) -> None:
    envelopes = [envelope for record in records for envelope in _envelope(record)]
    query = (
        "select headers from unnest($1::uuid[], $2::bigint[]) as told(subject, sequence)"
        " join history using (subject, sequence)"
    )
    async with database.connection() as connection:
        rows = await connection.fetch(query, [e.subject for e in envelopes], [e.sequence for e in envelopes])
    known = {read_envelope(unpack_headers(row["headers"])).id for row in rows}
    for envelope in envelopes:
        if envelope.id not in known:
            raise HistoryBehindTopic(f"{topic}: {envelope.subject} has sequence {envelope.sequence}")


def _envelope(record: ConsumerRecord) -> list[Envelope]:
    with suppress(UnreadableEnvelope):
        return [read_envelope(record.headers)]
    return []
