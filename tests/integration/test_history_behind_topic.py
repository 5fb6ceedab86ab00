"""A database that was restored from a backup, and topics that know more: nothing false may be published."""

from dataclasses import replace
from uuid import UUID

import pytest
from aiokafka import AIOKafkaProducer
from prometheus_client import REGISTRY

from shared.contracts.envelope import read_envelope
from shared.contracts.intake import ComplaintWithdrawn
from shared.contracts.registry import topic_of
from shared.runtime.broker import Broker
from shared.runtime.consumer import Consumer
from shared.runtime.measures import Measures
from shared.runtime.needs import Stream
from shared.runtime.reads import unsent_events
from shared.runtime.relay import Relay
from shared.testing.deadline import eventually
from shared.testing.events import sample
from shared.testing.loops import running
from shared.testing.script import script
from shared.testing.topics import read_topic

SUBJECTS = [UUID(int=n) for n in range(1, 8)]


@pytest.fixture
def cluster(broker, topic_prefix):
    return Broker(broker.bootstrap, topic_prefix)


@pytest.fixture
async def door(replica):
    return await replica("intake")


def saying(*subjects):
    def run(_, work):
        for subject in subjects:
            work.announce(sample(ComplaintWithdrawn, complaint_id=subject))

    return script(run, *(Stream(subject) for subject in subjects))


async def everything_sent(door):
    return await unsent_events(door.database) == 0


async def publish_all(door, cluster):
    async with running(Relay("intake", door.database, cluster).run()):
        await eventually(lambda: everything_sent(door))


async def restore(door, relay_row):
    """Bring back what a backup had that was made when each subject had one event."""
    async with door.database.connection() as connection:
        await connection.execute("delete from history where sequence > 1")
        await connection.execute("update streams set last = 1")
        await connection.execute(
            "update relay set last_id = $1, offsets = $2", relay_row["last_id"], relay_row["offsets_text"]
        )


async def backup(door):
    async with door.database.connection() as connection:
        return await connection.fetchrow("select last_id, offsets::text as offsets_text from relay")


async def is_refused(door, cluster):
    relay = Relay("intake", door.database, cluster)
    async with running(relay.run()):
        return await eventually(lambda: relay.trouble == "HistoryBehindTopic")


async def test_a_restored_database_is_noticed_though_new_facts_have_taken_the_lost_numbers(door, cluster):
    await door.ask(saying(*SUBJECTS))
    await publish_all(door, cluster)
    kept = await backup(door)
    await door.ask(saying(SUBJECTS[0]))
    await publish_all(door, cluster)
    await restore(door, kept)
    await door.ask(saying(SUBJECTS[0]))

    assert await is_refused(door, cluster)
    assert len(await read_topic(cluster.bootstrap, topic_of("intake", cluster.prefix), 8)) == 8


async def test_a_restored_database_is_noticed_though_the_newest_record_is_an_old_event_sent_again(door, cluster):
    """As when a replay was on its way when the database was lost."""
    await door.ask(saying(*SUBJECTS))
    await publish_all(door, cluster)
    kept = await backup(door)
    await door.ask(saying(SUBJECTS[0]))
    await publish_all(door, cluster)
    topic = topic_of("intake", cluster.prefix)
    old = [record for record in await read_topic(cluster.bootstrap, topic, 8) if sequence_of(record) == 1]
    async with AIOKafkaProducer(acks="all", bootstrap_servers=cluster.bootstrap) as producer:
        for record in old:
            await producer.send_and_wait(topic, key=record.key, value=record.value, headers=list(record.headers))
    await restore(door, kept)

    assert await is_refused(door, cluster)


def sequence_of(record):
    return read_envelope(record.headers).sequence


async def test_a_crash_before_the_position_was_kept_is_no_restore(door, cluster):
    await door.ask(saying(*SUBJECTS))
    await publish_all(door, cluster)
    kept = await backup(door)
    await door.ask(saying(*SUBJECTS))
    await publish_all(door, cluster)
    async with door.database.connection() as connection:
        await connection.execute("update relay set last_id = $1, offsets = $2", kept["last_id"], kept["offsets_text"])

    await publish_all(door, cluster)
    assert len(await read_topic(cluster.bootstrap, topic_of("intake", cluster.prefix), 21)) == 21


async def test_topics_of_another_prefix_are_given_the_last_days_though_nothing_new_is_said(door, cluster):
    await door.ask(saying(*SUBJECTS))
    await publish_all(door, cluster)
    anew = replace(cluster, prefix=f"again.{cluster.prefix}")

    async with running(Relay("intake", door.database, anew).run()):
        assert len(await read_topic(anew.bootstrap, topic_of("intake", anew.prefix), 7)) == 7


async def test_the_age_of_what_is_unsent_is_told_though_kafka_is_away(door, topic_prefix):
    nobody = Broker("127.0.0.1:1", topic_prefix)
    measures = Measures("intake", door.database)
    relay, consumer = Relay("intake", door.database, nobody), Consumer("intake", [], door.door, nobody)
    await measures.take(consumer, relay)
    said = value("plaint_events_said_total", type="intake.complaint.withdrawn.v1") or 0
    await door.ask(saying(*SUBJECTS))
    async with door.database.connection() as connection:
        await connection.execute("update history set written_at = written_at - interval '90 s'")
    relay.trouble = "HistoryBehindTopic"
    await measures.take(consumer, relay)

    assert value("plaint_relay_unsent_events") == 7
    assert 90 <= value("plaint_relay_age_seconds") < 120
    assert value("plaint_events_said_total", type="intake.complaint.withdrawn.v1") == said + 7
    assert (value("plaint_stopped", part="relay"), value("plaint_stopped", part="consumer")) == (1, 0)
    async with door.database.connection():
        assert value("plaint_pool_in_use_connections") == 1
    assert value("plaint_pool_size_connections") == door.database.pool_size


def value(name, **labels):
    return REGISTRY.get_sample_value(name, {"service": "intake", **labels})
