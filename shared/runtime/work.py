"""
What a handler works on: memory that was loaded before and is written after.

Nothing here can commit, publish, wait or fail half-way. Every change goes through a journal, so that a handler that
raises loses exactly what it staged itself.
"""

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from shared.contracts.envelope import Envelope
from shared.contracts.event import Event
from shared.runtime.ids import new_id
from shared.runtime.needs import Kind, Need, Number, Rows, Stream, rows
from shared.runtime.shelf import Shelf

R = TypeVar("R")
_ABSENT: Final = object()


class NotLoaded(LookupError):
    """A handler used something that its ``needs`` had not asked for: a mistake in the handler."""


@dataclass(frozen=True, slots=True)
class StreamState:
    """Where a subject's stream stands: its last sequence number (0 when new) and the time of the last event."""

    last: int = 0
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Announcement:
    """An event that will be in history when the batch commits."""

    envelope: Envelope
    event: Event


@dataclass(frozen=True, slots=True)
class Cause:
    """What the events announced now are caused by."""

    id: UUID
    correlation_id: UUID
    at: datetime
    traceparent: str | None = None


class Journal:
    """Changes that can be taken back until they are kept."""

    def __init__(self) -> None:
        self._undo: list[tuple[MutableMapping[Any, Any], object, object]] = []

    def put(self, mapping: MutableMapping[Any, Any], key: object, value: object) -> None:
        """Set *key*, remembering what was there."""
        self._undo.append((mapping, key, mapping.get(key, _ABSENT)))
        mapping[key] = value

    def keep(self) -> None:
        """Make everything since the last keep final."""
        self._undo.clear()

    def take_back(self) -> None:
        """Undo everything since the last keep, newest first."""
        for mapping, key, before in reversed(self._undo):
            if before is _ABSENT:
                del mapping[key]
            else:
                mapping[key] = before
        self._undo.clear()


