"""Slow work outside the door: done once, stated by a command, tried again when it fails."""

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


def names(door, shelf):
    return sorted(label.name for label in door.store.all(Label) if label.shelf == shelf)


async def test_each_pending_item_is_done_and_its_command_makes_it_no_longer_pending(door):
    done = []

    async def pending():
        return [label for label in door.store.all(Label) if label.shelf == "to do"]

    async def do(label):
        done.append(label.name)
        return finish(label)

    async with running(work_through(door.door, "finishing", pending, do)):
        await eventually(lambda: names(door, "done") == ["a", "b", "c"])
        await door.ask(put(Label("to do", "d")))
        await eventually(lambda: names(door, "done") == ["a", "b", "c", "d"], seconds=0.5)

    assert done == ["a", "b", "c", "d"]


async def test_an_item_may_be_left_for_later_and_a_failure_is_tried_again(door):
    tries = []

    async def pending():
        return [label for label in door.store.all(Label) if label.shelf == "to do"]

    async def do(label):
        tries.append(label.name)
        if label.name == "a":
            return None
        if tries.count("b") == 1:
            raise OSError("invented")
        return finish(label)

    async with running(work_through(door.door, "finishing", pending, do)):
        await eventually(lambda: names(door, "done") == ["b", "c"])

    assert names(door, "to do") == ["a"]
    assert tries[:5] == ["a", "b", "a", "b", "c"]
