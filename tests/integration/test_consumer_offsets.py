"""Offsets say where to go on reading: never beyond what the database has, whatever the group does meanwhile."""

import asyncio
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from shared.contracts.intake import MessageReceived
from shared.contracts.registry import PARTITIONS, topic_of
from shared.runtime import consumer as consuming
from shared.runtime.broker import Broker
from shared.runtime.consumer import Consumer
from shared.runtime.needs import Stream
from shared.testing.deadline import eventually
from shared.testing.events import sample
from shared.testing.loops import running
from shared.testing.script import handler

SUBJECTS = [UUID(int=n) for n in range(1, 8)]
JOIN_SECONDS = 30


@pytest.fixture
async def cluster(broker, topic_prefix):
    cluster = Broker(broker.bootstrap, topic_prefix)
    await cluster.ensure_topics()
    return cluster


@pytest.fixture
async def door(replica):
    return await replica("routing")


@pytest.fixture
def heard(handlers):
    """The texts of what was run, committed or not."""
    heard = []
    handlers[MessageReceived] = handler(lambda message, _work: heard.append(message.payload.text), Stream(SUBJECTS[0]))
    return heard


async def publish(cluster, door, text):
    """One message on each subject."""
    async with AIOKafkaProducer(bootstrap_servers=cluster.bootstrap) as producer:
        for subject in SUBJECTS:
            told = door.others.say(sample(MessageReceived, complaint_id=subject, text=text))
            headers, key = list(told.envelope.headers()), str(subject).encode()
            await producer.send_and_wait(topic_of("intake", cluster.prefix), told.body, key=key, headers=headers)


async def committed_offsets(cluster):
    """How many records of intake's topic the group has behind it."""
    group = f"{cluster.prefix}routing"
    places = [TopicPartition(topic_of("intake", cluster.prefix), partition) for partition in range(PARTITIONS)]
    async with AIOKafkaConsumer(bootstrap_servers=cluster.bootstrap, group_id=group, enable_auto_commit=False) as look:
        look.assign(places)
        return sum([await look.committed(place) or 0 for place in places])


async def test_offsets_are_committed_after_the_database_has_committed(door, database, cluster, heard):
    await publish(cluster, door, "one")

    async with running(Consumer("routing", ["intake"], door.door, cluster).run()):
        async with database.connection() as other, other.transaction():
            await other.execute("lock table positions in exclusive mode")
            await eventually(lambda: heard, JOIN_SECONDS)
            await asyncio.sleep(0.5)
            assert await committed_offsets(cluster) == 0
        await eventually(lambda: committed_everything(cluster))


async def committed_everything(cluster):
    return await committed_offsets(cluster) == len(SUBJECTS)


async def test_what_a_rebalance_brings_after_the_pause_is_fetched_again(door, database, cluster, heard, monkeypatch):
    """As if every partition had come just then: pausing does nothing."""
    monkeypatch.setattr(consuming, "PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(consuming, "UNDERWAY_LIMIT", 1)
    monkeypatch.setattr(AIOKafkaConsumer, "pause", lambda *_: None)
    await publish(cluster, door, "before")

    async with running(Consumer("routing", ["intake"], door.door, cluster).run()):
        await eventually(lambda: len(heard) == len(SUBJECTS), JOIN_SECONDS)
        async with database.connection() as other, other.transaction():
            await other.execute("lock table positions in access exclusive mode")
            await publish(cluster, door, "slow")
            await asyncio.sleep(0.5)
            await publish(cluster, door, "early")
            await asyncio.sleep(0.5)
        await eventually(lambda: len(heard) == 3 * len(SUBJECTS))

    assert heard.count("early") == len(SUBJECTS)
