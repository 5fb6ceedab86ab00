"""What a door makes of a database that goes away, cuts it off, or will not have what it is given."""

import asyncio
import itertools
from collections import Counter
from dataclasses import replace
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest

from shared.contracts.intake import MessageReceived
from shared.contracts.routing import TriageRequested
from shared.runtime.database import is_transient
from shared.runtime.ids import new_id
from shared.runtime.ledger import Ledger
from shared.runtime.message import Command, Due
from shared.runtime.needs import Stream, rows
from shared.runtime.refusals import TooBusy
from shared.runtime.work import Work
from shared.testing.cable import Cable
from shared.testing.deadline import eventually
from shared.testing.events import sample
from shared.testing.invented import KINDS, Folder, Label, Tally
from shared.testing.script import handler, script

A, B = (UUID(int=n) for n in (1, 2))
HOT = [UUID(int=n) for n in range(10, 15)]
NUL = "a\x00b"


def putting(row, *needs):
    return Command(script(lambda _, work: work.put(row), *needs))


def saying(subject, name):
    """A command that leaves a label of this name, and says something."""

    def run(_, work):
        work.put(Label("said", name))
        work.announce(sample(TriageRequested, complaint_id=subject))

    return script(run, Stream(subject))


def fates(results):
    return [result.fate for result in results]


async def labels(door):
    """What is kept; a session that was ended a moment ago may still lie in the pool."""
    while True:
        try:
            return sorted(label.name for label in await door.rows(Label))
        except Exception as error:
            if not is_transient(error):
                raise


@pytest.fixture
async def cable(database_url):
    async with Cable(urlsplit(database_url).port) as cable:
        yield cable


@pytest.fixture
async def door_on_a_cable(replica, database_url, cable):
    return await replica(url=through(cable, database_url), pool_size=2)


def through(cable, url):
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{cable.port}").geturl()


# Connections that break.


async def test_sessions_ended_under_load_cost_no_command_and_double_none(replica, database):
    door, ended = await replica(pool_size=3), asyncio.Event()
    answered, busy = [], []

    async def call(caller):
        for n in itertools.count():
            name = f"{caller}-{n}"
            try:
                await door.ask(saying(HOT[n % len(HOT)], name))
                answered.append(name)
            except TooBusy:
                busy.append(name)
            if ended.is_set():
                return

    async def end_sessions():
        query = (
            "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and usename = user"
        )
        async with database.connection() as connection:
            for done_by in range(100, 900, 100):
                await eventually(lambda: len(answered) >= done_by)  # noqa: B023 - awaited at once
                await eventually(lambda: connection.fetch(query))
        ended.set()

    await asyncio.gather(end_sessions(), *(call(caller) for caller in range(10)))

    kept = Counter(await labels(door))
    assert set(answered) <= kept.keys() <= set(answered) | set(busy)
    assert set(kept.values()) == {1}
    assert len(await door.said()) == len(kept)


async def test_a_command_is_done_once_when_the_word_of_its_commit_is_lost(door_on_a_cable, cable):
    def run(_, work):
        work.put(Tally(f"{new_id()}", 1))
        work.announce(sample(TriageRequested, complaint_id=A))

    await door_on_a_cable.ask(saying(A, "before"))
    cable.cut_before = lambda said: b"COMMIT\x00" in said

    await door_on_a_cable.ask(script(run, Stream(A)))

    assert cable.cut_before is None
    assert len(await door_on_a_cable.rows(Tally)) == 1
    assert [told.envelope.sequence for told in await door_on_a_cable.said(A)] == [1, 2]


async def test_a_command_that_says_nothing_is_done_once_too(door_on_a_cable, cable):
    cable.cut_before = lambda said: b"COMMIT\x00" in said

    await door_on_a_cable.ask(script(lambda _, work: work.put(Tally(f"{new_id()}", 1))))

    assert cable.cut_before is None
    assert len(await door_on_a_cable.rows(Tally)) == 1


async def test_while_the_database_is_away_callers_are_told_and_events_wait(door_on_a_cable, cable, handlers):
    door, heard = door_on_a_cable, []
    handlers[MessageReceived] = handler(lambda message, _: heard.append(message.id))
    await door.ask(saying(A, "before"))
    told = door.others.say(sample(MessageReceived, complaint_id=A))

    cable.connected = False
    cable.cut()
    applied = asyncio.create_task(door.put(told))
    with pytest.raises(TooBusy) as caught:
        await door.door.ask(Command(saying(A, "too busy")), seconds=0.3)
    assert caught.value.retry_after_seconds == 1
    assert not applied.done()
    cable.connected = True

    assert fates(await applied) == ["done"]
    assert heard == [told.envelope.id]
    assert await labels(door) == ["before"]


