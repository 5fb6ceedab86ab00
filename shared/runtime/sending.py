"""Putting rows of the history on a topic: whole batches to each partition, in the order of the rows."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder

from shared.contracts.registry import PARTITIONS
from shared.runtime.broker import REQUEST_SECONDS
from shared.runtime.records import unpack_headers

_PARTITIONS: Final = tuple(range(PARTITIONS))
_PARTITION_OF: Final = DefaultPartitioner()


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets that the broker gave to neighbouring records of one partition."""

    partition: int
    first: int
    last: int


async def send_rows(producer: AIOKafkaProducer, topic: str, rows: Sequence[asyncpg.Record]) -> list[Span]:
    """
    Publish *rows*, and wait for the broker's word on all of them.

    Batches are built here, because a future and a task for each record costs more than the record itself.

    Raises:
        TimeoutError: no word in 10 s; what was published is not known.
    """
    sent = []
    for partition, batch in _batches(producer, rows):
        count = batch.record_count()
        sent.append((partition, count, await producer.send_batch(batch, topic, partition=partition)))
    async with asyncio.timeout(REQUEST_SECONDS):
        acknowledged = await asyncio.gather(*[future for _, _, future in sent])
    return [
        Span(partition, word.offset, word.offset + count - 1)
        for (partition, count, _), word in zip(sent, acknowledged, strict=True)
    ]


def _batches(producer: AIOKafkaProducer, rows: Sequence[asyncpg.Record]) -> Iterator[tuple[int, BatchBuilder]]:
    """Full batches as they fill, then the others; one of a partition never before an earlier one of it."""
    filling: dict[int, BatchBuilder] = {}
    for row in rows:
        key = str(row["subject"]).encode()
        partition = _PARTITION_OF(key, _PARTITIONS, _PARTITIONS)
        batch = filling.get(partition)
        if batch is None or not _append(batch, key, row):
            if batch is not None:
                yield partition, batch
            filling[partition] = batch = producer.create_batch()
            _append(batch, key, row)
    yield from filling.items()


def _append(batch: BatchBuilder, key: bytes, row: asyncpg.Record) -> bool:
    """Add a row, unless the batch is full; an empty one takes a row of any size."""
    # Not the event's own time: a demo's clock runs ahead, and Kafka refuses records from the future.
    timestamp = int(row["written_at"].timestamp() * 1000)
    headers = list(unpack_headers(row["headers"]))
    return batch.append(timestamp=timestamp, key=key, value=row["body"], headers=headers) is not None
