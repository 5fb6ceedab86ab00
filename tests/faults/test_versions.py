"""Services of different ages: a newer one says more than an older one knows."""

import asyncio
from uuid import uuid4

import pytest

from shared.contracts.envelope import Envelope
from shared.runtime.records import pack_headers
from shared.runtime.tables import HISTORY_LOCK
from tests.faults.nemesis import administrator
from tests.faults.world import SERVICES

NEWER = """
create function add_fields() returns trigger language plpgsql as $$ begin
    new.body := convert_to(jsonb_set(convert_from(new.body, 'UTF8')::jsonb, '{of_version_9}',
        '{"grade": 3, "notes": ["新字段", null]}')::text, 'UTF8');
    return new;
end $$;
create trigger newer before insert on history for each row execute function add_fields()
"""
OLDER_AGAIN = "drop trigger newer on history; drop function add_fields"


@pytest.mark.quick
async def test_old_and_new_versions_of_events_are_mixed(scene, world):
    async with scene.fault(
        "old and new event versions", "unknown fields in every event, unknown types within streams; then old again"
    ) as course:
        for service in SERVICES:
            await ask(world, service, NEWER)
        course.seen["unknown_types"] = await say_new_things(world, course.seconds(4, 20))
        for service in SERVICES:
            await ask(world, service, OLDER_AGAIN)
        course.seen["unknown_types"] += await say_new_things(world, course.seconds(2, 8))
        await course.wait(2, 5)
    assert course.seen["unknown_types"] >= len(SERVICES)


async def ask(world, service, query):
    async with administrator(world, service) as connection:
        await connection.execute(query)


async def say_new_things(world, times):
    """Let each service say something of a type nobody knows, in its turn on streams that go on; how often it did."""
    said = 0
    for _ in range(times):
        said += sum(await asyncio.gather(*(say_something_new(world, service) for service in SERVICES)))
        await asyncio.sleep(1)
    return said


async def say_something_new(world, service):
    """Append an event of an unknown type to some of the youngest streams, as the service itself would."""
    async with administrator(world, service) as connection, connection.transaction():
        query = "select * from streams where last_at < $1 order by last_at desc limit 3 for update skip locked"
        streams = await connection.fetch(query, world.now(service))
        await connection.execute("select pg_advisory_xact_lock($1)", HISTORY_LOCK)
        for stream in streams:
            number = stream["last"] + 1
            kind = f"{service}.horoscope.drawn.v9"
            headers = pack_headers(
                Envelope(uuid4(), kind, service, stream["subject"], stream["last_at"], number, uuid4()).headers()
            )
            await connection.execute("update streams set last = $2 where subject = $1", stream["subject"], number)
            await connection.execute(
                "insert into history (subject, sequence, type, at, headers, body) values ($1, $2, $3, $4, $5, $6)",
                *(stream["subject"], number, kind, stream["last_at"], headers, b'{"stars": 5}'),
            )
    return len(streams)
