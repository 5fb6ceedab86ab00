"""Every service is killed at every place where a careless one would lose or repeat something."""

import pytest

from tests.faults.world import SERVICES

EVERYWHERE = (
    "consumer.after_poll",
    "door.before_flush",
    "door.before_commit",
    "door.after_commit",
    "consumer.before_commit",
    "relay.before_send",
    "relay.after_send",
)
"""The failpoints of the runtime; see shared.runtime.failpoints."""
ONLY_WORKER = {"PLAINT_READ_AHEAD_SECONDS": "0"}
"""What is read on its way to the door needs no worker."""
POINTS = dict.fromkeys(SERVICES, EVERYWHERE) | {"routing": (*EVERYWHERE, "worker.before_result")}
QUICK = {
    "routing": ("worker.before_result", "consumer.before_commit", "door.after_commit", "relay.before_send"),
    "resolution": ("door.before_commit", "door.before_flush", "consumer.after_poll", "relay.after_send"),
}
"""Each point once."""
QUICK_OR_NOT = [pytest.param(name, marks=pytest.mark.quick) if name in QUICK else name for name in SERVICES]


@pytest.mark.parametrize("service", QUICK_OR_NOT)
async def test_a_service_is_killed_at_every_failpoint(scene, world, service):
    points = list(QUICK[service] if scene.quick else POINTS[service])
    scene.chance.shuffle(points)
    instance = world.one(service)
    async with scene.fault(f"{service} killed at each failpoint", f"SIGKILL at {len(points)} places in turn"):
        for point in points:
            await instance.stop()
            instance.start(f"{point}=kill", **(ONLY_WORKER if point.startswith("worker") else {}))
            await instance.died()
        await instance.restart()
