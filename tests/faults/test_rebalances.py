"""The consumer group changes all the time, and a process that stood still comes back to it."""

import time

import pytest


@pytest.mark.quick
async def test_replicas_come_and_go(scene, world):
    async with scene.fault(
        "rebalance storm", "a second resolution joins and is killed, for 40 s (quick: 8 s)"
    ) as course:
        end = time.monotonic() + course.seconds(8, 40)
        while time.monotonic() < end:
            second = await world.add("resolution")
            await course.wait(2, 2)
            await second.kill()
            world.instances.remove(second)
        await world.one("resolution").joined()


@pytest.mark.quick
async def test_a_process_that_stood_still_past_its_session_does_no_harm(scene, world):
    first = world.one("resolution")
    second = await world.add("resolution")
    async with scene.fault(
        "event loop blocked", "the whole process stands still for 12 s (quick: 8 s), its session lasts 6 s"
    ) as course:
        await first.stop()
        first.start(f"consumer.before_commit=block:{course.seconds(8, 12)}")
        first.wanted = True
        await course.wait(9, 20)
        await first.ready()
        await first.joined()
    await world.remove(second)
