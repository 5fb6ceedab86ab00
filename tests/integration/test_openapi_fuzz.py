"""A stranger's fuzzer reads the OpenAPI document of each running service and does its worst; no broker is there."""

import asyncio
import json
import os
import re
import secrets
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from urllib.parse import quote
from uuid import UUID

import asyncpg
import httpx
import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events

from plaint.local.databases import ensure_database
from plaint.local.ports import free_port
from plaint.local.processes import ServiceProcess
from plaint.local.scratch import scratch_folder
from shared.api.keys import issue_key
from shared.contracts.followup import FollowupMessageRequested
from shared.contracts.intake import ComplaintReceived
from shared.contracts.resolution import CaseResolved
from shared.contracts.routing import ComplaintRouted
from shared.testing.events import Speakers, sample

SERVICES = ("intake", "routing", "resolution", "followup")
RIGHTS = ("read", "write", "deliver", "erase")
KNOWN = tuple(UUID(int=0x0199C3F0_6C1E_7A55_9A34_000000000000 + number) for number in range(60))
"""Complaints that were heard of; the same in every run, so that a finding can be found again."""
HEARD = (ComplaintReceived, ComplaintRouted, CaseResolved)
LATER = UUID(int=0x0199C3F0_6C1E_7A55_9A34_F00000000000)
"""A complaint of which only the second event has come, so that something waits."""

MAX_EXAMPLES = 15
"""For each operation, beside its examples and the corners of its schema; the file must be done in 75 seconds."""
EXPECTED = {
    "not_a_server_error": {"expected-statuses": ["2xx", "4xx", "503"]},
    "positive_data_acceptance": {"expected-statuses": ["2xx", "404", "409", "412"]},
    "negative_data_rejection": {"expected-statuses": ["4xx"]},
    "missing_required_header": {"expected-statuses": ["401", "422", "428"]},
}
LENIENT = {"include-tag": "reception", "checks": {"negative_data_rejection": {"enabled": False}}}
"""Channels take what front ends have: a number for a text, seconds for a time."""
BEYOND_SCHEMA = re.compile(r"/problems/(?!invalid$|not-json$)")
"""A refusal of its own name (a cursor of someone else, a key used twice) is about more than a schema can say."""

ETAG = re.compile(r'"[0-9]+"')
POISONED_JSON = (r'"\u0000"', r'"a\u0000b"', r'"\ud800"', "1e999", "NaN", "9" * 40, '"0001-01-01T00:00:00+14:00"',
                 '"9999-12-31T23:59:59-14:00"', '"2026-02-30T00:00:00Z"', '"1e400"', "null", "[]", "{}")  # fmt: skip
POISONED_URL = ("%00", "a%00b", "%ED%A0%80", "%FF", "9" * 40, "-1", "NaN", "0001-01-01T00:00:00", "%2F..%2F", "a" * 5000)
POISONED_KEY = ("a\0b", "\ud800", 10**40, -1, None, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
                "2026-03-01T00:00:00", str(UUID(int=0)))  # fmt: skip


@dataclass
class Served:
    """One service, running as a process of its own."""

    name: str
    database_url: str
    process: ServiceProcess
    http: httpx.Client
    without_rights: httpx.Client
    known: list[dict[str, str]] = field(default_factory=list)
    """Values of path parameters that lead to something, those of one thing together."""

    @property
    def url(self) -> str:
        return str(self.http.base_url).rstrip("/")

    def operations(self):
        """Each as its method, its path with parameters that lead to something, and its description."""
        for path, item in self.http.get("/openapi.json").json()["paths"].items():
            for method, operation in item.items():
                yield method, path, operation

    def fill(self, path, **given):
        names = set(re.findall(r"{(\w+)}", path))
        best = max(self.known, key=lambda each: len(names & each.keys()))
        return path.format_map(defaultdict(lambda: "retry", best | given))


@pytest.fixture(scope="module")
def fleet(postgres) -> Iterator[Mapping[str, Served]]:
    """All four at once: starting is mostly importing, and one can import while another waits."""
    with ExitStack() as stack:
        folder = stack.enter_context(scratch_folder())
        services = [stack.enter_context(started(name, postgres, folder)) for name in SERVICES]
        for service in services:
            service.process.wait_ready(f"{service.url}/readyz", timeout=60)
            asyncio.run(tell(service))
        yield {service.name: service for service in services}


@pytest.fixture(params=SERVICES)
def served(request, fleet) -> Served:
    return fleet[request.param]


@contextmanager
def started(name, postgres, folder) -> Iterator[Served]:
    password, port = secrets.token_urlsafe(16), free_port()
    ensure_database(postgres.admin_url, f"fuzz_{name}", f"fuzz_{name}", password)
    database_url = postgres.url(f"fuzz_{name}", f"fuzz_{name}", password)
    key, records = issue_key("fuzzer", [*(f"{name}:{right}" for right in RIGHTS), "admin"])
    powerless, more = issue_key("powerless", [])
    keys = folder / f"{name}.json"
    keys.write_text(json.dumps({who: each.model_dump(mode="json") for who, each in (records | more).items()}))
    env = os.environ | {
        "PLAINT_DATABASE_URL": database_url,
        "PLAINT_KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}",
        "PLAINT_KEYS_FILE": str(keys),
        "PLAINT_PORT": str(port),
    }
    process = ServiceProcess(name, [sys.executable, "-m", "plaint.launch", name], env, folder / f"{name}.log")
    process.start()
    try:
        with client(port, key) as http, client(port, powerless) as without_rights:
            yield Served(name, database_url, process, http, without_rights)
    finally:
        process.stop()
        from pathlib import Path
        Path(f"/tmp/fz/{name}.log").write_bytes(process.log.read_bytes())


