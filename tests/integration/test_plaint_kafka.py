"""``plaint up --broker kafka``: what came in stays, in the databases and on Apache Kafka."""

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer

from plaint.local.ports import free_port
from plaint.local.scratch import scratch_folder

pytestmark = pytest.mark.kafka
PLAINT = Path(sys.executable).with_name("plaint")


@pytest.fixture
def plaint():
    with scratch_folder() as folder:
        environment = os.environ | {"PLAINT_HOME": str(folder / "home"), "PLAINT_LANG": "en"}

        def run(*arguments, given=None):
            command = [PLAINT, *arguments, "--data", str(folder / "data")] if arguments[0] in {"up", "down"} else None
            done = subprocess.run(
                command or [PLAINT, *arguments],
                env=environment,
                input=given,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        run.home = folder / "home"
        yield run


def events_of(plaint, number):
    return [json.loads(line)["id"] for line in plaint("trace", number, "--json").splitlines()]


async def records_on(bootstrap, topic):
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        return sum(map(len, (await consumer.getmany(timeout_ms=5_000)).values()))
    finally:
        await consumer.stop()


@pytest.mark.timeout(300)
def test_complaints_and_records_are_still_there_after_down_and_up(plaint):
    base = free_port()
    plaint("up", "--detach", "--broker", "kafka", "--port-base", str(base))
    try:
        sent = json.loads(plaint("send", "-", "--json", given="The lift has been broken for three weeks."))
        deadline = time.monotonic() + 60
        while len(before := events_of(plaint, sent["number"])) < 5:
            assert time.monotonic() < deadline, before
            time.sleep(0.5)
        plaint("down")
        plaint("up", "--detach", "--broker", "kafka", "--port-base", str(base))
        assert events_of(plaint, sent["number"])[: len(before)] == before
        (running,) = [json.loads(path.read_text()) for path in (plaint.home / "running").glob("*.json")]
        assert asyncio.run(records_on(running["bootstrap"], "complaints.intake")) > 0
    finally:
        plaint("down")
