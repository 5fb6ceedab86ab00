"""What may be read of the runtime: history, what waits and why, and how far the relay is."""

from datetime import timedelta
from uuid import UUID

import pytest

from shared.contracts.intake import MessageReceived
from shared.contracts.routing import TriageRequested
from shared.runtime.needs import Stream
from shared.runtime.reads import history_of, replay_since, unsent_events, waiting_counts, waiting_events, waiting_on
from shared.testing.events import sample
from shared.testing.script import handler, script

A, B = (UUID(int=n) for n in (1, 2))


@pytest.fixture
async def door(replica, handlers):
    handlers[MessageReceived] = handler(lambda *_: 1 / 0)
    return await replica()


def saying(subject):
    return script(lambda _, work: work.announce(sample(TriageRequested, complaint_id=subject)), Stream(subject))


async def test_the_history_of_a_subject_is_read_page_by_page(door):
    for _ in range(3):
        await door.ask(saying(A))
        await door.ask(saying(B))

    pages = [await history_of(door.database, A, after, 2) for after in (0, 2, 3)]

    assert [[told.envelope.sequence for told in page] for page in pages] == [[1, 2], [3], []]
    assert {told.envelope.subject for page in pages for told in page} == {A}
    assert pages[0][0].data["complaint_id"] == str(A)


async def test_what_waits_is_read_oldest_first_page_by_page(door):
    for subject in (B, A, B):
        await door.put(door.others.say(sample(MessageReceived, complaint_id=subject)))
        door.clock.move(timedelta(minutes=1))

    first = await waiting_events(door.database, None, 2)
    last = first[-1]
    rest = await waiting_events(door.database, (last.first_at, last.source, last.subject, last.sequence), 2)

    assert [(event.subject, event.sequence) for event in [*first, *rest]] == [(B, 1), (A, 1), (B, 2)]
    assert [event.sequence for event in await waiting_on(door.database, "intake", B)] == [1, 2]
    assert await waiting_counts(door.database) == {"error": 2, "behind": 1}


async def test_events_are_unsent_until_a_relay_has_sent_them(door):
    assert await unsent_events(door.database) == 0
    await door.ask(saying(A))
    assert await unsent_events(door.database) == 1


async def test_a_replay_tells_how_many_events_it_will_send_again(door):
    for _ in range(3):
        await door.ask(saying(A))
        door.clock.move(timedelta(hours=1))

    now = door.clock.now()
    assert await replay_since(door.database, now - timedelta(hours=2)) == 2
    assert await replay_since(door.database, now) == 0
