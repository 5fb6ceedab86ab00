"""What both stores make of events: each applied once and in order, what cannot be applied waits, nothing is lost."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from shared.contracts.erasure import BLANK
from shared.contracts.intake import ComplaintReceived, ComplaintWithdrawn, MessageReceived
from shared.contracts.routing import TriageRequested
from shared.runtime.message import Command, Delivery, Repair
from shared.runtime.needs import Stream, rows
from shared.runtime.refusals import NothingWaits
from shared.testing.deadline import eventually
from shared.testing.events import Speaker, sample
from shared.testing.invented import Folder
from shared.testing.script import handler, script

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

A, B, C = (UUID(int=n) for n in (1, 2, 3))


@pytest.fixture(autouse=True)
def _folder_that_counts(handlers):
    """Every message turns a page, unless its text is poison; every complaint opens a folder."""

    def needs(message, _work):
        return (Stream(message.subject), rows(Folder, id=message.subject))

    def open_folder(message, work):
        work.put(Folder(message.subject, "opened"))

    def turn_page(message, work):
        before = work.get(Folder, message.subject)
        work.put(replace(before, title=message.payload.text, pages=before.pages + 1))
        work.announce(sample(TriageRequested, complaint_id=message.subject))
        if message.payload.text == "poison":
            raise ValueError("invented")

    handlers[ComplaintReceived] = replace(handler(open_folder), needs=needs)
    handlers[MessageReceived] = replace(handler(turn_page), needs=needs)


def received(subject):
    return sample(ComplaintReceived, complaint_id=subject)


def message(subject, text):
    return sample(MessageReceived, complaint_id=subject, text=text)


def story(door, subject, *texts):
    """What intake says of one complaint: received, then one message for each text."""
    return [door.others.say(event) for event in (received(subject), *(message(subject, text) for text in texts))]


def fates(results):
    return [result.fate for result in results]


async def folders(door):
    return {folder.id: (folder.title, folder.pages) for folder in await door.rows(Folder)}


def nothing_waits(door):
    async def look():
        return not await door.waiting()

    return look


# In order, once.


async def test_events_are_applied_in_order(door):
    assert fates(await door.put(*story(door, A, "one", "two"))) == ["done"] * 3
    assert await folders(door) == {A: ("two", 2)}


async def test_an_event_that_comes_twice_is_applied_once(door):
    told = story(door, A, "one")

    assert fates(await door.put(*told, *told)) == ["done", "done", "duplicate", "duplicate"]
    assert fates(await door.put(*told)) == ["duplicate", "duplicate"]
    assert await folders(door) == {A: ("one", 1)}


async def test_what_two_sources_say_of_one_subject_is_numbered_apart(door):
    first, second = Speaker("intake", door.clock), Speaker("elsewhere", door.clock)

    results = await door.put(first.say(received(A)), second.say(message(A, "one")), first.say(message(A, "two")))

    assert fates(results) == ["done"] * 3
    assert await folders(door) == {A: ("two", 2)}


async def test_an_event_before_its_turn_waits_and_is_applied_when_the_gap_closes(door):
    opened, one, two, three = story(door, A, "one", "two", "three")

    assert fates(await door.put(opened, three)) == ["done", "waiting"]
    assert fates(await door.put(two)) == ["waiting"]
    assert [(event.sequence, event.reason) for event in await door.waiting()] == [(3, "gap"), (4, "gap")]
    assert fates(await door.put(one)) == ["done"]

    assert await folders(door) == {A: ("three", 3)}
    assert await door.waiting() == []


async def test_a_gap_that_closes_within_a_batch_leaves_nothing_waiting(door):
    opened, one, two = story(door, A, "one", "two")

    assert fates(await door.put(two, one, opened)) == ["waiting", "waiting", "done"]
    assert await folders(door) == {A: ("two", 2)}
    assert await door.waiting() == []


async def test_an_event_that_waits_and_comes_again_waits_once(door):
    _, _, two = story(door, A, "one", "two")

    await door.put(two, two)
    await door.put(two)

    assert [event.sequence for event in await door.waiting()] == [3]


@pytest.mark.parametrize("event_type", ["intake.complaint.renamed.v9", ComplaintWithdrawn.TYPE])
async def test_a_type_that_is_unknown_or_not_heard_is_passed_over(door, event_type):
    opened, one, two = story(door, A, "one", "two")
    passed_over = Delivery(replace(one.envelope, type=event_type), b'{"anything": 1}')

    assert fates(await door.put(opened, passed_over, two)) == ["done"] * 3
    assert await folders(door) == {A: ("two", 1)}


# Poison.


async def test_poison_holds_back_its_own_stream_only(door):
    bad, good = story(door, A, "poison", "after"), story(door, B, "one")

    results = await door.put(*bad, *good)

    assert fates(results) == ["done", "waiting", "waiting", "done", "done"]
    assert isinstance(results[1].error, ValueError)
    assert await folders(door) == {A: ("opened", 0), B: ("one", 1)}
    poison, behind = await door.waiting()
    assert (poison.sequence, poison.reason, poison.attempts) == (2, "error", 1)
    assert poison.error.startswith("ValueError at test_store_suite_events.py:")
    assert poison.error.endswith(" in turn_page")
    assert "invented" not in poison.error
    assert (behind.sequence, behind.reason, behind.attempts) == (3, "behind", 0)
    assert [told.envelope.subject for told in await door.said()] == [B]


async def test_a_body_that_does_not_fit_its_type_waits_like_any_poison(door):
    opened, one, two = story(door, A, "one", "two")

    assert fates(await door.put(opened, replace(one, body=b'{"text": 1}'), two)) == ["done", "waiting", "waiting"]
    assert [event.body for event in await door.waiting()] == [b'{"text": 1}', two.body]


async def test_retry_applies_what_failed_and_everything_behind_once_the_cause_is_gone(door, handlers):
    await door.put(*story(door, A, "poison", "two", "three"))
    retry = Repair("intake", A, "retry")

    assert fates(await door.put(retry)) == ["waiting"]
    assert (await door.waiting())[0].attempts == 2
    handlers[MessageReceived] = replace(handlers[MessageReceived], run=lambda m, w: w.put(Folder(A, m.payload.text)))
    assert fates(await door.put(retry)) == ["done"]

    assert await folders(door) == {A: ("three", 0)}
    assert await door.waiting() == []


async def test_retry_applies_a_long_queue_to_its_end(door, handlers):
    turn_page = handlers[MessageReceived]
    handlers[MessageReceived] = handler(lambda *_: 1 / 0)
    await door.put(*story(door, A, *(f"text {n}" for n in range(250))))
    assert len(await door.waiting()) == 250
    handlers[MessageReceived] = turn_page

    await door.put(Repair("intake", A, "retry"))
    await eventually(nothing_waits(door))

    assert await folders(door) == {A: ("text 249", 250)}


async def test_discard_passes_over_what_failed_and_goes_on_behind_it(door):
    await door.put(*story(door, A, "poison", "two"))

    assert fates(await door.put(Repair("intake", A, "discard"))) == ["done"]
    assert await folders(door) == {A: ("two", 1)}
    assert await door.waiting() == []


async def test_repair_has_nothing_to_do_where_nothing_waits_for_its_turn(door):
    _, one = story(door, A, "one")

    results = await door.put(one, Repair("intake", A, "retry"), Repair("intake", B, "discard"))

    assert fates(results) == ["waiting", "refused", "refused"]
    assert all(isinstance(result.error, NothingWaits) for result in results[1:])
    assert len(await door.waiting()) == 1


# What is said.


async def test_what_is_said_of_each_subject_is_numbered_from_one(door):
    for text in ("one", "two"):
        say = script(lambda _, work: [work.announce(sample(TriageRequested, complaint_id=s)) for s in (A, B, A)])
        await door.put(Command(replace(say, needs=lambda *_: (Stream(A), Stream(B)))), *story(door, C, text)[-1:])

    numbers = {s: [told.envelope.sequence for told in await door.said(s)] for s in (A, B)}
    assert numbers == {A: [1, 2, 3, 4], B: [1, 2]}


async def test_what_a_failing_handler_said_was_never_said_and_its_number_is_given_again(door):
    def say(*, fail):
        def run(_, work):
            work.announce(sample(TriageRequested, complaint_id=A))
            if fail:
                raise RuntimeError("invented")

        return Command(script(run, Stream(A)))

    await door.put(say(fail=False), say(fail=True), say(fail=False))

    assert [told.envelope.sequence for told in await door.said(A)] == [1, 2]


async def test_what_is_said_names_its_cause(door):
    opened, one = story(door, A, "one")
    traced = replace(one, envelope=replace(one.envelope, traceparent=TRACE))

    await door.put(opened, traced)

    (told,) = await door.said(A)
    assert told.envelope.source == "routing"
    assert told.envelope.causation_id == one.envelope.id
    assert told.envelope.correlation_id == one.envelope.correlation_id
    assert told.envelope.traceparent == TRACE


async def test_what_is_said_is_never_earlier_than_its_cause_or_what_was_said_before(door):
    later = door.clock.now() + timedelta(hours=1)
    intake = Speaker("intake", door.clock)
    say = Command(script(lambda _, work: work.announce(sample(TriageRequested, complaint_id=A)), Stream(A)))

    await door.put(intake.say(received(A)), intake.say(message(A, "from a clock ahead"), at=later), say)

    assert [told.envelope.time for told in await door.said(A)] == [later, later]


# Erasure.


async def test_blanking_takes_the_texts_out_of_history_and_of_what_waits(door, handlers):
    def answer(message, work):
        work.announce(sample(MessageReceived, complaint_id=message.subject, text="a secret kept"))

    handlers[MessageReceived] = handler(answer, Stream(A), Stream(B))
    await door.put(*story(door, A, "x"), *story(door, B, "x"))
    handlers[MessageReceived] = handler(lambda *_: 1 / 0)
    await door.put(*(door.others.say(message(s, "a secret waiting")) for s in (A, B)))

    await door.ask(script(lambda _, work: work.blank_history(A), Stream(A)))

    texts = {s: [told.data["text"] for told in await door.said(s)] for s in (A, B)}
    assert texts == {A: [BLANK], B: ["a secret kept"]}
    waiting = {event.subject: event.body.decode() for event in await door.waiting()}
    assert "secret" not in waiting[A]
    assert "secret" in waiting[B]


async def test_what_was_blanked_while_it_waited_can_still_be_applied(door, handlers):
    turn_page = handlers[MessageReceived]
    handlers[MessageReceived] = handler(lambda *_: 1 / 0)
    await door.put(*story(door, A, "a secret"))
    await door.ask(script(lambda _, work: work.blank_history(A), Stream(A)))
    handlers[MessageReceived] = turn_page

    await door.put(Repair("intake", A, "retry"))

    assert await folders(door) == {A: (BLANK, 1)}


# All of it at once.


async def test_a_shuffled_and_repeated_stream_ends_as_if_it_had_come_in_order(door):
    told = {s: story(door, s, *(f"{n}" for n in range(6))) for s in (A, B, C)}
    order = [3, 0, 6, 1, 1, 5, 2, 4, 0, 6]

    for n in order:
        await door.put(*(told[s][n] for s in told))

    assert await folders(door) == dict.fromkeys((A, B, C), ("5", 6))
    assert await door.waiting() == []
    assert Counter(told.envelope.subject for told in await door.said()) == {A: 6, B: 6, C: 6}
