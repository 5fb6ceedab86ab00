"""
The consumer: hands what the topics bring to the door, and commits offsets after the door has committed.

Offsets are only where to go on reading; what was applied is decided by positions in the database.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import chain
from typing import Final
from uuid import UUID

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from shared.contracts.envelope import UnreadableEnvelope, read_envelope
from shared.contracts.registry import dead_topic_of, topic_of
from shared.runtime import failpoints
from shared.runtime.broker import REQUEST_SECONDS, Broker, started
from shared.runtime.cancellation import is_cancelled
from shared.runtime.door import Door
from shared.runtime.message import Delivery
from shared.runtime.underway import Handed, Underway
from shared.telemetry import metrics

log = structlog.get_logger()

MAX_RECORDS: Final = 500
POLL_MS: Final = 200
PATIENCE_SECONDS: Final = 0.2
"""How long reading on waits for the door; a stream that another replica holds delays the others no longer."""
COMMIT_SECONDS: Final = 0.5
"""Between two commits of offsets, which the next record would wait for; a crash repeats no more than this."""
UNDERWAY_LIMIT: Final = 1000
"""Records in the door's hands at which the partitions are paused, and polled on, so that the group keeps us."""
PAUSE_SECONDS: Final = 2.0
JOIN_SECONDS: Final = 30
"""How long joining the group may take: as long as members that went away without a word are still waited for."""
BROKER_CHECK_SECONDS: Final = 5.0
HALT_AFTER: Final = 20
"""Streams that begin to wait for an error with no success between: then it is the code, not the data."""
RESTART_CAP_SECONDS: Final = 5.0

Records = Mapping[TopicPartition, Sequence[ConsumerRecord]]
LookAhead = Callable[[Sequence[Delivery]], Awaitable[Sequence[Delivery]]]
"""Finds out what it can about events in little time; gives the same events back, in the same order."""


