"""Every command of docs/operations.md, typed while the trouble it is for is really there."""

import asyncio
import json
import re
import shlex
import subprocess
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from shared.contracts.envelope import Envelope
from shared.contracts.registry import owner_of, topic_of
from shared.contracts.resolution import DeadlineMissed
from shared.contracts.routing import ComplaintClassified
from shared.runtime.ids import new_id

pytestmark = pytest.mark.timeout(600)  # a busy machine takes a minute for the image and one for the start

GUIDE = (Path(__file__).parents[3] / "docs/operations.md").read_text()
SECTION = re.compile(r'^## <a id="([a-z-]+)"></a>', re.MULTILINE)
BLOCK = re.compile(r"^ *```sh (\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def _blocks():
    parts = SECTION.split(GUIDE)[1:]
    return {
        (section, word): command
        for section, text in zip(parts[::2], parts[1::2], strict=True)
        for word, command in BLOCK.findall(text)
    }


BLOCKS = _blocks()


class Runbook:
    """The guide, and who follows it."""

    def __init__(self, operator, wait):
        self.operator = operator
        self.composed = operator.composed
        self.wait = wait
        self.read = set()

    def follow(self, section, word, **more):
        self.read.add((section, word))
        return self.operator.types("set -e -o pipefail\n" + BLOCKS[section, word], **more)

    def see(self, section, *expected, **more):
        """Type what shows the trouble until all of *expected* is seen: some numbers are a few seconds old."""
        command = BLOCKS[section, "see"]
        self.read.add((section, "see"))

        def shown():
            done = self.operator.types(command, **more)
            told = done.stdout + done.stderr
            return told if all(each in told for each in expected) else None

        return self.wait(shown)

    def do(self, section, word="do", **more):
        done = self.follow(section, word, **more)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def over(self, section, is_over=lambda _: True):
        self.wait(lambda: (done := self.follow(section, "over")).returncode == 0 and is_over(done.stdout))

    def metric(self, service, name, **labels):
        """The sum of all samples of *name* that have these labels."""
        text = httpx.get(f"{self.composed.urls[service]}/metrics", trust_env=False).text
        found = re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", text, re.MULTILINE)
        wanted = {f'{label}="{value}"' for label, value in labels.items()}
        return sum(float(value) for given, value in found if wanted <= set(given.split(",")))

    def is_quiet(self, service, seconds=2):
        """Whether the service has nothing to do for so long."""
        handled = self.metric(service, "plaint_messages_handled_total")
        time.sleep(seconds)
        return self.metric(service, "plaint_messages_handled_total") == handled

    def sql(self, database, statement, **values):
        """Carry out *statement*, in which ``:'name'`` stands for the value of that name."""
        command = f"docker compose exec -T postgres psql -U postgres -d {database} -At -v ON_ERROR_STOP=1"
        given = " ".join(f"-v {name}={shlex.quote(str(value))}" for name, value in values.items())
        done = self.operator.types(f'{command} {given} <<< "$STATEMENT"', STATEMENT=statement)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def complain(self):
        """Hand in a complaint like no other, whose cause is clear, and return intake's answer."""
        words = " ".join(uuid4().hex[:7] for _ in range(12))
        done = self.operator.types(
            f"echo 'The heater is defective: it broke again and it leaks. {words}' | plaint send - --json"
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def has_case(self, answer):
        return self.ask("resolution", f"/v1/cases/{answer['complaint_id']}").is_success

    def ask(self, service, path, method="GET", seen=None, **more):
        headers = {"Authorization": f"Bearer {self.operator.environment['PLAINT_API_KEY']}"}
        headers |= {"If-Match": seen} if seen else {}
        return httpx.request(
            method, self.composed.urls[service] + path, headers=headers, timeout=30, trust_env=False, **more
        )

    def poison(self, count):
        """Publish events that resolution's handlers cannot read, and return their complaints."""
        complaints = [new_id() for _ in range(count)]
        prefix = self.composed.variables.get("PLAINT_KAFKA__PREFIX", "")
        asyncio.run(publish(self.composed.broker.bootstrap, prefix, ComplaintClassified.TYPE, complaints))
        return complaints

    def mend(self, complaint_id):
        """What a corrected release comes to."""
        event = ComplaintClassified(complaint_id=complaint_id, cause="quality", confidence=0.9, model="test")
        mended = "update waiting set body = convert_to(:'body', 'utf8') where subject = :'subject'"
        self.sql("resolution", mended, body=event.model_dump_json(), subject=complaint_id)


async def publish(bootstrap, prefix, event_type, complaints):
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        for complaint_id in complaints:
            event_id, source = new_id(), owner_of(event_type)
            envelope = Envelope(event_id, event_type, source, complaint_id, datetime.now(UTC), 1, event_id)
            await producer.send_and_wait(
                topic_of(source, prefix), key=str(complaint_id).encode(), value=b"{", headers=list(envelope.headers())
            )


@pytest.fixture(scope="module")
def runbook(operator, wait):
    return Runbook(operator, wait)


@pytest.fixture(autouse=True)
def healed(operator):
    """What a test broke and did not mend is no trouble of the next one's."""
    yield
    for name in ("postgres", "kafka", "intake", "routing", "resolution", "followup"):
        operator.composed.up(name)


def nothing_waits(told):
    return "Nothing waits" in told


def test_the_guide_names_what_the_commands_need(runbook):
    named = set(re.findall(r"PLAINT_\w+(?==)", GUIDE.split("```text")[1].split("```")[0]))
    assert named <= set(runbook.operator.environment)


def test_service_down(runbook):
    runbook.composed.processes["intake"].kill()
    runbook.see("service-down", "Failed to connect", "plaint-intake-1 Exited")
    runbook.do("service-down")
    runbook.over("service-down")
    runbook.wait(lambda: runbook.has_case(runbook.complain()))


def test_database_away_and_requests_that_fail(runbook):
    runbook.composed.stop("postgres")
    refused = runbook.ask("intake", f"/v1/complaints/{uuid4()}")
    assert refused.status_code >= 500
    runbook.see("database-away", "Cannot use its database", "database system is shut down")
    asked = runbook.operator.types(BLOCKS["requests-fail", "see"].splitlines()[0])
    assert 'status="5' in asked.stdout
    runbook.do("database-away")
    runbook.over("database-away")

    told = runbook.see("requests-fail", 'status="5', "Mounted on", "intake")
    assert "pg_size_pretty" in told
    runbook.do("requests-fail")
    runbook.over("requests-fail")


def test_kafka_away(runbook):
    runbook.composed.broker.kill()
    answer = runbook.complain()
    runbook.see("loop-stalled", "Kafka may be away", 'loop="relay"')
    runbook.wait(lambda: runbook.metric("intake", "plaint_relay_age_seconds") > 5)
    told = runbook.see("relay-late", "plaint_relay_unsent_events")
    assert runbook.metric("intake", "plaint_relay_unsent_events") >= 1, told
    runbook.do("relay-late")
    runbook.over("relay-late")
    runbook.do("loop-stalled")
    runbook.over("loop-stalled")
    runbook.wait(lambda: runbook.has_case(answer))


def test_consumer_lag(runbook):
    runbook.composed.stop("followup")
    for _ in range(3):
        answer = runbook.complain()
    runbook.see("consumer-lag", "followup")
    runbook.do("consumer-lag")
    runbook.over("consumer-lag", lambda told: "reading its topics" not in told)
    runbook.wait(lambda: runbook.ask("followup", f"/v1/callbacks/{answer['complaint_id']}").is_success)
    assert runbook.metric("followup", "plaint_consumer_lag_messages") == 0


def test_an_event_that_failed_is_retried_or_discarded(runbook):
    mended, unwanted = (str(each) for each in runbook.poison(2))
    runbook.see("events-waiting", mended, unwanted, COMPLAINT=mended)
    runbook.wait(lambda: runbook.metric("resolution", "plaint_waiting_messages") == 2)
    assert runbook.follow("events-waiting", "do", COMPLAINT=mended).returncode == 1
    runbook.mend(mended)
    runbook.do("events-waiting", COMPLAINT=mended)
    runbook.do("events-waiting", "discard", COMPLAINT=unwanted)
    runbook.over("events-waiting", nothing_waits)


def test_a_consumer_that_halted(runbook):
    # Streams are counted since the last event that went well: earlier tests left some that did not, and mails that are
    # tried again and told of.
    went_well = runbook.complain()
    runbook.wait(lambda: runbook.has_case(went_well))
    runbook.wait(lambda: runbook.is_quiet("resolution"))
    parked = runbook.poison(20)
    runbook.see("consumer-halted", "Stopped reading", str(parked[0]), "consumer halted")
    runbook.wait(lambda: runbook.metric("resolution", "plaint_stopped") == 1)
    for complaint_id in parked:
        runbook.mend(complaint_id)
    assert "20 of 20" in runbook.do("consumer-halted")
    runbook.over("consumer-halted", nothing_waits)


def test_an_event_that_is_missing(runbook):
    answer = runbook.complain()
    subject = answer["complaint_id"]
    runbook.wait(lambda: runbook.ask("followup", f"/v1/callbacks/{subject}").is_success)
    runbook.sql("followup", "delete from positions where source = 'intake' and subject = :'subject'", subject=subject)
    runbook.sql("followup", "delete from callbacks where complaint_id = :'subject'", subject=subject)
    seen = runbook.ask("intake", f"/v1/complaints/{subject}").headers["etag"]
    withdrawn = runbook.ask("intake", f"/v1/complaints/{subject}/withdrawal", "POST", seen, json={"reason": "found it"})
    assert withdrawn.is_success, withdrawn.text
    runbook.see("events-missing", "an earlier event is missing", subject)
    runbook.do("events-missing")
    runbook.over("events-missing", nothing_waits)
    assert runbook.ask("followup", f"/v1/callbacks/{subject}").is_success


def test_timers_late_and_deadlines_missed(runbook):
    answer = runbook.complain()
    runbook.wait(lambda: runbook.has_case(answer))
    runbook.composed.stop("resolution")
    due = "update timers set due_at = now() - interval '90 minutes', try_at = now() - interval '90 minutes'"
    changed = runbook.sql(
        "resolution", due + " where kind = 'due:answer' and subject = :'subject'", subject=answer["complaint_id"]
    )
    assert changed == "UPDATE 1"
    runbook.composed.up("resolution")
    runbook.wait(lambda: runbook.metric("resolution", "plaint_timer_late_seconds_sum") >= 5400)
    runbook.see("timers-late", 'le="3600.0"')
    runbook.wait(lambda: runbook.metric("resolution", "plaint_events_said_total", type=DeadlineMissed.TYPE))
    runbook.see("deadlines-missed", "deadline.missed")
    runbook.do("timers-late")
    runbook.over("timers-late")


def test_the_calendar_is_extended_by_hand(runbook):
    runbook.see("calendar-not-covered", "calendar", "plaint_calendar_known_until")
    before = runbook.metric("resolution", "plaint_calendar_known_until_timestamp_seconds")
    runbook.do("calendar-not-covered")
    runbook.over("calendar-not-covered")
    after = runbook.metric("resolution", "plaint_calendar_known_until_timestamp_seconds")
    assert after == datetime(2027, 12, 31, 23, 59, 59, 999999, UTC).timestamp()
    assert before != after


def test_the_pool_is_exhausted(runbook):
    answer = runbook.complain()
    session = subprocess.Popen(
        [
            *("docker", "compose", "exec", "-T", "postgres", "psql", "-U", "postgres", "-d", "intake"),
            *("-c", "begin; lock complaints; select pg_sleep(90)"),
        ],
        env=runbook.operator.environment,
        cwd=runbook.operator.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    ended = threading.Event()

    def read():
        while not ended.is_set():
            runbook.ask("intake", f"/v1/complaints/{answer['complaint_id']}")

    readers = [threading.Thread(target=read) for _ in range(8)]
    for reader in readers:
        reader.start()
    try:
        runbook.wait(lambda: runbook.metric("intake", "plaint_pool_in_use_connections") >= 5)
        runbook.see("pool-exhausted", "plaint_pool_size", "intake")
        assert "t" in runbook.do("pool-exhausted")
        session.wait(10)
    finally:
        ended.set()
        for reader in readers:
            reader.join()
        session.kill()
    runbook.over("pool-exhausted", lambda told: float(told.split()[-1]) < 5)


def test_the_demo_keeps_away_from_a_real_installation(runbook):
    done = runbook.operator.types("plaint demo --running")
    assert (done.returncode, "real time" in done.stderr) == (1, True), done.stdout + done.stderr


def test_keys_and_passwords_are_rotated(runbook):
    runbook.operator.types(
        "plaint key issue front-desk --scope intake:write --file .plaint/compose/keys.json > old.key"
    )
    runbook.do("rotate", "keys")

    def status_of(name):
        key = (runbook.operator.folder / name).read_text().strip()
        url = f"{runbook.composed.urls['intake']}/v1/complaints"
        return httpx.post(url, json={}, headers={"Authorization": f"Bearer {key}"}, trust_env=False).status_code

    runbook.wait(lambda: (status_of("front-desk-2.key"), status_of("old.key")) == (422, 401))
    old = runbook.composed.variables["INTAKE_DATABASE_PASSWORD"]
    runbook.do("rotate", "passwords")
    assert old not in runbook.composed.processes["intake"].env["PLAINT_DATABASE_URL"]
    runbook.wait(lambda: runbook.has_case(runbook.complain()))


def test_backup_and_restore(runbook):
    kept = runbook.complain()
    runbook.wait(lambda: runbook.has_case(kept))
    runbook.do("back-up", "backup")
    lost = runbook.complain()
    runbook.wait(lambda: runbook.has_case(lost))

    # Somebody puts the backup back and does not think of Kafka.
    names = "intake routing resolution followup"
    unaware = f"""set -e
        docker compose stop {names} postgres
        docker compose run --rm -T --no-deps postgres bash /etc/plaint/restore.sh < plaint-backup.tar
        docker compose up -d --wait postgres"""
    assert runbook.operator.types(unaware).returncode == 0
    for name in names.split():
        runbook.composed.processes[name].start()
    runbook.see("history-behind-topic", "its topic knows more than its database", "HistoryBehindTopic")
    runbook.wait(lambda: runbook.metric("intake", "plaint_stopped", part="relay") == 1)
    again = runbook.complain()
    runbook.do("history-behind-topic")

    runbook.do("restore", "lost")
    told = [json.loads(line) for line in (runbook.operator.folder / "lost.jsonl").read_text().splitlines()]
    assert lost["number"] in {event["data"]["number"] for event in told}
    assert again["complaint_id"] not in {event["subject"] for event in told}
    runbook.do("restore", "restore")
    runbook.operator.environment["PLAINT_KAFKA__PREFIX"] = runbook.composed.variables["PLAINT_KAFKA__PREFIX"]
    runbook.over("restore", nothing_waits)

    assert runbook.has_case(kept)
    assert not runbook.has_case(lost)
    new = runbook.complain()
    runbook.wait(lambda: runbook.has_case(new))
    assert int(new["number"].rpartition("-")[2]) > int(lost["number"].rpartition("-")[2])
    told = runbook.operator.types(f"plaint trace {new['number']} --json").stdout
    assert {"intake", "routing", "resolution"} <= {json.loads(line)["source"] for line in told.splitlines()}
    assert runbook.operator.types("plaint doctor").returncode == 0


def test_no_command_of_the_guide_was_left_out(runbook):
    assert BLOCKS.keys() - runbook.read == set()
