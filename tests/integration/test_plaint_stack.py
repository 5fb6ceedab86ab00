"""``plaint up`` on real stand-ins, and the other commands against what it started."""

import asyncio
import io
import json
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from plaint.__main__ import run
from plaint.local.failure import LocalFailure
from plaint.local.scratch import scratch_folder
from plaint.running import Installation, announced, running, stack_in
from plaint.stack import Stack
from shared.contracts.envelope import Envelope
from shared.contracts.intake import ComplaintReceived
from shared.contracts.resolution import CaseResolved

ONLY = ("followup",)


@contextmanager
def home_of(folder: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLAINT_HOME", str(folder))
        patch.setenv("LC_ALL", "C.UTF-8")
        yield


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with scratch_folder() as folder, home_of(folder / "home"):
        yield folder


@pytest.fixture(scope="module")
def stack(folder) -> Iterator[Stack]:
    with Stack(folder / "data", services=ONLY) as stack, announced(stack.installation):
        yield stack


def plaint(*arguments: str, code: int | None = 0, **environment: str) -> str:
    """Run the command in this process, which saves importing it again, and return all that it says."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(said):
        for name, value in environment.items():
            patch.setenv(name, value)
        ended = run(list(arguments))
    assert code in {None, ended}, said.getvalue()
    assert "Traceback" not in said.getvalue()
    return said.getvalue()


def objects(*arguments: str, code: int | None = 0, **environment: str) -> list[dict]:
    return [json.loads(line) for line in plaint("--json", *arguments, code=code, **environment).splitlines()]


def eventually(question, wanted):
    deadline = time.monotonic() + 20
    while not wanted(answer := question()):
        assert time.monotonic() < deadline, answer
        time.sleep(0.2)
    return answer


def say(installation: Installation, subject: uuid.UUID, *events) -> None:
    async def send():
        async with AIOKafkaProducer(bootstrap_servers=installation.bootstrap) as producer:
            for source, sequence, event in events:
                envelope = Envelope(uuid.uuid4(), event.TYPE, source, subject, datetime.now(UTC), sequence, subject)
                await producer.send_and_wait(
                    f"{installation.prefix}complaints.{source}",
                    key=str(subject).encode(),
                    value=event.model_dump_json().encode(),
                    headers=list(envelope.headers()),
                )

    asyncio.run(send())


def received(subject: uuid.UUID, number: str = "CMP-2026-000001") -> ComplaintReceived:
    return ComplaintReceived(
        complaint_id=subject,
        number=number,
        contact_id=subject,
        customer_id=subject,
        channel="chat",
        language="zh-Hans",
        received_at=datetime.now(UTC),
        text="热水器漏水",
    )


def test_secrets_are_closed_to_other_users(stack):
    files = [*stack.data.glob("*.json"), stack.installation.key_file, *(stack.data / "logs").iterdir()]

    assert len(files) >= 4
    assert {file.stat().st_mode & 0o077 for file in files} == {0}


@pytest.mark.usefixtures("stack")
def test_lag_and_doctor_see_a_service_that_is_well():
    lag = objects("lag")
    found = objects("doctor", code=1)

    assert [(row["service"], row["consumer_joined"]) for row in lag] == [("followup", True)]
    states = {(finding["subject"], finding["check"]): finding["state"] for finding in found}
    assert states["service.followup", "service_ready"] == "ok"
    assert states["service.followup", "applies"] == "ok"
    assert states["service.intake", "service_unknown"] == "fail"
    assert states["kafka", "topic_well"] == "ok"
    assert states["clock", "clock_agrees"] == "ok"
    assert "followup" in plaint("lag", "--lang", "zh")


@pytest.mark.usefixtures("stack")
def test_a_wrong_key_is_told_from_a_service_that_is_away():
    assert "fail" in plaint("doctor", code=1, PLAINT_API_KEY="plaint_nobody_1")
    assert "(401)" in plaint("lag", code=1, PLAINT_API_KEY="plaint_nobody_1")
    assert "does not answer" in plaint("lag", code=1, PLAINT_FOLLOWUP_URL="http://127.0.0.1:9")


def test_a_complaint_can_be_traced_and_its_events_heard(stack):
    subject = uuid.uuid4()
    say(stack.installation, subject, ("intake", 1, received(subject)))
    say(stack.installation, subject, ("resolution", 1, CaseResolved(complaint_id=subject, by="agent-07")))

    told = eventually(lambda: plaint("trace", str(subject), code=None), lambda told: "Callback" in told)

    assert "Callback planned for" in told
    heard = objects("tail", "--since", "all", "--complaint", str(subject), "--limit", "3")
    assert {event["type"] for event in heard} == {
        "intake.complaint.received.v1",
        "resolution.case.resolved.v1",
        "followup.callback.scheduled.v1",
    }
    assert "热水器漏水" in plaint("tail", "--since", "1h", "--type", "received", "-n", "1", "--lang", "zh")
    assert "not closed" in plaint("trace", str(subject), "--follow", "--timeout", "1", code=3)
    assert objects("replay", "--since", "1h", "--service", "followup")[0]["events"] >= 1


def test_an_event_that_waits_is_shown_traced_as_stuck_and_can_be_discarded(stack):
    subject = uuid.uuid4()
    say(stack.installation, subject, ("intake", 2, received(subject)))

    waiting = eventually(lambda: objects("waiting", "show", str(subject)), bool)

    assert [(event["source"], event["sequence"], event["reason"]) for event in waiting] == [("intake", 2, "gap")]
    assert any(event["subject"] == str(subject) for event in objects("waiting", "ls"))
    assert "stuck" in plaint("trace", str(subject), code=3)
    assert "--yes" in plaint("waiting", "discard", str(subject), code=2)


def test_a_broker_and_a_service_that_die_come_back_under_their_addresses(stack):
    followup, broker = stack.processes["followup"], stack.broker.cluster_id

    stack.broker.kill()
    followup.kill()

    eventually(lambda: objects("lag", code=None), lambda rows: rows[0].get("consumer_joined"))
    assert stack.broker.cluster_id != broker
    assert followup.alive


def test_nothing_is_left_of_a_start_that_fails():
    told: list[str] = []
    stack = Stack(services=ONLY, environment={"PLAINT_CLOCK__SPEED": "7"}, tell=told.append)

    with pytest.raises(LocalFailure) as failed:
        stack.start()

    assert failed.value.key == "followup.died"
    assert "PLAINT_DEMO" in failed.value.log_tail
    assert not stack.data.exists()
    assert not stack.postgres.alive
    assert not stack.broker.alive


def test_up_runs_apart_and_down_ends_it_with_everything(folder):
    data = folder / "apart"

    # A process of its own, as at a terminal: what it starts must outlive it.
    command = [sys.executable, "-m", "plaint", "up", "--detach", "--data", str(data), "--service", "followup"]
    done = subprocess.run([*command, "--lang", "zh"], check=True, capture_output=True, text=True)
    started = done.stdout

    found = stack_in(data)
    assert "系统已全部启动" in started
    assert found.urls["followup"] in started
    assert "already runs" in plaint("up", "--data", str(data), code=1)
    key = plaint("key", "issue", "front-desk", "--scope", "admin", PLAINT_DATA=str(data)).split()[0]
    time.sleep(1.1)
    assert objects("lag", PLAINT_DATA=str(data), PLAINT_API_KEY=key)[0]["consumer_joined"]

    children = _children(found.pid)
    plaint("down", "--data", str(data))

    assert len(children) == 3
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []
    assert stack_in(data) is None


def _children(pid: int) -> list[int]:
    return [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]


def test_ctrl_c_while_it_starts_leaves_nothing_behind(folder):
    process = subprocess.Popen(
        [sys.executable, "-m", "plaint", "up", "--data", str(folder / "cut"), "--service", "followup"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    eventually(process.stderr.readline, lambda line: b"followup" in line)
    children = eventually(lambda: _children(process.pid), bool)

    process.send_signal(signal.SIGINT)

    assert process.wait(30) == 130
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []
    assert all(stack.pid != process.pid for stack in running())
    process.stderr.close()
