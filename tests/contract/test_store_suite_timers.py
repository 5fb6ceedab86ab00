"""What both stores make of timers: fired once, at their own moment, and never overtaken by a later message."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from shared.contracts.intake import MessageReceived
from shared.contracts.routing import TriageRequested
from shared.runtime.message import Command, Due
from shared.runtime.needs import Stream
from shared.runtime.timers import fire_timers
from shared.testing.deadline import eventually
from shared.testing.events import sample
from shared.testing.invented import Label
from shared.testing.script import handler, script

A, B = (UUID(int=n) for n in (1, 2))
MINUTE = timedelta(minutes=1)


@pytest.fixture
def rung(handlers):
    """The kinds of bells that rang and the moments they were told, in order; each is also announced."""
    rung = []

    def ring(message, work):
        rung.append((message.payload.kind, message.at))
        work.announce(sample(TriageRequested, complaint_id=message.subject))

    bell = replace(handler(ring), needs=lambda message, _work: (Stream(message.subject),))
    return handlers.update(bell=bell, gong=bell) or rung


def setting(door, **minutes):
    """A command that sets each named timer so many minutes from now, and cancels those with None."""
    now = door.clock.now()

    def run(_, work):
        for kind, after in minutes.items():
            if after is None:
                work.cancel_timer(A, kind)
            else:
                work.set_timer(A, kind, now + after * MINUTE)

    return script(run, Stream(A))


def look_at(*subjects):
    return script(lambda *_: None, *(Stream(subject) for subject in subjects))


@asynccontextmanager
async def firing(door):
    task = asyncio.create_task(fire_timers(door.door, door.store))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


# Setting them.


async def test_a_timer_is_set_moved_and_cancelled(door):
    now = door.clock.now()

    await door.ask(setting(door, bell=5, gong=7))
    assert await door.timers() == {(A, "bell"): now + 5 * MINUTE, (A, "gong"): now + 7 * MINUTE}
    await door.ask(setting(door, bell=9, gong=None))
    assert await door.timers() == {(A, "bell"): now + 9 * MINUTE}


async def test_the_last_word_of_a_batch_counts(door):
    await door.ask(setting(door, bell=5))

    await door.put(*(Command(setting(door, bell=n, gong=n)) for n in (1, None, 3)), Command(setting(door, gong=None)))

    assert await door.timers() == {(A, "bell"): door.clock.now() + 3 * MINUTE}


async def test_a_handler_sees_the_open_timers_of_a_subject_it_asked_for(door):
    await door.ask(setting(door, bell=5))

    seen = await door.ask(script(lambda _, work: [str(work.timer(A, k)) for k in ("bell", "gong")], Stream(A)))

    assert seen == [str(door.clock.now() + 5 * MINUTE), "None"]


async def test_cancelling_what_is_not_open_changes_nothing(door):
    await door.ask(setting(door, bell=None))

    assert await door.timers() == {}


# Firing them.


async def test_a_timer_fires_once(door, rung):
    due_at = door.clock.now() + 5 * MINUTE
    await door.ask(setting(door, bell=5))
    door.clock.move(6 * MINUTE)

    results = await door.put(Due(A, "bell"), Due(A, "bell"))
    results += await door.put(Due(A, "bell"))

    assert [result.fate for result in results] == ["done", "gone", "gone"]
    assert rung == [("bell", due_at)]
    assert await door.timers() == {}


async def test_a_timer_whose_time_has_not_come_does_not_fire(door, rung):
    await door.ask(setting(door, bell=5))

    (result,) = await door.put(Due(A, "bell"))

    assert result.fate == "gone"
    assert rung == []
    assert len(await door.timers()) == 1


async def test_a_timer_that_sets_itself_again_comes_again(door, rung, handlers):
    def ring(message, work):
        rung.append(message.at)
        work.set_timer(A, "bell", message.at + 10 * MINUTE)

    handlers["bell"] = handler(ring, Stream(A))
    start = door.clock.now()
    await door.ask(setting(door, bell=10))

    await door.pass_time(35 * MINUTE)

    assert rung == [start + n * MINUTE for n in (10, 20, 30)]
    assert await door.timers() == {(A, "bell"): start + 40 * MINUTE}


async def test_the_loop_fires_what_is_due_oldest_first(door, rung):
    start = door.clock.now()
    await door.ask(setting(door, gong=2, bell=1))
    door.clock.move(3 * MINUTE)

    async with firing(door):
        await eventually(lambda: len(rung) == 2)

    assert rung == [("bell", start + MINUTE), ("gong", start + 2 * MINUTE)]


async def test_the_loop_looks_again_as_soon_as_something_was_committed(door, rung):
    async with firing(door):
        await door.ask(setting(door, bell=0))
        await eventually(lambda: rung, seconds=0.2)


async def test_a_kind_may_say_after_a_colon_what_it_is_about(door, rung):
    await door.ask(setting(door, **{"bell:noon": 1, "bell:night": 2}))

    await door.pass_time(3 * MINUTE)

    assert [kind for kind, _ in rung] == ["bell:noon", "bell:night"]


# What is overdue comes before what is new.


async def test_a_command_finds_overdue_timers_fired_at_their_own_moments_oldest_first(door, rung):
    start = door.clock.now()
    await door.ask(setting(door, gong=2, bell=1))
    door.clock.move(10 * MINUTE)

    left = await door.ask(script(lambda _, work: str(work.timer(A, "bell")), Stream(A)))

    assert left == "None"
    assert rung == [("bell", start + MINUTE), ("gong", start + 2 * MINUTE)]
    assert [told.envelope.time for told in await door.said(A)] == [start + MINUTE, start + 2 * MINUTE]


async def test_a_command_cannot_cancel_what_is_overdue(door, rung):
    await door.ask(setting(door, bell=1))
    door.clock.move(2 * MINUTE)

    await door.ask(setting(door, bell=None))

    assert len(rung) == 1


async def test_a_command_fires_the_timers_of_its_own_subjects_only(door, rung):
    await door.ask(setting(door, bell=1))
    door.clock.move(2 * MINUTE)

    await door.ask(look_at(B))

    assert rung == []


async def test_what_an_overdue_timer_says_is_not_earlier_than_what_was_said(door, rung):
    start = door.clock.now()
    await door.ask(setting(door, bell=1))
    door.clock.move(5 * MINUTE)
    await door.put(door.others.say(sample(MessageReceived, complaint_id=B)))
    say = script(lambda _, work: work.announce(sample(TriageRequested, complaint_id=A)), Stream(A))

    await door.ask(say)

    times = [told.envelope.time for told in await door.said(A)]
    assert times == [start + MINUTE, start + 5 * MINUTE]
    assert len(rung) == 1


async def test_a_delivery_fires_what_was_due_before_it_happened_and_nothing_later(door, rung, handlers):
    start = door.clock.now()
    handlers[MessageReceived] = handler(lambda *_: rung.append("message"), Stream(A))
    await door.ask(setting(door, bell=1, gong=3))
    door.clock.move(10 * MINUTE)

    await door.put(door.others.say(sample(MessageReceived, complaint_id=A), at=start + 2 * MINUTE))

    assert rung == [("bell", start + MINUTE), "message"]
    assert list(await door.timers()) == [(A, "gong")]


# Timers that fail.


async def test_a_timer_that_fails_stays_and_is_tried_again_later(door, rung, handlers):
    due_at = door.clock.now()
    ring, handlers["bell"] = handlers["bell"], handler(lambda *_: 1 / 0, Stream(A))
    await door.ask(setting(door, bell=0))

    (result,) = await door.put(Due(A, "bell"))
    assert result.fate == "failed"
    assert isinstance(result.error, ZeroDivisionError)
    assert await door.timers() == {(A, "bell"): due_at}
    assert await door.store.due_timers(door.clock.now(), 10) == []
    handlers["bell"] = ring
    door.clock.move(timedelta(seconds=1))
    assert await door.store.due_timers(door.clock.now(), 10) == [(A, "bell")]
    await door.put(Due(A, "bell"))

    assert rung == [("bell", due_at)]


@pytest.mark.parametrize("broken", ["run", "needs"])
async def test_an_overdue_timer_that_fails_does_not_stop_the_command(door, handlers, rung, broken):
    handlers["bell"] = replace(handlers["bell"], **{broken: lambda *_: 1 / 0})
    await door.ask(setting(door, bell=1, gong=2))
    door.clock.move(5 * MINUTE)

    await door.ask(script(lambda _, work: work.put(Label("kept", "kept")), Stream(A)))

    assert len(await door.rows(Label)) == 1
    assert [kind for kind, _ in rung] == ["gong"]
    assert list(await door.timers()) == [(A, "bell")]


async def test_a_timer_that_fails_and_is_then_moved_waits_for_its_new_moment(door, rung, handlers):
    ring, handlers["bell"] = handlers["bell"], handler(lambda *_: 1 / 0, Stream(A))
    await door.ask(setting(door, bell=0))
    door.clock.move(MINUTE)
    await door.ask(setting(door, bell=60))
    handlers["bell"] = ring
    door.clock.move(10 * MINUTE)

    assert await door.store.due_timers(door.clock.now(), 10) == []
    await door.pass_time(60 * MINUTE)
    assert len(rung) == 1


async def test_a_timer_of_an_unknown_kind_stays_for_a_release_that_knows_it(door):
    await door.ask(setting(door, unheard_of=0))

    (result,) = await door.put(Due(A, "unheard_of"))

    assert result.fate == "failed"
    assert list(await door.timers()) == [(A, "unheard_of")]
