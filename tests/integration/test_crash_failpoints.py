"""A service is killed at the three places where a careless one would lose or repeat something."""

import asyncio
import json
import os
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from plaint.local.ports import free_port
from plaint.local.processes import ServiceProcess
from plaint.local.scratch import scratch_folder
from shared.api.keys import issue_key
from shared.contracts.envelope import Envelope, read_envelope
from shared.contracts.intake import ComplaintReceived
from shared.contracts.registry import owner_of, topic_of
from shared.contracts.resolution import CaseResolved
from shared.runtime.broker import Broker
from shared.runtime.ids import new_id

KILLED = -9


class Followup:
    """The followup service as a process that can be started with a failpoint, killed by it, and started again."""

    def __init__(self, folder, database_url, broker, prefix):
        self.port = free_port()
        self.database_url, self.bootstrap, self.prefix = database_url, broker.bootstrap, prefix
        key, records = issue_key("tester", ["followup:read", "followup:write", "admin"])
        keys = folder / "keys.json"
        keys.write_text(json.dumps({k: r.model_dump(mode="json", exclude_none=True) for k, r in records.items()}))
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers={"Authorization": f"Bearer {key}"})
        self._folder, self._runs = folder, 0
        self._env = os.environ | {
            "PLAINT_DATABASE_URL": database_url,
            "PLAINT_KAFKA__BOOTSTRAP_SERVERS": broker.bootstrap,
            "PLAINT_KAFKA__PREFIX": prefix,
            "PLAINT_KEYS_FILE": str(keys),
            "PLAINT_PORT": str(self.port),
        }

    @contextmanager
    def running(self, failpoint=None):
        self._runs += 1
        env = self._env | ({"PLAINT_FAILPOINTS": failpoint} if failpoint else {})
        command = [sys.executable, "-m", "plaint.launch", "followup"]
        process = ServiceProcess("followup", command, env, self._folder / f"run-{self._runs}.log")
        process.start()
        try:
            yield process
        finally:
            process.stop()

    def ready(self, process):
        process.wait_ready(f"http://127.0.0.1:{self.port}/readyz")

    async def history(self):
        connection = await asyncpg.connect(self.database_url)
        try:
            return await connection.fetch("select subject, sequence, type from history order by id")
        finally:
            await connection.close()


@pytest.fixture
def followup(database_url, broker, topic_prefix):
    with scratch_folder() as folder:
        service = Followup(folder, database_url, broker, topic_prefix)
        with service.http:
            yield service


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
    return found


def life_of(complaint_id):
    """What followup must have heard before it plans a callback."""
    now = datetime.now(UTC)
    return [
        ComplaintReceived(
            complaint_id=complaint_id,
            number="CMP-2026-000001",
            contact_id=complaint_id,
            customer_id=complaint_id,
            channel="chat",
            language="zh-Hans",
            received_at=now,
            text="热水器又不热了",
        ),
        CaseResolved(complaint_id=complaint_id, by="agent-01"),
    ]


async def publish(followup, complaint_ids):
    # A broker may create topics when they are first written to, and then with a number of partitions of its own.
    await Broker(followup.bootstrap, followup.prefix).ensure_topics()
    producer = AIOKafkaProducer(bootstrap_servers=followup.bootstrap, acks="all")
    await producer.start()
    try:
        for complaint_id in complaint_ids:
            for event in life_of(complaint_id):
                source, event_id = owner_of(event.TYPE), new_id()
                envelope = Envelope(event_id, event.TYPE, source, complaint_id, datetime.now(UTC), 1, event_id)
                await producer.send_and_wait(
                    topic_of(source, followup.prefix),
                    key=str(complaint_id).encode(),
                    value=event.model_dump_json().encode(),
                    headers=list(envelope.headers()),
                )
    finally:
        await producer.stop()


