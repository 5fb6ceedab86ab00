"""``relay_sent``: events that the relay takes from the history to the broker in a second."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition

from shared.contracts.intake import ComplaintReceived
from shared.contracts.registry import PARTITIONS, topic_of
from shared.runtime.broker import Broker
from shared.runtime.clock import Clock
from shared.runtime.database import Database
from shared.runtime.ids import new_id
from shared.runtime.message import Delivery
from shared.runtime.records import pack_headers
from shared.runtime.relay import Relay
from shared.testing.events import Speakers, sample
from shared.testing.loops import running
from tests.bench.baselines.producer import send_in_bursts
from tests.bench.harness import Bench, Row
from tests.bench.installation import LONGEST_WAIT_SECONDS, Unequal

NAMES = ("relay_sent",)

EVENTS: Final = 20_000
QUICK_EVENTS: Final = 5_000
WARM_UP: Final = 500
LOOK_SECONDS: Final = 0.01
SILENCE_MS: Final = 1_000
COLUMNS: Final = ("subject", "sequence", "type", "at", "headers", "body")


async def measure(bench: Bench) -> list[Row]:
    """A history that appears at once, against a producer that has the same records in memory."""
    warm, records = _records(WARM_UP), _records(QUICK_EVENTS if bench.quick else EVENTS)

    async def product() -> float:
        broker = _apart(bench)
        url = await bench.database("intake")
        database = Database(url)
        relay = Relay("intake", database, broker)
        async with running(relay.run()):
            await _append(database, relay, warm)
            await _drained(database)
            began = await _append(database, relay, records)
            await _drained(database)
            rate = len(records) / (time.perf_counter() - began)
        await database.close()
        await bench.drop(url)
        await _check(broker, warm, records)
        return rate

    async def baseline() -> float:
        broker = _apart(bench)
        topic = topic_of("intake", broker.prefix)
        await broker.ensure_topics(owned=topic)
        async with AIOKafkaProducer(acks="all", linger_ms=0, **broker.client) as producer:
            await send_in_bursts(producer, topic, warm)
            began = time.perf_counter()
            await send_in_bursts(producer, topic, records)
            rate = len(records) / (time.perf_counter() - began)
        await _check(broker, warm, records)
        return rate

    return [
        await bench.compare("relay_sent", baseline=baseline, product=product, unit="events/s", floor=0.4, target=0.7)
    ]


def _apart(bench: Bench) -> Broker:
    """The broker with topics that nobody has used."""
    return replace(bench.broker, prefix=f"{new_id().hex[-12:]}.")


def _records(count: int) -> list[Delivery]:
    say = Speakers(Clock()).say
    return [say(sample(ComplaintReceived, complaint_id=new_id())) for _ in range(count)]


async def _append(database: Database, relay: Relay, records: Sequence[Delivery]) -> float:
    """Put the records into the history in one commit, and return when that was about to become visible."""
    now = datetime.now(UTC)
    rows = [
        (each.envelope.subject, 1, each.envelope.type, now, pack_headers(each.envelope.headers()), each.body)
        for each in records
    ]
    async with database.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.copy_records_to_table("history", records=rows, columns=list(COLUMNS))
        began = time.perf_counter()
        await transaction.commit()
    relay.wake()
    return began


async def _drained(database: Database) -> None:
    """Wait until the relay has stored that everything was acknowledged."""
    query = "select coalesce((select last_id from relay), 0) >= (select max(id) from history)"
    async with asyncio.timeout(LONGEST_WAIT_SECONDS), database.connection() as connection:
        while not await connection.fetchval(query):
            await asyncio.sleep(LOOK_SECONDS)


async def _check(broker: Broker, *sent: Sequence[Delivery]) -> None:
    """
    Read everything back.

    Raises:
        Unequal: the topic does not hold exactly these keys, headers and bodies.
    """
    wanted = {_digest(str(e.envelope.subject).encode(), e.envelope.headers(), e.body) for some in sent for e in some}
    found = [digest async for digest in _digests(broker, len(wanted))]
    if len(found) != len(wanted) or set(found) != wanted:
        raise Unequal(f"{len(wanted)} records sent, {len(found)} in the topic, {len(set(found) & wanted)} as sent")


async def _digests(broker: Broker, count: int) -> AsyncIterator[bytes]:
    async with _reader(broker) as consumer:
        left = count
        # Once more after the last one: nothing may have been sent twice.
        while some := await consumer.getmany(timeout_ms=SILENCE_MS if left <= 0 else LONGEST_WAIT_SECONDS * 1000):
            for record in (each for records in some.values() for each in records):
                left -= 1
                yield _digest(record.key or b"", record.headers, record.value or b"")


@asynccontextmanager
async def _reader(broker: Broker) -> AsyncIterator[AIOKafkaConsumer]:
    options = {"fetch_max_wait_ms": broker.fetch_wait_ms, "auto_offset_reset": "earliest", **broker.client}
    async with AIOKafkaConsumer(enable_auto_commit=False, **options) as consumer:
        topic = topic_of("intake", broker.prefix)
        consumer.assign([TopicPartition(topic, partition) for partition in range(PARTITIONS)])
        yield consumer


def _digest(key: bytes, headers: Sequence[tuple[str, bytes]], body: bytes) -> bytes:
    return hashlib.blake2b(repr((key, sorted(headers), body)).encode(), digest_size=16).digest()
