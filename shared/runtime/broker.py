"""The Kafka cluster: how to reach it, which one it is, and the topics it must have."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import for_code

from shared.contracts.registry import DEAD_PARTITIONS, OWNERS, PARTITIONS, RETENTION_DAYS, dead_topic_of, topic_of

log = structlog.get_logger()
Client = TypeVar("Client", AIOKafkaConsumer, AIOKafkaProducer)

REQUEST_SECONDS: Final = 10
_TOPIC_EXISTS: Final = 36
_DAY_MS: Final = 86_400_000


class WrongPartitions(RuntimeError):
    """A topic has another number of partitions than all others: one complaint would be out of order across topics."""


@asynccontextmanager
async def started(client: Client, seconds: float = REQUEST_SECONDS) -> AsyncIterator[Client]:
    """
    Start a consumer or a producer, and stop it in the end, within bounds.

    How the stop went is of no interest. It must not be let out either: aiokafka cancels tasks of its own there and
    passes their ``CancelledError`` on, which would end our loop without a word.
    """
    try:
        async with asyncio.timeout(seconds):
            await client.start()
        yield client
    finally:
        stopping = asyncio.ensure_future(client.stop())
        await asyncio.wait([stopping], timeout=REQUEST_SECONDS)
        stopping.cancel()
        if stopping.done() and not stopping.cancelled() and (error := stopping.exception()):
            log.info("client did not stop in good order", error=type(error).__name__)


@dataclass(frozen=True, slots=True)
class Broker:
    """A cluster as this installation uses it; ``options`` are the client's security settings."""

    bootstrap: str
    prefix: str = ""
    replication: int = 1
    fetch_wait_ms: int = 500
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def client(self) -> dict[str, Any]:
        """What every Kafka client of ours is built with."""
        # A connection on which nobody answers is made anew after so long; the client itself would wait for 40 s.
        patience = {"request_timeout_ms": REQUEST_SECONDS * 1000, "metadata_max_age_ms": 10_000}
        return {"bootstrap_servers": self.bootstrap, **patience, **self.options}

    def topics(self) -> list[str]:
        """The topics of all services."""
        return [topic_of(owner, self.prefix) for owner in OWNERS]

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(**self.client)
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                await admin.start()
            yield admin
        finally:
            await admin.close()

    async def cluster_id(self) -> str:
        """
        Which cluster answers now.

        Raises:
            Exception: none does; whatever the client says.
        """
        async with self._admin() as admin:
            async with asyncio.timeout(REQUEST_SECONDS):
                described = await admin.describe_cluster()
        return str(described["cluster_id"])

    async def ensure_topics(
        self, *, owned: str | None = None, heard: Iterable[str] = (), dead_of: str | None = None
    ) -> None:
        """
        Create the topics that are missing: those of all services, and the dead letters of one consumer.

        A broker that creates topics when someone asks for them may have been quicker, with another number of
        partitions. While such a topic is empty its owner makes it anew.

        Args:
            owned: the topic that the caller, and nobody else, publishes on.
            heard: the topics that the caller reads.
            dead_of: the consumer whose dead letters are kept.

        Raises:
            WrongPartitions: a topic that the caller needs has another number of partitions.
        """
        wanted = dict.fromkeys(self.topics(), PARTITIONS)
        if dead_of is not None:
            wanted[dead_topic_of(dead_of, self.prefix)] = DEAD_PARTITIONS
        async with self._admin() as admin:
            known = {t["topic"]: len(t["partitions"]) for t in await admin.describe_topics() if t["error_code"] == 0}
            wrong = {topic for topic, partitions in wanted.items() if known.get(topic, partitions) != partitions}
            if owned in wrong and await self._is_empty(owned, known[owned]):
                log.warning("topic made anew", topic=owned, partitions=known.pop(owned))
                await admin.delete_topics([owned])
            created = await self._create(admin, [item for item in wanted.items() if item[0] not in known])
        if needed := (wrong - created) & {owned, *heard}:
            raise WrongPartitions(", ".join(sorted(map(str, needed))))

    async def _is_empty(self, topic: str, partitions: int) -> bool:
        places = [TopicPartition(topic, partition) for partition in range(partitions)]
        async with started(AIOKafkaConsumer(**self.client)) as consumer:
            async with asyncio.timeout(REQUEST_SECONDS):
                ends = await consumer.end_offsets(places)
        return not any(ends.values())

    async def _create(self, admin: AIOKafkaAdminClient, missing: Iterable[tuple[str, int]]) -> set[str]:
        """Create topics, and return those that nobody else has created meanwhile."""
        new = [
            NewTopic(
                name=topic,
                num_partitions=partitions,
                replication_factor=self.replication,
                topic_configs={"retention.ms": str(RETENTION_DAYS * _DAY_MS), "cleanup.policy": "delete"},
            )
            for topic, partitions in missing
        ]
        if not new:
            return set()
        response = await admin.create_topics(new)
        for topic, code, *_ in response.topic_errors:
            if code not in {0, _TOPIC_EXISTS}:
                raise for_code(code)(topic)
            if code == 0:
                log.info("topic created", topic=topic)
        return {topic for topic, code, *_ in response.topic_errors if code == 0}
