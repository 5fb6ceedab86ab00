"""``inbox_applied``: events that resolution's handlers apply in a second, as the consumer hands them over."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import asyncpg

from services.resolution.events import reactions
from services.resolution.settings import ResolutionSettings
from services.resolution.storage import STORED
from shared.contracts.intake import ComplaintReceived
from shared.contracts.routing import ComplaintClassified, ComplaintRouted
from shared.runtime.clock import Clock
from shared.runtime.consumer import MAX_RECORDS
from shared.runtime.database import Database
from shared.runtime.door import Door
from shared.runtime.ids import new_id
from shared.runtime.message import Delivery, Handlers
from shared.runtime.sql import SqlStore
from shared.testing.events import Speakers, sample
from shared.testing.loops import running
from tests.bench.baselines.door import PlainDoor
from tests.bench.harness import Bench, Row
from tests.bench.installation import Unequal

NAMES = ("inbox_applied",)

COMPLAINTS: Final = 1_500
QUICK_COMPLAINTS: Final = 300
WARM_UP: Final = 60
EVENTS: Final = (ComplaintReceived, ComplaintClassified, ComplaintRouted)
COUNTED: Final = ("cases", "deadlines", "timers", "positions", "streams", "history", "waiting")
COUNT: Final = "select count(*) from {}"

Apply = Callable[[Sequence[Delivery]], Awaitable[None]]


async def measure(bench: Bench) -> list[Row]:
    """The door in batches against the same handlers with a transaction for each message."""
    count = QUICK_COMPLAINTS if bench.quick else COMPLAINTS
    settings = ResolutionSettings.model_validate({"database_url": "postgresql://"})
    handlers = reactions(settings.policy(Clock().now().year))
    seen: dict[str, dict[str, int]] = {}

    async def product() -> float:
        url = await bench.database("resolution")
        database = Database(url)
        door = Door("resolution", SqlStore(database, STORED), [item.kind for item in STORED], handlers, Clock())

        async def apply(records: Sequence[Delivery]) -> None:
            for first in range(0, len(records), MAX_RECORDS):
                await door.put_all(records[first : first + MAX_RECORDS])

        async with running(door.run()):
            rate = await _applied_a_second(apply, count)
        await database.close()
        seen["product"] = await _check(bench, url, count)
        return rate

    async def baseline() -> float:
        url = await bench.database("resolution")
        door = _plain_door(url, handlers)

        async def apply(records: Sequence[Delivery]) -> None:
            for record in records:
                await door.hear(record)

        rate = await _applied_a_second(apply, count)
        await door.engine.dispose()
        seen["baseline"] = await _check(bench, url, count)
        return rate

    row = await bench.compare("inbox_applied", baseline=baseline, product=product, unit="events/s", floor=4, target=8)
    if seen["product"] != seen["baseline"]:
        raise Unequal(f"rows differ: {seen}")
    return [row]


def _plain_door(url: str, handlers: Handlers) -> PlainDoor:
    return PlainDoor("resolution", url, STORED, handlers, topic="none")


async def _applied_a_second(apply: Apply, count: int) -> float:
    await apply(_deliveries(WARM_UP))
    records = _deliveries(count)
    await asyncio.sleep(0)
    began = time.perf_counter()
    await apply(records)
    return len(records) / (time.perf_counter() - began)


def _deliveries(count: int) -> list[Delivery]:
    """What intake and routing say of so many complaints: a fetch brings some of one topic, then some of the other."""
    say = Speakers(Clock()).say
    complaints = [new_id() for _ in range(count)]
    records: list[Delivery] = []
    now = datetime.now(UTC)
    for first in range(0, count, 50):
        some = complaints[first : first + 50]
        records += [
            say(sample(ComplaintReceived, complaint_id=each, number=str(each), received_at=now)) for each in some
        ]
        for each in some:
            records += [say(sample(event, complaint_id=each)) for event in (ComplaintClassified, ComplaintRouted)]
    return records


async def _check(bench: Bench, url: str, count: int) -> dict[str, int]:
    """
    Count what is stored.

    Raises:
        Unequal: not every complaint has its open case and its positions.
    """
    connection = await asyncpg.connect(url)
    counts = {table: await connection.fetchval(COUNT.format(table)) for table in COUNTED}
    opened = await connection.fetchval("select count(*) from history where type = 'resolution.case.opened.v1'")
    await connection.close()
    await bench.drop(url)
    wanted = count + WARM_UP
    if opened != wanted or counts["cases"] != wanted or counts["positions"] != 2 * wanted or counts["waiting"]:
        raise Unequal(f"{wanted} complaints, {opened} opened, {counts}")
    return counts
