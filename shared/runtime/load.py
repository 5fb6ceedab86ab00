"""What a batch loads from PostgreSQL: the locks in one round trip, all that they guard in the next."""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.runtime.columns import Columns
from shared.runtime.database import Connection
from shared.runtime.ledger import Answer, AnswerNeed, AnyNeed, Ledger, Track, TrackNeed, Waiting
from shared.runtime.needs import Number, Rows, Stream
from shared.runtime.records import WAITING_COLUMNS, waiting_from
from shared.runtime.trip import Part, read_together, transposed
from shared.runtime.work import StreamState, Work

WAITING_LOADED_PER_TRACK = 100
"""Waiting events of one track that are looked at in one batch; the rest follows in the next."""

_LOCK = (
    "with mine as materialized (select subject from unnest($1::uuid[], $2::bigint[]) as s(subject, key)"
    " where pg_try_advisory_xact_lock(key)),"
    " locked as materialized"
    " (select s.subject from streams s join mine using (subject) for update of s skip locked)"
    " select subject from mine where subject in (select subject from locked)"
    " or not exists (select from streams s where s.subject = mine.subject)"
)
_STREAMS = "select subject, last, last_at from streams where subject = any($1::uuid[])"
_TIMERS = "select subject, kind, due_at from timers where subject = any($1::uuid[])"
_NUMBERS = "select nextval($1::text::regclass) from generate_series(1, $2::int)"
_POSITIONS = (
    "select source, subject, last from positions join unnest($1::text[], $2::uuid[]) as t(source, subject)"
    " using (source, subject)"
)
_WAITING = (
    f"select {', '.join(f'w.{name}' for name in WAITING_COLUMNS)}"  # noqa: S608 - the runtime's own columns
    " from unnest($1::text[], $2::uuid[]) as t(source, subject) cross join lateral"
    " (select * from waiting where source = t.source and subject = t.subject order by sequence limit $3) w"
)
_ANSWERS = (
    "select a.scope, a.key, a.request_hash, a.body, a.at from answers a"
    " join unnest($1::text[], $2::text[]) as t(scope, key) using (scope, key)"
)

Found = list[Sequence[Any]]
Take = Callable[[Found], None]


class Load:
    """One round of loading."""

    def __init__(self, connection: Connection, columns: Mapping[type, Columns], work: Work, ledger: Ledger) -> None:
        self._connection = connection
        self._columns = columns
        self._work = work
        self._ledger = ledger
        self._parts: list[Part] = []
        self._takes: list[Take] = []

    async def fetch(self, needs: Collection[AnyNeed]) -> None:
        """Take the locks first; rows that were read before their stream was locked are read again."""
        rows = [need for need in needs if isinstance(need, Rows)]
        if subjects := sorted({need.subject for need in needs if isinstance(need, Stream)}):
            rows += self._work.forget_guarded()
            self._read_streams(await self._lock(subjects))
        self._read_rows(rows)
        self._draw([need for need in needs if isinstance(need, Number)])
        self._read_tracks([need for need in needs if isinstance(need, TrackNeed)])
        self._read_answers([need for need in needs if isinstance(need, AnswerNeed)])
        for take, found in zip(self._takes, await read_together(self._connection, self._parts), strict=True):
            take(found)

    def _read(self, text: str, values: Sequence[object], take: Take) -> None:
        self._parts.append((text, values))
        self._takes.append(take)

    async def _lock(self, subjects: list[UUID]) -> list[UUID]:
        """
        Lock what nobody else holds; never wait.

        A row lock cannot cover a stream that has no row yet, so an advisory lock for the subject comes first. What
        the locks guard is read by a statement of its own: it must see what the last holder committed.
        """
        taken = await self._connection.fetch(_LOCK, subjects, [_lock_key(subject) for subject in subjects])
        mine = [row["subject"] for row in taken]
        self._work.held |= set(subjects) - set(mine)
        return mine

    def _read_streams(self, mine: list[UUID]) -> None:
        states: dict[UUID, StreamState] = {}

        def take_states(found: Found) -> None:
            states.update((subject, StreamState(last, last_at)) for subject, last, last_at in found)

        def take_timers(found: Found) -> None:
            timers: dict[UUID, dict[str, datetime]] = {}
            for subject, kind, due_at in found:
                timers.setdefault(subject, {})[kind] = due_at
            for subject in mine:
                self._work.accept_stream(subject, states.get(subject, StreamState()), timers.get(subject, {}))

        self._read(_STREAMS, [mine], take_states)
        self._read(_TIMERS, [mine], take_timers)

    def _read_rows(self, needs: Sequence[Rows]) -> None:
        groups: dict[tuple[type, tuple[str, ...]], list[tuple[object, ...]]] = {}
        for need in needs:
            groups.setdefault((need.kind, need.columns), []).append(need.values)
        for (kind, names), values in groups.items():
            self._read_group(kind, names, values)

    def _read_group(self, kind: type, names: tuple[str, ...], values: list[tuple[object, ...]]) -> None:
        columns = self._columns[kind]

        def take(found: Found) -> None:
            self._work.accept_rows(kind, map(columns.row, found))

        self._read(columns.select(names), columns.arrays(names, values), take)

    def _draw(self, needs: Sequence[Number]) -> None:
        askers: dict[str, list[UUID]] = {}
        for need in needs:
            askers.setdefault(need.sequence, []).append(need.asker)
        for sequence, of_sequence in askers.items():
            self._draw_for(sequence, of_sequence)

    def _draw_for(self, sequence: str, askers: list[UUID]) -> None:
        def take(found: Found) -> None:
            for asker, (number,) in zip(askers, found, strict=True):
                self._work.numbers[sequence, asker] = number

        self._read(_NUMBERS, [sequence, len(askers)], take)

    def _read_tracks(self, needs: Sequence[TrackNeed]) -> None:
        if not needs:
            return
        sources, subjects = [need.source for need in needs], [need.subject for need in needs]
        last: dict[Track, int] = {}

        def take_positions(found: Found) -> None:
            last.update(((source, subject), applied) for source, subject, applied in found)

        def take_waiting(found: Found) -> None:
            events: dict[Track, list[Waiting]] = {}
            for row in found:
                event = waiting_from(row)
                events.setdefault(event.track, []).append(event)
            for need in needs:
                track = (need.source, need.subject)
                self._ledger.accept_track(track, last.get(track, 0), events.get(track, []))

        self._read(_POSITIONS, [sources, subjects], take_positions)
        self._read(_WAITING, [sources, subjects, WAITING_LOADED_PER_TRACK], take_waiting)

    def _read_answers(self, needs: Sequence[AnswerNeed]) -> None:
        def take(found: Found) -> None:
            for row in found:
                self._ledger.accept_answer(Answer(*row))

        if needs:
            self._read(_ANSWERS, transposed((need.scope, need.key) for need in needs), take)


def _lock_key(subject: UUID) -> int:
    """A signed 64-bit key for the advisory lock; hashed, because UUIDv7 bits are alike for neighbours in time."""
    return int.from_bytes(hashlib.blake2b(subject.bytes, digest_size=8).digest(), signed=True)
