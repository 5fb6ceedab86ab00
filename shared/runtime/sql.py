"""The store on PostgreSQL: a batch is a few set-based statements on one asyncpg connection."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.contracts.erasure import blank
from shared.runtime.columns import Columns
from shared.runtime.database import Connection, Database, is_transient
from shared.runtime.ledger import Answer, AnswerNeed, AnyNeed, Ledger, TrackNeed, Waiting
from shared.runtime.needs import Number, Rows, Stream
from shared.runtime.records import pack_headers, unpack_headers
from shared.runtime.store import ConstraintViolated
from shared.runtime.tables import HISTORY_LOCK, Stored
from shared.runtime.work import StreamState, Work

_ASK_AGAIN_SECONDS = 0.05
WAITING_LOADED_PER_TRACK = 100
"""Waiting events of one track that are looked at in one batch; the rest follows in the next."""


class SqlStore:
    """Where a service keeps everything in production."""

    def __init__(self, database: Database, stored: Iterable[Stored]) -> None:
        self._database = database
        self._columns = {item.kind.row: Columns(item) for item in stored}

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["SqlTransaction"]:
        """Open an attempt on a connection of its own; when its end was not heard, ask what became of it."""
        committing: str | None = None
        try:
            async with self._database.connection() as connection, connection.transaction():
                attempt = SqlTransaction(connection, self._columns)
                yield attempt
                committing = attempt.id
        except asyncpg.IntegrityConstraintViolationError as error:
            raise ConstraintViolated(error.constraint_name or type(error).__name__) from error
        except Exception as error:
            if committing is None or not is_transient(error) or not await self._has_committed(committing):
                raise

    async def _has_committed(self, transaction_id: str) -> bool:
        """Ask until there is an answer: to try again what did commit would do it twice."""
        while True:
            try:
                async with self._database.connection() as connection:
                    status = await connection.fetchval("select pg_xact_status($1::text::xid8)", transaction_id)
                if status != "in progress":
                    return bool(status == "committed")
            except Exception as error:
                if not is_transient(error):
                    raise
            await asyncio.sleep(_ASK_AGAIN_SECONDS)

    async def due_timers(self, now: datetime, limit: int) -> list[tuple[UUID, str]]:
        """The oldest timers that are due."""
        query = "select subject, kind from timers where try_at <= $1 order by try_at limit $2"
        async with self._database.connection() as connection:
            return [(row["subject"], row["kind"]) for row in await connection.fetch(query, now, limit)]


class SqlTransaction:
    """One attempt at a batch, inside a transaction of PostgreSQL (read committed)."""

    def __init__(self, connection: Connection, columns: dict[type, Columns]) -> None:
        self.id: str | None = None
        """By which the server knows this transaction, once everything is written; None if nothing was."""
        self._connection = connection
        self._columns = columns

    # Loading.

    async def load(self, needs: Collection[AnyNeed], work: Work, ledger: Ledger) -> None:
        """Take the locks first; rows that were read before their stream was locked are read again."""
        streams = {need.subject for need in needs if isinstance(need, Stream)}
        again: list[Rows] = []
        if streams:
            again = work.forget_guarded()
            await self._lock(sorted(streams), work)
        await self._load_rows([*(need for need in needs if isinstance(need, Rows)), *again], work)
        await self._draw([need for need in needs if isinstance(need, Number)], work)
        await self._load_tracks([need for need in needs if isinstance(need, TrackNeed)], ledger)
        await self._load_answers([need for need in needs if isinstance(need, AnswerNeed)], ledger)

    async def _lock(self, subjects: list[UUID], work: Work) -> None:
        """
        Lock what nobody else holds; never wait.

        A row lock cannot cover a stream that has no row yet, so an advisory lock for the subject comes first. The
        select is a statement of its own: it must see what the last holder committed.
        """
        keys = [_lock_key(subject) for subject in subjects]
        taken = await self._connection.fetch(
            "select subject from unnest($1::uuid[], $2::bigint[]) as s(subject, key)"
            " where pg_try_advisory_xact_lock(key)",
            subjects,
            keys,
        )
        mine = [row["subject"] for row in taken]
        states = await self._connection.fetch(
            "with known as (select subject from streams where subject = any($1)),"
            " locked as (select subject, last, last_at from streams where subject = any($1) for update skip locked)"
            " select known.subject, last, last_at from known left join locked using (subject)",
            mine,
        )
        elsewhere = {row["subject"] for row in states if row["last"] is None}
        work.held |= (set(subjects) - set(mine)) | elsewhere
        state_of = {row["subject"]: StreamState(row["last"], row["last_at"]) for row in states}
        timers: dict[UUID, dict[str, datetime]] = {}
        for row in await self._connection.fetch(
            "select subject, kind, due_at from timers where subject = any($1)", mine
        ):
            timers.setdefault(row["subject"], {})[row["kind"]] = row["due_at"]
        for subject in mine:
            if subject not in elsewhere:
                work.accept_stream(subject, state_of.get(subject, StreamState()), timers.get(subject, {}))

    async def _load_rows(self, needs: Sequence[Rows], work: Work) -> None:
        groups: dict[tuple[type, tuple[str, ...]], list[tuple[object, ...]]] = {}
        for need in needs:
            groups.setdefault((need.kind, need.columns), []).append(need.values)
        for (kind, names), values in groups.items():
            columns = self._columns[kind]
            found = await self._connection.fetch(columns.select(names), *columns.arrays(names, values))
            work.accept_rows(kind, [columns.row(record) for record in found])

    async def _draw(self, needs: Sequence[Number], work: Work) -> None:
        for need in needs:
            drawn = await self._connection.fetchval("select nextval($1::text::regclass)", need.sequence)
            work.numbers[need.sequence, need.asker] = drawn

    async def _load_tracks(self, needs: Sequence[TrackNeed], ledger: Ledger) -> None:
        if not needs:
            return
        sources, subjects = [need.source for need in needs], [need.subject for need in needs]
        positions = await self._connection.fetch(
            "select source, subject, last from positions join unnest($1::text[], $2::uuid[]) as t(source, subject)"
            " using (source, subject)",
            sources,
            subjects,
        )
        waiting = await self._connection.fetch(
            "select w.* from unnest($1::text[], $2::uuid[]) as t(source, subject) cross join lateral"
            " (select * from waiting where source = t.source and subject = t.subject order by sequence limit $3) w",
            sources,
            subjects,
            WAITING_LOADED_PER_TRACK,
        )
        last = {(row["source"], row["subject"]): row["last"] for row in positions}
        events: dict[tuple[str, UUID], list[Waiting]] = {}
        for row in waiting:
            events.setdefault((row["source"], row["subject"]), []).append(waiting_from(row))
        for need in needs:
            track = (need.source, need.subject)
            ledger.accept_track(track, last.get(track, 0), events.get(track, []))

    async def _load_answers(self, needs: Sequence[AnswerNeed], ledger: Ledger) -> None:
        if not needs:
            return
        found = await self._connection.fetch(
            "select a.* from answers a join unnest($1::text[], $2::text[]) as t(scope, key) using (scope, key)",
            [need.scope for need in needs],
            [need.key for need in needs],
        )
        for row in found:
            ledger.accept_answer(Answer(row["scope"], row["key"], row["request_hash"], row["body"], row["at"]))

    # Flushing.

    async def flush(self, work: Work, ledger: Ledger, now: datetime) -> None:
        """Write everything staged; the history comes last, so that its lock is held for the commit alone."""
        for shelf in work.shelves.values():
            await self._flush_rows(self._columns[shelf.kind.row], *work.changed(shelf))
        await self._flush_timers(work, ledger, now)
        await self._flush_ledger(ledger)
        await self._flush_streams(work)
        await self._append_history(work)
        for subject in work.blanked:
            await self._blank(subject)

    async def _flush_rows(
        self, columns: Columns, new: Sequence[Any], moved: Sequence[tuple[Any, Any]], gone: Sequence[Any]
    ) -> None:
        """Write in the order of the keys: rows that no stream guards are written by other replicas at the same time."""
        key_of = columns.kind.key_of
        if gone:
            await self._connection.execute(columns.delete, *columns.keys(sorted(gone, key=key_of)))
        if moved:
            pairs = sorted(moved, key=lambda pair: key_of(pair[0]))
            await self._connection.execute(columns.update, *columns.changes(pairs))
        if new:
            rows = [columns.values(row) for row in sorted(new, key=key_of)]
            await self._copy(columns.table, columns.names, rows)

    async def _flush_timers(self, work: Work, ledger: Ledger, now: datetime) -> None:
        put: list[tuple[UUID, str, datetime]] = []
        gone: list[tuple[UUID, str]] = []
        for subject, timers in work.timers.items():
            before = work.timers_before.get(subject, {})
            for kind, due_at in timers.items():
                if due_at is None:
                    gone += [(subject, kind)] if kind in before else []
                elif due_at != before.get(kind):
                    put.append((subject, kind, due_at))
        if gone:
            await self._connection.execute(
                "delete from timers t using unnest($1::uuid[], $2::text[]) as g(subject, kind)"
                " where t.subject = g.subject and t.kind = g.kind",
                *_transposed(gone),
            )
        if put:
            await self._connection.execute(
                "insert into timers (subject, kind, due_at, try_at, attempts)"
                " select subject, kind, due_at, due_at, 0 from unnest($1::uuid[], $2::text[], $3::timestamptz[])"
                " as p(subject, kind, due_at) on conflict (subject, kind) do update"
                " set due_at = excluded.due_at, try_at = excluded.due_at, attempts = 0",
                *_transposed(put),
            )
        if ledger.failed_timers:
            await self._connection.execute(
                "update timers t set attempts = attempts + 1,"
                " try_at = $3::timestamptz + make_interval(secs => least(300, 2 ^ least(attempts, 9)))"
                " from unnest($1::uuid[], $2::text[]) as f(subject, kind)"
                " where t.subject = f.subject and t.kind = f.kind and t.due_at <= $3",
                *_transposed(ledger.failed_timers),
                now,
            )

    async def _flush_ledger(self, ledger: Ledger) -> None:
        applied = [
            (*track, last) for track, last in ledger.positions.items() if last != ledger.positions_before.get(track)
        ]
        if applied:
            await self._connection.execute(
                "insert into positions (source, subject, last)"
                " select * from unnest($1::text[], $2::uuid[], $3::bigint[])"
                " on conflict (source, subject) do update set last = excluded.last",
                *_transposed(applied),
            )
        changed = {key: event for key, event in ledger.waiting.items() if event is not ledger.waiting_before.get(key)}
        if changed:
            await self._connection.execute(
                "delete from waiting w"
                " using unnest($1::text[], $2::uuid[], $3::bigint[]) as g(source, subject, sequence)"
                " where w.source = g.source and w.subject = g.subject and w.sequence = g.sequence",
                *_transposed(changed),
            )
            await self._copy(
                "waiting", WAITING_COLUMNS, [_waiting_values(e) for e in changed.values() if e is not None]
            )
        answers = [a for key, a in ledger.answers.items() if key not in ledger.answers_before]
        if answers:
            rows = sorted((a.scope, a.key, a.request_hash, a.body, a.at) for a in answers)
            await self._copy("answers", ("scope", "key", "request_hash", "body", "at"), rows)

    async def _flush_streams(self, work: Work) -> None:
        moved = [
            (subject, state.last, state.last_at)
            for subject, state in work.streams.items()
            if state != work.streams_before.get(subject)
        ]
        if moved:
            await self._connection.execute(
                "insert into streams (subject, last, last_at)"
                " select * from unnest($1::uuid[], $2::bigint[], $3::timestamptz[])"
                " on conflict (subject) do update set last = excluded.last, last_at = excluded.last_at",
                *_transposed(moved),
            )

    async def _append_history(self, work: Work) -> None:
        if not work.announced:
            self.id = await self._connection.fetchval("select pg_current_xact_id_if_assigned()::text")
            return
        rows = [
            (
                e.subject,
                e.sequence,
                e.type,
                e.time,
                pack_headers(e.headers()),
                announced.event.model_dump_json().encode(),
            )
            for announced in work.announced.values()
            for e in (announced.envelope,)
        ]
        self.id = await self._connection.fetchval(
            "select pg_current_xact_id()::text from pg_advisory_xact_lock($1)", HISTORY_LOCK
        )
        await self._copy("history", ("subject", "sequence", "type", "at", "headers", "body"), rows)

    async def _blank(self, subject: UUID) -> None:
        kept = await self._connection.fetch("select id, type, body from history where subject = $1", subject)
        bodies = [(row["id"], blank(row["type"], row["body"])) for row in kept]
        if bodies:
            await self._connection.execute(
                "update history h set body = b.body from unnest($1::bigint[], $2::bytea[]) as b(id, body)"
                " where h.id = b.id",
                *_transposed(bodies),
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

    async def _copy(self, table: str, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            await self._connection.copy_records_to_table(table, records=rows, columns=list(names))


WAITING_COLUMNS = (
    "source",
    "subject",
    "sequence",
    "type",
    "headers",
    "body",
    "reason",
    "first_at",
    "attempts",
    "error",
)


def waiting_from(row: asyncpg.Record) -> Waiting:
    """A waiting event as it stands in its table."""
    values = {name: row[name] for name in WAITING_COLUMNS}
    return Waiting(**{**values, "headers": unpack_headers(row["headers"])})


def _waiting_values(event: Waiting) -> tuple[Any, ...]:
    return tuple(pack_headers(event.headers) if name == "headers" else getattr(event, name) for name in WAITING_COLUMNS)


def _lock_key(subject: UUID) -> int:
    """A signed 64-bit key for the advisory lock; hashed, because UUIDv7 bits are alike for neighbours in time."""
    return int.from_bytes(hashlib.blake2b(subject.bytes, digest_size=8).digest(), signed=True)


def _transposed(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
