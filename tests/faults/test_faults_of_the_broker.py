"""Apache Kafka dies, is lost, freezes or stays away."""

import pytest

from tests.faults.nemesis import frozen, kill_broker, lose_broker, start_broker


@pytest.mark.quick
async def test_the_broker_is_killed(scene, world):
    async with scene.fault("broker killed", "SIGKILL, down 3 s (quick: 1 s)") as course:
        await kill_broker(world.broker)
        await course.wait(1, 3)
        await start_broker(world.broker)


@pytest.mark.quick
async def test_the_broker_is_killed_and_all_its_data_is_lost(scene, world):
    async with scene.fault("broker killed, all its data lost", "SIGKILL, data folder removed, started anew") as course:
        await lose_broker(world.broker)
        await course.wait(1, 3)
        await start_broker(world.broker)
        await scene.recorder.begin_again()


@pytest.mark.quick
async def test_the_broker_freezes(scene, world):
    async with (
        scene.fault("broker frozen", "SIGSTOP for 60 s (quick: 10 s)") as course,
        frozen(world.broker._process.pid),
    ):
        await course.wait(10, 60)


async def test_the_broker_is_away_and_intake_accepts(scene, world):
    async with scene.fault("broker away, intake accepts", "stopped for 120 s (quick: 15 s)") as course:
        await kill_broker(world.broker)
        await course.wait(15, 120)
        meanwhile = [call.fate for call in course.load.calls if call.service == "intake"]
        await start_broker(world.broker)
    assert set(meanwhile) <= {"ok", "pending", "refused"}
    assert meanwhile.count("ok") > 0.5 * scene.rate * course.seconds(15, 120)
