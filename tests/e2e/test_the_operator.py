"""What an operator does at 3 a.m., with the command alone."""

import asyncio
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaProducer

from shared.contracts.envelope import Envelope
from shared.contracts.registry import owner_of, topic_of
from shared.contracts.routing import ComplaintClassified, ComplaintRouted
from shared.runtime.ids import new_id

PLAINT = Path(sys.executable).with_name("plaint")


@pytest.fixture(scope="module")
def plaint(played):
    """Run a command against the played installation, named by the environment as a real one is."""
    installation = played.installation
    named = {f"PLAINT_{name.upper()}_URL": url for name, url in installation.urls.items()}
    environment = os.environ | named | {"PLAINT_API_KEY": installation.key, "PLAINT_LANG": "en"}
    environment |= {"PLAINT_KAFKA__BOOTSTRAP_SERVERS": installation.bootstrap}

    def run(*arguments, given=None):
        command = [PLAINT, *arguments]
        return subprocess.run(command, env=environment, input=given, capture_output=True, text=True, check=False)

    return run


def lines_of(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def eventually(question, seconds=30):
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)
    return answer


def test_the_whole_story_of_a_complaint_is_told_across_the_services(plaint, played):
    part = next(part for part in played.board.parts if part.scene.path == "reopened")
    done = plaint("trace", part.number, "--json")
    assert done.returncode == 0, done.stderr
    events = lines_of(done)
    assert {event["source"] for event in events} == {"intake", "routing", "resolution", "followup"}
    assert [event["type"] for event in events if event["type"].endswith("reopened.v1")]
    told = plaint("trace", part.number)
    assert "reopen" in told.stdout.lower()


def test_a_complaint_that_is_sent_gets_a_number_and_an_owner(plaint):
    done = plaint("send", "-", "--json", given="The boiler you repaired last week is stone cold again.")
    assert done.returncode == 0, done.stderr
    (answer,) = lines_of(done)
    assert answer["outcome"] == "opened"
    eventually(lambda: "resolution.case.opened.v1" in plaint("trace", answer["number"], "--json").stdout)


def test_lag_and_doctor_find_a_healthy_installation_well(plaint):
    assert plaint("lag").returncode == 0
    done = plaint("doctor", "--json")
    assert done.returncode == 0, done.stdout


async def publish(installation, complaint_id, records):
    producer = AIOKafkaProducer(bootstrap_servers=installation.bootstrap, acks="all")
    await producer.start()
    for sequence, (event_type, body) in enumerate(records, 1):
        event_id = new_id()
        envelope = Envelope(
            event_id, event_type, owner_of(event_type), complaint_id, datetime.now(UTC), sequence, event_id
        )
        topic = topic_of(envelope.source, installation.prefix)
        await producer.send_and_wait(
            topic, key=str(complaint_id).encode(), value=body, headers=list(envelope.headers())
        )
    await producer.stop()


async def mend(stack, complaint_id, body):
    """What a corrected release of the producer, or of the handler, comes to."""
    connection = await asyncpg.connect(stack.postgres.url("plaint_resolution"))
    await connection.execute("update waiting set body = $1 where subject = $2 and sequence = 1", body, complaint_id)
    await connection.close()


def test_a_poisoned_event_holds_back_its_own_complaint_and_goes_through_once_mended(plaint, played):
    complaint_id = new_id()
    classified = ComplaintClassified(complaint_id=complaint_id, cause="quality", confidence=0.9, model="test")
    routed = ComplaintRouted(complaint_id=complaint_id, cause="quality", team="a", assignee="agent-01", priority=5)
    records = [
        (ComplaintClassified.TYPE, b'{"complaint_id": '),
        (ComplaintRouted.TYPE, routed.model_dump_json().encode()),
    ]
    asyncio.run(publish(played.installation, complaint_id, records))

    def waiting():
        found = [line for line in lines_of(plaint("waiting", "ls", "--json")) if line["subject"] == str(complaint_id)]
        return found if len(found) == 2 else None

    assert [event["reason"] for event in eventually(waiting)] == ["error", "behind"]
    test_a_complaint_that_is_sent_gets_a_number_and_an_owner(plaint)

    where = ("--service", "resolution") if "--service" in plaint("waiting", "retry", "--help").stdout else ()
    assert plaint("waiting", "retry", str(complaint_id), *where).returncode != 0
    asyncio.run(mend(played.stack, complaint_id, classified.model_dump_json().encode()))
    done = plaint("waiting", "retry", str(complaint_id), *where)
    assert done.returncode == 0, done.stdout + done.stderr
    left = [line for line in lines_of(plaint("waiting", "ls", "--json")) if line["subject"] == str(complaint_id)]
    assert left == []


def test_an_event_of_an_unknown_type_is_skipped(played):
    complaint_id = new_id()
    routed = ComplaintRouted(complaint_id=complaint_id, cause="quality", team="a", assignee="agent-01", priority=5)
    records = [("routing.complaint.sung_about.v9", b"{}"), (ComplaintRouted.TYPE, routed.model_dump_json().encode())]
    asyncio.run(publish(played.installation, complaint_id, records))
    headers = {"Authorization": f"Bearer {played.installation.key}"}
    url = f"{played.installation.urls['resolution']}/v1/cases/{complaint_id}"
    case = eventually(lambda: (answer := httpx.get(url, headers=headers)).is_success and answer.json())
    assert case["team"] == "a"
