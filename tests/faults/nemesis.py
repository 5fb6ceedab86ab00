"""What can be broken, and healed again; everything here waits without holding up the load."""

import asyncio
import os
import random
import shutil
import signal
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from shared.runtime.leader import _lock_key


async def kill_broker(broker):
    await asyncio.to_thread(broker.kill)


async def start_broker(broker):
    """Start it and wait until it takes records."""
    await asyncio.to_thread(broker.start)


async def lose_broker(broker):
    """Kill the broker and forget all it had; its next start is another cluster at the same address."""
    await kill_broker(broker)
    await asyncio.to_thread(shutil.rmtree, broker.data / "segments")


async def stop_postgres(postgres, mode):
    await asyncio.to_thread(postgres.stop, mode)


async def start_postgres(postgres):
    await asyncio.to_thread(postgres.start)


@asynccontextmanager
async def frozen(pid):
    """Stop a process in its tracks for the length of the block; its connections stay open."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@asynccontextmanager
async def administrator(world, service=None):
    """A superuser's connection, to the database of *service* or to none of them."""
    name = f"{world.prefix}{service}" if service else "postgres"
    connection = await asyncpg.connect(world.postgres.url(name))
    try:
        yield connection
    finally:
        connection.terminate()


def chance_of(seed, name):
    """A source of chance of its own for each test, so that one test run alone does the same."""
    return random.Random(f"{seed} {name}")  # noqa: S311 - chance that can be repeated


async def leader_of(world, service, loop="relay"):
    """The instance whose session holds the lock of this loop; None while nobody does."""
    query = (
        "select client_port from pg_locks join pg_stat_activity using (pid)"
        " where locktype = 'advisory' and objsubid = 1 and granted and datname = $1"
        " and (classid::bigint << 32 | objid::bigint) = $2"
    )
    async with administrator(world) as connection:
        port = await connection.fetchval(query, f"{world.prefix}{service}", _lock_key(f"{service}.{loop}"))
    return next((each for each in world.of(service) if each.alive and port in client_ports(each.process.pid)), None)


def client_ports(pid):
    """The local ports of a process's TCP connections."""
    links = (link for link in Path(f"/proc/{pid}/fd").iterdir())
    sockets = {target[8:-1] for link in links if (target := _target(link)).startswith("socket:[")}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[9] in sockets}


def _target(link):
    try:
        return str(link.readlink())
    except OSError:  # closed meanwhile
        return ""
