"""What is woken after a commit: for as long as it runs, however often its process comes to lead."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.followup import events as followup
from services.intake import events as intake
from services.intake.settings import IntakeSettings
from services.resolution import events as resolution
from services.routing import events as routing
from services.routing.domain.complaint import Complaint
from services.routing.domain.roster import Workload
from services.routing.storage import STORED
from shared.contracts.followup import FollowupMessageRequested
from shared.contracts.intake import ComplaintReceived, MessageFailed, MessageReceived, MessageSent
from shared.contracts.resolution import CaseOpened, ResolutionMessageRequested
from shared.contracts.routing import ComplaintClassified
from shared.runtime.clock import Clock
from shared.runtime.door import BATCH_LIMIT, COMPANY_SECONDS, Door
from shared.runtime.memory import MemoryStore
from shared.runtime.timers import fire_timers
from shared.runtime.work import StreamState, Work
from shared.runtime.worker import work_through
from shared.testing.doors import TwinDoor
from shared.testing.events import sample
from shared.testing.loops import running
from shared.testing.script import handler

SUBJECT = UUID(int=1)
MOMENT = datetime(2026, 3, 4, 9, tzinfo=UTC)


async def nothing(*_):
    return []


async def test_whoever_no_longer_leads_is_no_longer_woken():
    store = MemoryStore(())
    door = Door("routing", store, (), {}, Clock())
    for _ in range(3):
        async with running(fire_timers(door, store), work_through(door, "classifier", nothing, nothing)):
            await asyncio.sleep(0)
            assert len(door._after_commit) == 2
        assert door._after_commit == []


def work_on(subject, **timers):
    work = Work("routing", [item.kind for item in STORED])
    work.accept_stream(subject, StreamState(), timers)
    return work


def test_a_batch_that_only_read_wakes_nobody():
    work = work_on(SUBJECT, due=MOMENT)
    work.accept_rows(Workload, [Workload("wei", 1)])

    assert [work.announces(), work.sets_timers(), work.changes(Workload)] == [False, False, False]


def test_a_timer_that_is_new_or_moved_wakes_those_who_fire():
    fresh, moved, the_same, cancelled = (work_on(SUBJECT, due=MOMENT) for _ in range(4))
    fresh.set_timer(SUBJECT, "warn", MOMENT)
    moved.set_timer(SUBJECT, "due", MOMENT + timedelta(hours=1))
    the_same.set_timer(SUBJECT, "due", MOMENT)
    cancelled.cancel_timer(SUBJECT, "due")

    assert [work.sets_timers() for work in (fresh, moved, the_same, cancelled)] == [True, True, False, False]


def test_rows_of_a_kind_that_changed_wake_who_works_on_that_kind():
    work = work_on(SUBJECT)
    work.accept_rows(Workload, [Workload("wei", 1)])
    work.put(Workload("wei", 2))

    assert work.changes(Workload)
    assert not work.changes(Complaint)


async def test_an_event_that_nobody_hears_waits_for_company_and_no_longer():
    async with TwinDoor("routing", (), {MessageReceived: handler(lambda *_: None)}) as twin:
        say, put = twin.others.say, twin.door.enter
        await asyncio.sleep(0)
        alone = put(say(sample(CaseOpened, complaint_id=SUBJECT)))
        await asyncio.sleep(COMPANY_SECONDS / 5)
        assert not alone.done()
        heard = put(say(sample(MessageReceived, complaint_id=SUBJECT)))
        assert (await heard).fate == "done"
        assert alone.done()

        later = put(say(sample(CaseOpened, complaint_id=SUBJECT)))
        async with asyncio.timeout(10 * COMPANY_SECONDS):
            assert (await later).fate == "done"


async def test_an_event_whose_outcome_nobody_waits_for_waits_for_company_too():
    note = replace(handler(lambda *_: None), can_wait=True)
    async with TwinDoor("routing", (), {MessageReceived: note}) as twin:
        await asyncio.sleep(0)
        patient = twin.door.enter(twin.others.say(sample(MessageReceived, complaint_id=SUBJECT)))
        await asyncio.sleep(COMPANY_SECONDS / 5)
        assert not patient.done()
        async with asyncio.timeout(10 * COMPANY_SECONDS):
            assert (await patient).fate == "done"


def test_only_events_whose_outcome_nobody_waits_for_can_wait():
    """A case opens when it is routed, a caller asks when it is resolved, and a mail may leave a moment later."""
    handlers = {
        "intake": intake.reactions(IntakeSettings(database_url="postgresql://x@127.0.0.1/x").wording),
        "routing": routing.reactions(None),
        "resolution": resolution.reactions(None),
        "followup": followup.reactions(None),
    }
    can_wait = {service: {key for key, each in of.items() if each.can_wait} for service, of in handlers.items()}
    assert can_wait == {
        "intake": {ResolutionMessageRequested, FollowupMessageRequested},
        "routing": set(),
        "resolution": {ComplaintReceived, ComplaintClassified, MessageSent, MessageFailed},
        "followup": {ComplaintReceived},
    }


async def test_the_wait_begins_with_the_first_of_the_company():
    async with TwinDoor("routing", (), {MessageReceived: handler(lambda *_: None)}) as twin:
        say, put = twin.others.say, twin.door.enter
        await asyncio.sleep(0)
        put(say(sample(CaseOpened, complaint_id=SUBJECT)))
        await asyncio.sleep(0.4 * COMPANY_SECONDS)
        await put(say(sample(MessageReceived, complaint_id=SUBJECT)))
        await asyncio.sleep(0.4 * COMPANY_SECONDS)
        later = put(say(sample(CaseOpened, complaint_id=SUBJECT)))
        # The first one's time is up by now, but it has gone with the other.
        await asyncio.sleep(0.4 * COMPANY_SECONDS)
        assert not later.done()


async def test_a_batch_of_events_that_nobody_hears_waits_for_nothing():
    async with TwinDoor("routing", (), {}) as twin:
        await asyncio.sleep(0)
        unheard = [
            twin.door.enter(twin.others.say(sample(CaseOpened, complaint_id=SUBJECT))) for _ in range(BATCH_LIMIT)
        ]
        done, _ = await asyncio.wait(unheard, timeout=COMPANY_SECONDS / 2)
        assert len(done) == BATCH_LIMIT
