"""Bringing a database to its newest form, by one process at a time, and telling whether it has it."""

import asyncio

import pytest
import sqlalchemy as sa

from shared.runtime.database import Database
from shared.runtime.migrate import migrate
from shared.runtime.revisions import DatabaseTooOld, check_migrated, revisions_in
from shared.runtime.tables import add_runtime_tables

METADATA = sa.MetaData()
add_runtime_tables(METADATA)

FIRST = """
from shared.runtime.migrate import create_runtime_tables

revision = "0001"
down_revision = None


def upgrade():
    create_runtime_tables()
"""
SECOND = """
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.execute("select pg_sleep(0.2)")
    op.execute("create table extra (id int)")
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "env.py").write_text("from shared.runtime.migrate import run_in_alembic\n\nrun_in_alembic()\n")
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions" / "0001.py").write_text(FIRST)
    return tmp_path


@pytest.fixture
def second_migration(folder):
    path = folder / "versions" / "0002.py"
    path.write_text(SECOND)
    return path


@pytest.fixture
async def empty(database_url):
    database = Database(database_url)
    yield database
    await database.close()


async def tables(database):
    async with database.connection() as connection:
        return {row[0] for row in await connection.fetch("select tablename from pg_tables where schemaname = 'public'")}


async def test_a_new_database_gets_every_table_and_a_second_time_changes_nothing(empty, folder):
    with pytest.raises(DatabaseTooOld):
        await check_migrated(empty, revisions_in(folder))

    for _ in range(2):
        await migrate(empty, folder, METADATA)

    assert await tables(empty) == {*METADATA.tables, "alembic_version"}
    await check_migrated(empty, revisions_in(folder))


@pytest.mark.usefixtures("second_migration")
async def test_two_processes_that_migrate_at_once_wait_for_each_other(empty, folder):
    await asyncio.gather(*(migrate(empty, folder, METADATA) for _ in range(3)))

    assert "extra" in await tables(empty)
    await check_migrated(empty, revisions_in(folder))


async def test_code_that_is_newer_than_its_database_says_so(empty, folder):
    await migrate(empty, folder, METADATA)
    (folder / "versions" / "0002.py").write_text(SECOND)

    with pytest.raises(DatabaseTooOld, match="at 0001, needs 0002"):
        await check_migrated(empty, revisions_in(folder))


async def test_code_that_is_older_than_its_database_starts(empty, folder, second_migration):
    await migrate(empty, folder, METADATA)
    second_migration.unlink()

    await check_migrated(empty, revisions_in(folder))
