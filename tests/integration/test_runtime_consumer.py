"""The consumer on a real broker: each event applied once, offsets kept after that, and trouble kept to where it is."""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from plaint.local.kafka import Kafka
from plaint.local.scratch import scratch_folder
from plaint.local.tansu import Tansu
from shared.contracts.intake import ComplaintReceived, MessageReceived
from shared.contracts.registry import PARTITIONS, dead_topic_of, topic_of
from shared.runtime import consumer as consuming
from shared.runtime.broker import Broker
from shared.runtime.consumer import HALT_AFTER, Consumer
from shared.runtime.ids import new_id
from shared.runtime.message import Command
from shared.runtime.needs import Stream
from shared.runtime.reads import replay_since
from shared.runtime.relay import Relay
from shared.testing.deadline import eventually
from shared.testing.events import sample
from shared.testing.loops import running
from shared.testing.script import handler, script
from shared.testing.topics import read_topic

SUBJECTS = [UUID(int=n) for n in range(1, 8)]
JOIN_SECONDS = 30
"""Tansu lets a new group read after 3 s, and one whose member went away without a word after 11 s."""


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
    """What was applied, as (subject, text); the text "poison" cannot be."""
    heard = []

    def hear(message, _work):
        if message.payload.text == "poison":
            raise ValueError("invented")
        heard.append((message.subject, message.payload.text))

    handlers[MessageReceived] = handler(hear)
    return heard


def saying(door, subject, text):
    return door.others.say(sample(MessageReceived, complaint_id=subject, text=text))


async def publish(cluster, *deliveries, partition=None):
    topic = topic_of("intake", cluster.prefix)
    async with AIOKafkaProducer(bootstrap_servers=cluster.bootstrap) as producer:
        for one in deliveries:
            headers, key = list(one.envelope.headers()), str(one.envelope.subject).encode()
            await producer.send_and_wait(topic, one.body, key=key, headers=headers, partition=partition)


async def kept_offsets(cluster, count):
    """Whether the group has *count* records of intake's topic behind it."""
    places = [TopicPartition(topic_of("intake", cluster.prefix), partition) for partition in range(PARTITIONS)]
    group = f"{cluster.prefix}routing"
    async with AIOKafkaConsumer(bootstrap_servers=cluster.bootstrap, group_id=group, enable_auto_commit=False) as look:
        look.assign(places)
        return sum([await look.committed(place) or 0 for place in places]) == count


def in_order_of_each(heard):
    found = {}
    for subject, text in heard:
        found.setdefault(subject, []).append(text)
    return found


async def test_each_event_is_applied_once_and_offsets_are_kept_after_that(door, cluster, heard):
    told = [saying(door, subject, text) for text in ("one", "two", "three") for subject in SUBJECTS]
    await publish(cluster, *told, *told[:10])
    consumer = Consumer("routing", ["intake"], door.door, cluster)

    async with running(consumer.run()):
        await eventually(lambda: len(heard) == len(told), JOIN_SECONDS)
        await eventually(lambda: consumer.joined and sum(consumer.lag.values()) == 0)
        await publish(cluster, *told[-3:], saying(door, SUBJECTS[0], "four"))
        await eventually(lambda: heard[-1][1] == "four")
        await eventually(lambda: kept_offsets(cluster, len(told) + 10 + 3 + 1))

    assert in_order_of_each(heard).pop(SUBJECTS[0]) == ["one", "two", "three", "four"]
    assert len(heard) == len(told) + 1


async def test_what_is_found_out_on_the_way_comes_with_the_event(door, cluster, handlers):
    found = []
    handlers[MessageReceived] = handler(lambda message, _work: found.append((message.payload.text, message.finding)))
    consumer = Consumer("routing", ["intake"], door.door, cluster)

    async def look(events):
        return [replace(event, finding=event.envelope.sequence * 10) for event in events]

    consumer.look_ahead = look
    await publish(cluster, *(saying(door, SUBJECTS[0], text) for text in ("one", "two", "three")))
    async with running(consumer.run()):
        await eventually(lambda: len(found) == 3, JOIN_SECONDS)

    assert found == [("one", 10), ("two", 20), ("three", 30)]


async def test_events_go_on_when_nothing_can_be_found_out(door, cluster, heard):
    consumer = Consumer("routing", ["intake"], door.door, cluster)

    async def fail(_events):
        raise ValueError("invented")

    consumer.look_ahead = fail
    await publish(cluster, saying(door, SUBJECTS[0], "one"))
    async with running(consumer.run()):
        await eventually(lambda: heard == [(SUBJECTS[0], "one")], JOIN_SECONDS)


async def test_what_can_be_neither_read_nor_kept_is_buried_and_the_others_go_on(door, cluster, heard):
    topic = topic_of("intake", cluster.prefix)
    _, early, good = (saying(door, subject, "good") for subject in (SUBJECTS[1], SUBJECTS[1], SUBJECTS[0]))
    nameless = replace(early, envelope=replace(early.envelope, type="a\x00b"))
    async with AIOKafkaProducer(bootstrap_servers=cluster.bootstrap) as producer:
        await producer.send_and_wait(topic, b"no headers", partition=0)
        await producer.send_and_wait(topic, b"no value", headers=[("ce_id", None)], partition=0)
    await publish(cluster, nameless, good, partition=0)

    async with running(Consumer("routing", ["intake"], door.door, cluster).run()):
        await eventually(lambda: heard, JOIN_SECONDS)
        buried = await read_topic(cluster.bootstrap, dead_topic_of("routing", cluster.prefix), 3)

    # Once in vain, together with what spoiled the batch.
    assert heard == [(SUBJECTS[0], "good")] * 2
    assert [record.value for record in buried] == [b"no headers", b"no value", nameless.body]
    for offset, record in enumerate(buried):
        headers = dict(record.headers)
        assert headers["dead_from"] == record.key == f"{topic}/0/{offset}".encode()
        assert headers["dead_reason"] == (b"CharacterNotInRepertoireError" if offset == 2 else b"UnreadableEnvelope")
    assert set(nameless.envelope.headers()) <= set(buried[2].headers)


