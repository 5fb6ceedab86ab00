"""One leader for each role: others stand by, and take over from one that ends, fails or freezes."""

import asyncio

import pytest

from shared.runtime import leader
from shared.runtime.leader import lead
from shared.testing.deadline import eventually
from shared.testing.loops import running

ROLE = "routing.test"


class Candidate:
    """Counts how often it was called to lead, and whether it leads now."""

    def __init__(self, database):
        self.database = database
        self.terms = 0
        self.leads = False

    async def work(self):
        self.terms += 1
        self.leads = True
        try:
            await asyncio.Event().wait()
        finally:
            self.leads = False

    def run(self):
        return lead(self.database, ROLE, self.work)


async def end_sessions(database):
    async with database.connection() as connection:
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name like '% leader'"
            " and datname = current_database()"
        )


async def test_of_several_one_leads(database):
    candidates = [Candidate(database) for _ in range(3)]

    async with running(*(one.run() for one in candidates)):
        await eventually(lambda: any(one.leads for one in candidates))
        await asyncio.sleep(2 * leader.STANDBY_SECONDS)
        assert [one.terms for one in candidates].count(1) == 1
        assert sum(one.terms for one in candidates) == 1

    assert not any(one.leads for one in candidates)


async def test_two_roles_have_a_leader_each(database):
    first, second = Candidate(database), Candidate(database)

    async with running(first.run(), lead(database, "routing.other", second.work)):
        await eventually(lambda: first.leads and second.leads)


async def test_another_takes_over_from_one_that_ends(database):
    first, second = Candidate(database), Candidate(database)

    async with running(second.run()):
        async with running(first.run()):
            await eventually(lambda: first.leads or second.leads)
        await eventually(lambda: second.leads)
    assert not first.leads


async def test_work_is_cancelled_when_the_lock_is_no_longer_certain_and_begins_again(database, monkeypatch):
    monkeypatch.setattr(leader, "HEARTBEAT_SECONDS", 0.05)
    candidate = Candidate(database)

    async with running(candidate.run()):
        await eventually(lambda: candidate.leads)
        await end_sessions(database)
        await eventually(lambda: not candidate.leads)
        await eventually(lambda: candidate.terms == 2)


@pytest.mark.parametrize("error", [ValueError("invented"), asyncio.CancelledError()], ids=["failure", "cancellation"])
async def test_work_that_ends_by_itself_begins_again(database, error):
    terms = []

    async def work():
        terms.append(len(terms))
        raise error

    async with running(lead(database, ROLE, work)):
        await eventually(lambda: len(terms) == 2)


async def test_the_lock_of_one_that_froze_is_free_after_a_while(database):
    candidate = Candidate(database)

    async with database.session(idle_session_timeout="500ms") as frozen:
        await frozen.fetchval("select pg_advisory_lock($1)", leader._lock_key(ROLE))
        async with running(candidate.run()):
            await asyncio.sleep(0.2)
            assert not candidate.leads
            await eventually(lambda: candidate.leads)
