"""Clocks that disagree, and clocks that are set."""

from datetime import timedelta

import pytest

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("service", [pytest.param("resolution", marks=pytest.mark.quick), "followup"])
async def test_a_clock_is_an_hour_off_forth_and_back(scene, world, service):
    async with scene.fault(f"clock of {service} an hour off", "PLAINT_CLOCK: +1 h, then -1 h, then right") as course:
        for offset in (HOUR, -HOUR, timedelta()):
            await world.set_clock(service, offset)
            await course.wait(1, 5)
