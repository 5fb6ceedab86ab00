"""Everything that runs behind one service's edges, put together."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from shared.runtime.cancellation import is_cancelled
from shared.runtime.clock import Clock
from shared.runtime.consumer import Consumer
from shared.runtime.database import Database
from shared.runtime.door import Door
from shared.runtime.leader import lead
from shared.runtime.measures import Measures
from shared.runtime.message import Handlers
from shared.runtime.relay import Relay
from shared.runtime.revisions import check_migrated, revisions_in
from shared.runtime.sql import SqlStore
from shared.runtime.tables import Stored
from shared.runtime.tail import HistoryBehindTopic
from shared.runtime.timers import fire_timers
from shared.runtime.work import Work
from shared.settings import ServiceSettings

Loop = Callable[[], Awaitable[None]]
Check = Callable[[], Awaitable[object]]

HOUSEKEEPING_SECONDS: Final = 5.0
ANSWERS_KEPT: Final = "7 days"
"""How long an Idempotency-Key is remembered; the header's description in OpenAPI says so."""


class Halted(RuntimeError):
    """The consumer stopped because too many streams failed in a row."""


class Engine:
    """
    Database, door, relay, consumer and timers of one service.

    ``loops`` run until cancelled; ``checks`` say whether the service is ready. Kafka being away is no reason not to
    be: commands are accepted and their events wait in the history.
    """

    def __init__(
        self,
        service: str,
        settings: ServiceSettings,
        stored: Iterable[Stored],
        handlers: Handlers,
        hears: Sequence[str],
        migrations: Path,
    ) -> None:
        rows = tuple(stored)
        self.service = service
        self.clock: Clock = settings.clock.clock()
        self.database = Database(
            settings.database_url.get_secret_value(), pool_size=settings.pool_size, application=f"plaint {service}"
        )
        self.store = SqlStore(self.database, rows)
        self.door = Door(service, self.store, [item.kind for item in rows], handlers, self.clock)
        self.broker = settings.kafka.broker()
        self.relay = Relay(service, self.database, self.broker)
        self.door.after_commit(self.relay.wake, Work.announces)
        self.consumer = Consumer(service, hears, self.door, self.broker)
        self._measures = Measures(service, self.database)
        self._revisions = revisions_in(migrations)

    @property
    def loops(self) -> Mapping[str, Loop]:
        """What must keep running, by name."""
        return {
            "door": self.door.run,
            "relay": self.relay.run,
            "consumer": self.consumer.run,
            "timers": self._timers,
            "housekeeping": self._housekeeping,
        }

    @property
    def checks(self) -> Mapping[str, Check]:
        """What must hold for the service to be ready, by name."""
        return {
            "database": self._check_database,
            "migrations": self._check_migrations,
            "consumer": self._check_consumer,
        }

    async def _timers(self) -> None:
        async def fire() -> None:
            await fire_timers(self.door, self.store)

        await lead(self.database, f"{self.service}.timers", fire)

    async def _housekeeping(self) -> None:
        """Forget old answers and keep the slow gauges up to date."""
        while True:
            try:
                await self._measures.take(self.consumer, self.relay)
                async with self.database.connection() as connection:
                    await connection.execute(
                        "delete from answers where at < $1::timestamptz - $2::text::interval",
                        self.clock.now(),
                        ANSWERS_KEPT,
                    )
            except Exception:
                # The database's absence is reported by those who need it.
                if is_cancelled():
                    raise
            await asyncio.sleep(HOUSEKEEPING_SECONDS)

    async def _check_database(self) -> None:
        async with self.database.connection() as connection:
            await connection.fetchval("select 1")

    async def _check_migrations(self) -> None:
        await check_migrated(self.database, self._revisions)

    async def _check_consumer(self) -> None:
        if self.consumer.halted:
            raise Halted
        if self.relay.trouble == HistoryBehindTopic.__name__:
            raise HistoryBehindTopic
