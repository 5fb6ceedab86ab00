"""Topics that bring records again, leave one out, swap two, or bring what cannot be handled."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from shared.contracts.registry import PARTITIONS, topic_of
from tests.faults.nemesis import administrator


async def records_of(world, source):
    """Everything on one topic."""
    topic = topic_of(source, world.prefix)
    places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    found = []
    async with AIOKafkaConsumer(bootstrap_servers=world.broker.bootstrap, enable_auto_commit=False) as consumer:
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        await consumer.seek_to_beginning()
        while len(found) < sum(ends.values()):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += records
    return found


async def publish(world, records):
    """Put records on their topics, in this order."""
    async with AIOKafkaProducer(bootstrap_servers=world.broker.bootstrap, acks="all") as producer:
        sent = [
            await producer.send(
                record.topic,
                key=record.key,
                value=record.value,
                headers=list(record.headers),
                timestamp_ms=record.timestamp,
            )
            for record in records
        ]
        for each in sent:
            await each


@pytest.mark.quick
async def test_every_record_comes_three_times(scene, world):
    async with scene.fault("every record three times", "all four topics published again twice (quick: once)") as course:
        await course.wait(3, 10)
        for source in ("intake", "routing", "resolution", "followup"):
            records = await records_of(world, source)
            again = records * course.seconds(1, 2)
            await publish(world, again)
            course.seen[f"{source}_again"] = len(again)


POISON = """
create function poison() returns trigger language plpgsql as
$$ begin raise exception 'poisoned'; end $$;
create trigger poison before insert on cases for each row
when (abs(hashtext(new.complaint_id::text)) % 100 = 0) execute function poison();
"""
CURE = "drop trigger poison on cases; drop function poison"


@pytest.mark.quick
async def test_poison_holds_up_only_itself(scene, world):
    async with (
        administrator(world, "resolution") as connection,
        scene.fault(
            "poison at 1 % of complaints", "a trigger refuses their cases; then it goes, and they are retried"
        ) as course,
    ):
        before = await opened_in(world, course.seconds(6, 20))
        await connection.execute(POISON)
        poisoned = await opened_in(world, course.seconds(6, 20))
        await connection.execute(CURE)
        await retry_all(world, "resolution")
        course.seen["rate"] = [round(before, 1), round(poisoned, 1)]
    assert poisoned > 0.9 * before


async def opened_in(world, seconds):
    """Cases opened per second, over so many seconds from now."""
    query = "select count(*) from history where type like '%case.opened%'"
    async with administrator(world, "resolution") as connection:
        already = await connection.fetchval(query)
        await asyncio.sleep(seconds)
        return (await connection.fetchval(query) - already) / seconds


async def retry_all(world, service):
    """What an operator does about events that wait for a mistake that has been mended."""
    url = f"{world.one(service).url}/v1/admin/waiting"
    async with world.http() as http:
        for each in (await http.get(url, params={"limit": 100})).json()["items"]:
            if each["reason"] == "error":
                (await http.post(f"{url}/{each['source']}/{each['subject']}/retry")).raise_for_status()
