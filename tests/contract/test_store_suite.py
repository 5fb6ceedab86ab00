"""What PostgreSQL and the memory twin both keep of a batch: rows, streams and numbers, all or nothing."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from shared.runtime.ids import new_id
from shared.runtime.message import Command
from shared.runtime.needs import Number, Stream, rows
from shared.runtime.work import NotLoaded
from shared.testing.invented import Binder, Folder, Label, Note, Shade, Tally
from shared.testing.script import Script, script

A, B, C = (UUID(int=n) for n in (1, 2, 3))


def folder(subject):
    """What a handler asks for that changes a folder."""
    return Stream(subject), rows(Folder, id=subject)


def putting(row, *needs):
    return script(lambda _, work: work.put(row), *needs)


# Rows.


async def test_new_changed_and_deleted_rows_are_kept(door):
    for subject in (A, B, C):
        await door.ask(putting(Folder(subject, "new"), *folder(subject)))

    await door.ask(putting(Folder(B, "changed", pages=3), *folder(B)))
    await door.ask(script(lambda _, work: work.delete(work.get(Folder, C)), *folder(C)))

    assert sorted(await door.rows(Folder), key=lambda row: row.id) == [Folder(A, "new"), Folder(B, "changed", 3)]


async def test_a_row_changed_twice_in_one_batch_is_kept_as_it_was_last(door):
    await door.put(*(Command(putting(Folder(A, title), *folder(A))) for title in ("first", "second")))

    assert await door.rows(Folder) == [Folder(A, "second")]


async def test_a_row_put_and_deleted_in_one_batch_never_was(door):
    await door.put(
        Command(putting(Folder(A, "brief"), *folder(A))),
        Command(script(lambda _, work: work.delete(work.get(Folder, A)), *folder(A))),
    )

    assert await door.rows(Folder) == []


async def test_a_row_deleted_and_put_again_in_one_batch_is_kept(door):
    await door.ask(putting(Folder(A, "before"), *folder(A)))

    await door.put(
        Command(script(lambda _, work: work.delete(work.get(Folder, A)), *folder(A))),
        Command(putting(Folder(A, "after"), *folder(A))),
    )

    assert await door.rows(Folder) == [Folder(A, "after")]


async def test_rows_with_a_key_of_two_columns_are_told_apart_by_both(door):
    labels = [Label("north", "x", 1), Label("north", "y", 2), Label("south", "x", 3)]
    for label in labels:
        await door.ask(putting(label))

    heavier = script(
        lambda _, work: work.put(Label("north", "y", work.get(Label, "north", "y").weight + 10)),
        rows(Label, shelf="north", name="y"),
    )
    await door.ask(heavier)
    await door.ask(script(lambda _, work: work.delete(labels[2]), rows(Label, shelf="south", name="x")))

    assert sorted(await door.rows(Label), key=lambda row: row.name) == [Label("north", "x", 1), Label("north", "y", 12)]


async def test_enumerations_nested_dataclasses_tuples_and_nothing_come_back_as_they_were(door):
    note = Note(A, datetime(2026, 3, 2, 1, 2, 3, 456789, tzinfo=UTC), ("漏水", 'a "quoted" line', "\\ 😀"), Shade.BLUE)
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    binders = [
        Binder(A, Shade.BLUE, (note, note), note, {"pages": 2}, at),
        Binder(B, Shade.RED, (), None, {}, at),
    ]
    for binder in binders:
        await door.ask(putting(binder))
    seen = []

    await door.ask(
        script(lambda _, work: seen.extend(work.get(Binder, n) for n in (A, B)), rows(Binder, id=A), rows(Binder, id=B))
    )

    assert seen == binders
    assert isinstance(seen[0].notes[0].shade, Shade)
    assert isinstance(seen[0].shade, Shade)


async def test_a_json_column_is_changed(door):
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    note = Note(A, at, ("x",))
    await door.ask(putting(Binder(A, Shade.RED, (), note, {}, at)))

    await door.ask(putting(Binder(A, Shade.RED, (note,), None, {"pages": 1}, at), rows(Binder, id=A)))

    assert await door.rows(Binder) == [Binder(A, Shade.RED, (note,), None, {"pages": 1}, at)]


async def test_a_counter_is_moved_by_every_message_of_a_batch(door):
    await door.ask(putting(Tally("seen", 5)))
    count = script(lambda _, work: work.put(Tally("seen", work.get(Tally, "seen").count + 1)), rows(Tally, name="seen"))

    await door.put(*(Command(count) for _ in range(10)))

    assert await door.rows(Tally) == [Tally("seen", 15)]


async def test_find_sees_what_earlier_messages_of_the_batch_staged(door):
    await door.ask(putting(Label("north", "kept")))
    await door.ask(putting(Label("north", "removed")))
    found = []
    north = rows(Label, shelf="north")

    await door.put(
        Command(putting(Label("north", "new"))),
        Command(putting(Label("south", "elsewhere"))),
        Command(script(lambda _, work: work.delete(Label("north", "removed")), north)),
        Command(script(lambda _, work: found.extend(work.find(Label, shelf="north")), north)),
    )

    assert {label.name for label in found} == {"kept", "new"}


async def test_find_without_columns_sees_every_row(door):
    for name in "xyz":
        await door.ask(putting(Label("north", name)))

    assert await door.ask(script(lambda _, work: len(work.find(Label)), rows(Label))) == 3


def test_no_row_is_asked_for_by_a_missing_value():
    with pytest.raises(ValueError, match="drawer"):
        rows(Folder, drawer=None)


# One message's failure.


async def test_a_handler_that_raises_loses_its_own_changes_and_no_others(door):
    await door.ask(putting(Tally("seen", 0)))

    def count(work):
        work.put(Tally("seen", work.get(Tally, "seen").count + 1))

    def fail(_, work):
        count(work)
        work.put(Label("lost", "lost"))
        work.put(Folder(A, "lost"))
        work.set_timer(A, "lost", door.clock.now())
        raise RuntimeError("invented")

    def good(name):
        def run(_, work):
            count(work)
            work.put(Label("kept", name))

        return Command(script(run, rows(Tally, name="seen")))

    fates = await door.put(good("before"), Command(script(fail, *folder(A), rows(Tally, name="seen"))), good("after"))

    assert [result.fate for result in fates] == ["done", "failed", "done"]
    assert await door.rows(Tally) == [Tally("seen", 2)]
    assert {label.name for label in await door.rows(Label)} == {"before", "after"}
    assert await door.rows(Folder) == []
    assert await door.timers() == {}


async def test_a_handler_whose_outcome_cannot_be_told_changes_nothing(door):
    def run(_, work):
        work.put(Label("lost", "lost"))
        return object()

    with pytest.raises(Exception, match="serialize"):
        await door.ask(script(run))

    assert await door.rows(Label) == []


async def test_needs_that_raise_concern_their_own_message_alone(door):
    def raising(_message, _work):
        raise LookupError("invented")

    results = await door.put(
        Command(putting(Label("kept", "before"))),
        Command(Script(lambda *_: None, raising)),
        Command(putting(Label("kept", "after"))),
    )

    assert [result.fate for result in results] == ["done", "failed", "done"]
    assert isinstance(results[1].error, LookupError)


# What was not asked for.


@pytest.mark.parametrize(
    "use",
    [
        lambda work: work.get(Folder, A),
        lambda work: work.get(Label, "north", "x"),
        lambda work: work.find(Folder, title="x"),
        lambda work: work.find(Folder),
        lambda work: work.number("folder_numbers", A),
        lambda work: work.set_timer(A, "bell", datetime(2026, 3, 2, tzinfo=UTC)),
        lambda work: work.cancel_timer(A, "bell"),
        lambda work: work.timer(A, "bell"),
        lambda work: work.blank_history(A),
        lambda work: work.put(Folder(A, "unguarded")),
        lambda work: work.delete(Folder(A, "unguarded")),
        lambda work: work.delete(Label("north", "x")),
    ],
)
async def test_what_was_not_asked_for_is_not_loaded(door, use):
    with pytest.raises(NotLoaded):
        await door.ask(script(lambda _, work: use(work), rows(Folder, id=B), Stream(B)))


async def test_a_stream_that_was_begun_needs_no_asking(door):
    subject = new_id()

    def run(_, work):
        work.begin_stream(subject)
        work.put(Folder(subject, "new"))
        work.set_timer(subject, "bell", door.clock.now())

    await door.ask(script(run))

    assert await door.rows(Folder) == [Folder(subject, "new")]
    assert list(await door.timers()) == [(subject, "bell")]


# Needs in rounds.


async def test_needs_are_asked_again_until_they_ask_nothing_new(door):
    await door.ask(putting(Label("pointer", "first", 1)))
    await door.ask(putting(Label("second", "1", 2)))
    await door.ask(putting(Label("third", "2", 3)))

    def needs(_message, work):
        yield rows(Label, shelf="pointer")
        for first in work.find(Label, shelf="pointer"):
            yield rows(Label, shelf="second", name=str(first.weight))
            if second := work.get(Label, "second", str(first.weight)):
                yield rows(Label, shelf="third", name=str(second.weight))

    assert await door.ask(Script(lambda _, work: work.get(Label, "third", "2").weight, needs)) == 3


async def test_each_message_of_a_batch_has_its_own_rounds(door):
    for subject in (A, B):
        await door.ask(putting(Folder(subject, f"drawer of {subject}", drawer=f"{subject}"), *folder(subject)))

    def after(subject):
        def needs(_message, work):
            yield rows(Folder, drawer=f"{subject}")
            for found in work.find(Folder, drawer=f"{subject}"):
                yield Stream(found.id)

        def run(_message, work):
            (found,) = work.find(Folder, drawer=f"{subject}")
            work.put(Folder(found.id, "opened", drawer=found.drawer))

        return Command(Script(run, needs))

    await door.put(after(A), after(B))

    assert {row.title for row in await door.rows(Folder)} == {"opened"}


# Numbers.


async def test_numbers_are_drawn_once_for_each_asker(door):
    def draw(asker):
        return Command(script(lambda _, work: work.number("folder_numbers", asker), Number("folder_numbers", asker)))

    results = await door.put(*(draw(new_id()) for _ in range(20)))
    results += await door.put(*(draw(new_id()) for _ in range(20)))

    assert len({result.body for result in results}) == 40
    assert all(result.body >= 1 for result in results)
