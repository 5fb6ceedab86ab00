"""What a batch writes to PostgreSQL: everything staged in one to three round trips, the history in the last."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from shared.contracts.erasure import blank
from shared.runtime.columns import Columns
from shared.runtime.database import Connection
from shared.runtime.ledger import Ledger, Waiting
from shared.runtime.records import WAITING_COLUMNS, pack_headers, waiting_values
from shared.runtime.tables import HISTORY_LOCK
from shared.runtime.trip import Part, transposed, write_together
from shared.runtime.work import Work

_DELETE_TIMERS: Final = (
    "delete from timers t using unnest($1::uuid[], $2::text[]) as g(subject, kind)"
    " where t.subject = g.subject and t.kind = g.kind"
)
_PUT_TIMERS: Final = (
    "insert into timers (subject, kind, due_at, try_at, attempts)"
    " select subject, kind, due_at, due_at, 0 from unnest($1::uuid[], $2::text[], $3::timestamptz[])"
    " as p(subject, kind, due_at) on conflict (subject, kind) do update"
    " set due_at = excluded.due_at, try_at = excluded.due_at, attempts = 0"
)
_POSTPONE_TIMERS: Final = (
    "update timers t set attempts = attempts + 1,"
    " try_at = $3::timestamptz + make_interval(secs => least(300, 2 ^ least(attempts, 9)))"
    " from unnest($1::uuid[], $2::text[]) as f(subject, kind)"
    " where t.subject = f.subject and t.kind = f.kind and t.due_at <= $3"
)
_ADVANCE_POSITIONS: Final = (
    "insert into positions (source, subject, last)"
    " select * from unnest($1::text[], $2::uuid[], $3::bigint[])"
    " on conflict (source, subject) do update set last = excluded.last"
)
_ADVANCE_STREAMS: Final = (
    "insert into streams (subject, last, last_at)"
    " select * from unnest($1::uuid[], $2::bigint[], $3::timestamptz[])"
    " on conflict (subject) do update set last = excluded.last, last_at = excluded.last_at"
)
_DELETE_WAITING: Final = (
    "delete from waiting w"
    " using unnest($1::text[], $2::uuid[], $3::bigint[]) as g(source, subject, sequence)"
    " where w.source = g.source and w.subject = g.subject and w.sequence = g.sequence"
)
_PUT_WAITING: Final = (
    f"insert into waiting ({', '.join(WAITING_COLUMNS)})"  # noqa: S608 - the runtime's own columns
    " select * from unnest($1::text[], $2::uuid[], $3::bigint[], $4::text[], $5::bytea[], $6::bytea[], $7::text[],"
    " $8::timestamptz[], $9::int[], $10::text[])"
)
_PUT_ANSWERS: Final = (
    "insert into answers (scope, key, request_hash, body, at)"
    " select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])"
)
# No row can be made, and no id drawn, before the lock is there.
_APPEND_HISTORY: Final = (
    "with locked as materialized (select pg_advisory_xact_lock($1))"
    " insert into history (subject, sequence, type, at, headers, body)"
    " select h.* from locked, unnest($2::uuid[], $3::bigint[], $4::text[], $5::timestamptz[], $6::bytea[],"
    " $7::bytea[]) as h"
)


class Flush:
    """One batch's writing."""

    def __init__(
        self, connection: Connection, columns: Mapping[type, Columns], work: Work, ledger: Ledger, now: datetime
    ) -> None:
        self._connection = connection
        self._columns = columns
        self._work = work
        self._ledger = ledger
        self._now = now

    async def write(self) -> str | None:
        """
        Write everything staged; the history comes last, so that its lock is held for the commit alone.

        Returns:
            By which the server knows this transaction; None if nothing was written.
        """
        steps = self._steps()
        written = [await write_together(self._connection, parts) for parts in steps if parts]
        for subject in self._work.blanked:
            await self._blank(subject)
        return written[-1] if written else None

    def _steps(self) -> tuple[list[Part], list[Part], list[Part]]:
        """
        What goes, what changes, and what is new, each in a statement of its own: a row may make way for another.

        If no kind has rows that change beside new ones, one statement does for both.
        """
        gone: list[Part] = []
        moved: list[Part] = []
        new: list[Part] = []
        in_the_way = False
        for shelf in self._work.shelves.values():
            added, changed, removed = shelf.changed()
            if added or changed or removed:
                columns = self._columns[shelf.kind.row]
                gone += columns.deleting(removed)
                moved += columns.updating(changed)
                new += columns.inserting(added)
                in_the_way = in_the_way or bool(added and changed)
        gone += self._late_gone()
        rest = [*new, *self._answers(), *self._late_put(), *self._timers(), *self._positions(), *self._streams()]
        rest += self._history()
        return (gone, moved, rest) if in_the_way else (gone, [], [*moved, *rest])

    def _timers(self) -> Iterator[Part]:
        put: list[tuple[UUID, str, datetime]] = []
        gone: list[tuple[UUID, str]] = []
        for subject, timers in self._work.timers.items():
            before = self._work.timers_before.get(subject, {})
            for kind, due_at in timers.items():
                if due_at is None:
                    gone += [(subject, kind)] if kind in before else []
                elif due_at != before.get(kind):
                    put.append((subject, kind, due_at))
        moved = {(subject, kind) for subject, kind, _ in put} | set(gone)
        failed = [timer for timer in self._ledger.failed_timers if timer not in moved]
        if gone:
            yield _DELETE_TIMERS, transposed(gone)
        if put:
            yield _PUT_TIMERS, transposed(put)
        if failed:
            yield _POSTPONE_TIMERS, [*transposed(failed), self._now]

    def _positions(self) -> Iterator[Part]:
        before = self._ledger.positions_before
        applied = [(*track, last) for track, last in self._ledger.positions.items() if last != before.get(track)]
        if applied:
            yield _ADVANCE_POSITIONS, transposed(applied)

    def _streams(self) -> Iterator[Part]:
        before = self._work.streams_before
        moved = [
            (subject, state.last, state.last_at)
            for subject, state in self._work.streams.items()
            if state is not before.get(subject)
        ]
        if moved:
            yield _ADVANCE_STREAMS, transposed(moved)

    def _late_gone(self) -> Iterator[Part]:
        if changed := self._late_changed():
            yield _DELETE_WAITING, transposed(changed)

    def _late_put(self) -> Iterator[Part]:
        if kept := [waiting_values(event) for event in self._late_changed().values() if event is not None]:
            yield _PUT_WAITING, transposed(kept)

    def _late_changed(self) -> dict[tuple[str, UUID, int], Waiting | None]:
        before = self._ledger.waiting_before
        return {key: event for key, event in self._ledger.waiting.items() if event is not before.get(key)}

    def _answers(self) -> Iterator[Part]:
        answers = [answer for key, answer in self._ledger.answers.items() if key not in self._ledger.answers_before]
        if answers:
            yield _PUT_ANSWERS, transposed(sorted((a.scope, a.key, a.request_hash, a.body, a.at) for a in answers))

    def _history(self) -> Iterator[Part]:
        rows = [
            (
                announced.envelope.subject,
                announced.envelope.sequence,
                announced.envelope.type,
                announced.envelope.time,
                pack_headers(announced.envelope.headers()),
                announced.event.model_dump_json().encode(),
            )
            for announced in self._work.announced.values()
        ]
        if rows:
            yield _APPEND_HISTORY, [HISTORY_LOCK, *transposed(rows)]

    async def _blank(self, subject: UUID) -> None:
        kept = await self._connection.fetch("select id, type, body from history where subject = $1", subject)
        bodies = [(row["id"], blank(row["type"], row["body"])) for row in kept]
        if bodies:
            await self._connection.execute(
                "update history h set body = b.body from unnest($1::bigint[], $2::bytea[]) as b(id, body)"
                " where h.id = b.id",
                *transposed(bodies),
            )
        late = await self._connection.fetch(
            "select source, subject, sequence, type, body from waiting where subject = $1", subject
        )
        for row in late:
            await self._connection.execute(
                "update waiting set body = $4 where source = $1 and subject = $2 and sequence = $3",
                row["source"],
                subject,
                row["sequence"],
                blank(row["type"], row["body"]),
            )
