"""How often a batch asks what must be loaded: as rarely as it can, and again whenever the answer may have changed."""

from dataclasses import replace
from uuid import UUID

import pytest

from shared.runtime.message import Command
from shared.runtime.needs import Stream, rows
from shared.testing.doors import TwinDoor
from shared.testing.invented import KINDS, Folder, Label
from shared.testing.script import PERFORM_SCRIPT, Script, script

A, B = UUID(int=1), UUID(int=2)


@pytest.fixture
async def door():
    async with TwinDoor("routing", KINDS, {Script: PERFORM_SCRIPT}) as door:
        yield door


def asking(needs, run=lambda _message, _work: None):
    """A command with these needs, and how often they were asked for."""
    asked = []

    def counted(_message, work):
        asked.append(len(asked))
        return list(needs(work))

    return Command(Script(run, counted)), asked


async def test_needs_that_look_at_nothing_are_asked_for_once(door):
    command, asked = asking(lambda _: [Stream(A), rows(Folder, id=A)])

    await door.put(command)

    assert len(asked) == 1


async def test_needs_that_look_are_asked_for_until_they_name_nothing_new(door):
    await door.ask(script(lambda _, work: work.put(Label("north", "x", 7))))

    def needs(work):
        yield rows(Label, shelf="north", name="x")
        if label := work.get(Label, "north", "x"):
            yield rows(Label, shelf="south", name=str(label.weight))

    command, asked = asking(needs, lambda _, work: work.get(Label, "south", "7"))
    (result,) = await door.put(command)

    assert (result.fate, len(asked)) == ("done", 3)


async def test_needs_that_look_are_asked_for_again_when_rows_were_read_again_under_a_lock(door):
    await door.ask(script(lambda _, work: work.put(Label("north", "x"))))

    def leading_to_a_lock(work):
        yield rows(Label, shelf="north")
        if work.find(Label, shelf="north"):
            yield Stream(A)

    looking, asked = asking(lambda work: [rows(Folder, id=A)] if not work.find(Folder, id=A) else [])
    still, asked_once = asking(lambda _: [rows(Folder, id=A)])
    locking, _ = asking(leading_to_a_lock)

    await door.put(looking, still, locking)

    assert (len(asked), len(asked_once)) == (3, 1)


async def test_a_row_that_moves_is_found_where_it_is_now_and_not_where_it_was(door):
    def run(_, work):
        work.put(Folder(A, "one", drawer="d"))
        before = work.find(Folder, drawer="d")
        work.put(replace(before[0], drawer="e"))
        return [len(work.find(Folder, drawer=drawer)) for drawer in "de"]

    needs = [Stream(A), rows(Folder, drawer="d"), rows(Folder, drawer="e")]

    assert await door.ask(script(run, *needs)) == [0, 1]


async def test_what_a_failed_handler_had_put_is_not_found_by_the_next(door):
    needs = [Stream(A), rows(Folder, drawer="d")]

    def fail(_, work):
        work.put(Folder(A, "one", drawer="d"))
        assert len(work.find(Folder, drawer="d")) == 1
        raise LookupError("invented")

    first, second = await door.put(
        Command(script(fail, *needs)), Command(script(lambda _, work: len(work.find(Folder, drawer="d")), *needs))
    )

    assert (first.fate, second.body) == ("failed", 0)