async def test_streams_that_fail_in_a_row_halt_it_and_single_ones_in_between_do_not(door, cluster, heard):
    single = [saying(door, new_id(), text) for _ in range(HALT_AFTER + 5) for text in ("poison", "good")]
    consumer = Consumer("routing", ["intake"], door.door, cluster)
    await publish(cluster, *single, partition=0)
    run = asyncio.create_task(consumer.run())
    await eventually(lambda: len(heard) == HALT_AFTER + 5, JOIN_SECONDS)
    assert not consumer.halted

    # One stream that fails again and again is one stream.
    stuck = new_id()
    await publish(cluster, *(saying(door, stuck, "poison") for _ in range(HALT_AFTER)), partition=0)
    await publish(cluster, *(saying(door, new_id(), "poison") for _ in range(HALT_AFTER - 2)), partition=0)
    await eventually(lambda: everything_waits(door, 2 * HALT_AFTER + HALT_AFTER + 3))
    assert not consumer.halted

    # That an event was passed over, which no handler hears, says nothing for the code.
    unheard = sample(ComplaintReceived, complaint_id=new_id())
    await publish(cluster, door.others.say(unheard), partition=0)
    await eventually(lambda: is_passed_over(door, unheard.complaint_id))
    await publish(cluster, saying(door, new_id(), "poison"), partition=0)

    await asyncio.wait_for(run, 15)
    assert consumer.halted
    # Started again, it must not read what it parked and halt on it once more.
    assert await kept_offsets(cluster, 2 * (HALT_AFTER + 5) + 2 * HALT_AFTER)


async def is_passed_over(door, subject):
    async with door.database.connection() as connection:
        return await connection.fetchval("select last from positions where subject = $1", subject) == 1


async def everything_waits(door, count):
    return len(await door.waiting()) == count


async def test_while_the_door_is_slow_the_consumer_keeps_its_place_and_loses_nothing(
    door, database, cluster, heard, monkeypatch
):
    monkeypatch.setattr(consuming, "PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(consuming, "UNDERWAY_LIMIT", 1)
    consumer = Consumer("routing", ["intake"], door.door, cluster)
    await publish(cluster, *(saying(door, subject, "before") for subject in SUBJECTS))

    async with running(consumer.run()):
        await eventually(lambda: len(heard) == len(SUBJECTS), JOIN_SECONDS)
        async with database.connection() as other, other.transaction():
            await other.execute("lock table positions in access exclusive mode")
            await publish(cluster, *(saying(door, subject, "slow") for subject in SUBJECTS))
            await asyncio.sleep(1)
            await publish(cluster, *(saying(door, subject, "after") for subject in SUBJECTS))
            assert len(heard) == len(SUBJECTS)
        await eventually(lambda: len(heard) == 3 * len(SUBJECTS))
        await eventually(lambda: kept_offsets(cluster, 3 * len(SUBJECTS)))

    assert in_order_of_each(heard) == {subject: ["before", "slow", "after"] for subject in SUBJECTS}


# The whole way: one service says it, another hears it, and the broker between them restarts.


@pytest.fixture(params=["tansu", pytest.param("kafka", marks=pytest.mark.kafka)])
def mortal_broker(request):
    """A broker of this test's own: Tansu forgets everything when it restarts, Apache Kafka nothing."""
    if request.param == "tansu":
        with Tansu() as broker:
            yield broker
    else:
        with scratch_folder() as folder, Kafka(folder / "kafka") as broker:
            yield broker


async def test_a_broker_that_restarts_costs_no_event_and_repeats_none(
    replica, other_database_url, mortal_broker, topic_prefix, heard
):
    cluster = Broker(mortal_broker.bootstrap, topic_prefix)
    intake, routing = await replica("intake", url=other_database_url), await replica("routing")
    relay = Relay("intake", intake.database, cluster)
    begin = intake.clock.now()

    def say(text):
        def run(_, work):
            for subject in SUBJECTS:
                work.announce(sample(MessageReceived, complaint_id=subject, text=text))

        return Command(script(run, *map(Stream, SUBJECTS)))

    async with running(relay.run(), Consumer("routing", ["intake"], routing.door, cluster).run()):
        await intake.put(say("before"))
        await eventually(lambda: len(heard) == len(SUBJECTS), JOIN_SECONDS)
        assert await replay_since(intake.database, begin) == len(SUBJECTS)
        await eventually(lambda: replayed(intake))
        await asyncio.to_thread(mortal_broker.kill)
        await intake.put(say("meanwhile"))
        await asyncio.to_thread(mortal_broker.start)
        await intake.put(say("after"))
        await eventually(lambda: len(heard) == 3 * len(SUBJECTS), 2 * JOIN_SECONDS)

    assert in_order_of_each(heard) == {subject: ["before", "meanwhile", "after"] for subject in SUBJECTS}
    assert await routing.waiting() == []


async def replayed(door):
    async with door.database.connection() as connection:
        return await connection.fetchval(
            "select replay_from is null and last_id = (select max(id) from history) from relay"
        )
