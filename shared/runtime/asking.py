"""What a batch needs to have loaded: asked of everything that may run in it, in rounds, until nothing new is named."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from shared.runtime.entry import Entry, Reader
from shared.runtime.ledger import AnswerNeed, AnyNeed, Ledger, TrackNeed, describe
from shared.runtime.message import Command, Delivery, Due, Input, Repair
from shared.runtime.needs import Stream
from shared.runtime.store import Transaction
from shared.runtime.work import Work


class Asking:
    """
    Asks the inputs, the timers that are due on their streams, and the events that wait on their tracks.

    A ``needs`` function that looked at nothing is asked once. One that looked is asked again after every load until
    it names nothing new, because what it looks at is what it asked for; and once more when rows were read again
    under a lock.
    """

    def __init__(self, entries: Sequence[Entry], reader: Reader, work: Work, ledger: Ledger, now: datetime) -> None:
        self._entries = entries
        self._reader = reader
        self._work = work
        self._ledger = ledger
        self._now = now
        self._asked: set[AnyNeed] = set()

    async def load(self, transaction: Transaction) -> None:
        """Ask and load until none asks for anything new."""
        while wanted := self._wanted():
            await transaction.load(wanted, self._work, self._ledger)
            self._work.loaded |= {need for need in wanted if not isinstance(need, TrackNeed | AnswerNeed)}

    def ask_again(self, timer: Entry) -> None:
        """Ask a timer that is due as things stand by now."""
        with self._work.asking():
            self._ask_timer(timer)

    def _wanted(self) -> set[AnyNeed]:
        wanted: set[AnyNeed] = set()
        with self._work.asking():
            for entry in self._unsettled():
                fresh = entry.needs - self._asked
                entry.settled = not entry.looked or not fresh
                wanted |= fresh
        if self._asked and any(isinstance(need, Stream) for need in wanted):
            self._unsettle()
        self._asked |= wanted
        return wanted

    def _unsettled(self) -> Iterator[Entry]:
        for entry in self._entries:
            if not entry.settled:
                self._ask(entry)
                yield entry
        for subject, timers in self._work.timers.items():
            for kind, due_at in timers.items():
                if due_at is not None and due_at <= self._now:
                    timer = self._reader.timer(Due(subject, kind), due_at)
                    if not timer.settled:
                        self._ask_timer(timer)
                        yield timer
        for waiting in self._ledger.waiting.values():
            if waiting is not None and not (late := self._reader.waiting(waiting)).settled:
                self._ask(late)
                yield late

    def _ask(self, entry: Entry) -> None:
        entry.needs = _own_needs(entry.input)
        if entry.handler is not None and entry.message is not None and entry.error is None:
            self._work.looked = False
            try:
                entry.needs |= set(entry.handler.needs(entry.message, self._work))
            except Exception as error:  # noqa: BLE001 - a handler's mistake concerns this input alone
                entry.error = error
            entry.looked = self._work.looked
        entry.streams = {need.subject for need in entry.needs if isinstance(need, Stream)}

    def _ask_timer(self, timer: Entry) -> None:
        """A mistake in what its handler needs keeps a timer from firing in this batch."""
        self._ask(timer)
        if timer.error is not None and isinstance(timer.input, Due):
            self._ledger.failed_timers[timer.input.subject, timer.input.kind] = describe(timer.error)

    def _unsettle(self) -> None:
        """Rows that were read before are read again now, and may have changed."""
        for entry in (*self._entries, *self._reader.read):
            entry.settled = not entry.looked


def _own_needs(item: Input) -> set[AnyNeed]:
    match item:
        case Delivery():
            return {Stream(item.envelope.subject), TrackNeed(item.envelope.source, item.envelope.subject)}
        case Command():
            key = item.idempotency
            return {AnswerNeed(key.scope, key.key)} if key else set()
        case Due():
            return {Stream(item.subject)}
        case Repair():
            return {Stream(item.subject), TrackNeed(item.source, item.subject)}
