"""The loop that puts due timers through the door."""

from typing import Final

from shared.runtime.door import Door
from shared.runtime.message import Due
from shared.runtime.store import Store
from shared.runtime.wake import Wake
from shared.telemetry import metrics

BATCH: Final = 500
POLL_SECONDS: Final = 0.25


async def fire_timers(door: Door, store: Store) -> None:
    """
    Put every timer through the door when it is due, oldest first, until cancelled.

    Its effect is single because the door deletes it in the same transaction; two such loops only waste reads.
    """
    wake = Wake(POLL_SECONDS)
    door.after_commit(wake)
    while True:
        wake.clear()
        due = await store.due_timers(door.clock.now(), BATCH)
        if due:
            await door.put_all([Due(subject, kind) for subject, kind in due])
        metrics.LOOP_LAST_SUCCESS.labels(door.service, "timers").set_to_current_time()
        if len(due) < BATCH:
            await wake.wait()
