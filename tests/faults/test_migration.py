"""The next release comes while people work: its migrations first, then its processes one by one."""

import asyncio
import os
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

import services
from plaint.local.scratch import scratch_folder
from shared.runtime.revisions import revisions_in
from tests.faults.nemesis import administrator
from tests.faults.world import SERVICES

MAIN_TABLES = {"intake": "complaints", "routing": "complaints", "resolution": "cases", "followup": "callbacks"}
REVISION = '''
"""A column and an index that the release before does not know."""

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"


def upgrade() -> None:
    for table in ("{table}", "history"):
        op.add_column(table, sa.Column("of_next_release", sa.Text))
        op.create_index(f"{{table}}_of_next_release", table, ["of_next_release"])
'''
LONGEST_LOCK_SECONDS = 1.0


@pytest.fixture(scope="module")
def next_release():
    """The folder of a release with one migration more for each service."""
    with scratch_folder() as folder:
        copied = shutil.copytree(Path(services.__file__).parent, folder / "services")
        for service, table in MAIN_TABLES.items():
            migrations = copied / service / "migrations"
            revision = REVISION.format(head=revisions_in(migrations).head, table=table)
            (migrations / "versions" / "9999_next_release.py").write_text(revision)
        yield folder


async def test_the_next_release_is_rolled_out_under_load(scene, world, next_release):
    await asyncio.gather(*(world.add(service) for service in SERVICES))
    async with scene.fault(
        "migration under load", "column and index on two tables of each service, then a rolling restart"
    ) as course:
        for service in SERVICES:
            await migrated(world, service, next_release, course.seen)
        await still_ready(world)
        await asyncio.sleep(10)
        for instance in world.instances:
            await instance.stop()
            instance.start(**code_of(next_release))
            await instance.ready()
    await asyncio.gather(*(world.remove(world.of(service)[1]) for service in SERVICES))
    assert course.load.unsure == []
    assert max(course.seen["locked_s"].values()) < LONGEST_LOCK_SECONDS * course.seen["crowding"]


def code_of(release):
    """The environment in which Python finds the services of *release*, and everything else where it is."""
    return {
        "PYTHONPATH": os.pathsep.join([str(release), str(Path(services.__file__).parents[1])]),
        "PYTHONSAFEPATH": "1",
    }


async def migrated(world, service, release, seen):
    """Run the release's own ``migrate``, and note how long a session of the service waited for a table meanwhile."""
    watching = asyncio.create_task(longest_wait(world, service))
    environment = world.environment(service, 0) | code_of(release)
    command = [sys.executable, "-m", f"services.{service}", "migrate"]
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(*command, env=environment, stderr=asyncio.subprocess.PIPE)
    _, said = await process.communicate()
    assert process.returncode == 0, said.decode()[-2000:]
    seen.setdefault("migrate_s", {})[service] = round(time.monotonic() - began, 1)
    watching.cancel()
    seen.setdefault("locked_s", {})[service] = await watching
    async with administrator(world, service) as connection:
        assert await connection.fetchval("select version_num from alembic_version") == "9999"


async def longest_wait(world, service):
    """Look 50 times a second, until cancelled, how long someone has waited for a lock on a table."""
    query = (
        "select coalesce(max(extract(epoch from clock_timestamp() - waitstart)), 0)::float8"
        " from pg_locks where not granted and locktype = 'relation'"
        " and database = (select oid from pg_database where datname = current_database())"
    )
    longest = 0.0
    async with administrator(world, service) as connection:
        with suppress(asyncio.CancelledError):
            while True:
                longest = max(longest, await connection.fetchval(query))
                await asyncio.sleep(0.02)
    return round(longest, 3)


async def still_ready(world):
    async with world.http(60) as http:
        for instance in world.instances:
            (await http.get(f"{instance.url}/readyz")).raise_for_status()
