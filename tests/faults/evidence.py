"""Reading the four databases for the checker."""

import asyncio
from uuid import UUID

import asyncpg
from pydantic_core import from_json

from shared.contracts.envelope import read_envelope
from shared.runtime.records import unpack_headers
from tests.faults.checker import Deadline, Evidence, Fact
from tests.faults.world import HEARS, SERVICES

_TOLD_IN_FULL = ("deadline.", "promise.", "callback.", "message.requested", "case.opened", "case.reopened")
_SNAPSHOT = {
    "positions": "select source, subject, last from positions",
    "waiting": "select source, subject, sequence, reason from waiting",
    "timers": "select subject, kind, due_at from timers",
    "streams": "select subject, last from streams",
}
_RUNNING = (
    "select d.complaint_id, d.kind, d.due_at from deadlines d join cases c using (complaint_id, round)"
    " where d.state = 'running' and c.state <> 'closed'"
)


class Archive:
    """What was read of the histories so far; each look reads on from there, since nothing in them changes."""

    def __init__(self, world):
        self._world = world
        self.histories = {service: [] for service in SERVICES}
        self._read = dict.fromkeys(SERVICES, 0)

    async def evidence(self, recorder, planted, swapped):
        await self.read()
        settled = {service: len(facts) for service, facts in self.histories.items()}
        snapshots = dict(zip(SERVICES, await asyncio.gather(*map(self._snapshot, SERVICES)), strict=True))
        await asyncio.sleep(0.3)  # what was sent a moment ago is on its way to the recorder
        heard = tuple(recorder.heard)
        await self.read()
        return self._evidence(snapshots, settled, heard, planted, swapped)

    async def read(self):
        await asyncio.gather(*map(self._read_history, SERVICES))

    def _evidence(self, snapshots, settled, heard, planted, swapped):
        world = self._world
        return Evidence(
            answered={UUID(complaint) for complaint in world.answered},
            stored={row["complaint_id"] for row in snapshots["intake"]["complaints"]},
            histories=self.histories,
            settled=settled,
            last={s: {row["subject"]: row["last"] for row in found["streams"]} for s, found in snapshots.items()},
            hears=HEARS,
            positions={
                s: {(row["source"], row["subject"]): row["last"] for row in found["positions"]}
                for s, found in snapshots.items()
            },
            waiting={s: [tuple(row) for row in found["waiting"]] for s, found in snapshots.items()},
            timers={s: [Deadline(*row) for row in found["timers"]] for s, found in snapshots.items()},
            running=[Deadline(*row) for row in snapshots["resolution"]["running"]],
            messages={row["complaint_id"]: row["messages_received"] for row in snapshots["resolution"]["cases"]},
            heard=heard,
            now={service: world.now(service) for service in SERVICES},
            own_time=self._own_time,
            planted=planted,
            swapped=swapped,
        )

    def _own_time(self, service, real):
        clock = [clock for since, clock in self._world.clocks[service] if since <= real][-1]
        return clock.origin + (real - clock.anchor)

    async def _snapshot(self, service):
        queries = dict(_SNAPSHOT)
        if service == "intake":
            queries["complaints"] = "select complaint_id from complaints"
        if service == "resolution":
            queries |= {"running": _RUNNING, "cases": "select complaint_id, messages_received from cases"}
        connection = await self._connect(service)
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                return {name: await connection.fetch(query) for name, query in queries.items()}
        finally:
            await connection.close()

    async def _read_history(self, service):
        query = (
            "select id, subject, sequence, type, at, written_at, headers, body from history where id > $1 order by id"
        )
        connection = await self._connect(service)
        try:
            for row in await connection.fetch(query, self._read[service]):
                self.histories[service].append(_fact(service, row))
                self._read[service] = row["id"]
        finally:
            await connection.close()

    async def _connect(self, service):
        settings = {"application_name": "faults", "timezone": "UTC"}
        return await asyncpg.connect(self._world.databases[service], server_settings=settings)


def _fact(service, row):
    envelope = read_envelope(unpack_headers(row["headers"]))
    in_full = any(part in row["type"] for part in _TOLD_IN_FULL)
    return Fact(
        source=service,
        subject=row["subject"],
        sequence=row["sequence"],
        id=envelope.id,
        type=row["type"],
        at=row["at"],
        written_at=row["written_at"],
        cause=envelope.causation_id,
        data=from_json(row["body"]) if in_full else None,
        digest=hash(row["body"]),
    )
