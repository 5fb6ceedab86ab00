"""Each service's migrations make what its code expects, once, and a service says so when they have not run."""

import asyncio
import shutil
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from shared.runtime.database import Database
from shared.runtime.migrate import migrate
from shared.runtime.revisions import DatabaseTooOld, check_migrated, revisions_in

SERVICES = ("intake", "routing", "resolution", "followup")
LATER = """
import sqlalchemy as sa
from alembic import op

revision = "later"
down_revision = "{head}"


def upgrade():
    op.create_table("of_a_later_release", sa.Column("id", sa.Integer, primary_key=True))
"""


@dataclass(frozen=True)
class Service:
    """A service, and an empty database of its own."""

    name: str
    migrations: Path
    metadata: sa.MetaData
    database: Database

    @property
    def head(self):
        config = Config()
        config.set_main_option("script_location", str(self.migrations))
        config.set_main_option("path_separator", "os")
        return ScriptDirectory.from_config(config).get_current_head()

    async def migrate(self, folder=None):
        await migrate(self.database, folder or self.migrations, self.metadata)

    async def check(self, folder=None):
        await check_migrated(self.database, revisions_in(folder or self.migrations))

    async def run(self, *statements):
        async with self.database.engine.begin() as connection:
            for statement in statements:
                result = await connection.execute(sa.text(statement))
        return result


@pytest.fixture(params=SERVICES)
async def service(request, database_url):
    app, storage = (import_module(f"services.{request.param}.{part}") for part in ("app", "storage"))
    database = Database(database_url, pool_size=3)
    yield Service(request.param, app.MIGRATIONS, storage.metadata, database)
    await database.close()


@pytest.fixture
def next_release(service, tmp_path):
    """The same migrations and one more."""
    folder = shutil.copytree(service.migrations, tmp_path / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "9999_later.py").write_text(LATER.format(head=service.head))
    return folder


async def test_the_migrated_database_is_what_the_code_expects(service):
    await service.migrate()
    async with service.database.engine.connect() as connection:
        assert await connection.run_sync(differences, service.metadata) == []
        made, expected = await connection.run_sync(constraints), sorted(declared(service.metadata))
    assert made == expected


def differences(connection, metadata):
    options = {"compare_type": True, "compare_server_default": True}
    return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)


def constraints(connection):
    """What alembic does not compare: primary keys, checks, and the conditions of partial indexes."""
    inspector = sa.inspect(connection)
    made = []
    for table in set(inspector.get_table_names()) - {"alembic_version"}:
        made.append((table, "key", tuple(inspector.get_pk_constraint(table)["constrained_columns"])))
        made += [(table, "check", each["name"]) for each in inspector.get_check_constraints(table)]
        partial = [
            each for each in inspector.get_indexes(table) if each.get("dialect_options", {}).get("postgresql_where")
        ]
        made += [(table, "partial", each["name"]) for each in partial]
    return sorted(made)


def declared(metadata):
    for table in metadata.tables.values():
        yield table.name, "key", tuple(column.name for column in table.primary_key.columns)
        for each in table.constraints:
            if isinstance(each, sa.CheckConstraint):
                yield table.name, "check", each.name
        for index in table.indexes:
            if index.dialect_options["postgresql"]["where"] is not None:
                yield table.name, "partial", index.name


async def test_migrating_twice_is_harmless(service):
    await service.migrate()
    await service.run("insert into streams (subject, last) values (gen_random_uuid(), 7)")
    await service.migrate()
    assert (await service.run("select last from streams")).scalar_one() == 7
    await service.check()


async def test_two_that_migrate_at_once_wait_for_each_other(service):
    await asyncio.gather(service.migrate(), service.migrate())
    assert (await service.run("select version_num from alembic_version")).scalars().all() == [service.head]


async def test_who_migrates_waits_for_who_began_before(service):
    async with service.database.engine.begin() as connection:
        await connection.execute(sa.text("select pg_advisory_xact_lock(:lock)"), {"lock": 0x6D69_6772_6174_65})
        second = asyncio.create_task(service.migrate())
        await waits_for_a_lock(connection)
        assert not second.done()
    await second
    await service.check()


async def waits_for_a_lock(connection):
    waiting = sa.text("select count(*) from pg_locks where locktype = 'advisory' and not granted and database = "
                      "(select oid from pg_database where datname = current_database())")  # fmt: skip
    while not (await connection.execute(waiting)).scalar_one():
        await asyncio.sleep(0.01)


async def test_a_migration_that_fails_leaves_nothing_behind(service, next_release):
    await service.migrate()
    await service.run("create table of_a_later_release ()")
    with pytest.raises(sa.exc.ProgrammingError):
        await service.migrate(next_release)
    assert (await service.run("select version_num from alembic_version")).scalars().all() == [service.head]


async def test_a_database_that_was_never_migrated_is_too_old(service):
    with pytest.raises(DatabaseTooOld, match=service.head):
        await service.check()


async def test_a_database_of_an_earlier_release_is_too_old_until_it_is_migrated(service, next_release):
    await service.migrate()
    with pytest.raises(DatabaseTooOld, match="later"):
        await service.check(next_release)
    await service.migrate(next_release)
    await service.check(next_release)


async def test_a_database_of_a_later_release_will_do(service, next_release):
    await service.migrate(next_release)
    await service.check()


async def test_readiness_depends_on_it(service, database_url):
    settings = import_module(f"services.{service.name}.settings")
    engine = import_module(f"services.{service.name}.app").engine_of(
        getattr(settings, f"{service.name.title()}Settings")(database_url=database_url)
    )
    with pytest.raises(DatabaseTooOld):
        await engine.checks["migrations"]()
    await service.migrate()
    for check in engine.checks.values():
        await check()
    await engine.database.close()