async def look_at_nothing(deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
    """Take events as they come."""
    return deliveries


class AnotherCluster(RuntimeError):
    """The cluster is not the one that was joined; its offsets mean something else."""


class Consumer:
    """Reads the topics of other services for one service."""

    def __init__(self, service: str, hears: Sequence[str], door: Door, broker: Broker) -> None:
        self.service = service
        self.halted = False
        self.joined = False
        self.lag: dict[TopicPartition, int] = {}
        self.look_ahead: LookAhead = look_at_nothing
        self._topics = [topic_of(owner, broker.prefix) for owner in hears]
        self._door = door
        self._broker = broker
        self._failing: set[tuple[str, UUID]] = set()
        self._committed = 0.0

    async def run(self) -> None:
        """Read and apply, joining again after any trouble with the broker, until cancelled or halted."""
        failures = 0
        while not self.halted:
            began = time.monotonic()
            try:
                await self._consume()
            except (Exception, asyncio.CancelledError) as error:
                if is_cancelled():
                    raise
                failures = 0 if time.monotonic() - began > RESTART_CAP_SECONDS else failures + 1
                log.warning("consumer joins again", attempt=failures, error=type(error).__name__, exc_info=error)
            self.joined = False
            await asyncio.sleep(random.uniform(0.5, 1) * min(RESTART_CAP_SECONDS, 0.1 * 2**failures))  # noqa: S311
        log.error("consumer halted: too many streams fail in a row", limit=HALT_AFTER)

    async def _consume(self) -> None:
        await self._broker.ensure_topics(heard=self._topics, dead_of=self.service)
        cluster_id = await self._broker.cluster_id()
        consumer = AIOKafkaConsumer(
            *self._topics,
            group_id=f"{self._broker.prefix}{self.service}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=6_000,
            heartbeat_interval_ms=1_000,
            max_poll_interval_ms=60_000,
            fetch_max_wait_ms=self._broker.fetch_wait_ms,
            **self._broker.client,
        )
        async with started(consumer, JOIN_SECONDS):
            await self._read(consumer, cluster_id)

    async def _read(self, consumer: AIOKafkaConsumer, cluster_id: str) -> None:
        checked = time.monotonic()
        underway = Underway()
        try:
            while not self.halted:
                records = await consumer.getmany(timeout_ms=POLL_MS, max_records=MAX_RECORDS)
                self.joined = bool(consumer.assignment())
                if records:
                    await self._hand_over(records, underway)
                elif time.monotonic() - checked > BROKER_CHECK_SECONDS:
                    if await self._broker.cluster_id() != cluster_id:
                        raise AnotherCluster
                    checked = time.monotonic()
                await self._hold_back(consumer, underway)
                await self._settle(consumer, underway)
                self._measure(consumer)
                metrics.LOOP_LAST_SUCCESS.labels(self.service, "consumer").set_to_current_time()
        finally:
            underway.give_up()

    async def _hand_over(self, records: Records, underway: Underway) -> None:
        """Give the door what was read, and wait a little: mostly it has dealt by then with what cannot wait."""
        await failpoints.reach("consumer.after_poll")
        readable: list[ConsumerRecord] = []
        events: list[Delivery] = []
        for record in chain.from_iterable(records.values()):
            underway.read(record)
            try:
                events.append(Delivery(read_envelope(record.headers), record.value or b""))
                readable.append(record)
            except UnreadableEnvelope as error:
                await self._bury(record, error)
        looked_at = zip(readable, await self._look_ahead(events), strict=True)
        handed = [Handed(record, event, self._door.enter(event)) for record, event in looked_at]
        underway.hand(handed)
        if urgent := [each.result for each in handed if not self._door.can_wait(each.delivery)]:
            await asyncio.wait(urgent, timeout=PATIENCE_SECONDS)

    async def _look_ahead(self, events: Sequence[Delivery]) -> Sequence[Delivery]:
        try:
            return await self.look_ahead(events)
        except Exception as error:
            # They can do without, and must not come back for ever.
            if is_cancelled():
                raise
            log.warning("nothing was found out ahead", error=type(error).__name__, exc_info=error)
            return events

    async def _hold_back(self, consumer: AIOKafkaConsumer, underway: Underway) -> None:
        """Read no more while too much is underway, however long the database is away, and keep the group's trust."""
        while len(underway) >= UNDERWAY_LIMIT:
            consumer.pause(*consumer.assignment())
            # What a rebalance brought in between is not for now: it is fetched again after the pause.
            for tp, early in (await consumer.getmany(timeout_ms=0)).items():
                consumer.seek(tp, early[0].offset)
            await underway.wait(PAUSE_SECONDS)
            await self._settle(consumer, underway)
        consumer.resume(*consumer.paused())

    async def _settle(self, consumer: AIOKafkaConsumer, underway: Underway) -> None:
        """Commit the offsets up to the first record that the door has not dealt with."""
        finished = underway.finished()
        for each in finished:
            result = each.result.result()
            if result.fate == "failed" and result.error is not None:
                await self._bury(each.record, result.error)
        self._judge(finished)
        # What made it halt is parked, and must not make it halt again when it is started again.
        if not self.halted and time.monotonic() - self._committed < COMMIT_SECONDS:
            return
        if places := underway.places():
            await failpoints.reach("consumer.before_commit")
            await self._commit(consumer, places)
            self._committed = time.monotonic()

    def _judge(self, finished: Sequence[Handed]) -> None:
        """Count the streams that fail in a row: a bad deploy must not park the world."""
        for each in finished:
            result = each.result.result()
            if result.fate == "done" and self._door.hears(each.delivery):
                self._failing.clear()
            elif result.error is not None:
                self._failing.add((each.delivery.envelope.source, each.delivery.envelope.subject))
        self.halted = len(self._failing) >= HALT_AFTER

    async def _commit(self, consumer: AIOKafkaConsumer, offsets: dict[TopicPartition, int]) -> None:
        mine = {tp: offset for tp, offset in offsets.items() if tp in consumer.assignment()}
        try:
            if mine:
                async with asyncio.timeout(REQUEST_SECONDS):
                    await consumer.commit(mine)
        except (CommitFailedError, IllegalStateError, TimeoutError) as error:
            log.info("offsets not committed; positions drop what comes again", error=type(error).__name__)

    async def _bury(self, record: ConsumerRecord, error: Exception) -> None:
        """Put a record that can neither be read nor kept where an operator finds it, with its place and the reason."""
        place = f"{record.topic}/{record.partition}/{record.offset}"
        async with started(AIOKafkaProducer(acks="all", **self._broker.client)) as producer:
            headers = [*record.headers, ("dead_from", place.encode()), ("dead_reason", type(error).__name__.encode())]
            topic = dead_topic_of(self.service, self._broker.prefix)
            async with asyncio.timeout(REQUEST_SECONDS):
                await producer.send_and_wait(topic, key=place.encode(), value=record.value, headers=headers)
        log.error("record buried", topic=record.topic, partition=record.partition, offset=record.offset)

    def _measure(self, consumer: AIOKafkaConsumer) -> None:
        lag: dict[TopicPartition, int] = {}
        for tp in consumer.assignment():
            state = consumer._subscription.subscription.assignment.state_value(tp)  # noqa: SLF001 - position() may wait
            high = consumer.highwater(tp)
            if high is not None and state is not None and state.has_valid_position:
                lag[tp] = max(0, high - state.position)
        self.lag = lag
        for topic in self._topics:
            total = sum(count for tp, count in lag.items() if tp.topic == topic)
            metrics.CONSUMER_LAG.labels(self.service, topic).set(total)
