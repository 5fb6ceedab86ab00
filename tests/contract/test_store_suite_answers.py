"""How both stores answer commands: once for one Idempotency-Key, and never while another replica has the stream."""

import asyncio
from uuid import UUID

import pytest

from shared.contracts.intake import MessageReceived
from shared.refusal import Conflict
from shared.runtime.message import Command, IdempotencyKey
from shared.runtime.needs import Stream, rows
from shared.runtime.refusals import KeyReused, TooBusy
from shared.testing.deadline import eventually
from shared.testing.events import sample
from shared.testing.invented import Label, Tally
from shared.testing.script import handler, script

A, B = (UUID(int=n) for n in (1, 2))
KEY = IdempotencyKey("alice /v1/things", "k1", "body")


class Closed(Conflict):
    """It is closed."""

    zh = "已关闭。"


@pytest.fixture
async def counting(door):
    """A command that counts one up and answers the number."""
    await door.ask(script(lambda _, work: work.put(Tally("seen", 0))))

    def run(_, work):
        after = work.get(Tally, "seen").count + 1
        work.put(Tally("seen", after))
        return {"count": after}

    return script(run, rows(Tally, name="seen"))


async def count(door):
    return [tally.count for tally in await door.rows(Tally)]


# Idempotency keys.


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one after the other"])
async def test_the_same_key_and_body_is_done_once_and_answered_alike(door, counting, together):
    asked = [Command(counting, idempotency=KEY) for _ in range(3)]

    if together:
        results = await door.put(*asked)
    else:
        results = [(await door.put(command))[0] for command in asked]

    assert [(result.body, result.replayed) for result in results] == [
        ({"count": 1}, False),
        ({"count": 1}, True),
        ({"count": 1}, True),
    ]
    assert await count(door) == [1]


async def test_the_same_key_with_another_body_is_refused(door, counting):
    await door.ask(counting, idempotency=KEY)

    with pytest.raises(KeyReused):
        await door.ask(counting, idempotency=IdempotencyKey(KEY.scope, KEY.key, "another body"))

    assert await count(door) == [1]


async def test_the_same_key_of_another_caller_is_another_key(door, counting):
    await door.ask(counting, idempotency=KEY)

    await door.ask(counting, idempotency=IdempotencyKey("bob /v1/things", KEY.key, "another body"))

    assert await count(door) == [2]


@pytest.mark.parametrize("error", [Closed(), RuntimeError("invented")])
async def test_a_command_that_was_refused_or_failed_may_be_tried_again_with_its_key(door, counting, error):
    def refuse(*_):
        raise error

    with pytest.raises(type(error)):
        await door.ask(script(refuse), idempotency=KEY)

    assert await door.ask(counting, idempotency=KEY) == {"count": 1}


async def test_a_refusal_is_told_and_changes_nothing(door):
    def refuse(_, work):
        work.put(Label("lost", "lost"))
        raise Closed

    (result,) = await door.put(Command(script(refuse)))

    assert (result.fate, type(result.error)) == ("refused", Closed)
    assert await door.rows(Label) == []


# Constraints.


async def test_rows_that_another_writer_had_first_are_seen_when_tried_again_alone(door, counting):
    """Who does not ask for a row cannot see it; the constraint tells, and the others of the batch are not harmed."""
    await door.ask(script(lambda _, work: work.put(Label("north", "x", 1))))
    blind = Command(script(lambda _, work: work.put(Label("north", "x", 2))))

    results = await door.put(Command(counting), blind, Command(counting))

    assert [result.fate for result in results] == ["done", "failed", "done"]
    assert await count(door) == [2]
    assert await door.rows(Label) == [Label("north", "x", 1)]


# Held streams.


async def test_a_command_on_a_held_stream_is_tried_again_and_others_go_on(door, hold):
    done = []

    def on(subject):
        return script(lambda *_: done.append(subject), Stream(subject))

    async with hold(A):
        with pytest.raises(TooBusy):
            await door.door.ask(Command(on(A)), seconds=0.1)
        await door.ask(on(B))
        assert done == [B]

    await door.ask(on(A))
    assert done == [B, A]


async def test_commands_that_wait_for_a_held_stream_are_done_in_order_when_it_is_let_go(door, hold):
    done = []
    async with hold(A):
        waiting = [asyncio.create_task(door.ask(script(lambda *_, n=n: done.append(n), Stream(A)))) for n in range(3)]
        await door.ask(script(lambda *_: done.append("other"), Stream(B)))

    await asyncio.gather(*waiting)
    assert done == ["other", 0, 1, 2]


async def test_an_event_on_a_held_stream_waits_in_memory_and_is_applied_when_it_is_let_go(door, hold, handlers):
    heard = []
    handlers[MessageReceived] = handler(lambda message, _: heard.append(message.subject))
    told = [door.others.say(sample(MessageReceived, complaint_id=subject)) for subject in (A, B, A)]

    async with hold(A):
        applied = asyncio.create_task(door.put(*told))
        await eventually(lambda: heard == [B])
        assert await door.waiting() == []

    assert [result.fate for result in await applied] == ["done"] * 3
    assert heard == [B, A, A]
