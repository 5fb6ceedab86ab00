"""
A reader of the history that remembers one id loses nothing and swaps nothing, however its writers overlap.

Ten writers commit at once on few subjects, with pauses and rollbacks. Two ways that look just as good are read on the
same load, to show that it tells: without the lock before the append, and by transaction id.
"""

import asyncio
import random
import re
from collections import defaultdict
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import pytest

from shared.contracts.routing import TriageRequested
from shared.runtime.ids import new_id
from shared.runtime.ledger import Ledger
from shared.runtime.needs import Stream
from shared.runtime.sql import SqlTransaction
from shared.runtime.work import Cause, Work
from shared.testing.events import sample

WRITERS = 10
SECONDS = 3.0
ENOUGH = 25
"""Events of each subject that are written however long a busy machine takes, up to ``PATIENCE``."""
PATIENCE = 30.0
SUBJECTS = [UUID(int=n) for n in range(1, 7)]
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
async def database(connect):
    return await connect(pool_size=WRITERS + 3)


class ForgetfulConnection:
    """A connection that leaves out the lock before the append."""

    def __init__(self, connection):
        self._connection = connection

    def __getattr__(self, name):
        return getattr(self._connection, name)

    async def fetchval(self, query, *values):
        without = re.sub(r"pg_advisory_xact_lock\((\$\d+)\)", r"\1::bigint", query)
        return await self._connection.fetchval(without, *values)


@dataclass
class Log:
    """What one reader has seen, as (subject, sequence)."""

    seen: list = field(default_factory=list)

    def lost(self, kept):
        return len(set(kept) - set(self.seen))

    def swapped(self):
        last, swaps = defaultdict(int), 0
        for subject, sequence in self.seen:
            swaps += sequence < last[subject]
            last[subject] = max(last[subject], sequence)
        return swaps


class RolledBack(Exception):
    pass


async def write(connection, wrap, chance):
    """One transaction as the door makes them, with pauses where another may overtake."""
    async with connection.transaction():
        if chance.random() < 0.5:
            await connection.fetchval("select pg_current_xact_id()")
            await asyncio.sleep(chance.random() * 0.1)
        work, ledger = Work("routing", ()), Ledger()
        transaction = SqlTransaction(wrap(connection), {})
        subjects = chance.sample(SUBJECTS, chance.choice((1, 1, 2)))
        await transaction.load({Stream(subject) for subject in subjects}, work, ledger)
        if work.held:
            raise RolledBack
        work.caused_by(Cause(new_id(), new_id(), NOW))
        for subject in subjects:
            work.announce(sample(TriageRequested, complaint_id=subject))
        await transaction.flush(work, ledger, NOW)
        if chance.random() < 0.3:
            await asyncio.sleep(chance.random() * 0.01)
        if chance.random() < 0.1:
            raise RolledBack
    return subjects


async def keep_writing(database, seed, wrap, written):
    chance = random.Random(seed)  # noqa: S311 - a load that can be repeated
    now = asyncio.get_running_loop().time
    start = now()
    async with database.connection() as connection:
        while now() < start + SECONDS or (now() < start + PATIENCE and min(map(written.get, SUBJECTS)) < ENOUGH):
            try:
                for subject in await write(connection, wrap, chance):
                    written[subject] += 1
            except RolledBack:
                await asyncio.sleep(chance.random() * 0.002)


async def read_by_id(connection, log, done):
    last = 0
    while True:
        last_round = done.is_set()
        rows = await connection.fetch("select * from history where id > $1 order by id limit 500", last)
        for row in rows:
            last = row["id"]
            log.seen.append((row["subject"], row["sequence"]))
        if last_round and not rows:
            return
        await asyncio.sleep(0.001)


async def read_by_transaction(connection, log, done):
    """Whatever is older than every transaction that still runs, in the order of transaction ids."""
    query = (
        "select h.*, h.xmin::text::bigint as tx from history h where (xmin::text::bigint, id) > ($1, $2)"
        " and xmin::text::bigint < pg_snapshot_xmin(pg_current_snapshot())::text::bigint order by tx, id limit 500"
    )
    place = (0, 0)
    while True:
        last_round = done.is_set()
        rows = await connection.fetch(query, *place)
        for row in rows:
            place = (row["tx"], row["id"])
            log.seen.append((row["subject"], row["sequence"]))
        if last_round and not rows:
            return
        await asyncio.sleep(0.005)


async def under_load(database, wrap, *readers):
    """The log of each reader, and what the history holds in the end."""
    logs, done = [Log() for _ in readers], asyncio.Event()
    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(database.connection()) for _ in readers]
        reading = [
            asyncio.create_task(reader(connection, log, done))
            for reader, connection, log in zip(readers, connections, logs, strict=True)
        ]
        written = dict.fromkeys(SUBJECTS, 0)
        await asyncio.gather(*(keep_writing(database, seed, wrap, written) for seed in range(WRITERS)))
        done.set()
        await asyncio.gather(*reading)
        kept = await connections[0].fetch("select subject, sequence from history order by id")
    return logs, [tuple(row) for row in kept]


async def test_a_reader_by_id_loses_and_swaps_nothing_and_one_by_transaction_id_does(database):
    (by_id, by_transaction), kept = await under_load(database, lambda same: same, read_by_id, read_by_transaction)

    assert by_id.seen == kept
    for subject in SUBJECTS:
        numbers = [sequence for of, sequence in by_id.seen if of == subject]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) > 20
    assert by_transaction.swapped() > 0


async def test_without_the_lock_before_the_append_the_same_reader_loses_events(database):
    (by_id,), kept = await under_load(database, ForgetfulConnection, read_by_id)

    assert by_id.lost(kept) > 0
