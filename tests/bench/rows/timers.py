"""``timers_fired``: timers a second through resolution's own handlers, with a million more that are not due."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import asyncpg

from services.resolution.events import reactions
from services.resolution.settings import ResolutionSettings
from services.resolution.storage import STORED
from shared.contracts.intake import ComplaintReceived
from shared.contracts.routing import ComplaintRouted
from shared.runtime.clock import Clock
from shared.runtime.database import Database
from shared.runtime.door import Door
from shared.runtime.ids import new_id
from shared.runtime.sql import SqlStore
from shared.runtime.timers import BATCH, fire_timers
from shared.testing.events import Speakers, sample
from shared.testing.loops import running
from tests.bench.harness import Bench, Row
from tests.bench.installation import Unequal

NAMES = ("timers_fired",)

OPEN: Final = 1_000_000
CASES: Final = 1_500
QUICK_OPEN: Final = 50_000
QUICK_CASES: Final = 300
TIMERS_OF_A_CASE: Final = 6
"""A warning and a due date each for acknowledging, answering and resolving."""

FILL: Final = """
insert into timers (subject, kind, due_at, try_at, attempts)
select md5(g::text)::uuid, 'due:answer', at, at, 0
from (select g, now() + g * interval '1 second' + interval '300 days' as at from generate_series(1, $1::int) as g) as t
"""
RUN_AGAIN: Final = "update deadlines set state = 'running'"
ARM: Final = """
insert into timers (subject, kind, due_at, try_at, attempts)
select complaint_id, name || ':' || kind, due_at - interval '60 days', due_at - interval '60 days', 0
from deadlines cross join (values ('warn'), ('due')) as names (name)
"""
IS_DUE: Final = "select exists (select from timers where try_at <= now())"
TAKE: Final = """
delete from timers where (subject, kind) in
    (select subject, kind from timers where try_at <= now() order by try_at limit $1) returning subject, kind
"""
SAY: Final = """
insert into history (subject, sequence, type, at, headers, body)
select * from unnest($1::uuid[], $2::bigint[], $3::text[], $4::timestamptz[], $5::bytea[], $6::bytea[])
"""


async def measure(bench: Bench) -> list[Row]:
    """The timers' loop and the door against two statements a batch that decide nothing; one database for both."""
    cases, open_timers = (QUICK_CASES, QUICK_OPEN) if bench.quick else (CASES, OPEN)
    url = await bench.database("resolution")
    settings = ResolutionSettings.model_validate({"database_url": url})
    database = Database(url)
    store = SqlStore(database, STORED)
    handlers = reactions(settings.policy(Clock().now().year))
    door = Door("resolution", store, [item.kind for item in STORED], handlers, Clock())

    async def product() -> float:
        await _arm(database)
        began = time.perf_counter()
        async with running(fire_timers(door, store)):
            while await _is_due(database):
                await asyncio.sleep(0.02)
        rate = cases * TIMERS_OF_A_CASE / (time.perf_counter() - began)
        await _check(database, cases)
        return rate

    async def baseline() -> float:
        await _arm(database)
        return cases * TIMERS_OF_A_CASE / await _fire_plainly(database)

    bench.say(f"  opening {cases:,} cases, and {open_timers:,} timers that are not due")
    try:
        async with running(door.run()):
            await _open(door, cases)
            async with database.connection() as connection:
                await connection.execute("delete from timers")
                await connection.execute(FILL, open_timers, timeout=600)
                await connection.execute("vacuum analyze timers", timeout=600)
            row = await bench.compare(
                "timers_fired", baseline=baseline, product=product, unit="timers/s", floor=0.1, target=0.3
            )
    finally:
        await database.close()
        await bench.drop(url)
    return [row]


async def _open(door: Door, cases: int) -> None:
    say = Speakers(Clock()).say
    complaints = [new_id() for _ in range(cases)]
    events = [sample(event, complaint_id=each) for each in complaints for event in (ComplaintReceived, ComplaintRouted)]
    now = datetime.now(UTC)
    events = [e.model_copy(update={"received_at": now}) if isinstance(e, ComplaintReceived) else e for e in events]
    for first in range(0, len(events), BATCH):
        await door.put_all(map(say, events[first : first + BATCH]))


async def _arm(database: Database) -> None:
    """Let every clock of every case run again, and all of its timers be due."""
    async with database.connection() as connection, connection.transaction():
        await connection.execute(RUN_AGAIN)
        await connection.execute(ARM)
    async with database.connection() as connection:
        await connection.execute("vacuum timers, deadlines, cases")


async def _is_due(database: Database) -> bool:
    async with database.connection() as connection:
        return bool(await connection.fetchval(IS_DUE))


async def _fire_plainly(database: Database) -> float:
    """Delete and tell, in batches of 500, until nothing is due; return how many seconds it took."""
    async with database.connection() as connection:
        sequence = await connection.fetchval("select greatest(max(sequence), 1000000) from history")
        began = time.perf_counter()
        while True:
            async with connection.transaction():
                rows = await connection.fetch(TAKE, BATCH)
                if not rows:
                    break
                sequence += 1
                await connection.execute(SAY, *_said(rows, sequence))
        return time.perf_counter() - began


def _said(rows: list["asyncpg.Record"], first: int) -> tuple[list[object], ...]:
    """One event for each timer, as long as the product's."""
    now = datetime.now(UTC)
    numbers: dict[UUID, int] = {}
    values = []
    for row in rows:
        numbers[row["subject"]] = number = numbers.get(row["subject"], first * TIMERS_OF_A_CASE) + 1
        values.append((row["subject"], number, row["kind"], now, b"h" * 330, b"b" * 180))
    return tuple(map(list, zip(*values, strict=True)))


async def _check(database: Database, cases: int) -> None:
    """
    Make sure that every due date was missed, once.

    Raises:
        Unequal: one was not.
    """
    async with database.connection() as connection:
        missed = await connection.fetchval("select count(*) from deadlines where state = 'missed'")
    if missed != cases * TIMERS_OF_A_CASE // 2:
        raise Unequal(f"{missed} deadlines were missed in {cases} cases")
