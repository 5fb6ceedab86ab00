"""Hearing everything the four services say."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer
from pydantic_core import from_json

from plaint.running import Installation
from shared.contracts.envelope import Envelope, read_envelope
from shared.contracts.registry import OWNERS, topic_of


@dataclass(frozen=True, slots=True)
class Heard:
    """One event from a topic."""

    envelope: Envelope
    data: dict[str, Any]

    @property
    def type(self) -> str:
        """The event's type without its version: ``resolution.case.opened``."""
        return self.envelope.type.removesuffix(".v1")


async def hear(installation: Installation) -> AsyncIterator[Heard]:
    """Give every event from the beginning, and then as it comes, for ever."""
    topics = [topic_of(owner, installation.prefix) for owner in OWNERS]
    consumer = AIOKafkaConsumer(
        *topics,
        bootstrap_servers=installation.bootstrap,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=20,
    )
    await consumer.start()
    try:
        async for record in consumer:
            yield Heard(read_envelope(record.headers), from_json(record.value))
    finally:
        await consumer.stop()
