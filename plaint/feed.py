"""Read the four topics as a subscriber without a group: nothing is committed, nobody is disturbed."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from pydantic_core import from_json

from plaint.running import SERVICES
from plaint.trouble import UNREACHABLE, Trouble
from shared.contracts.envelope import Envelope, UnreadableEnvelope, read_envelope
from shared.runtime.broker import Broker

_CONNECT_SECONDS: Final = 15.0
# An empty fetch is answered late by Tansu.
_FETCH_WAIT_MS: Final = 20
_QUIET_MS: Final = 100
_GATHER_SECONDS: Final = 1.0
"""While it is never quiet, this is how late an event is shown."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One record of a topic: its envelope and its data."""

    envelope: Envelope
    data: dict[str, Any]


async def heard(broker: Broker, since: datetime | None, *, from_now: bool) -> AsyncIterator[Heard]:
    """
    Yield what the services say, without end.

    Args:
        broker: the cluster, with its prefix.
        since: from which moment on; none starts at the very beginning.
        from_now: start at the end of the topics instead.

    Raises:
        Trouble: the broker cannot be reached, or the topics are not there.
    """
    consumer = AIOKafkaConsumer(
        *broker.topics(),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="latest" if from_now else "earliest",
        fetch_max_wait_ms=_FETCH_WAIT_MS,
        **broker.client,
    )
    try:
        await _connect(consumer, broker)
        if since is not None and not from_now:
            await _seek(consumer, since)
        while True:
            for told in await _batch(consumer, since):
                yield told
    finally:
        await consumer.stop()


async def _connect(consumer: AIOKafkaConsumer, broker: Broker) -> None:
    try:
        await asyncio.wait_for(consumer.start(), _CONNECT_SECONDS)
    except (KafkaError, OSError, TimeoutError) as error:
        raise Trouble("kafka.unreachable", code=UNREACHABLE, bootstrap=broker.bootstrap) from error
    if not consumer.assignment():
        raise Trouble("kafka.no_topics", bootstrap=broker.bootstrap, prefix=broker.prefix)


async def _seek(consumer: AIOKafkaConsumer, since: datetime) -> None:
    wanted: dict[TopicPartition, int] = dict.fromkeys(consumer.assignment(), int(since.timestamp() * 1000))
    for partition, found in (await consumer.offsets_for_times(wanted)).items():
        if found is not None and found.offset >= 0:
            consumer.seek(partition, found.offset)


async def _batch(consumer: AIOKafkaConsumer, since: datetime | None) -> list[Heard]:
    """
    Gather what comes until it is quiet for a moment, and put it in order.

    Topics are read one after the other, so that without this a story of yesterday would begin with its end.
    """
    told: list[Heard] = []
    give_up_at = time.monotonic() + _GATHER_SECONDS
    while time.monotonic() < give_up_at:
        fetched = await consumer.getmany(timeout_ms=_QUIET_MS)
        records = [record for of_partition in fetched.values() for record in of_partition]
        told += [heard for record in records if _is_wanted(record, since) and (heard := _read(record)) is not None]
        if not records:
            break
    return sorted(told, key=_place)


def _is_wanted(record: ConsumerRecord, since: datetime | None) -> bool:
    return since is None or bool(record.timestamp >= since.timestamp() * 1000)


def _place(heard: Heard) -> tuple[datetime, int, int]:
    # Of events that share an instant, a complaint meets the services in this order.
    envelope = heard.envelope
    met = SERVICES.index(envelope.source) if envelope.source in SERVICES else len(SERVICES)
    return envelope.time, met, envelope.sequence


def _read(record: ConsumerRecord) -> Heard | None:
    """Return the event of *record*; nothing where it is none of ours."""
    try:
        return Heard(read_envelope(record.headers), from_json(record.value or b"{}"))
    except (UnreadableEnvelope, ValueError):
        return None