class Work:
    """
    Everything one batch of messages has loaded and staged.

    Handlers call ``get``, ``find``, ``put``, ``delete``, ``announce``, ``set_timer``, ``cancel_timer``, ``number``,
    ``begin_stream`` and ``blank_history``; stores fill and flush the rest.
    """

    def __init__(self, source: str, kinds: Iterable[Kind]) -> None:
        self.source = source
        self.shelves: dict[type, Shelf[Any]] = {kind.row: Shelf(kind) for kind in kinds}
        self.loaded: set[Need] = set()
        self.streams: dict[UUID, StreamState] = {}
        self.streams_before: dict[UUID, StreamState] = {}
        self.held: set[UUID] = set()
        self.numbers: dict[tuple[str, UUID], int] = {}
        self.timers: dict[UUID, dict[str, datetime | None]] = {}
        self.timers_before: dict[UUID, dict[str, datetime]] = {}
        self.announced: dict[UUID, Announcement] = {}
        self.blanked: dict[UUID, bool] = {}
        self.journal = Journal()
        self._cause: Cause | None = None
        self._asking = False
        self.looked = False
        """Set when anything that may be loaded is looked at; whoever wants to know clears it before."""

    @contextmanager
    def asking(self) -> Iterator[None]:
        """While ``needs`` functions run, what is not loaded yet simply looks absent."""
        self._asking = True
        try:
            yield
        finally:
            self._asking = False

    def caused_by(self, cause: Cause) -> None:
        """Let what is announced from now on name *cause*, and be no earlier than it."""
        self._cause = cause

    def get(self, kind: type[R], *key: object) -> R | None:
        """
        The row with this primary key, or None.

        Raises:
            NotLoaded: nothing asked for it.
        """
        self.looked = True
        shelf: Shelf[R] = self.shelves[kind]
        wanted = key[0] if len(key) == 1 else key
        if wanted in shelf.now:
            return shelf.now[wanted]
        self._must_be_loaded(rows(kind, **dict(zip(shelf.kind.key, key, strict=True))))
        return None

    def find(self, kind: type[R], **equal: object) -> list[R]:
        """
        All rows whose columns equal the values, those staged in this batch included.

        Raises:
            NotLoaded: nothing asked for them.
        """
        need = rows(kind, **equal)
        self._must_be_loaded(need)
        return self.shelves[kind].matching(need.columns, need.values)

    def put(self, row: object) -> None:
        """
        Stage a new or changed row.

        Raises:
            NotLoaded: the stream that guards it was neither asked for nor begun.
        """
        shelf = self._shelf_for_change(row)
        key = shelf.kind.key_of(row)
        self.journal.put(shelf.now, key, row)
        shelf.note(key, row)

    def delete(self, row: object) -> None:
        """
        Stage the removal of a row.

        Raises:
            NotLoaded: nothing asked for it, or its stream was neither asked for nor begun.
        """
        shelf = self._shelf_for_change(row)
        key = shelf.kind.key_of(row)
        if key not in shelf.now:
            self._must_be_loaded(rows(type(row), **{column: getattr(row, column) for column in shelf.kind.key}))
        self.journal.put(shelf.now, key, None)

    def begin_stream(self, subject: UUID) -> None:
        """Start the stream of a subject whose id was made just now; nobody else can know it."""
        self.journal.put(self.streams, subject, StreamState())

    def announce(self, event: Event) -> UUID:
        """
        State a fact on its subject's stream; it is published if and only if the batch commits.

        Returns:
            The event's id.

        Raises:
            NotLoaded: the stream was neither asked for nor begun.
        """
        cause = self._cause
        state = self.streams.get(event.subject)
        if cause is None or state is None:
            raise NotLoaded(f"stream of {event.TYPE}")
        envelope = Envelope(
            id=new_id(),
            type=event.TYPE,
            source=self.source,
            subject=event.subject,
            time=max(cause.at, state.last_at or cause.at),
            sequence=state.last + 1,
            correlation_id=cause.correlation_id,
            causation_id=cause.id,
            traceparent=cause.traceparent,
        )
        self.journal.put(self.streams, event.subject, StreamState(envelope.sequence, envelope.time))
        self.journal.put(self.announced, envelope.id, Announcement(envelope, event))
        return envelope.id

    def set_timer(self, subject: UUID, kind: str, due_at: datetime) -> None:
        """
        Have the handler of *kind* called at *due_at*; a timer of that kind and subject that exists is moved.

        Raises:
            NotLoaded: the subject's stream was neither asked for nor begun.
        """
        self._must_be_locked(subject)
        self.journal.put(self.timers.setdefault(subject, {}), kind, due_at)

    def cancel_timer(self, subject: UUID, kind: str) -> None:
        """
        Make sure that no timer of *kind* is open for *subject*.

        Raises:
            NotLoaded: the subject's stream was neither asked for nor begun.
        """
        self._must_be_locked(subject)
        self.journal.put(self.timers.setdefault(subject, {}), kind, None)

    def timer(self, subject: UUID, kind: str) -> datetime | None:
        """
        When the open timer of *kind* is due, if there is one.

        Raises:
            NotLoaded: the subject's stream was neither asked for nor begun.
        """
        self._must_be_locked(subject)
        return self.timers.get(subject, {}).get(kind)

    def number(self, sequence: str, asker: UUID) -> int:
        """
        The number that was drawn from *sequence* for *asker*.

        Raises:
            NotLoaded: no ``Number`` need asked for it.
        """
        self._must_be_loaded(Number(sequence, asker))
        return self.numbers[sequence, asker]

    def blank_history(self, subject: UUID) -> None:
        """
        Take every free text of *subject* out of what this service has kept of it: history and waiting events.

        Raises:
            NotLoaded: the subject's stream was neither asked for nor begun.
        """
        self._must_be_locked(subject)
        self.journal.put(self.blanked, subject, value=True)

    def _must_be_loaded(self, need: Need) -> None:
        self.looked = True
        if not self._asking and need not in self.loaded:
            raise NotLoaded(str(need))

    def _must_be_locked(self, subject: UUID) -> None:
        self.looked = True
        if subject not in self.streams and not self._asking:
            raise NotLoaded(str(Stream(subject)))

    def _shelf_for_change(self, row: object) -> Shelf[Any]:
        shelf = self.shelves[type(row)]
        if shelf.kind.stream is not None:
            self._must_be_locked(getattr(row, shelf.kind.stream))
        return shelf

    # What follows is for the door and the stores.

    def announces(self) -> bool:
        """Whether there is something to publish."""
        return bool(self.announced)

    def sets_timers(self) -> bool:
        """Whether a timer is new or has moved."""
        return any(
            due_at is not None and due_at != self.timers_before.get(subject, {}).get(kind)
            for subject, timers in self.timers.items()
            for kind, due_at in timers.items()
        )

    def changes(self, kind: type) -> bool:
        """Whether a row of *kind* is not what it was in the database."""
        shelf = self.shelves[kind]
        return any(row is not shelf.loaded.get(key) for key, row in shelf.now.items())

    def accept_rows(self, kind: type[R], found: Iterable[R]) -> None:
        """Take rows from the database; a row that this batch already staged keeps its staged state."""
        self.shelves[kind].accept(found)

    def accept_stream(self, subject: UUID, state: StreamState, timers: Mapping[str, datetime]) -> None:
        """Take a locked stream and its open timers from the database."""
        self.streams[subject] = self.streams_before[subject] = state
        self.timers[subject] = dict(timers)
        self.timers_before[subject] = dict(timers)

    def forget_guarded(self) -> list[Rows]:
        """
        Forget the rows that a stream guards, because a stream is about to be locked after they were read.

        Returns:
            What must be read again under the lock: rows may have changed, gone or come meanwhile.
        """
        again = [need for need in self.loaded if isinstance(need, Rows) and self.shelves[need.kind].kind.stream]
        for need in again:
            self.shelves[need.kind].forget()
        return again

    def changed(self, shelf: Shelf[R]) -> tuple[list[R], list[tuple[R, R]], list[R]]:
        """What of a shelf differs from the database: new rows, pairs (before, now), and removed rows."""
        return shelf.changed()


__all__ = ["Announcement", "Cause", "NotLoaded", "Number", "Rows", "Shelf", "Stream", "StreamState", "Work", "rows"]