def client(port, key) -> httpx.Client:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False, timeout=30)


async def tell(service: Served) -> None:
    """Give the service something to be asked about, at a second door on its database."""
    app, settings, edge = (import_module(f"services.{service.name}.{part}") for part in ("app", "settings", "events"))
    engine = app.engine_of(getattr(settings, f"{service.name.title()}Settings")(database_url=service.database_url))
    door = asyncio.create_task(engine.door.run())
    say = Speakers(engine.clock).say
    if service.name == "intake":
        said = [say(sample(FollowupMessageRequested, complaint_id=each["complaint_id"])) for each in handed_in(service)]
        for lead, delivery in zip(service.known, said, strict=True):
            lead["message_id"] = str(delivery.envelope.id)
    else:
        heard = [event for event in HEARD if event.TYPE.split(".")[0] in edge.SOURCES]
        said = [say(sample(event, complaint_id=each)) for each in KNOWN for event in heard]
        service.known += [{"complaint_id": str(each)} for each in KNOWN]
    await deliver(engine, said, "done")
    gap = [say(sample(CaseResolved, complaint_id=LATER)) for _ in range(2)][1]
    await deliver(engine, [gap], "waiting")
    service.known += [{"source": "resolution", "subject": str(LATER)}, {"slug": "key-required"}, {"agent_id": "a-1"}]
    door.cancel()
    await asyncio.wait([door])
    await engine.database.close()


async def deliver(engine, deliveries, fate) -> None:
    for result in await engine.door.put_all(deliveries):
        assert result.fate == fate, result


def handed_in(service: Served) -> list[dict[str, str]]:
    for number in range(20):
        body = {
            "channel": "web",
            "external_id": f"form-{number}",
            "text": f"The lamp number {number} arrived broken.",
            "customer": {"id": f"c-{number}"},
        }
        told = service.http.post("/v1/complaints", json=body).raise_for_status().json()
        lead = {name: told[name] for name in ("complaint_id", "customer_id", "contact_id")}
        service.known.append(lead | {"complaint": told["number"]})
    return list(service.known)


@contextmanager
def fuzzing(served: Served):
    config = {
        "seed": 1,
        "headers": {"Authorization": served.http.headers["authorization"]},
        "generation": {"max-examples": MAX_EXAMPLES, "deterministic": True, "database": "none", "no-shrink": True},
        "phases": {"stateful": {"enabled": False}},
        "checks": EXPECTED,
        "operations": [LENIENT],
    }
    schema = schemathesis.openapi.from_url(f"{served.url}/openapi.json", config=SchemathesisConfig.from_dict(config))

    @schema.hook
    def flatmap_path_parameters(_context, path_parameters):
        """Lead most requests to something that is there."""
        names = {name for name, value in (path_parameters or {}).items() if may_lead(name, value)}
        best = max(len(names & lead.keys()) for lead in served.known)
        leads = [lead for lead in served.known if len(names & lead.keys()) == best > 0]
        if not leads:
            return st.just(path_parameters)
        return st.sampled_from(leads).map(lambda lead: path_parameters | {n: lead[n] for n in names & lead.keys()})

    @schema.hook
    def filter_failure(_context, failure, case, response):
        """Leave out what the service refuses for a reason that the schema cannot tell."""
        del case
        problem = response.json().get("type", "") if response.status_code == 422 else ""
        return not (isinstance(failure, schemathesis.specs.openapi.checks.RejectedPositiveData) and BEYOND_SCHEMA.match(problem))

    def before_call(_context, case, _kwargs):
        """Have looked before acting, so that a command gets past its precondition."""
        if ETAG.fullmatch(str((case.headers or {}).get("If-Match"))):
            found = served.http.get("/".join(case.formatted_path.split("/")[:4]))
            case.headers["If-Match"] = found.headers.get("etag", case.headers["If-Match"])

    schemathesis.hook(before_call)
    try:
        yield schemathesis.engine.from_schema(schema).execute()
    finally:
        schemathesis.hooks.unregister(before_call)


def may_lead(name, value) -> bool:
    if not (name.endswith("_id") or name == "subject"):
        return isinstance(value, str) and name in {"complaint", "source", "slug"}
    try:
        return bool(UUID(value))
    except (ValueError, AttributeError, TypeError):
        return False


def test_the_fuzzer_finds_nothing(served):
    found, statuses = {}, defaultdict(set)
    import time
    t = time.monotonic()
    with fuzzing(served) as stream:
        for event in stream:
            if isinstance(event, events.PhaseFinished):
                print("PHASE", event.phase.name, event.status, round(time.monotonic() - t, 1))
            if isinstance(event, events.NonFatalError | events.FatalError):
                found[event.id] = str(event)
                print(event.info, event.value if hasattr(event, "value") else "")
            if isinstance(event, events.ScenarioFinished):
                for it in event.recorder.interactions.values():
                    if it.response is not None:
                        statuses[event.label].add(it.response.status_code)
                for case_id, checks in event.recorder.checks.items():
                    for check in checks:
                        if check.failure_info:
                            f = check.failure_info.failure
                            resp = event.recorder.interactions[f.case_id or case_id].response
                            found.setdefault((event.label, check.name, f.title, resp.status_code), "\n".join(x[:700] for x in (f.message, check.failure_info.code_sample, resp.text)))
    for label, c in statuses.items():
        print(label, sorted(c))
    for k, v in found.items():
        print("=====", k, v)
    print("UNREACHED", [l for l, s in statuses.items() if not any(x < 300 for x in s)])
    assert not found