async def test_a_server_that_falls_silent_is_given_up_after_a_while(database_url, monkeypatch, replica, cable):
    monkeypatch.setattr("shared.runtime.database.SILENCE_SECONDS", 0.5)
    door = await replica(url=through(cable, database_url), pool_size=2)
    await door.ask(saying(A, "before"))

    cable.silent = True
    asked = asyncio.create_task(door.ask(saying(A, "meanwhile")))
    await asyncio.sleep(0.2)
    cable.silent = False

    await asked
    assert await labels(door) == ["before", "meanwhile"]


# Data that the database will not have.


async def test_a_text_the_database_cannot_keep_fails_its_own_command_only(replica):
    door = await replica()

    results = await door.put(
        putting(Label("kept", "before")),
        putting(Label("lost", NUL)),
        putting(Tally("too large", 2**70)),
        putting(Label("kept", "after")),
    )

    assert fates(results) == ["done", "failed", "failed", "done"]
    assert isinstance(results[1].error, asyncpg.CharacterNotInRepertoireError)
    assert await labels(door) == ["after", "before"]


async def test_an_event_the_database_cannot_keep_waits_and_the_others_go_on(replica, handlers):
    door = await replica()
    handlers[MessageReceived] = handler(lambda message, work: work.put(Label("heard", message.payload.text)))
    texts = [(A, "one"), (A, NUL), (A, "behind"), (B, "two")]

    results = await door.put(
        *(door.others.say(sample(MessageReceived, complaint_id=subject, text=text)) for subject, text in texts)
    )

    assert fates(results) == ["done", "waiting", "waiting", "done"]
    assert await labels(door) == ["one", "two"]
    assert [(event.sequence, event.reason) for event in await door.waiting()] == [(2, "error"), (3, "behind")]


async def test_an_event_that_cannot_even_wait_fails_and_the_door_goes_on(replica):
    door = await replica()
    told = door.others.say(sample(MessageReceived, complaint_id=A))
    beyond = replace(told, envelope=replace(told.envelope, sequence=2**70))
    unnameable = replace(told, envelope=replace(told.envelope, sequence=2, type=NUL))

    assert fates(await door.put(beyond, unnameable, told)) == ["failed", "failed", "done"]


async def test_a_timer_the_database_will_not_have_stays_and_holds_back_its_own_subject_only(replica, handlers):
    door, heard = await replica(), []
    handlers["bell"] = handler(lambda _, work: work.put(Label("lost", NUL)), Stream(A))
    handlers[MessageReceived] = handler(lambda message, _: heard.append(message.subject))
    await door.ask(script(lambda _, work: work.set_timer(A, "bell", door.clock.now()), Stream(A)))

    results = await door.put(
        Due(A, "bell"), *(door.others.say(sample(MessageReceived, complaint_id=s)) for s in (A, B))
    )

    assert fates(results) == ["failed", "waiting", "done"]
    assert list(await door.timers()) == [(A, "bell")]
    assert await door.store.due_timers(door.clock.now(), 10) == []


# Races that only the database sees.


async def test_who_loses_a_race_for_a_key_is_run_again_and_sees_the_winner(replica, database):
    door = await replica()
    seen = []

    def run(_, work):
        seen.append(work.get(Label, "north", "x"))
        if seen[-1] is None:
            work.put(Label("north", "x", 2))

    async with database.connection() as other:
        transaction = other.transaction()
        await transaction.start()
        await other.execute("insert into labels values ('north', 'x', 1)")
        racing = asyncio.create_task(door.put(Command(script(run, rows(Label, shelf="north", name="x")))))
        await eventually(lambda: waits_for_a_lock(database))
        await transaction.commit()

    assert fates(await racing) == ["done"]
    assert seen == [None, Label("north", "x", 1)]


async def waits_for_a_lock(database):
    async with database.connection() as connection:
        return await connection.fetchval(
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        )


@pytest.mark.parametrize(
    ("meanwhile", "seen"),
    [
        ("update folders set title = 'changed'", [Folder(A, "changed", drawer="d")]),
        ("delete from folders", []),
        (
            "insert into folders values ('00000000-0000-0000-0000-000000000002', 'came', 0, 'd')",
            [Folder(A, "old", drawer="d"), Folder(B, "came", drawer="d")],
        ),
    ],
    ids=["changed", "gone", "came"],
)
async def test_rows_read_before_their_stream_was_locked_are_read_again(replica, database, meanwhile, seen):
    door = await replica()
    await door.put(putting(Folder(A, "old", drawer="d"), Stream(A)))
    work, asked = Work("routing", KINDS), rows(Folder, drawer="d")

    async with door.store.transaction() as transaction:
        await transaction.load({asked}, work, Ledger())
        work.loaded.add(asked)
        async with database.connection() as connection:
            await connection.execute(meanwhile)
        await transaction.load({Stream(A), Stream(B)}, work, Ledger())

    assert sorted(work.find(Folder, drawer="d"), key=lambda row: row.id) == seen
