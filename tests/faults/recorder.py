"""A subscriber from outside that writes down every record of every topic, in the order it came."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.contracts.envelope import UnreadableEnvelope, read_envelope
from shared.contracts.registry import OWNERS, PARTITIONS, topic_of


@dataclass(frozen=True, slots=True)
class Heard:
    """One record; *digest* tells bodies apart."""

    source: str
    subject: UUID
    sequence: int
    id: UUID
    type: str
    digest: int


class Recorder:
    """Reads until stopped; *begin_again* is for when the cluster was made anew and offsets mean something else."""

    def __init__(self, bootstrap, prefix):
        self.heard = []
        self.unreadable = 0
        self.latencies = []
        """Seconds from the commit of each event to its arrival here."""
        self._bootstrap = bootstrap
        topics = [topic_of(owner, prefix) for owner in OWNERS]
        self._partitions = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
        self._next = {}
        self._task = None

    def start(self):
        self._task = asyncio.create_task(self._record())

    async def stop(self):
        self._task.cancel()
        await asyncio.wait([self._task])

    async def begin_again(self):
        await self.stop()
        self._next = {}
        self.start()

    async def _record(self):
        while True:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._bootstrap,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                metadata_max_age_ms=2_000,
                fetch_max_wait_ms=100,
            )
            try:
                await asyncio.wait_for(consumer.start(), 10)
                await self._read(consumer)
            except Exception:  # noqa: BLE001, S110 - the broker is broken on purpose
                pass
            finally:
                with suppress(Exception):
                    await asyncio.wait_for(consumer.stop(), 5)
            await asyncio.sleep(0.5)

    async def _read(self, consumer):
        consumer.assign(self._partitions)
        for partition in self._partitions:
            consumer.seek(partition, self._next.get(partition, 0))
        while True:
            for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                for record in records:
                    self._note(record)
                self._next[partition] = records[-1].offset + 1

    def _note(self, record):
        try:
            envelope = read_envelope(record.headers)
        except UnreadableEnvelope:
            self.unreadable += 1
            return
        self.latencies.append(time.time() - record.timestamp / 1000)
        digest = hash(record.value)
        self.heard.append(
            Heard(envelope.source, envelope.subject, envelope.sequence, envelope.id, envelope.type, digest)
        )
