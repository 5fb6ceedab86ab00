"""The broker that keeps everything in memory: a round trip, and a new cluster at each start."""

import asyncio
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from plaint.local.broker import Broker
from plaint.local.failure import LocalFailure
from plaint.local.tansu import Tansu


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Tansu() as broker:
        yield broker


async def cluster_at(bootstrap: str) -> str:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return (await admin.describe_cluster())["cluster_id"]
    finally:
        await admin.close()


async def round_trip(bootstrap: str, topic: str) -> bytes:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 3, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        await producer.send_and_wait(topic, "漏水".encode(), key=b"c1")
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", fetch_max_wait_ms=20)
    async with consumer:
        return (await asyncio.wait_for(consumer.getone(), 20)).value


async def test_what_is_produced_is_consumed(broker):
    assert await round_trip(broker.bootstrap, "leaks") == "漏水".encode()


async def test_it_tells_the_cluster_id_that_clients_see(broker):
    assert await cluster_at(broker.bootstrap) == broker.cluster_id


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_each_start_is_another_cluster_at_the_same_address(broker, end):
    before, address = broker.cluster_id, broker.bootstrap

    getattr(broker, end)()
    broker.start()

    assert broker.bootstrap == address
    assert broker.cluster_id != before
    assert await cluster_at(address) == broker.cluster_id


def test_starting_twice_changes_nothing(broker):
    before = broker.cluster_id

    broker.start()

    assert broker.cluster_id == before


def test_a_broker_whose_port_is_taken_is_not_mistaken_for_the_one_that_has_it(broker):
    with pytest.raises(LocalFailure) as caught:
        Tansu(port=broker.port).start()

    assert caught.value.key == "tansu.died"
