"""Slow work outside the door: done once, stated by a command, tried again when it fails."""

import asyncio
import time

import pytest

from shared.runtime.message import Command
from shared.runtime.needs import rows
from shared.runtime.worker import work_through
from shared.testing.deadline import eventually
from shared.testing.doors import TwinDoor
from shared.testing.invented import KINDS, Label
from shared.testing.loops import running
from shared.testing.script import PERFORM_SCRIPT, Script, script


@pytest.fixture
async def door():
    async with TwinDoor("routing", KINDS, {Script: PERFORM_SCRIPT}) as door:
        for name in "abc":
            await door.ask(put(Label("to do", name)))
        yield door


def put(*labels):
    def run(_, work):
        for label in labels:
            work.put(label)

    return script(run)


def finish(label):
    def run(_, work):
        work.delete(label)
        work.put(Label("done", label.name))

    return Command(script(run, rows(Label, shelf=label.shelf, name=label.name)))


def fail(_message, _work):
    raise RuntimeError("invented")


def names(door, shelf):
    return sorted(label.name for label in door.store.all(Label) if label.shelf == shelf)


def to_do(door):
    async def pending():
        return [label for label in door.store.all(Label) if label.shelf == "to do"]

    return pending


async def test_each_pending_item_is_done_and_its_command_makes_it_no_longer_pending(door):
    done = []

    async def do(label):
        done.append(label.name)
        return finish(label)

    async with running(work_through(door.door, "finishing", to_do(door), do)):
        await eventually(lambda: names(door, "done") == ["a", "b", "c"])
        await door.ask(put(Label("to do", "d")))
        await eventually(lambda: names(door, "done") == ["a", "b", "c", "d"], seconds=0.5)

    assert done == ["a", "b", "c", "d"]


async def test_an_item_may_be_left_for_later_and_a_failure_is_tried_again(door):
    tries = []

    async def do(label):
        tries.append(label.name)
        if label.name == "a":
            return None
        if tries.count("b") == 1:
            raise OSError("invented")
        return finish(label)

    async with running(work_through(door.door, "finishing", to_do(door), do)):
        await eventually(lambda: names(door, "done") == ["b", "c"])

    assert names(door, "to do") == ["a"]
    assert tries[:3] == ["a", "b", "c"]
    assert tries.count("b") == 2


async def test_what_fails_rests_longer_each_time_and_holds_up_nothing_that_comes_meanwhile(door):
    tries = []

    async def do(label):
        tries.append(label.name)
        return Command(script(fail)) if label.name == "a" else finish(label)

    async with running(work_through(door.door, "finishing", to_do(door), do)):
        await eventually(lambda: tries.count("a") == 4)
        await door.ask(put(Label("to do", "d")))
        await eventually(lambda: names(door, "done") == ["b", "c", "d"], seconds=0.5)

    assert tries.count("a") == 4
    assert names(door, "to do") == ["a"]


async def test_results_that_come_together_share_a_commit(door):
    await door.ask(put(*(Label("to do", f"{number:02}") for number in range(97))))
    commits = []
    door.door.after_commit(lambda: commits.append(1))

    async def do(label):
        return finish(label)

    async with running(work_through(door.door, "finishing", to_do(door), do, at_once=100)):
        await eventually(lambda: not names(door, "to do"))

    assert len(names(door, "done")) == 100
    assert len(commits) <= 3


async def test_a_result_does_not_wait_for_work_that_takes_longer(door):
    slow = asyncio.Event()

    async def do(label):
        if label.name == "a":
            await slow.wait()
        return finish(label)

    async with running(work_through(door.door, "finishing", to_do(door), do, at_once=3)):
        await eventually(lambda: names(door, "done") == ["b", "c"])
        slow.set()
        await eventually(lambda: names(door, "done") == ["a", "b", "c"])


async def test_no_more_is_in_hand_than_allowed_and_one_by_one_means_that_the_last_result_is_committed(door):
    in_hand, before = [], []

    async def do(label):
        before.append((label.name, names(door, "done")))
        in_hand.append(label)
        await asyncio.sleep(0)
        in_hand.remove(label)
        assert not in_hand
        return finish(label)

    async with running(work_through(door.door, "finishing", to_do(door), do)):
        await eventually(lambda: names(door, "done") == ["a", "b", "c"])

    assert before == [("a", []), ("b", ["a"]), ("c", ["a", "b"])]


async def test_nothing_new_is_begun_while_the_door_takes_nothing(door):
    door.door.close()
    tries = []

    async def do(label):
        tries.append(label.name)
        return finish(label)

    async with running(work_through(door.door, "finishing", to_do(door), do)):
        await eventually(lambda: tries == ["a"] * 3)


async def test_what_is_committed_while_it_looks_is_not_missed(door):
    looking, go_on = asyncio.Event(), asyncio.Event()
    go_on.set()

    async def pending():
        found = await to_do(door)()
        looking.set()
        await go_on.wait()
        return found

    async def do(label):
        return finish(label)

    async with running(work_through(door.door, "finishing", pending, do)):
        await eventually(lambda: names(door, "done") == ["a", "b", "c"])
        go_on.clear()
        looking.clear()
        await door.ask(put(Label("to do", "d")))
        await looking.wait()
        await door.ask(put(Label("to do", "e")))
        go_on.set()
        await eventually(lambda: names(door, "done") == ["a", "b", "c", "d", "e"], seconds=0.5)


async def test_what_can_wait_is_looked_for_every_second_alone_and_until_there_is_no_more(door):
    looks, most = [], 2

    async def pending():
        looks.append(names(door, "to do")[:most])
        return (await to_do(door)())[:most]

    async def do(label):
        return finish(label)

    async with running(work_through(door.door, "finishing", pending, do, when=None)):
        await eventually(lambda: looks[:3] == [["a", "b"], ["c"], []])
        began, looked, most = time.monotonic(), len(looks), 100
        for number in range(20):
            await door.ask(put(Label("to do", f"{number:02}")))
        assert len(looks) - looked <= 2 * (time.monotonic() - began) + 2
        await eventually(lambda: len(names(door, "done")) == 23)
