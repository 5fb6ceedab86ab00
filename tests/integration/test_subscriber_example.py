"""The examples in docs/examples do what docs/events.md says of them, run as a reader would run them."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.contracts.documents import as_text, samples_of
from shared.contracts.envelope import Envelope
from shared.contracts.registry import OWNERS, owner_of, topic_of

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
COMPLAINT = UUID(samples_of("intake.complaint.received.v1")["zh"]["complaint_id"])
STORY = [
    ("intake.complaint.received.v1", 1),
    ("intake.complaint.received.v1", 1),
    ("intake.message.received.v1", 2),
    ("routing.complaint.classified.v1", 1),
    ("routing.complaint.routed.v1", 4),
    ("resolution.case.opened.v1", 3),
    ("intake.complaint.received.v1", 1),
    ("followup.callback.scheduled.v1", 1),
]


def envelope_of(event_type, sequence):
    return Envelope(
        id=uuid4(),
        type=event_type,
        source=owner_of(event_type),
        subject=COMPLAINT,
        time=datetime(2026, 3, 2, 1, 15, tzinfo=UTC) + timedelta(seconds=sequence),
        sequence=sequence,
        correlation_id=COMPLAINT,
    )


async def publish(bootstrap, prefix, story):
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for event_type, sequence in story:
            await producer.send_and_wait(
                topic_of(owner_of(event_type), prefix),
                as_text(samples_of(event_type)["zh"]).encode(),
                key=str(COMPLAINT).encode(),
                headers=list(envelope_of(event_type, sequence).headers()),
            )


async def create_topics(bootstrap, prefix):
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic_of(owner, prefix), 2, 1) for owner in OWNERS])
    finally:
        await admin.close()


async def committed(bootstrap, prefix, group):
    """How many records of each owner *group* has behind it."""
    places = [TopicPartition(topic_of(owner, prefix), partition) for owner in OWNERS for partition in range(2)]
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False) as consumer:
        consumer.assign(places)
        return {
            owner: sum([await consumer.committed(place) or 0 for place in places if place.topic.endswith(owner)])
            for owner in OWNERS
        }


@pytest.fixture
def told(broker, topic_prefix):
    """The broker's address once the story, with duplicates and a gap, lies in its topics."""
    asyncio.run(create_topics(broker.bootstrap, topic_prefix))
    asyncio.run(publish(broker.bootstrap, topic_prefix, STORY))
    return broker.bootstrap


@contextmanager
def subscriber(bootstrap, prefix, group, *more):
    addresses = ("--bootstrap", bootstrap, "--prefix", prefix, "--group", group)
    command = [sys.executable, EXAMPLES / "subscriber.py", *addresses, *more]
    utf8 = os.environ | {"PYTHONUTF8": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=utf8) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_subscriber_drops_duplicates_and_notices_gaps(told, topic_prefix):
    group = f"{topic_prefix}limit"

    with subscriber(told, topic_prefix, group, "--limit", str(len(STORY))) as process:
        output, _ = process.communicate(timeout=60)

    lines = [line.split(" {")[0].split(" ", 1)[1] for line in output.splitlines() if f" {COMPLAINT} #" in line]
    assert process.returncode == 0
    assert sorted(lines) == [
        f"followup.callback.scheduled.v1 followup {COMPLAINT} #1",
        f"intake.complaint.received.v1 intake {COMPLAINT} #1",
        f"intake.message.received.v1 intake {COMPLAINT} #2",
        f"resolution.case.opened.v1 resolution {COMPLAINT} #3",
        f"routing.complaint.classified.v1 routing {COMPLAINT} #1",
        f"routing.complaint.routed.v1 routing {COMPLAINT} #4 gap after #1",
    ]
    assert "约好上门换滤芯没有人来" in output
    assert asyncio.run(committed(told, topic_prefix, group)) == {
        "intake": 4,
        "routing": 2,
        "resolution": 1,
        "followup": 1,
    }


def test_the_subscriber_stops_when_interrupted(told, topic_prefix):
    with subscriber(told, topic_prefix, f"{topic_prefix}interrupted") as process:
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)

    assert process.returncode == -signal.SIGINT


@pytest.mark.kafka
def test_kcat_prints_envelope_key_and_value(told, topic_prefix):
    assert shutil.which("kcat"), "kcat is missing: install the package kcat (apt install kcat, brew install kcat)"
    options = f"-q -c {len(STORY)} -X auto.offset.reset=earliest"
    place = {"BOOTSTRAP": told, "PREFIX": topic_prefix, "GROUP": f"{topic_prefix}kcat", "KCAT_OPTIONS": options}

    printed = subprocess.run(
        [EXAMPLES / "kcat.sh"], env=os.environ | place, capture_output=True, check=True, timeout=60
    ).stdout.decode()

    assert printed.count(f",ce_subject={COMPLAINT},") == len(STORY)
    assert printed.count(f" {COMPLAINT} {{") == len(STORY)
    assert "ce_type=routing.complaint.routed.v1" in printed
