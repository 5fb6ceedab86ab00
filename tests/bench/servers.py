"""The one PostgreSQL and the one broker that everything is measured on, and fresh databases."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module
from typing import Final

import asyncpg

from plaint.local.postgres import LocalPostgres
from plaint.local.scratch import scratch_folder
from plaint.local.tansu import Tansu
from shared.runtime.database import Database
from shared.runtime.migrate import migrate

ROLE: Final = "bench"
DURABLE: Final = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


class NotDurable(AssertionError):
    """The server would lose what it has committed; its figures mean nothing."""


@contextmanager
def servers() -> Iterator[tuple[LocalPostgres, Tansu]]:
    """Run both for the length of the block."""
    with scratch_folder() as folder, LocalPostgres(folder / "postgres", fast=True) as postgres, Tansu() as broker:
        # When a row was committed is what latencies are measured by.
        asyncio.run(_alter(postgres, "track_commit_timestamp", "on"))
        postgres.stop()
        postgres.start()
        yield postgres, broker
        postgres.stop("immediate")  # nothing is to be kept


async def _alter(postgres: LocalPostgres, setting: str, value: str) -> None:
    async with _session(postgres.admin_url) as session:
        await session.execute(f"alter system set {setting} = {value}")


class Databases:
    """Databases that are copied from one migrated template for each service, so that all begin alike."""

    def __init__(self, postgres: LocalPostgres) -> None:
        self._postgres = postgres
        self._password = secrets.token_urlsafe(16)
        self._templates: dict[str, str] = {}

    async def prepare(self) -> None:
        """
        Make the role that owns them.

        Raises:
            NotDurable: a setting of the server is not what production has.
        """
        async with _session(self._postgres.admin_url) as session:
            for setting, value in DURABLE.items():
                if (found := await session.fetchval(f"show {setting}")) != value:
                    raise NotDurable(f"{setting} is {found}")
            await session.execute(f"create role {ROLE} login password '{self._password}'")

    async def create(self, service: str) -> str:
        """Make a new database with the tables of *service*, and return its URL."""
        template = self._templates.get(service) or await self._make_template(service)
        return await self._create(f"{service}_{secrets.token_hex(4)}", template)

    async def drop(self, url: str) -> None:
        """Drop a database, whoever is still connected to it."""
        name = url.rpartition("/")[2]
        async with _session(self._postgres.admin_url) as session:
            await session.execute(f"drop database if exists {name} with (force)")

    async def _make_template(self, service: str) -> str:
        name = f"template_{service}"
        url = await self._create(name, "template1")
        app, storage = import_module(f"services.{service}.app"), import_module(f"services.{service}.storage")
        database = Database(url)
        await migrate(database, app.MIGRATIONS, storage.metadata)
        await database.close()
        self._templates[service] = name
        return name

    async def _create(self, name: str, template: str) -> str:
        async with _session(self._postgres.admin_url) as session:
            await session.execute(f"create database {name} template {template} owner {ROLE}")
        return self._postgres.url(name, ROLE, self._password)


@asynccontextmanager
async def _session(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()
