"""The relay on a real broker: in order, by one leader, nothing lost over restarts, nothing said that is not known."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from plaint.local.tansu import Tansu
from shared.contracts.envelope import read_envelope
from shared.contracts.intake import ComplaintWithdrawn
from shared.contracts.registry import topic_of
from shared.runtime import failpoints
from shared.runtime.broker import Broker, WrongPartitions
from shared.runtime.message import Command
from shared.runtime.needs import Stream
from shared.runtime.reads import replay_since, unsent_events
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


def withdrawing(*subjects, reason="不需要了"):
    def run(_, work):
        for subject in subjects:
            work.announce(sample(ComplaintWithdrawn, complaint_id=subject, reason=reason))

    return script(run, *(Stream(subject) for subject in set(subjects)))


async def published(cluster, at_least):
    return await read_topic(cluster.bootstrap, topic_of("intake", cluster.prefix), at_least)


def numbers(records):
    """The sequences of each subject, in the order of the topic."""
    found = {}
    for record in records:
        envelope = read_envelope(record.headers)
        found.setdefault(envelope.subject, []).append(envelope.sequence)
    return found


async def everything_sent(database):
    return await unsent_events(database) == 0


# What is published.


async def test_the_history_is_published_in_its_order_with_envelope_key_and_body(door, cluster):
    for _ in range(3):
        await door.put(*(Command(withdrawing(subject)) for subject in SUBJECTS))
    told = {told.envelope.id: told for told in await door.said()}

    async with running(Relay("intake", door.database, cluster).run()):
        records = await published(cluster, len(told))

    assert numbers(records) == {subject: [1, 2, 3] for subject in SUBJECTS}
    for record in records:
        envelope = read_envelope(record.headers)
        assert told.pop(envelope.id).envelope == envelope
        assert record.key == str(envelope.subject).encode()
        event = ComplaintWithdrawn.model_validate_json(record.value)
        assert (event.complaint_id, event.reason) == (envelope.subject, "不需要了")
    assert told == {}


async def test_what_is_committed_later_follows_as_soon_as_the_relay_is_woken(door, cluster):
    relay = Relay("intake", door.database, cluster)
    door.door.after_commit(relay.wake)

    async with running(relay.run()):
        await door.ask(withdrawing(SUBJECTS[0]))
        await published(cluster, 1)
        await door.ask(withdrawing(SUBJECTS[0]))
        await eventually(lambda: everything_sent(door.database), seconds=0.5)

    assert numbers(await published(cluster, 2)) == {SUBJECTS[0]: [1, 2]}
    assert relay.trouble is None


async def test_the_largest_event_that_history_takes_can_be_published(door, cluster):
    await door.ask(withdrawing(SUBJECTS[0], reason="x" * 899_000))
    with pytest.raises(Exception, match="history_body_fits_kafka"):
        await door.ask(withdrawing(SUBJECTS[0], reason="x" * 900_000))

    async with running(Relay("intake", door.database, cluster).run()):
        (record,) = await published(cluster, 1)

    assert len(record.value) > 899_000


async def test_events_of_a_demo_whose_clock_is_days_ahead_are_taken_by_the_broker(door, cluster):
    """Apache Kafka refuses records whose timestamp is more than an hour ahead of its own clock."""
    door.clock.set(door.clock.now() + timedelta(days=10_000))
    await door.ask(withdrawing(SUBJECTS[0]))

    async with running(Relay("intake", door.database, cluster).run()):
        (record,) = await published(cluster, 1)

    assert read_envelope(record.headers).time == door.clock.now()


# Where it goes on.


async def test_a_relay_that_starts_again_goes_on_where_the_last_one_stopped(door, cluster):
    for _ in range(2):
        await door.ask(withdrawing(*SUBJECTS))
        async with running(Relay("intake", door.database, cluster).run()):
            await eventually(lambda: everything_sent(door.database))

    assert numbers(await published(cluster, 14)) == {subject: [1, 2] for subject in SUBJECTS}


async def test_a_crash_before_the_position_is_kept_repeats_one_batch(door, cluster, monkeypatch):
    await door.ask(withdrawing(*SUBJECTS))
    monkeypatch.setitem(failpoints._PLANTED, "relay.after_send", "raise")
    relay = Relay("intake", door.database, cluster)

    async with running(relay.run()):
        await eventually(lambda: relay.trouble == "Failpoint")
        monkeypatch.delitem(failpoints._PLANTED, "relay.after_send")
        await eventually(lambda: everything_sent(door.database))

    assert numbers(await published(cluster, 14)) == {subject: [1, 1] for subject in SUBJECTS}


async def test_a_replay_is_published_once_more_from_its_moment_on(door, cluster):
    for _ in range(3):
        await door.ask(withdrawing(*SUBJECTS))
        door.clock.move(timedelta(hours=1))
    since = door.clock.now() - timedelta(hours=2)

    async with running(Relay("intake", door.database, cluster).run()):
        await published(cluster, 21)
        assert await replay_since(door.database, since) == 14
        records = await published(cluster, 35)

    assert numbers(records) == {subject: [1, 2, 3, 2, 3] for subject in SUBJECTS}


# Topics that a hasty client made, with another number of partitions.


async def create_with_partitions(cluster, partitions):
    topic = topic_of("intake", cluster.prefix)
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, partitions, 1)])
    await admin.close()
    return topic


async def test_an_empty_topic_of_the_wrong_shape_is_made_anew_by_its_owner(door, cluster):
    await create_with_partitions(cluster, 4)
    await door.ask(withdrawing(*SUBJECTS))

    with pytest.raises(WrongPartitions):
        await cluster.ensure_topics(heard=cluster.topics())
    async with running(Relay("intake", door.database, cluster).run()):
        await eventually(lambda: everything_sent(door.database))

    await cluster.ensure_topics(heard=cluster.topics())
    assert numbers(await published(cluster, 7)) == {subject: [1] for subject in SUBJECTS}


async def test_a_topic_of_the_wrong_shape_that_holds_something_is_left_alone(door, cluster):
    topic = await create_with_partitions(cluster, 4)
    async with AIOKafkaProducer(bootstrap_servers=cluster.bootstrap) as producer:
        await producer.send_and_wait(topic, b"someone's")
    relay = Relay("intake", door.database, cluster)

    async with running(relay.run()):
        await eventually(lambda: relay.trouble == "WrongPartitions")

    assert [record.value for record in await published(cluster, 1)] == [b"someone's"]


# Who publishes.


LEADERS = (
    "select application_name, a.pid from pg_locks l join pg_stat_activity a using (pid)"
    " where locktype = 'advisory' and granted and application_name like '% leader' and datname = current_database()"
)


async def leaders(database):
    async with database.connection() as connection:
        return {row["application_name"]: row["pid"] for row in await connection.fetch(LEADERS)}


async def test_of_two_relays_one_publishes_and_the_other_takes_over_when_its_session_ends(
    door, database, connect, cluster
):
    first, second = [Relay("intake", await connect(application=name), cluster) for name in ("first", "second")]
    await door.ask(withdrawing(*SUBJECTS))

    async with running(first.run(), second.run()):
        await eventually(lambda: everything_sent(database))
        ((name, pid),) = (await leaders(database)).items()
        async with database.connection() as connection:
            await connection.execute("select pg_terminate_backend($1)", pid)
        await eventually(lambda: another_leads(database, pid))
        await door.ask(withdrawing(*SUBJECTS))
        await eventually(lambda: everything_sent(database))

    assert name in {"first leader", "second leader"}
    # The first may not have noticed at once that it leads no more, and then both have published the same.
    found = numbers(await published(cluster, 14))
    assert [list(dict.fromkeys(found[subject])) for subject in SUBJECTS] == [[1, 2]] * len(SUBJECTS)


async def another_leads(database, pid):
    found = await leaders(database)
    assert len(found) <= 1
    return found and pid not in found.values()


# When the broker is another one, or knows more.


async def test_a_cluster_that_lost_everything_is_sent_the_last_days_again(door, topic_prefix):
    with Tansu() as broker:
        cluster = Broker(broker.bootstrap, topic_prefix)
        relay = Relay("intake", door.database, cluster)
        await door.ask(withdrawing(*SUBJECTS))
        await forget_when_it_was_written(door.database, "8 days")
        for _ in range(2):
            await door.ask(withdrawing(*SUBJECTS))
        async with running(relay.run()):
            await published(cluster, 21)
            await asyncio.to_thread(broker.kill)
            await door.ask(withdrawing(*SUBJECTS))
            await asyncio.to_thread(broker.start)
            records = await published(cluster, 21)

    # What was on its way when the broker died may come first, and once more in its place.
    found = numbers(records)
    assert [found[subject][-3:] for subject in SUBJECTS] == [[2, 3, 4]] * len(SUBJECTS)
    assert all(set(of_one) == {2, 3, 4} for of_one in found.values())


async def forget_when_it_was_written(database, ago):
    async with database.connection() as connection:
        await connection.execute("update history set written_at = written_at - $1::text::interval", ago)


async def test_nothing_is_published_while_the_topic_knows_more_than_the_history(door, cluster):
    """As after a restore from an older backup: new facts would get the numbers of old ones."""
    await door.ask(withdrawing(*SUBJECTS))
    await door.ask(withdrawing(*SUBJECTS))
    async with running(Relay("intake", door.database, cluster).run()):
        await published(cluster, 14)
    async with door.database.connection() as connection:
        await connection.execute("delete from history where sequence > 1")
        await connection.execute("update streams set last = 1")
        await connection.execute("update relay set last_id = (select max(id) from history)")
    await door.ask(withdrawing(SUBJECTS[0]))
    relay = Relay("intake", door.database, cluster)

    async with running(relay.run()):
        await eventually(lambda: relay.trouble == "HistoryBehindTopic")
        records = await published(cluster, 14)

    assert numbers(records) == {subject: [1, 2] for subject in SUBJECTS}
    assert await unsent_events(door.database) == 1
