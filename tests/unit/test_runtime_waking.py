"""What is woken after a commit: for as long as it runs, however often its process comes to lead."""

import asyncio

from shared.runtime.clock import Clock
from shared.runtime.door import Door
from shared.runtime.memory import MemoryStore
from shared.runtime.timers import fire_timers
from shared.runtime.worker import work_through
from shared.testing.loops import running


async def nothing(*_):
    return []


async def test_whoever_no_longer_leads_is_no_longer_woken():
    store = MemoryStore(())
    door = Door("routing", store, (), {}, Clock())
    for _ in range(3):
        async with running(fire_timers(door, store), work_through(door, "classifier", nothing, nothing)):
            await asyncio.sleep(0)
            assert len(door._after_commit) == 2
        assert door._after_commit == []
