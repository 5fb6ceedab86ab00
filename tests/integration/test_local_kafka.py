"""Apache Kafka itself: an idempotent round trip, data kept over restarts, and what it says when it cannot start."""

import asyncio
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import UnknownTopicOrPartitionError

from plaint.local import kafka_jars
from plaint.local.broker import Broker
from plaint.local.failure import LocalFailure
from plaint.local.kafka import Kafka


@pytest.fixture(scope="module")
def broker(tmp_path_factory) -> Iterator[Broker]:
    with Kafka(tmp_path_factory.mktemp("kafka") / "投诉") as broker:
        yield broker


async def create(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 3, 1)])
    await admin.close()


async def produce(bootstrap: str, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True) as producer:
        await producer.send_and_wait(topic, value, key=b"c1")


async def consume(bootstrap: str, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=f"{topic}-{count}", auto_offset_reset="earliest"
    )
    async with consumer:
        return [(await asyncio.wait_for(consumer.getone(), 30)).value for _ in range(count)]


@pytest.mark.kafka
async def test_what_an_idempotent_producer_sends_is_consumed(broker):
    await create(broker.bootstrap, "leaks")

    await produce(broker.bootstrap, "leaks", b"one")

    assert await consume(broker.bootstrap, "leaks", 1) == [b"one"]


@pytest.mark.kafka
@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_a_restart_keeps_the_records_and_the_cluster_id(broker, end):
    topic, cluster_id = f"kept-after-{end}", broker.cluster_id
    await create(broker.bootstrap, topic)
    await produce(broker.bootstrap, topic, b"before")

    getattr(broker, end)()
    broker.start()
    await produce(broker.bootstrap, topic, b"after")

    assert broker.cluster_id == cluster_id
    assert await consume(broker.bootstrap, topic, 2) == [b"before", b"after"]


@pytest.mark.kafka
async def test_a_topic_nobody_created_stays_missing(broker):
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    try:
        (described,) = await admin.describe_topics(["nobody-created-this"])
    finally:
        await admin.close()

    assert described["error_code"] == UnknownTopicOrPartitionError.errno


@pytest.mark.kafka
def test_a_broker_that_dies_at_start_tells_why(broker, tmp_path):
    with pytest.raises(LocalFailure, match="Address already in use") as caught:
        Kafka(tmp_path / "other", port=broker.port).start()

    assert caught.value.key == "kafka.died"


@pytest.mark.kafka
def test_a_broker_on_data_in_use_says_so(broker, monkeypatch):
    monkeypatch.setattr("plaint.local.kafka._PREDECESSOR_SECONDS", 0.1)

    with pytest.raises(LocalFailure) as caught:
        Kafka(broker.data).start()

    assert caught.value.key == "kafka.in_use"


def test_missing_java_is_said_before_anything_else(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)

    with pytest.raises(LocalFailure, match="openjdk-17") as caught:
        Kafka(tmp_path / "kafka").start()

    assert caught.value.key == "kafka.java_missing"


def test_missing_maven_is_said_when_there_is_something_to_fetch(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAINT_CACHE", str(tmp_path / "cache"))

    with pytest.raises(LocalFailure, match="apt-get install maven") as caught:
        kafka_jars.kafka_jars()

    assert caught.value.key == "kafka.maven_missing"


def test_a_failed_fetch_is_begun_again(monkeypatch, tmp_path):
    maven = tmp_path / "mvn"
    maven.write_text("#!/bin/sh\necho no such artifact\nexit 1\n")
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("PLAINT_CACHE", str(tmp_path / "cache"))
    heard: list[str] = []

    for _ in range(2):
        with pytest.raises(LocalFailure, match="no such artifact"):
            kafka_jars.kafka_jars(heard.append)

    assert heard == ["kafka.fetch", "kafka.fetch"]


def test_the_version_on_the_label_is_the_one_that_is_fetched():
    assert f"<version>{kafka_jars.KAFKA_VERSION}</version>" in kafka_jars._POM.read_text()
