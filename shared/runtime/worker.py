"""Slow work outside the door: look for it in the database, do it, and come back through the door with the result."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import structlog

from shared.runtime import failpoints
from shared.runtime.door import Door
from shared.runtime.message import Command
from shared.runtime.wake import Wake
from shared.telemetry import metrics

log = structlog.get_logger()
T = TypeVar("T")

POLL_SECONDS: Final = 1.0
PAUSE_CAP_SECONDS: Final = 30.0


async def work_through(
    door: Door,
    name: str,
    pending: Callable[[], Awaitable[Sequence[T]]],
    do: Callable[[T], Awaitable[Command | None]],
) -> None:
    """
    Do each pending item, and put the command that states its result through the door, until cancelled.

    The result is what makes an item no longer pending; an item whose work was cut short by a crash is done again, so
    ``do`` must bear that. ``None`` leaves the item for later. A failure of the work itself is for ``do`` to turn into
    a command; what it raises is logged and tried again with a growing pause.
    """
    wake = Wake(POLL_SECONDS)
    door.after_commit(wake)
    failures = 0
    while True:
        wake.clear()
        try:
            items = await pending()
            for item in items:
                command = await do(item)
                await failpoints.reach("worker.before_result")
                if command is not None:
                    await door.ask(command)
            failures = 0
            metrics.LOOP_LAST_SUCCESS.labels(door.service, name).set_to_current_time()
        except Exception as error:
            failures += 1
            log.warning("work is tried again", loop=name, error=type(error).__name__, attempt=failures, exc_info=error)
            await asyncio.sleep(random.uniform(0.5, 1) * min(PAUSE_CAP_SECONDS, 0.1 * 2**failures))  # noqa: S311
            continue
        await wake.wait()
