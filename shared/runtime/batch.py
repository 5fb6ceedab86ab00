"""One batch of inputs: load what all need, run the handlers in order, and say what became of each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic_core import from_json, to_json

from shared.refusal import Refused
from shared.runtime.asking import Asking
from shared.runtime.entry import Entry, Reader, kind_of, name_of
from shared.runtime.ledger import Answer, Ledger, Reason, Track, Waiting, describe
from shared.runtime.message import Command, Delivery, Due, Handler, Handlers, Input, Message, Repair
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


class Batch:
    """A batch that is loaded once and run once; a second attempt is a new ``Batch``."""

    def __init__(self, inputs: Sequence[Input], handlers: Handlers, work: Work, now: datetime) -> None:
        self.work = work
        self.ledger = Ledger()
        self.now = now
        self.unfinished: set[Track] = set()
        """Tracks on which more waits than could be looked at here: a ``Repair`` after the commit goes on with them."""
        self._reader = Reader(handlers, now)
        self.entries = [self._reader.entry(item) for item in inputs]
        self._asking = Asking(self.entries, self._reader, work, self.ledger, now)

    async def load(self, transaction: Transaction) -> None:
        """Ask every input what it needs, in rounds, until none asks for anything new."""
        await self._asking.load(transaction)

    def run(self) -> list[Result]:
        """Run every handler in the order of arrival; the results stand in the order of the inputs."""
        return [self._run(entry) for entry in self.entries]

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
            following = self._reader.waiting(waiting)
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
            self._perform_with_or_without_finding(entry)
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
        result = self._fire(due, due_at, entry.error)
        # Its stream is locked and loaded: after a standstill a case's overdue timers cost one commit, not one each.
        self._catch_up(due.subject, self.now)
        return result

    def _catch_up(self, subject: UUID, until: datetime) -> None:
        """Fire what was due on *subject* before this moment, oldest first, so that being late hides no breach."""
        while due := self._oldest_due(subject, until):
            self._fire(*due)

    def _oldest_due(self, subject: UUID, until: datetime) -> tuple[Due, datetime] | None:
        overdue = sorted(
            (due_at, kind)
            for kind, due_at in self.work.timers.get(subject, {}).items()
            if due_at is not None and due_at <= min(until, self.now)
        )
        ripe = ((Due(subject, kind), due_at) for due_at, kind in overdue)
        return next((each for each in ripe if self._can_fire(*each)), None)

    def _can_fire(self, due: Due, due_at: datetime) -> bool:
        if (due.subject, due.kind) in self.ledger.failed_timers:
            return False
        entry = self._reader.timer(due, due_at)
        if entry.handler is None:
            return False
        if entry.looked or not entry.settled:
            self._asking.ask_again(entry)
        return entry.error is None and entry.needs <= self.work.loaded and not entry.streams & self.work.held

    def _fire(self, due: Due, due_at: datetime, fault: Exception | None = None) -> Result:
        self.work.cancel_timer(due.subject, due.kind)
        entry = self._reader.timer(due, due_at)
        entry.error = entry.error or fault
        metrics.of(metrics.TIMER_LATE_SECONDS, self.work.source).observe((self.now - due_at).total_seconds())
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
        entry = self._reader.waiting(waiting)
        if repair.action == "discard":
            entry = Entry(entry.input)
        if entry.streams & self.work.held:
            return Result("held")
        return self._apply(entry, Delivery(waiting.envelope, waiting.body))

    def _perform_with_or_without_finding(self, entry: Entry) -> None:
        """A finding saves time and decides nothing: what fails with it may go well without."""
        try:
            self._perform(entry)
        except Exception:
            if entry.message is None or entry.message.finding is None:
                raise
            entry.message = replace(entry.message, finding=None)
            self._perform(entry)

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
        timed = metrics.of(metrics.HANDLER_SECONDS, self.work.source, kind, name).time()
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
