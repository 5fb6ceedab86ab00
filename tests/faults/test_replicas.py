"""Two instances of services: rolling restarts, frozen leaders, rebalances."""

import asyncio

import pytest

from tests.faults.nemesis import frozen, leader_of
from tests.faults.world import SERVICES


@pytest.mark.quick
async def test_all_four_are_restarted_one_after_the_other_and_no_request_fails(scene, world):
    await asyncio.gather(*(world.add(service) for service in SERVICES))
    async with scene.fault("rolling restart of all four", "SIGTERM, two instances of each, one by one") as course:
        for service in SERVICES:
            for instance in world.of(service):
                await instance.stop()
                instance.start()
                await instance.ready()
    await asyncio.gather(*(world.remove(world.of(service)[1]) for service in SERVICES))
    assert course.load.unsure == []


@pytest.mark.parametrize("service", ["intake", pytest.param("resolution", marks=pytest.mark.quick)])
async def test_a_frozen_relay_wakes_when_another_leads(scene, world, service):
    await world.add(service)
    async with scene.fault(f"two relays of {service}", "SIGSTOP of the leader until another leads, then SIGCONT"):
        leader = await leader_of(world, service)
        async with frozen(leader.process.pid):
            while await leader_of(world, service) in {leader, None}:
                await asyncio.sleep(0.2)
            await asyncio.sleep(1)
    await world.remove(world.of(service)[1])