async def published(followup, enough):
    """Everything on followup's topic, once there is enough of it."""
    consumer = AIOKafkaConsumer(
        topic_of("followup", followup.prefix), bootstrap_servers=followup.bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        found = []
        async with asyncio.timeout(30):
            while len(found) < enough:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [read_envelope(record.headers) for record in records]
        return found
    finally:
        await consumer.stop()


def scheduled(followup, complaint_id: UUID):
    answer = followup.http.get(f"/v1/callbacks/{complaint_id}")
    return answer if answer.status_code == 200 and answer.json()["state"] == "scheduled" else None


def test_killed_between_commit_and_reply_a_retry_gets_the_answer_and_nothing_happens_twice(followup):
    complaint_id = new_id()
    report = {"json": {"outcome": "answered"}, "headers": {"If-Match": '"1"', "Idempotency-Key": "call-1"}}
    with followup.running() as process:
        followup.ready(process)
        asyncio.run(publish(followup, [complaint_id]))
        wait_until(lambda: scheduled(followup, complaint_id))
    with followup.running("door.after_commit=kill") as process:
        followup.ready(process)
        with pytest.raises(httpx.TransportError):
            followup.http.post(f"/v1/callbacks/{complaint_id}/attempts", **report)
        wait_until(lambda: process.returncode == KILLED)
    with followup.running() as process:
        followup.ready(process)
        again = followup.http.post(f"/v1/callbacks/{complaint_id}/attempts", **report)
    assert (again.status_code, again.json()["state"]) == (200, "reached")
    assert again.headers["Idempotency-Replayed"] == "true"
    types = [row["type"] for row in asyncio.run(followup.history())]
    assert types.count("followup.callback.attempted.v1") == 1


def test_killed_between_commit_and_offset_commit_events_come_again_and_are_dropped(followup):
    complaint_ids = [new_id() for _ in range(20)]
    asyncio.run(publish(followup, complaint_ids))
    with followup.running("consumer.before_commit=kill") as process:
        wait_until(lambda: process.returncode == KILLED)
    with followup.running() as process:
        followup.ready(process)
        for complaint_id in complaint_ids:
            wait_until(lambda wanted=complaint_id: scheduled(followup, wanted))
        wait_until(lambda: followup.http.get("/v1/admin/lag").json()["consumer_joined"])
        metrics = wait_until(lambda: duplicates_in(followup.http.get("/metrics").text))
    assert metrics > 0
    history = asyncio.run(followup.history())
    assert sorted((row["subject"], row["sequence"]) for row in history) == sorted(
        (complaint_id, sequence) for complaint_id in complaint_ids for sequence in (1, 2)
    )


def duplicates_in(metrics):
    lines = (line for line in metrics.splitlines() if line.startswith("plaint_messages_handled_total"))
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if 'outcome="duplicate"' in line)


def test_killed_between_send_and_the_relays_position_events_are_sent_again_in_order(followup):
    complaint_ids = [new_id() for _ in range(5)]
    with followup.running("relay.after_send=kill") as process:
        wait_until(lambda: process.alive and is_live(followup))
        asyncio.run(publish(followup, complaint_ids))
        wait_until(lambda: process.returncode == KILLED)
    sent_before = len(asyncio.run(published(followup, 1)))
    with followup.running() as process:
        followup.ready(process)
        wait_until(lambda: len(asyncio.run(followup.history())) == 2 * len(complaint_ids))
        found = asyncio.run(published(followup, 2 * len(complaint_ids) + sent_before))
    assert len({envelope.id for envelope in found}) == 2 * len(complaint_ids)
    assert len(found) > 2 * len(complaint_ids)
    for complaint_id in complaint_ids:
        sequences = [envelope.sequence for envelope in found if envelope.subject == complaint_id]
        first_seen = list(dict.fromkeys(sequences))
        assert first_seen == [1, 2]


def is_live(followup):
    try:
        return followup.http.get("/livez").status_code == 200
    except httpx.TransportError:
        return False
