"""A producer as one writes it against aiokafka alone."""

import asyncio
from collections.abc import Sequence
from typing import Final

from aiokafka import AIOKafkaProducer

from shared.runtime.message import Delivery

BURST: Final = 50


async def send_in_bursts(producer: AIOKafkaProducer, topic: str, records: Sequence[Delivery]) -> None:
    """Send fifty, wait for their acknowledgements, and go on."""
    for first in range(0, len(records), BURST):
        acknowledgements = [
            await producer.send(
                topic,
                key=str(each.envelope.subject).encode(),
                value=each.body,
                headers=list(each.envelope.headers()),
            )
            for each in records[first : first + BURST]
        ]
        await asyncio.gather(*acknowledgements)
