"""
The one door of a process: a queue, and one loop that takes what is waiting and commits it together.

That is group commit for HTTP, batching for events, exactly-once effects for both, and one writer per process.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

import structlog

from shared.contracts.registry import EVENTS
from shared.runtime import failpoints
from shared.runtime.batch import Batch, Result
from shared.runtime.cancellation import is_cancelled
from shared.runtime.clock import Clock
from shared.runtime.database import is_transient
from shared.runtime.entry import kind_of, name_of
from shared.runtime.message import Command, Delivery, Due, Handler, Handlers, Input, Repair
from shared.runtime.needs import Kind
from shared.runtime.refusals import TooBusy
from shared.runtime.store import ConstraintViolated, Store
from shared.runtime.work import Work
from shared.telemetry import metrics

log = structlog.get_logger()

BATCH_LIMIT: Final = 100
"""Inputs in one commit; larger batches bring little (measured: 100 gives 5,000 events/s, 300 hardly more)."""
QUEUE_LIMIT: Final = 2000
COMMAND_SECONDS: Final = 10.0
"""How long a caller waits before it is told to try again."""
HELD_PAUSE_SECONDS: Final = 0.02
"""How long an input whose stream another replica holds stays back."""
COMPANY_SECONDS: Final = 0.25
"""How long an event that can wait does so for company: a commit of its own would cost twenty times as much."""
RETRY_CAP_SECONDS: Final = 5.0
CONSTRAINT_ATTEMPTS: Final = 3

Interest = Callable[[Work], bool]
"""Whether what a batch did is worth looking after."""


def anything(_work: Work) -> bool:
    """Take an interest in every commit."""
    return True


@dataclass(eq=False, slots=True)
class Visit:
    """One input in the queue, and where its result is awaited."""

    input: Input
    result: asyncio.Future[Result]


class Door:
    """Takes every input of one service in this process."""

    def __init__(self, service: str, store: Store, kinds: Iterable[Kind], handlers: Handlers, clock: Clock) -> None:
        self.service = service
        self.clock = clock
        self._store = store
        self._kinds = tuple(kinds)
        self._handlers = handlers
        self._queue: deque[Visit] = deque()
        self._held: deque[Visit] = deque()
        self._arrived = asyncio.Event()
        self._company: asyncio.TimerHandle | None = None
        self._after_commit: list[tuple[Callable[[], None], Interest]] = []
        self._open = True

    def after_commit(self, wake: Callable[[], None], when: Interest = anything) -> None:
        """Have *wake* called after every commit of interest, as long as this door is there: the relay looks then."""
        self._after_commit.append((wake, when))

    @contextmanager
    def waking(self, wake: Callable[[], None], when: Interest = anything) -> Iterator[None]:
        """Have *wake* called after every commit of interest until the end of the block."""
        self._after_commit.append((wake, when))
        try:
            yield
        finally:
            self._after_commit.remove((wake, when))

    async def ask(self, command: Command, seconds: float = COMMAND_SECONDS) -> Result:
        """
        Put a command through and wait for its outcome.

        Raises:
            Refused: the domain said no; ``TooBusy`` when the time is up, and then the outcome is not known.
        """
        if not self._open or len(self._queue) >= QUEUE_LIMIT:
            raise TooBusy(retry_after_seconds=1)
        try:
            async with asyncio.timeout(seconds):
                result = await self.enter(command)
        except TimeoutError as error:
            raise TooBusy(retry_after_seconds=1) from error
        if result.error is not None:
            raise result.error
        return result

    async def put_all(self, inputs: Iterable[Input]) -> list[Result]:
        """Put events, timers or repairs through, in order, and wait until all have been dealt with."""
        visits = [self.enter(item) for item in inputs]
        try:
            # One by one: all but the first of a batch are there already, and gathering costs a callback each.
            return [await result for result in visits]
        finally:
            for result in visits:
                result.cancel()

    def close(self) -> None:
        """Take no more commands; what is in the queue is still dealt with."""
        self._open = False

    async def run(self) -> None:
        """Take what is waiting, deal with it, and again, until cancelled."""
        self._arrived.set()
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            visits = self._take()
            if self._queue or self._held:
                self._arrived.set()
            if visits:
                await self._deal_with(visits)

    def enter(self, item: Input) -> asyncio.Future[Result]:
        """Put an event, a timer or a repair into the queue; one whose future is cancelled in time is left out."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._queue.append(Visit(item, future))
        if not self.can_wait(item) or len(self._queue) >= BATCH_LIMIT:
            self._arrived.set()
        elif self._company is None:
            self._company = loop.call_later(COMPANY_SECONDS, self._arrived.set)
        return future

    def hears(self, event: Delivery) -> bool:
        """Whether a handler answers it; an event that is not heard moves a position and nothing else."""
        return self._handler_of(event) is not None

    def can_wait(self, item: Input) -> bool:
        """Whether nobody waits for what becomes of it."""
        if not isinstance(item, Delivery):
            return False
        handler = self._handler_of(item)
        return handler is None or handler.can_wait

    def _handler_of(self, event: Delivery) -> Handler | None:
        heard = EVENTS.get(event.envelope.type)
        return None if heard is None else self._handlers.get(heard)

    def _take(self) -> list[Visit]:
        """What was held comes first, but is never a whole batch: the others go on."""
        if self._company is not None:
            self._company.cancel()
            self._company = None
        visits = _taken(self._held, BATCH_LIMIT // 2)
        visits += _taken(self._queue, BATCH_LIMIT - len(visits))
        metrics.of(metrics.DOOR_QUEUE, self.service).set(len(self._queue) + len(self._held))
        return visits

    async def _deal_with(self, visits: list[Visit]) -> None:
        """
        Try the batch until the database takes it; a caller that gave up meanwhile is left out.

        What another replica holds is first in the next batch; a batch of nothing else waits a little.
        """
        failures = 0
        while visits := _unanswered(visits):
            try:
                with metrics.of(metrics.BATCH_SECONDS, self.service).time():
                    await self._answer_together(visits)
            except Exception as error:
                if is_cancelled() or not is_transient(error):
                    raise
                failures += 1
                log.warning("batch is tried again", attempt=failures, error=type(error).__name__)
                await asyncio.sleep(random.uniform(0.5, 1) * min(RETRY_CAP_SECONDS, 0.05 * 2**failures))  # noqa: S311
            else:
                break
        held = _unanswered(visits)
        if not held:
            return
        self._held.extend(held)
        self._arrived.set()
        if len(held) == len(visits):
            await asyncio.sleep(HELD_PAUSE_SECONDS)

    async def _answer_together(self, visits: list[Visit]) -> None:
        """Commit all in one transaction; if one of them spoils it, let each stand for itself."""
        try:
            results = await self._attempt([visit.input for visit in visits])
        except Exception as error:
            if is_transient(error):
                raise
            for visit in visits:
                self._answer([visit], [await self._alone(visit.input)])
        else:
            self._answer(visits, results)

    async def _attempt(self, inputs: Sequence[Input]) -> list[Result]:
        now = self.clock.now()
        work = Work(self.service, self._kinds)
        batch = Batch(inputs, self._handlers, work, now)
        async with self._store.transaction() as transaction:
            await batch.load(transaction)
            results = batch.run()
            await failpoints.reach("door.before_flush")
            await transaction.flush(work, batch.ledger, now)
            await failpoints.reach("door.before_commit")
        await failpoints.reach("door.after_commit")
        metrics.of(metrics.BATCH_SIZE, self.service).observe(len(inputs))
        metrics.of(metrics.LOOP_LAST_SUCCESS, self.service, "door").set_to_current_time()
        for track in batch.unfinished:
            self.enter(Repair(*track, "retry"))
        for wake, when in self._after_commit:
            if when(work):
                wake()
        return results

    async def _alone(self, item: Input) -> Result:
        for _ in range(CONSTRAINT_ATTEMPTS):
            try:
                return (await self._attempt([item]))[0]
            except ConstraintViolated as error:
                failure: Exception = error
            except Exception as error:
                if is_transient(error):
                    raise
                failure = error
                break
        if isinstance(item, Delivery) and item.finding is not None:
            return await self._alone(replace(item, finding=None))
        if isinstance(item, Delivery | Due):
            try:
                return await self._put_aside(item, failure)
            except Exception as error:
                if is_transient(error):
                    raise
        return Result("failed", error=failure)

    async def _put_aside(self, item: Delivery | Due, failure: Exception) -> Result:
        """Keep an event or a timer that its handler accepted and the database did not; no handler runs for that."""
        now = self.clock.now()
        work = Work(self.service, self._kinds)
        batch = Batch([item], {}, work, now)
        batch.entries[0].error = failure
        async with self._store.transaction() as transaction:
            await batch.load(transaction)
            result = batch.run()[0]
            await transaction.flush(work, batch.ledger, now)
        return result

    def _answer(self, visits: Sequence[Visit], results: Sequence[Result]) -> None:
        """Tell each what became of it; one whose stream is held has no answer yet and comes again."""
        for visit, result in zip(visits, results, strict=True):
            if result.fate == "held":
                continue
            self._note(visit.input, result)
            if not visit.result.done():
                visit.result.set_result(result)

    def _note(self, item: Input, result: Result) -> None:
        name = name_of(item)
        metrics.of(metrics.MESSAGES_HANDLED, self.service, kind_of(item), name, result.fate).inc()
        if result.error is not None and result.fate in {"failed", "waiting"}:
            log.error("handler failed", handler=name, outcome=result.fate, exc_info=result.error)


def _taken(queue: deque[Visit], limit: int) -> list[Visit]:
    visits: list[Visit] = []
    while queue and len(visits) < limit:
        visit = queue.popleft()
        if not visit.result.done():
            visits.append(visit)
    return visits


def _unanswered(visits: Sequence[Visit]) -> list[Visit]:
    return [visit for visit in visits if not visit.result.done()]
