"""Two replicas of one service on one database: everything is applied exactly once, and nobody waits long."""

import asyncio
import random
from collections import Counter
from dataclasses import replace
from uuid import UUID

import pytest

from shared.contracts.intake import ComplaintReceived, MessageReceived
from shared.contracts.routing import TriageRequested
from shared.runtime.message import Command, Due
from shared.runtime.needs import Stream, rows
from shared.testing.events import sample
from shared.testing.invented import Folder, Label, Tally
from shared.testing.script import handler, script

HOT = [UUID(int=n) for n in range(1, 7)]
CALLERS = 20
CALLS = 15
EVENTS = 150


@pytest.fixture
async def replicas(replica, handlers):
    def needs(message, _work):
        return (Stream(message.subject), rows(Folder, id=message.subject), rows(Tally, name="heard"))

    def hear(message, work):
        turn_page(work, message.subject)
        count(work, "heard")

    handlers[ComplaintReceived] = handlers[MessageReceived] = replace(handler(hear), needs=needs)
    first, second = [await replica(pool_size=3) for _ in range(2)]
    for name in ("asked", "heard", "rung"):
        await first.ask(script(lambda _, work, name=name: work.put(Tally(name, 0))))
    return first, second


def turn_page(work, subject):
    before = work.get(Folder, subject) or Folder(subject, "hot")
    work.put(replace(before, pages=before.pages + 1))
    work.announce(sample(TriageRequested, complaint_id=subject))


def count(work, name):
    work.put(Tally(name, work.get(Tally, name).count + 1))


def turning(*subjects):
    def run(_, work):
        for subject in subjects:
            turn_page(work, subject)
        count(work, "asked")

    needs = [need for subject in subjects for need in (Stream(subject), rows(Folder, id=subject))]
    return script(run, *needs, rows(Tally, name="asked"))


async def seconds_for(asked):
    start = asyncio.get_running_loop().time()
    await asked
    return asyncio.get_running_loop().time() - start


async def tallies(door):
    return {tally.name: tally.count for tally in await door.rows(Tally)}


@pytest.fixture
def deadlocks(postgres):
    """How many deadlocks the server has reported since the test began."""

    def count_reports():
        return postgres.log.read_text().count("deadlock detected")

    before = count_reports()
    return lambda: count_reports() - before


async def pages_and_numbers(door):
    """How many pages each folder has, and the numbers of what was said of it."""
    numbers = {}
    for told in await door.said():
        numbers.setdefault(told.envelope.subject, []).append(told.envelope.sequence)
    return Counter({row.id: row.pages for row in await door.rows(Folder)}), numbers


async def test_commands_on_hot_streams_are_each_done_once_and_soon(replicas, deadlocks):
    chance = random.Random(7)  # noqa: S311 - a load that can be repeated
    chosen = [chance.sample(HOT, chance.choice((1, 1, 2))) for _ in range(CALLERS * CALLS)]

    async def call(mine):
        return [await seconds_for(chance.choice(replicas).ask(turning(*some))) for some in mine]

    waits = await asyncio.gather(*(call(chosen[n::CALLERS]) for n in range(CALLERS)))

    pages, numbers = await pages_and_numbers(replicas[0])
    assert pages == Counter(subject for some in chosen for subject in some)
    assert numbers == {subject: list(range(1, count + 1)) for subject, count in pages.items()}
    assert (await tallies(replicas[0]))["asked"] == len(chosen)
    assert max(max(of_caller) for of_caller in waits) < 3
    assert deadlocks() == 0


async def test_counters_that_both_replicas_move_in_any_order_cause_no_deadlock(replicas, deadlocks):
    chance = random.Random(7)  # noqa: S311 - a load that can be repeated
    names = [f"counter {n}" for n in range(8)]
    for name in names:
        await replicas[0].ask(script(lambda _, work, name=name: work.put(Tally(name, 0))))

    def counting(*some):
        return script(lambda _, work: [count(work, name) for name in some], *(rows(Tally, name=name) for name in some))

    async def call(replica):
        for _ in range(CALLS):
            await replica.ask(counting(*chance.sample(names, 5)))

    await asyncio.gather(*(call(replica) for replica in replicas * 10))

    counts = await tallies(replicas[0])
    assert sum(counts[name] for name in names) == 20 * CALLS * 5
    assert deadlocks() == 0


async def test_events_that_both_replicas_get_are_applied_once_and_in_order(replicas, deadlocks):
    first, second = replicas
    told = [first.others.say(sample(ComplaintReceived, complaint_id=subject)) for subject in HOT]
    told += [first.others.say(sample(MessageReceived, complaint_id=HOT[n % len(HOT)])) for n in range(EVENTS)]

    results = await asyncio.gather(first.put(*told), second.put(*told))

    fates = Counter(result.fate for of_one in results for result in of_one)
    pages, numbers = await pages_and_numbers(first)
    assert pages == Counter(delivery.envelope.subject for delivery in told)
    assert numbers == {subject: list(range(1, count + 1)) for subject, count in pages.items()}
    assert fates["done"] + fates["duplicate"] + fates["waiting"] == 2 * len(told)
    assert await first.waiting() == []
    assert deadlocks() == 0


async def test_a_timer_that_both_replicas_fire_has_one_effect(replicas, handlers):
    def ring(_, work):
        count(work, "rung")

    ring_needs = (rows(Tally, name="rung"),)
    handlers["bell"] = replace(handler(ring), needs=lambda message, _: (Stream(message.subject), *ring_needs))
    first, second = replicas
    due = [Due(UUID(int=n), "bell") for n in range(100, 200)]
    set_all = script(
        lambda _, work: [work.set_timer(one.subject, one.kind, first.clock.now()) for one in due],
        *(Stream(one.subject) for one in due),
    )
    await first.ask(set_all)

    results = await asyncio.gather(first.put(*due), second.put(*reversed(due)))

    assert Counter(result.fate for of_one in results for result in of_one) == {"done": 100, "gone": 100}
    assert (await tallies(first))["rung"] == 100
    assert await first.timers() == {}


SLOW_WRITES = """
create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.05); return new; end $$;
create trigger slow before insert or update on labels for each row execute function slow();
"""


@pytest.mark.parametrize("known", [True, False], ids=["known", "new"])
async def test_rows_that_both_replicas_write_in_opposite_orders_cause_no_deadlock(replicas, deadlocks, known):
    names = [f"{n}" for n in range(4)]
    first, second = replicas

    def putting(some, weight):
        def run(_, work):
            for name in some:
                work.put(Label("north", name, weight))

        return Command(script(run, *(rows(Label, shelf="north", name=name) for name in some)))

    if known:
        await first.put(putting(names, 0))
    async with first.database.connection() as connection:
        await connection.execute(SLOW_WRITES)

    results = await asyncio.gather(first.put(putting(names, 1)), second.put(putting(names[::-1], 2)))

    assert [result.fate for of_one in results for result in of_one] == ["done", "done"]
    assert len({label.weight for label in await first.rows(Label)}) == 1
    assert deadlocks() == 0
