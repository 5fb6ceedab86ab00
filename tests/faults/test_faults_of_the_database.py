"""PostgreSQL stops, cuts off, and holds locks and snapshots."""

import asyncio
import time
from itertools import pairwise
from statistics import median

import pytest

from tests.faults.nemesis import administrator, start_postgres, stop_postgres


@pytest.mark.parametrize("mode", ["fast", pytest.param("immediate", marks=pytest.mark.quick)])
async def test_postgresql_is_stopped(scene, world, mode):
    async with scene.fault(f"PostgreSQL stopped, {mode}", "its own signal, down 3 s (quick: 1 s)") as course:
        await stop_postgres(world.postgres, mode)
        await course.wait(1, 3)
        await start_postgres(world.postgres)


@pytest.mark.quick
async def test_backends_are_terminated_once_a_second(scene, world):
    query = "select pg_terminate_backend(pid) from pg_stat_activity where usename like $1 order by random() limit 3"
    async with (
        administrator(world) as connection,
        scene.fault("backends terminated", "three a second for 30 s (quick: 8 s)") as course,
    ):
        for _ in range(course.seconds(8, 30)):
            await connection.execute(query, f"{world.prefix}%")
            await asyncio.sleep(1)


@pytest.mark.quick
async def test_a_lock_on_one_complaint_holds_up_nobody_else(scene, world):
    async with (
        administrator(world, "resolution") as connection,
        scene.fault("a lock on one complaint", "its stream locked for 30 s (quick: 8 s), told something") as course,
    ):
        case = await connection.fetchval(
            "select complaint_id from cases where state = 'open' order by random() limit 1"
        )
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("select 1 from streams where subject = $1 for update", case)
        await course.load.withdraw(case)
        began = time.time()
        await course.wait(8, 30)
        opened = await opened_since(world, began)
        await transaction.rollback()
    course.seen["opened"] = len(opened)
    assert len(opened) > 0.5 * scene.rate * course.seconds(8, 30)
    assert max(b - a for a, b in pairwise(opened)) < 3 * course.seen["crowding"]


async def test_a_long_snapshot_slows_no_relay(scene, world):
    async with (
        administrator(world, "intake") as connection,
        scene.fault("a long snapshot", "a repeatable-read transaction for 45 s") as course,
    ):
        before = len(scene.recorder.latencies)
        async with connection.transaction(isolation="repeatable_read"):
            await connection.fetchval("select count(*) from history")
            await asyncio.sleep(45)
        seen = scene.recorder.latencies[before:]
    third = len(seen) // 3
    first, last = median(seen[:third]), median(seen[-third:])
    course.seen["relay_ms"] = [round(first * 1000), round(last * 1000)]
    assert last < 1.5 * course.seen["crowding"] * first + 0.05


async def opened_since(world, began):
    """When resolution opened cases after *began*, in order."""
    query = "select extract(epoch from written_at)::float8 from history where type like '%case.opened%' order by id"
    async with administrator(world, "resolution") as connection:
        return [row[0] for row in await connection.fetch(query) if row[0] >= began]
