"""Routing's worker on PostgreSQL: it reads what it needs and no more, in few commits, and a crash repeats nothing."""

import asyncio
import os
import sys

import pytest

from plaint.local.processes import ServiceProcess
from services.routing.app import MIGRATIONS, engine_of, workers_of
from services.routing.settings import RoutingSettings
from services.routing.storage import SqlComplaints, SqlRoster, metadata
from shared.contracts.intake import ComplaintReceived
from shared.runtime.database import Database
from shared.runtime.ids import new_id
from shared.runtime.migrate import migrate
from shared.testing.deadline import eventually
from shared.testing.events import Speakers, sample
from shared.testing.loops import running

TEXT = "冰箱才买三天压缩机就坏了，不制冷，质量太差，要求换货"
KILLED = -9
FILL = """
insert into complaints (complaint_id, state, text, language, tier, received_at, round, closed_round, doubts, cause,
                        team, assignee, reasons, revision)
select gen_random_uuid(), state, 'text', 'zh-Hans', 'C', timestamptz '2026-01-01' + number * interval '1 s', 1, 0, '[]',
       'quality', 'desk', assignee, '[]', 1
from (values ('routed', 'd-1', 20000), ('released', 'd-1', 20000), ('waiting', null, 3),
             ('routed', 'queue:desk', 2), ('routed', 'queue:empty', 3000)) as kinds (state, assignee, many)
cross join lateral generate_series(1, many) as number
"""
AGENT = "insert into agents values ('d-1', 'desk', '[]', '[]', true, 20, 1)"
ROWS_READ = """
select (select seq_tup_read from pg_stat_user_tables where relname = 'complaints')
       + (select sum(idx_tup_read) from pg_stat_user_indexes where relname = 'complaints')
"""


@pytest.fixture
async def one_connection(database_url):
    """The statistics of what a connection has read are there at once for itself alone."""
    database = Database(database_url, pool_size=1)
    await migrate(database, MIGRATIONS, metadata)
    async with database.connection() as connection:
        await connection.execute(FILL)
        await connection.execute(AGENT)
        await connection.execute("insert into workloads values ('d-1', 0)")
        await connection.execute("analyze complaints")
    yield database
    await database.close()


@pytest.mark.parametrize(
    ("look", "found"),
    [
        (lambda database: SqlComplaints(database).waiting(50, 100), 3),
        (lambda database: SqlComplaints(database).servable(50), 2),
        (lambda database: SqlComplaints(database).servable(1), 1),
    ],
)
async def test_a_look_for_work_reads_no_more_than_it_finds(one_connection, look, found):
    before = await rows_read(one_connection)
    assert len(await look(one_connection)) == found
    assert await rows_read(one_connection) - before <= found


async def test_counting_the_queues_reads_the_queued_alone(one_connection):
    before = await rows_read(one_connection)
    assert (await SqlRoster(one_connection).crews())["desk"].queued == 2
    assert await rows_read(one_connection) - before <= 3_002


async def rows_read(database):
    async with database.connection() as connection:
        await connection.execute("select pg_stat_force_next_flush()")
        await connection.execute("select pg_stat_clear_snapshot()")
        return await connection.fetchval(ROWS_READ)


@pytest.fixture
async def engine(database_url, tmp_path):
    keys = tmp_path / "keys.json"
    keys.write_text("{}")
    engine = engine_of(RoutingSettings(database_url=database_url, keys_file=keys))
    await migrate(engine.database, MIGRATIONS, metadata)
    yield engine
    await engine.database.close()


async def test_the_service_reads_new_complaints_on_their_way(engine, database_url, tmp_path):
    workers_of(engine, RoutingSettings(database_url=database_url, keys_file=tmp_path / "keys.json"))
    told = Speakers(engine.clock).say(sample(ComplaintReceived, complaint_id=new_id(), text=TEXT))
    (read,) = await engine.consumer.look_ahead([told])
    async with running(engine.door.run()):
        assert [each.fate for each in await engine.door.put_all([read])] == ["done"]
    assert await said(engine) == once([told.envelope.subject])


async def receive(engine, count):
    others = Speakers(engine.clock)
    events = [sample(ComplaintReceived, complaint_id=new_id(), text=TEXT) for _ in range(count)]
    async with running(engine.door.run()):
        assert {each.fate for each in await engine.door.put_all(map(others.say, events))} == {"done"}
    return [each.complaint_id for each in events]


async def said(engine):
    """How often each type was said of each complaint."""
    query = "select subject, type, count(*) as times from history group by subject, type"
    async with engine.database.connection() as connection:
        return {(row["subject"], row["type"]): row["times"] for row in await connection.fetch(query)}


def once(complaint_ids):
    types = ("routing.complaint.classified.v1", "routing.complaint.routed.v1")
    return {(complaint_id, type_): 1 for complaint_id in complaint_ids for type_ in types}


async def test_what_waits_together_is_classified_in_few_commits(engine, database_url, tmp_path):
    complaint_ids = await receive(engine, 200)
    commits = []
    engine.door.after_commit(lambda: commits.append(1))
    settings = RoutingSettings(database_url=database_url, keys_file=tmp_path / "keys.json")
    classify = workers_of(engine, settings)["classifier"]
    async with running(engine.door.run(), classify()):
        await eventually(lambda: len_of(engine, 400))
    assert await said(engine) == once(complaint_ids)
    assert len(commits) < 50


async def len_of(engine, events):
    return sum((await said(engine)).values()) == events


async def test_killed_before_a_result_is_stated_every_complaint_is_classified_once(engine, database_url, tmp_path):
    complaint_ids = await receive(engine, 20)
    nobody = {"PLAINT_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1", "PLAINT_KEYS_FILE": str(tmp_path / "keys.json")}
    environment = os.environ | nobody | {"PLAINT_DATABASE_URL": database_url, "PLAINT_PORT": "0"}
    command = [sys.executable, "-m", "services.routing", "serve"]
    failpoint = {"PLAINT_FAILPOINTS": "worker.before_result=kill"}
    first = ServiceProcess("routing", command, environment | failpoint, tmp_path / "first.log")
    await asyncio.to_thread(first.start)
    try:
        await eventually(lambda: first.returncode == KILLED, seconds=30)
    finally:
        await asyncio.to_thread(first.stop)
    assert await said(engine) == {}
    second = ServiceProcess("routing", command, environment, tmp_path / "second.log")
    await asyncio.to_thread(second.start)
    try:
        await eventually(lambda: len_of(engine, 40), seconds=30)
    finally:
        await asyncio.to_thread(second.stop)
    assert await said(engine) == once(complaint_ids)
