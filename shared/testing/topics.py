"""Looking into a topic as an outsider would."""

import asyncio
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from shared.testing.deadline import eventually

_SECONDS: Final = 20.0
_STRAGGLERS_MS: Final = 300
"""How long records are waited for that should not come."""


async def read_topic(bootstrap: str, topic: str, at_least: int) -> list[ConsumerRecord]:
    """
    All records of *topic*, partition by partition, once there are *at_least* so many.

    Raises:
        AssertionError: there were fewer after 20 s.
    """
    partitions: int = await eventually(lambda: _partitions(bootstrap, topic), _SECONDS)
    records: list[ConsumerRecord] = []
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, fetch_max_wait_ms=20, enable_auto_commit=False)
    async with consumer:
        consumer.assign([TopicPartition(topic, partition) for partition in range(partitions)])
        await consumer.seek_to_beginning()
        deadline = asyncio.get_running_loop().time() + _SECONDS
        while len(records) < at_least:
            records += await _more(consumer, 200)
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"{len(records)} of {at_least} records on {topic}")
        records += await _more(consumer, _STRAGGLERS_MS)
    places: dict[int, list[ConsumerRecord]] = {}
    for record in records:
        places.setdefault(record.partition, []).append(record)
    return [record for partition in sorted(places) for record in places[partition]]


async def _more(consumer: AIOKafkaConsumer, timeout_ms: int) -> list[ConsumerRecord]:
    found = await consumer.getmany(timeout_ms=timeout_ms)
    return [record for records in found.values() for record in records]


async def _partitions(bootstrap: str, topic: str) -> int:
    # All topics are asked for: some brokers make those that are asked for by name.
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        return {found["topic"]: len(found["partitions"]) for found in await admin.describe_topics()}.get(topic, 0)
    finally:
        await admin.close()
