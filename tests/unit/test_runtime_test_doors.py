"""What tests of a service lean on does what it says, and fails a test that should fail."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from shared.contracts.intake import ComplaintReceived, MessageReceived
from shared.contracts.resolution import CaseClosed
from shared.runtime.needs import Stream
from shared.testing.clock import MONDAY_MORNING
from shared.testing.deadline import eventually
from shared.testing.doors import TwinDoor
from shared.testing.events import Speakers, sample
from shared.testing.invented import KINDS
from shared.testing.loops import running
from shared.testing.script import PERFORM_SCRIPT, Script, handler, script

A, B = (UUID(int=n) for n in (1, 2))


@pytest.fixture
def handlers():
    return {Script: PERFORM_SCRIPT}


@pytest.fixture
async def door(handlers):
    async with TwinDoor("routing", KINDS, handlers) as door:
        yield door


def failing(*_):
    raise ValueError("invented")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_sample_is_the_committed_one_with_changes(language):
    event = sample(ComplaintReceived, language, complaint_id=A, tier="D")

    assert (event.complaint_id, event.tier) == (A, "D")
    assert event.language.startswith(language)


def test_each_event_is_said_by_its_owner_and_numbered_for_each_subject(door):
    others = Speakers(door.clock)

    said = [
        others.say(event).envelope
        for event in (
            sample(ComplaintReceived, complaint_id=A),
            sample(MessageReceived, complaint_id=A),
            sample(MessageReceived, complaint_id=B),
            sample(CaseClosed, complaint_id=A),
        )
    ]

    assert [(envelope.source, envelope.sequence) for envelope in said] == [
        ("intake", 1),
        ("intake", 2),
        ("intake", 1),
        ("resolution", 1),
    ]
    assert {envelope.time for envelope in said} == {MONDAY_MORNING}


async def test_a_handler_that_fails_fails_the_test_that_speaks_to_it(door, handlers):
    handlers[MessageReceived] = handlers["bell"] = handler(failing)

    with pytest.raises(ValueError, match="invented"):
        await door.ask(script(failing))
    with pytest.raises(ValueError, match="invented"):
        await door.hear(sample(MessageReceived, complaint_id=A))
    await door.ask(script(lambda m, work: work.set_timer(A, "bell", m.at + timedelta(hours=1)), Stream(A)))
    with pytest.raises(ValueError, match="invented"):
        await door.pass_time(timedelta(hours=2))


async def test_time_passes_from_timer_to_timer(door, handlers):
    rung = []

    def ring(message, work):
        rung.append((door.clock.now() - MONDAY_MORNING, message.at - MONDAY_MORNING))
        if len(rung) == 1:
            work.set_timer(A, "bell", message.at + timedelta(hours=1))

    handlers["bell"] = handler(ring, Stream(A))
    await door.ask(script(lambda m, work: work.set_timer(A, "bell", m.at + timedelta(hours=1)), Stream(A)))

    await door.pass_time(timedelta(hours=5))

    assert rung == [(timedelta(hours=n), timedelta(hours=n)) for n in (1, 2)]
    assert door.clock.now() == MONDAY_MORNING + timedelta(hours=5)


async def test_what_never_comes_is_an_assertion_error_that_tells_what_was_seen():
    with pytest.raises(AssertionError, match="seen last: 0"):
        await eventually(lambda: 0, seconds=0.01)


async def test_a_loop_that_dies_fails_the_test_that_runs_it():
    async def die():
        raise ValueError("invented")

    with pytest.raises(ValueError, match="invented"):
        async with running(die()):
            await asyncio.sleep(0)
