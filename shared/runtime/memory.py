"""The memory twin: the same load and flush on dictionaries, for tests of handlers and for the shared suite."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from shared.contracts.erasure import blank
from shared.runtime.ledger import Answer, AnswerNeed, AnyNeed, Ledger, Track, TrackNeed, Waiting
from shared.runtime.needs import Kind, Number, Rows, Stream
from shared.runtime.store import ConstraintViolated
from shared.runtime.work import StreamState, Work

_PAUSE: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One event of the history, as the relay would send it."""

    id: int
    subject: UUID
    sequence: int
    type: str
    headers: tuple[tuple[str, bytes], ...]
    body: bytes


@dataclass(slots=True)
class MemoryStore:
    """Everything a service keeps, in memory; one transaction at a time, and a failed one changes nothing."""

    kinds: Sequence[Kind]
    rows: dict[type, dict[Any, Any]] = field(default_factory=dict)
    streams: dict[UUID, StreamState] = field(default_factory=dict)
    timers: dict[tuple[UUID, str], datetime] = field(default_factory=dict)
    positions: dict[Track, int] = field(default_factory=dict)
    waiting: dict[tuple[str, UUID, int], Waiting] = field(default_factory=dict)
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    history: list[Recorded] = field(default_factory=list)
    tried_again: dict[tuple[UUID, str], datetime] = field(default_factory=dict)
    """When a timer that failed is due once more."""
    held: set[UUID] = field(default_factory=set)
    """Streams that another replica is said to hold."""

    def __post_init__(self) -> None:
        """Start every kind with no rows."""
        for kind in self.kinds:
            self.rows.setdefault(kind.row, {})

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["_MemoryTransaction"]:
        """Open an attempt; there is nothing to take back, because only ``flush`` writes."""
        yield _MemoryTransaction(self)

    async def due_timers(self, now: datetime, limit: int) -> list[tuple[UUID, str]]:
        """The oldest timers that are due."""
        moments = ((max(at, self.tried_again.get(key, at)), *key) for key, at in self.timers.items())
        due = sorted(moment for moment in moments if moment[0] <= now)
        return [(subject, kind) for _, subject, kind in due[:limit]]

    def all(self, kind: type) -> list[Any]:
        """Every row of a kind, for assertions."""
        return list(self.rows[kind].values())


class _MemoryTransaction:
    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def load(self, needs: Collection[AnyNeed], work: Work, ledger: Ledger) -> None:
        streams = {need.subject for need in needs if isinstance(need, Stream)}
        work.held |= streams & self._store.held
        for subject in streams - work.held:
            timers = {kind: at for (owner, kind), at in self._store.timers.items() if owner == subject}
            work.accept_stream(subject, self._store.streams.get(subject, StreamState()), timers)
        for need in needs:
            self._load_one(need, work, ledger)

    def _load_one(self, need: AnyNeed, work: Work, ledger: Ledger) -> None:
        store = self._store
        match need:
            case Rows():
                work.accept_rows(need.kind, [row for row in store.rows[need.kind].values() if _matches(row, need)])
            case Number():
                store.numbers[need.sequence] = store.numbers.get(need.sequence, 0) + 1
                work.numbers[need.sequence, need.asker] = store.numbers[need.sequence]
            case TrackNeed():
                track = (need.source, need.subject)
                waiting = [event for event in store.waiting.values() if event.track == track]
                ledger.accept_track(track, store.positions.get(track, 0), waiting)
            case AnswerNeed():
                if answer := store.answers.get((need.scope, need.key)):
                    ledger.accept_answer(answer)
            case Stream():
                pass

    async def flush(self, work: Work, ledger: Ledger, now: datetime) -> None:
        self._flush_rows(work)
        store = self._store
        store.streams |= work.streams
        store.positions |= ledger.positions
        store.answers |= ledger.answers
        _replace(store.waiting, ledger.waiting)
        for subject, timers in work.timers.items():
            _replace(store.timers, {(subject, kind): due_at for kind, due_at in timers.items()})
        store.tried_again |= dict.fromkeys(ledger.failed_timers, now + _PAUSE)
        self._append(work)
        for subject in work.blanked:
            self._blank(subject)

    def _flush_rows(self, work: Work) -> None:
        changes = {shelf.kind.row: (shelf, *shelf.changed()) for shelf in work.shelves.values()}
        for row_type, (shelf, new, _, _) in changes.items():
            if any(shelf.kind.key_of(row) in self._store.rows[row_type] for row in new):
                raise ConstraintViolated(row_type.__name__)
        for row_type, (shelf, new, moved, gone) in changes.items():
            kept = self._store.rows[row_type]
            kept.update({shelf.kind.key_of(row): row for row in [*new, *(now for _, now in moved)]})
            for row in gone:
                del kept[shelf.kind.key_of(row)]

    def _append(self, work: Work) -> None:
        for announced in work.announced.values():
            envelope = announced.envelope
            body = announced.event.model_dump_json().encode()
            row = Recorded(
                len(self._store.history) + 1,
                envelope.subject,
                envelope.sequence,
                envelope.type,
                envelope.headers(),
                body,
            )
            self._store.history.append(row)

    def _blank(self, subject: UUID) -> None:
        self._store.history = [
            Recorded(r.id, r.subject, r.sequence, r.type, r.headers, blank(r.type, r.body))
            if r.subject == subject
            else r
            for r in self._store.history
        ]
        for key, late in self._store.waiting.items():
            if late.subject == subject:
                self._store.waiting[key] = replace(late, body=blank(late.type, late.body))


def _matches(row: object, need: Rows) -> bool:
    return all(getattr(row, c) == v for c, v in zip(need.columns, need.values, strict=True))


def _replace(kept: dict[Any, Any], staged: dict[Any, Any]) -> None:
    for key, value in staged.items():
        if value is None:
            kept.pop(key, None)
        else:
            kept[key] = value
