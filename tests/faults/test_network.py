"""A network that is slow, cuts connections, or lets them die without a word, on the way to either dependency."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

import httpx
import pytest
import pytest_asyncio

from plaint.local.scratch import scratch_folder
from tests.faults.conftest import opened
from tests.faults.evidence import Archive
from tests.faults.network import DistantKafka, Line
from tests.faults.scene import WATCHED, Scene
from tests.faults.world import SERVICES, World

PATIENCE_SECONDS = {"PostgreSQL": 60, "Kafka": 60}
"""An answer from PostgreSQL is waited for 35 s, one from Kafka 40 s; then a connection is made anew."""


class DistantWorld(World):
    """The services reach the broker by its line; the recorder is next to it."""

    def environment(self, service, port):
        line = self.broker.line
        return super().environment(service, port) | {"PLAINT_KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:{line.port}"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def distant_kafka():
    with scratch_folder() as folder:
        broker = DistantKafka(folder / "kafka")
        async with broker.line:
            await asyncio.to_thread(broker.start)
            yield broker
            await asyncio.to_thread(broker.kill)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lines(postgres, distant_kafka):
    async with Line(postgres.port) as line:
        yield {"PostgreSQL": line, "Kafka": distant_kafka.line}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_scene(postgres, distant_kafka, lines, report):
    with scratch_folder() as folder:
        world = DistantWorld(folder, postgres, distant_kafka, through=dict.fromkeys(SERVICES, lines["PostgreSQL"].port))
        async with opened(world) as recorder:
            yield Scene(world, recorder, Archive(world), None, report)


@pytest.mark.parametrize("delay", [0.05, 0.5])
@pytest.mark.parametrize("where", ["PostgreSQL", "Kafka"])
async def test_answers_come_late(scene, lines, where, delay):
    how = "each answer so much later for 15 s"
    async with scene.fault(f"slow network to {where}, {delay * 1000:.0f} ms", how):
        lines[where].delay = delay
        await asyncio.sleep(15)
        lines[where].delay = 0.0


@pytest.mark.parametrize("where", ["PostgreSQL", "Kafka"])
async def test_connections_are_cut(scene, lines, where):
    how = "all connections reset every 2 s for 20 s, the last 4 s none let through"
    async with scene.fault(f"connections to {where} cut", how):
        line = lines[where]
        for _ in range(8):
            line.cut()
            await asyncio.sleep(2)
        line.connected = False
        line.cut()
        await asyncio.sleep(4)
        line.connected = True


@pytest.mark.parametrize("where", ["PostgreSQL", "Kafka"])
async def test_connections_die_without_a_word(scene, lines, where):
    how = "mute for 15 s; then new connections work, and the old ones stay open and mute for ever"
    async with scene.fault(f"half-open connections to {where}", how) as course:
        line = lines[where]
        line.silent = True
        await asyncio.sleep(15)
        line.heal()
        course.seen["noticed_s"] = await noticed(scene, PATIENCE_SECONDS[where])


async def noticed(scene, patience):
    """Wait until all services say and apply new events, on connections made anew; how many seconds that took."""
    healed = datetime.now(UTC)
    while True:
        await asyncio.sleep(0.5)
        took = (datetime.now(UTC) - healed).total_seconds()
        await scene.archive.read()
        if set(scene.recovered(healed)) == set(WATCHED) and await all_said(scene.world):
            return round(took, 1)
        assert took < patience, f"after {took:.0f} s only {list(scene.recovered(healed))} go on"


async def all_said(world):
    """Whether no service has more on its mind than it may say within the next moment."""
    async with world.http() as http:
        with suppress(httpx.TransportError):
            lags = await asyncio.gather(*(instance.lag(http) for instance in world.instances))
            return all(lag is not None and lag["unsent"] < 20 for lag in lags)
    return False
