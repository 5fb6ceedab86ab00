"""
Events of several sources in any order, with repeats, gaps, poison, repairs and crashes, against a model of few lines.

``Reference`` says what the documentation promises: what one source says about one subject is applied as 1, 2, 3 …, each
once; what cannot be applied yet waits; nothing is lost.
"""

import asyncio
import os
from collections.abc import Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Literal
from uuid import UUID

import structlog
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from shared.contracts.envelope import Envelope
from shared.contracts.intake import MessageReceived
from shared.contracts.routing import TriageRequested
from shared.runtime.door import Door
from shared.runtime.message import Delivery, Handler, Repair
from shared.runtime.needs import Stream, rows
from shared.runtime.store import Store, Transaction
from shared.testing.clock import MONDAY_MORNING
from shared.testing.doors import OpenDoor, TwinDoor
from shared.testing.events import sample
from shared.testing.invented import KINDS, Folder
from shared.testing.script import PERFORM_SCRIPT, Script, handler, script

SOURCES = ("intake", "followup")
SUBJECTS = (UUID(int=1), UUID(int=2))
LAST = 6
UNKNOWN = 4
"""The number of the event on each track whose type nobody knows: it is passed over, and counts."""

Key = tuple[str, UUID, int]
KEYS = st.tuples(st.sampled_from(SOURCES), st.sampled_from(SUBJECTS), st.integers(1, LAST))
TRACKS = st.tuples(st.sampled_from(SOURCES), st.sampled_from(SUBJECTS))
BATCHES = st.lists(KEYS, min_size=1, max_size=6)


class Reference:
    """What was applied, in which order, and what waits."""

    def __init__(self) -> None:
        self.position = {(source, subject): 0 for source in SOURCES for subject in SUBJECTS}
        self.log: dict[UUID, list[str]] = {subject: [] for subject in SUBJECTS}
        self.waiting: set[Key] = set()
        self.broken: set[Key] = set()
        self.consumed: set[Key] = set()

    def hear(self, key: Key) -> str:
        """An event comes: too late, in time, or too early."""
        *track, sequence = key
        turn = self.position[*track] + 1
        self.consumed.add(key)
        if sequence < turn:
            return "duplicate"
        if sequence > turn:
            self.waiting.add(key)
            return "waiting"
        return self.try_it(key)

    def try_it(self, key: Key) -> str:
        """Its turn has come; after it, that of whatever waited for it."""
        if key in self.broken:
            self.waiting.add(key)
            return "waiting"
        if key[2] != UNKNOWN:
            self.log[key[1]].append(told(key))
        return self.go_on(key)

    def go_on(self, key: Key) -> str:
        source, subject, sequence = key
        self.position[source, subject] = sequence
        self.waiting.discard(key)
        if (source, subject, sequence + 1) in self.waiting:
            self.try_it((source, subject, sequence + 1))
        return "done"

    def repair(self, track: tuple[str, UUID], action: str) -> str:
        """An operator has the first that waits tried once more, or passed over."""
        key = (*track, self.position[track] + 1)
        if key not in self.waiting:
            return "refused"
        return self.go_on(key) if action == "discard" else self.try_it(key)


def told(key: Key) -> str:
    return f"{key[0]}:{key[2]}"


def delivery(key: Key) -> Delivery:
    source, subject, sequence = key
    event_id = UUID(int=SOURCES.index(source) * 1000 + subject.int * 100 + sequence)
    known = MessageReceived.TYPE if sequence != UNKNOWN else "intake.complaint.renamed.v9"
    envelope = Envelope(event_id, known, source, subject, MONDAY_MORNING, sequence, event_id)
    body = sample(MessageReceived, complaint_id=subject, text=str(sequence))
    return Delivery(envelope, body.model_dump_json().encode())


class DyingStore:
    """A store in whose process the power fails just before a batch is written, if there is a ``cut``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.cut: asyncio.Event | None = None

    @asynccontextmanager
    async def transaction(self):
        async with self._store.transaction() as transaction:
            yield transaction if self.cut is None else DyingTransaction(transaction, self.cut)


class DyingTransaction:
    """Loads as usual, and never comes to the end of its flush."""

    def __init__(self, transaction: Transaction, cut: asyncio.Event) -> None:
        self.load = transaction.load
        self._cut = cut

    async def flush(self, *_: object) -> None:
        self._cut.set()
        await asyncio.Event().wait()


class DoorMachine(RuleBasedStateMachine):
    """A door on the memory twin, or on what a subclass opens, that can be killed in the middle of a batch."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.handlers = {Script: PERFORM_SCRIPT, **self.handlers_under_test()}
        self.door = self.run(self.open())
        self.run(self.start())

    def handlers_under_test(self) -> dict[type | str, Handler]:
        raise NotImplementedError

    def run(self, coroutine):
        return self.loop.run(coroutine)

    async def open(self) -> OpenDoor:
        return TwinDoor("routing", KINDS, self.handlers)

    async def close(self) -> None:
        await self.stop()

    async def start(self) -> None:
        """Begin as a new process on the store that is there."""
        self.store = DyingStore(self.door.store)
        self.door.door = Door("routing", self.store, KINDS, self.handlers, self.door.clock)
        await self.door.__aenter__()

    async def stop(self) -> None:
        await self.door.__aexit__(None, None, None)

    def put(self, *inputs) -> list[str]:
        """The fates of inputs that come together."""

        async def put():
            results = await self.door.put(*inputs)
            # Whatever the door asked of itself after the commit is before this in its queue.
            await self.door.ask(script(lambda *_: None))
            return [result.fate for result in results]

        return self.run(put())

    def put_and_die(self, *inputs) -> None:
        """Run a batch that is never written; then a new process begins."""

        async def put():
            self.store.cut = asyncio.Event()
            lost = asyncio.create_task(self.door.put(*inputs))
            await self.store.cut.wait()
            lost.cancel()
            await self.stop()
            await self.start()

        self.run(put())

    def teardown(self) -> None:
        try:
            self.end()
        finally:
            self.run(self.close())
            self.loop.close()

    def end(self) -> None:
        """Say what must hold when all trouble is over."""


