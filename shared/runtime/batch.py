"""One batch of inputs: load what all need, run the handlers in order, and say what became of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic_core import from_json, to_json

from shared.contracts.registry import EVENTS
from shared.refusal import Refused
from shared.runtime.ids import new_id
from shared.runtime.ledger import Answer, AnswerNeed, AnyNeed, Ledger, Reason, Track, TrackNeed, Waiting, describe
from shared.runtime.message import Command, Delivery, Due, Handler, Handlers, Input, Message, Repair
from shared.runtime.needs import Stream
from shared.runtime.refusals import KeyReused, NothingWaits
from shared.runtime.store import Transaction
from shared.runtime.work import Cause, Work
from shared.telemetry import metrics
from shared.telemetry.tracing import start_span

Fate = Literal["done", "duplicate", "waiting", "refused", "failed", "held", "gone"]


@dataclass(frozen=True, slots=True)
class Result:
    """
    What became of one input.

    ``held``: another replica has the stream, try again; ``gone``: the timer had been moved, cancelled or fired;
    ``waiting``: an event that has to wait; ``failed`` and ``refused`` carry the exception.
    """

    fate: Fate
    body: Any = None
    replayed: bool = False
    error: Exception | None = None


@dataclass(slots=True)
class Entry:
    """One input on its way through the batch."""

    input: Input
    handler: Handler | None = None
    message: Message[Any] | None = None
    error: Exception | None = None
    streams: set[UUID] = field(default_factory=set)


class Batch:
    """A batch that is loaded once and run once; a second attempt is a new ``Batch``."""

    def __init__(self, inputs: Sequence[Input], handlers: Handlers, work: Work, now: datetime) -> None:
        self.handlers = handlers
        self.work = work
        self.ledger = Ledger()
        self.now = now
        self.entries = [self._entry(item) for item in inputs]
        self.unfinished: set[Track] = set()
        """Tracks on which more waits than could be looked at here: a ``Repair`` after the commit goes on with them."""
        self._asked: set[AnyNeed] = set()
        self._waiting_read: dict[UUID, Entry] = {}

    async def load(self, transaction: Transaction) -> None:
        """Ask every input what it needs, in rounds, until none asks for anything new."""
        with self.work.asking():
            while wanted := self._wanted() - self._asked:
                await transaction.load(wanted, self.work, self.ledger)
                self._asked |= wanted
                self.work.loaded |= {need for need in wanted if not isinstance(need, TrackNeed | AnswerNeed)}

    def run(self) -> list[Result]:
        """Run every handler in the order of arrival; the results stand in the order of the inputs."""
        return [self._run(entry) for entry in self.entries]

    # Reading: from an input to a message and its handler.

    def _entry(self, item: Input) -> Entry:
        entry = Entry(item)
        try:
            entry.handler, entry.message = self._read(item)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it concerns this input alone
            entry.error = error
        return entry

    def _read(self, item: Input) -> tuple[Handler | None, Message[Any] | None]:
        match item:
            case Command():
                first = item.correlation_id or item.caused_by or item.id
                message = Message(item.payload, self.now, item.id, first, item.actor, None, item.traceparent)
                return self.handlers[type(item.payload)], message
            case Delivery():
                return self._read_event(item)
            case Due():
                return self.handlers[_base(item.kind)], self._timer_message(item, self.now)
            case Repair():
                return None, None

    def _read_event(self, delivery: Delivery) -> tuple[Handler | None, Message[Any] | None]:
        envelope = delivery.envelope
        event = EVENTS.get(envelope.type)
        handler = self.handlers.get(event) if event else None
        if event is None or handler is None:
            return None, None
        return handler, Message(
            payload=event.model_validate_json(delivery.body),
            at=max(self.now, envelope.time),
            id=envelope.id,
            correlation_id=envelope.correlation_id,
            actor=envelope.source,
            subject=envelope.subject,
            traceparent=envelope.traceparent,
        )

    def _timer_message(self, due: Due, at: datetime) -> Message[Any]:
        timer_id = new_id()
        return Message(due, at, timer_id, timer_id, subject=due.subject)

    # Loading: what everything that may run in this batch needs.

    def _wanted(self) -> set[AnyNeed]:
        wanted: set[AnyNeed] = set()
        for entry in self.entries:
            wanted |= self._needs_of(entry)
        for subject, timers in self.work.timers.items():
            for kind, due_at in timers.items():
                if due_at is not None and due_at <= self.now:
                    wanted |= self._needs_of_timer(Due(subject, kind), due_at)
        for waiting in self.ledger.waiting.values():
            if waiting is not None:
                wanted |= self._needs_of(self._entry_of(waiting))
        return wanted

    def _needs_of(self, entry: Entry) -> set[AnyNeed]:
        wanted = set(_own_needs(entry.input))
        if entry.handler is not None and entry.message is not None and entry.error is None:
            try:
                wanted |= set(entry.handler.needs(entry.message, self.work))
            except Exception as error:  # noqa: BLE001 - a handler's mistake concerns this input alone
                entry.error = error
        entry.streams = {need.subject for need in wanted if isinstance(need, Stream)}
        return wanted

    def _needs_of_timer(self, due: Due, at: datetime) -> set[AnyNeed]:
        handler = self.handlers.get(_base(due.kind))
        try:
            return set(handler.needs(self._timer_message(due, at), self.work)) if handler else set()
        except Exception as error:  # noqa: BLE001 - a handler's mistake concerns this timer alone
            self.ledger.failed_timers[due.subject, due.kind] = describe(error)
            return set()

    def _entry_of(self, waiting: Waiting) -> Entry:
        envelope = waiting.envelope
        if envelope.id not in self._waiting_read:
            self._waiting_read[envelope.id] = self._entry(Delivery(envelope, waiting.body))
        return self._waiting_read[envelope.id]

    # Running.

    def _run(self, entry: Entry) -> Result:
        if entry.streams & self.work.held:
            return Result("held")
        match entry.input:
            case Command():
                return self._run_command(entry, entry.input)
            case Delivery():
                return self._run_delivery(entry, entry.input)
            case Due():
                return self._run_due(entry, entry.input)
            case Repair():
                return self._run_repair(entry.input)

    def _run_command(self, entry: Entry, command: Command) -> Result:
        key = command.idempotency
        earlier = self.ledger.answers.get((key.scope, key.key)) if key else None
        if key and earlier:
            if earlier.request_hash != key.request_hash:
                return Result("refused", error=KeyReused())
            return Result("done", from_json(earlier.body), replayed=True)
        for subject in sorted(entry.streams):
            self._catch_up(subject, self.now)
        try:
            body = self._perform(entry)
        except Refused as refusal:
            return Result("refused", error=refusal)
        except Exception as error:  # noqa: BLE001 - a handler's mistake concerns this input alone
            return Result("failed", error=error)
        if key:
            answer = Answer(key.scope, key.key, key.request_hash, body.decode(), self.now)
            self.ledger.answers[key.scope, key.key] = answer
        return Result("done", from_json(body))

    def _run_delivery(self, entry: Entry, delivery: Delivery) -> Result:
        envelope = delivery.envelope
        track = (envelope.source, envelope.subject)
        turn = self.ledger.position(track) + 1
        if envelope.sequence < turn:
            return Result("duplicate")
        if envelope.sequence > turn:
            if (*track, envelope.sequence) not in self.ledger.waiting:
                reason: Reason = "behind" if self.ledger.next_waiting(track) else "gap"
                self.ledger.wait(self._as_waiting(delivery, reason))
            return Result("waiting")
        return self._apply(entry, delivery)

    def _apply(self, entry: Entry, delivery: Delivery) -> Result:
        """Apply the event whose turn it is, then those that waited for it, as far as they were loaded."""
        envelope = delivery.envelope
        track = (envelope.source, envelope.subject)
        result = self._apply_one(entry, delivery)
        while result.fate == "done" and (waiting := self.ledger.next_waiting(track)):
            following = self._entry_of(waiting)
            self.unfinished.add(track)
            if following.streams & self.work.held:
                break
            if self._apply_one(following, Delivery(waiting.envelope, waiting.body)).fate != "done":
                self.unfinished.discard(track)
                break
        return result

    def _apply_one(self, entry: Entry, delivery: Delivery) -> Result:
        envelope = delivery.envelope
        track = (envelope.source, envelope.subject)
        self._catch_up(envelope.subject, envelope.time)
        try:
            self._perform(entry)
        except Exception as error:  # noqa: BLE001 - a handler's mistake holds back this stream alone
            waiting = self.ledger.waiting.get((*track, envelope.sequence)) or self._as_waiting(delivery, "error")
            self.ledger.wait(waiting.failed(error))
            return Result("waiting", error=error)
        self.ledger.settle(track, envelope.sequence)
        return Result("done")

    def _run_due(self, entry: Entry, due: Due) -> Result:
        due_at = self.work.timer(due.subject, due.kind)
        if due_at is None or due_at > self.now:
            return Result("gone")
        return self._fire(due, due_at, entry.error)

    def _catch_up(self, subject: UUID, until: datetime) -> None:
        """Fire what was due on *subject* before this moment, oldest first, so that being late hides no breach."""
        while due := self._oldest_due(subject, until):
            self._fire(*due)

    def _oldest_due(self, subject: UUID, until: datetime) -> tuple[Due, datetime] | None:
        overdue = [
            (due_at, kind)
            for kind, due_at in self.work.timers.get(subject, {}).items()
            if due_at is not None and due_at <= min(until, self.now) and self._can_fire(Due(subject, kind))
        ]
        if not overdue:
            return None
        due_at, kind = min(overdue)
        return Due(subject, kind), due_at

    def _can_fire(self, due: Due) -> bool:
        if _base(due.kind) not in self.handlers or (due.subject, due.kind) in self.ledger.failed_timers:
            return False
        with self.work.asking():
            needs = self._needs_of_timer(due, self.now)
        held = {Stream(subject) for subject in self.work.held}
        return needs <= self.work.loaded - held and (due.subject, due.kind) not in self.ledger.failed_timers

    def _fire(self, due: Due, due_at: datetime, fault: Exception | None = None) -> Result:
        self.work.cancel_timer(due.subject, due.kind)
        entry = Entry(due, self.handlers.get(_base(due.kind)), self._timer_message(due, due_at), fault)
        metrics.TIMER_LATE_SECONDS.labels(self.work.source).observe((self.now - due_at).total_seconds())
        try:
            self._perform(entry)
        except Exception as error:  # noqa: BLE001 - the timer stays and is tried again later
            self.ledger.failed_timers[due.subject, due.kind] = describe(error)
            return Result("failed", error=error)
        return Result("done")

    def _run_repair(self, repair: Repair) -> Result:
        track = (repair.source, repair.subject)
        waiting = self.ledger.next_waiting(track)
        if waiting is None:
            return Result("refused", error=NothingWaits())
        entry = self._entry_of(waiting)
        if repair.action == "discard":
            entry = Entry(entry.input)
        if entry.streams & self.work.held:
            return Result("held")
        return self._apply(entry, Delivery(waiting.envelope, waiting.body))

    def _perform(self, entry: Entry) -> bytes:
        """Run the handler for its outcome as JSON; everything it staged stays if it returns and goes if it raises."""
        outcome = b"null"
        try:
            if entry.error is not None:
                raise entry.error
            if entry.handler is not None and entry.message is not None:
                outcome = to_json(self._call(entry.handler, entry.message, entry.input))
        except Exception:
            self.work.journal.take_back()
            raise
        self.work.journal.keep()
        return outcome

    def _call(self, handler: Handler, message: Message[Any], item: Input) -> object:
        """Run the handler within the trace that led here; what it announces carries that trace on."""
        kind, name = kind_of(item), name_of(item)
        timed = metrics.HANDLER_SECONDS.labels(self.work.source, kind, name).time()
        with timed, start_span(f"{kind} {name}", message.traceparent) as span:
            cause = (item.caused_by if isinstance(item, Command) else None) or message.id
            self.work.caused_by(Cause(cause, message.correlation_id, message.at, span.traceparent))
            return handler.run(message, self.work)

    def _as_waiting(self, delivery: Delivery, reason: Reason) -> Waiting:
        envelope = delivery.envelope
        return Waiting(
            source=envelope.source,
            subject=envelope.subject,
            sequence=envelope.sequence,
            type=envelope.type,
            headers=envelope.headers(),
            body=delivery.body,
            reason=reason,
            first_at=self.now,
        )


def kind_of(item: Input) -> str:
    """What came in, as metrics and traces call it: command, event, timer or repair."""
    return {Command: "command", Delivery: "event", Due: "timer", Repair: "repair"}[type(item)]


def name_of(item: Input) -> str:
    """What it is about: the command's class, the event's type or the timer's kind."""
    match item:
        case Command():
            return type(item.payload).__name__
        case Delivery():
            return item.envelope.type
        case Due():
            return _base(item.kind)
        case Repair():
            return item.action


def _base(kind: str) -> str:
    """The kind by which a timer's handler is found: what the timer is about may follow a colon (``due:answer``)."""
    return kind.partition(":")[0]


def _own_needs(item: Input) -> Iterator[AnyNeed]:
    match item:
        case Command():
            if item.idempotency is not None:
                yield AnswerNeed(item.idempotency.scope, item.idempotency.key)
        case Delivery():
            yield Stream(item.envelope.subject)
            yield TrackNeed(item.envelope.source, item.envelope.subject)
        case Due():
            yield Stream(item.subject)
        case Repair():
            yield Stream(item.subject)
            yield TrackNeed(item.source, item.subject)
