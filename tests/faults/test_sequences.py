"""A service hears a copy of the topics in which events are missing or change places."""

import asyncio
import time
from datetime import timedelta

import pytest
import pytest_asyncio

from plaint.local.scratch import scratch_folder
from tests.faults.conftest import opened
from tests.faults.evidence import Archive
from tests.faults.mirror import OWNED, Mirror
from tests.faults.nemesis import administrator, chance_of
from tests.faults.scene import Scene
from tests.faults.world import HEARS, World

ON_ITS_WAY = timedelta(seconds=5)
"""What was said so long before may still be on its way to the copy when it begins to be a bad one."""
METRICS_SECONDS = 5
"""How often the slow gauges are taken."""


class MirroredWorld(World):
    """One of its services lives on the copy."""

    mirror = None

    def environment(self, service, port):
        own = {"PLAINT_KAFKA__PREFIX": self.mirror.mirrored} if service == OWNED else {}
        return super().environment(service, port) | own


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_scene(request, postgres, broker, report):
    with scratch_folder() as folder:
        world = MirroredWorld(folder, postgres, broker)
        chance = chance_of(request.config.getoption("--seed"), "mirror")
        world.mirror = Mirror(broker.bootstrap, world.prefix, chance)
        async with opened(world) as recorder:
            copying = asyncio.create_task(world.mirror.run())
            yield Scene(world, recorder, Archive(world), None, report)
            copying.cancel()
            await asyncio.wait([copying])


@pytest.mark.quick
async def test_dropped_events_are_missed_and_sent_again(scene, world):
    how = "a tenth of what resolution hears left out for 30 s (quick: 10 s); then all is sent again"
    async with scene.fault("dropped sequences", how) as course:
        began = world.now("intake") - ON_ITS_WAY  # events bear the time of their service's clock
        world.mirror.drop = 0.1
        await course.wait(10, 30)
        world.mirror.drop = 0.0
        await asyncio.sleep(1)
        waiting = await reasons(world)
        metric = await gap_metric(world, seconds=3 * METRICS_SECONDS)
        course.seen |= {"dropped": world.mirror.did["dropped"], "waiting": waiting, "metric": metric}
        await send_again(world, began)
    assert waiting.keys() == {"gap"}
    assert metric > 0


async def test_swapped_events_are_put_right(scene, world):
    how = "a third of what resolution hears held back behind its successor for 20 s; then all sent again"
    async with scene.fault("swapped sequences", how) as course:
        began = world.now("intake") - ON_ITS_WAY  # events bear the time of their service's clock
        world.mirror.swap = 0.3
        await asyncio.sleep(20)
        world.mirror.swap = 0.0
        course.seen["swapped"] = world.mirror.did["swapped"]
        await send_again(world, began)  # some have had no successor
    assert world.mirror.did["swapped"]


async def reasons(world):
    """How many events wait in the service that hears the copy, by reason."""
    async with administrator(world, OWNED) as connection:
        return dict(await connection.fetch("select reason, count(*) from waiting group by reason"))


async def gap_metric(world, seconds):
    """What the gauge behind the alert says, once it has been taken."""
    name = f'plaint_waiting_messages{{reason="gap",service="{OWNED}"}} '
    deadline = time.monotonic() + seconds
    async with world.http(60) as http:
        while True:
            exported = (await http.get(f"{world.one(OWNED).url}/metrics")).text
            found = [float(line.rpartition(" ")[2]) for line in exported.splitlines() if line.startswith(name)]
            if any(found) or time.monotonic() > deadline:
                return sum(found)
            await asyncio.sleep(0.5)


async def send_again(world, since):
    """What an operator does about a gap."""
    async with world.http(60) as http:
        for source in HEARS[OWNED]:
            url = f"{world.one(source).url}/v1/admin/replay"
            (await http.post(url, json={"since": since.isoformat()})).raise_for_status()