class WaitingMachine(DoorMachine):
    """The door beside its model."""

    def __init__(self) -> None:
        self.model = Reference()
        super().__init__()

    def handlers_under_test(self) -> dict[type | str, Handler]:
        return {MessageReceived: replace(handler(self.turn_page), needs=needs_of_page)}

    def turn_page(self, message, work) -> None:
        key = (message.actor, message.subject, int(message.payload.text))
        page = work.get(Folder, message.subject) or Folder(message.subject, "")
        work.put(replace(page, title=f"{page.title} {told(key)}".strip(), pages=page.pages + 1))
        work.announce(sample(TriageRequested, complaint_id=message.subject))
        if key in self.model.broken:
            raise ValueError

    @rule(keys=BATCHES)
    def deliver(self, keys: list[Key]) -> None:
        expected = [self.model.hear(key) for key in keys]
        assert self.put(*map(delivery, keys)) == expected

    @rule(keys=BATCHES)
    def die(self, keys: list[Key]) -> None:
        """Nothing of the batch is kept; it will come again."""
        self.put_and_die(*map(delivery, keys))

    @rule(key=KEYS)
    def break_handler(self, key: Key) -> None:
        if key[2] != UNKNOWN:
            self.model.broken.add(key)

    @rule()
    def mend_handler(self) -> None:
        self.model.broken.clear()

    @rule(track=TRACKS, action=st.sampled_from(["retry", "discard"]))
    def repair(self, track: tuple[str, UUID], action: Literal["retry", "discard"]) -> None:
        expected = self.model.repair(track, action)
        assert self.put(Repair(*track, action)) == [expected]

    @invariant()
    def applied_is_what_the_model_applied(self) -> None:
        pages = {page.id: (page.title, page.pages) for page in self.run(self.door.rows(Folder))}
        assert pages == {subject: (" ".join(log), len(log)) for subject, log in self.model.log.items() if log}

    @invariant()
    def everything_consumed_is_applied_discarded_or_waits(self) -> None:
        waiting = self.run(self.door.waiting())
        keys = {(event.source, event.subject, event.sequence) for event in waiting}
        assert len(keys) == len(waiting)
        assert keys == self.model.waiting
        passed = {key for key in self.model.consumed if key[2] <= self.model.position[key[:2]]}
        assert keys | passed == self.model.consumed
        for event in waiting:
            its_turn = event.sequence == self.model.position[event.track] + 1
            assert (event.reason == "error", event.attempts > 0) == (its_turn, its_turn)

    @invariant()
    def what_is_said_is_numbered_without_gap(self) -> None:
        for subject in SUBJECTS:
            said = [one.envelope.sequence for one in self.run(self.door.said(subject))]
            assert said == list(range(1, len(self.model.log[subject]) + 1))

    def end(self) -> None:
        """When everything is mended and comes once more, all is applied and nothing waits."""
        self.mend_handler()
        for source, subject in self.model.position:
            self.deliver([(source, subject, sequence) for sequence in range(1, LAST + 1)])
        assert not self.model.waiting
        assert set(self.model.position.values()) == {LAST}
        self.applied_is_what_the_model_applied()
        self.everything_consumed_is_applied_discarded_or_waits()


def needs_of_page(message, _work) -> Iterable[object]:
    return (Stream(message.subject), rows(Folder, id=message.subject))


def play(machine: type[RuleBasedStateMachine], examples: int = 60) -> None:
    """
    Run a machine: the same histories each time, or so many random ones as ``MODEL_EXAMPLES`` says, for the night.

    Nobody wants to read the log lines of thousands of failures that are meant.
    """

    def drop(*_):
        raise structlog.DropEvent

    structlog.configure(processors=[drop])
    wanted = os.environ.get("MODEL_EXAMPLES")
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=int(wanted or examples),
            derandomize=not wanted,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            # To know that it fails is enough when a mechanism was taken away on purpose.
            phases=[Phase.generate] if "MODEL_QUICKLY" in os.environ else list(Phase),
        ),
    )


def test_events_are_applied_in_order_once_and_none_is_lost():
    play(WaitingMachine)
