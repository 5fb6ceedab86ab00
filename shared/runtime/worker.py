"""Slow work outside the door: look for it in the database, do it, and come back through the door with the result."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import structlog

from shared.runtime import failpoints
from shared.runtime.cancellation import is_cancelled
from shared.runtime.door import Door, Interest, anything
from shared.runtime.message import Command
from shared.runtime.refusals import TooBusy
from shared.runtime.wake import Wake
from shared.telemetry import metrics

log = structlog.get_logger()
T = TypeVar("T")

POLL_SECONDS: Final = 1.0
PAUSE_CAP_SECONDS: Final = 30.0

Do = Callable[[T], Awaitable[Command | None]]


async def work_through(
    door: Door,
    name: str,
    pending: Callable[[], Awaitable[Sequence[T]]],
    do: Do[T],
    *,
    at_once: int = 1,
    when: Interest | None = anything,
) -> None:
    """
    Do each pending item, and put the command that states its result through the door, until cancelled.

    The result is what makes an item no longer pending; an item whose work was cut short by a crash is done again, so
    ``do`` must bear that. ``None`` leaves the item for later. An item that fails, in ``do`` or in the handler of its
    command, is tried again after a pause that grows, and holds up no other. Nothing new is begun while the door takes
    nothing.

    Args:
        door: where results go.
        name: of the loop, for metrics and logs.
        pending: looks for work, what is most urgent first; called when nothing is in hand.
        do: the work on one item.
        at_once: items in hand at the same time; results that come together share a commit.
        when: after which commits of this process to look at once, for what must not wait; otherwise, and with None
            always, every second.
    """
    wake = Wake(POLL_SECONDS)
    hands = _Hands(door, name, do)
    failures = 0
    with nullcontext() if when is None else door.waking(wake, when):
        while True:
            wake.clear()
            try:
                finished = await hands.work_on(await pending(), at_once)
            except Exception as error:
                if is_cancelled():
                    raise
                failures += 1
                log.warning(
                    "work is tried again", loop=name, error=type(error).__name__, attempt=failures, exc_info=error
                )
                await asyncio.sleep(_pause(failures))
            else:
                failures = 0
                metrics.LOOP_LAST_SUCCESS.labels(door.service, name).set_to_current_time()
                if not finished:
                    await wake.wait(hands.next_try_seconds())


@dataclass(slots=True)
class _Rest(Generic[T]):
    """An item whose work failed, and until when it is left alone."""

    item: T
    failures: int
    until: float


class _Hands(Generic[T]):
    """Take items in turn, and lay aside those that fail."""

    def __init__(self, door: Door, name: str, do: Do[T]) -> None:
        self._door = door
        self._name = name
        self._do = do
        self._resting: list[_Rest[T]] = []

    async def work_on(self, items: Sequence[T], at_once: int) -> int:
        """
        Finish, leave for later or lay aside every item that is not resting.

        Returns:
            How many were finished.

        Raises:
            TooBusy: the door takes nothing at present; whatever else was in hand is finished first.
        """
        # What somebody else has finished or changed has no past to be judged by.
        self._resting = [rest for rest in self._resting if rest.item in items]
        now = time.monotonic()
        left_alone = [rest.item for rest in self._resting if rest.until > now]
        todo = [item for item in items if item not in left_alone]
        turn = iter(todo)
        hands = [self._take(turn) for _ in range(min(at_once, len(todo)))]
        finished = 0
        for end in await asyncio.gather(*hands, return_exceptions=True):
            if isinstance(end, BaseException):
                raise end
            finished += end
        return finished

    def next_try_seconds(self) -> float | None:
        """How long until the first item that failed is to be tried again; None when there is none."""
        return min((rest.until - time.monotonic() for rest in self._resting), default=None)

    async def _take(self, turn: Iterator[T]) -> int:
        finished = 0
        for item in turn:
            try:
                finished += await self._finish(item)
            except TooBusy:
                raise
            except Exception as error:
                # Whatever is wrong with it concerns this item alone.
                if is_cancelled():
                    raise
                self._lay_aside(item, error)
        return finished

    async def _finish(self, item: T) -> bool:
        command = await self._do(item)
        await failpoints.reach("worker.before_result")
        if command is None:
            return False
        await self._door.ask(command)
        return True

    def _lay_aside(self, item: T, error: Exception) -> None:
        earlier = next((rest for rest in self._resting if rest.item == item), None)
        failures = earlier.failures + 1 if earlier else 1
        self._resting = [rest for rest in self._resting if rest is not earlier]
        self._resting.append(_Rest(item, failures, time.monotonic() + _pause(failures)))
        log.warning(
            "item is tried again", loop=self._name, error=type(error).__name__, attempt=failures, exc_info=error
        )


def _pause(failures: int) -> float:
    """Seconds, growing with the failures and capped; jittered, so that replicas do not come in step."""
    longest: float = min(PAUSE_CAP_SECONDS, 0.1 * 2**failures)
    return random.uniform(0.5, 1) * longest  # noqa: S311
