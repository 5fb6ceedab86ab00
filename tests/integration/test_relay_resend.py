"""A broker that lost everything is noticed by its cluster id, though nothing new is said to it."""

import asyncio
from uuid import UUID

import pytest

from plaint.local.tansu import Tansu
from shared.contracts.intake import ComplaintWithdrawn
from shared.contracts.registry import topic_of
from shared.runtime.broker import Broker
from shared.runtime.needs import Stream
from shared.runtime.relay import Relay
from shared.testing.loops import running
from shared.testing.script import script
from shared.testing.topics import read_topic

SUBJECTS = [UUID(int=n) for n in range(1, 8)]


@pytest.fixture
async def door(replica):
    return await replica("intake")


async def test_a_cluster_that_lost_everything_is_sent_it_again_though_nothing_new_is_said(door, topic_prefix):
    def withdraw(_, work):
        for subject in SUBJECTS:
            work.announce(ComplaintWithdrawn(complaint_id=subject))

    await door.ask(script(withdraw, *map(Stream, SUBJECTS)))
    with Tansu() as broker:
        cluster = Broker(broker.bootstrap, topic_prefix)
        topic = topic_of("intake", topic_prefix)
        async with running(Relay("intake", door.database, cluster).run()):
            await read_topic(broker.bootstrap, topic, len(SUBJECTS))
            await asyncio.to_thread(broker.kill)
            await asyncio.to_thread(broker.start)
            records = await read_topic(broker.bootstrap, topic, len(SUBJECTS))

    assert {UUID(record.key.decode()) for record in records} == set(SUBJECTS)
