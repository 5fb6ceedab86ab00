"""The loop that puts due timers through the door."""

import asyncio
from typing import Final
from uuid import UUID

from shared.runtime.batch import Result
from shared.runtime.door import Door
from shared.runtime.message import Due
from shared.runtime.store import Store
from shared.runtime.wake import Wake
from shared.runtime.work import Work
from shared.telemetry import metrics

BATCH: Final = 500
POLL_SECONDS: Final = 0.25
PATIENCE_SECONDS: Final = 1.0

Timer = tuple[UUID, str]


async def fire_timers(door: Door, store: Store) -> None:
    """
    Put every timer through the door when it is due, oldest first, until cancelled.

    Its effect is single because the door deletes it in the same transaction; two such loops only waste reads.
    """
    wake = Wake(POLL_SECONDS)
    underway: dict[Timer, asyncio.Future[Result]] = {}
    with door.waking(wake, Work.sets_timers):
        while True:
            wake.clear()
            due = await store.due_timers(door.clock.now(), BATCH)
            fresh = {timer: door.enter(Due(*timer)) for timer in due if timer not in underway}
            if fresh:
                # One whose stream another replica holds must not keep the others from being looked for.
                await asyncio.wait(fresh.values(), timeout=PATIENCE_SECONDS)
            underway = {timer: result for timer, result in (underway | fresh).items() if not result.done()}
            metrics.LOOP_LAST_SUCCESS.labels(door.service, "timers").set_to_current_time()
            if len(fresh) < BATCH:
                await wake.wait()
