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
from dataclasses import dataclass, field, replace
from importlib import import_module
from uuid import UUID

import asyncpg
import httpx
import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events
from schemathesis.openapi.checks import RejectedPositiveData

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
STUCK = UUID(int=0x0199C3F0_6C1E_7A55_9A34_F00000000000)
"""A complaint whose first event cannot be read, so that something waits."""
HEARD = (ComplaintReceived, ComplaintRouted, CaseResolved)

MAX_EXAMPLES = 5
"""For each operation, beside its examples and the corners of its schema; the whole file is to take 75 s at most."""
EXPECTED = {
    "not_a_server_error": {"expected-statuses": ["2xx", "4xx", "503"]},
    "positive_data_acceptance": {"expected-statuses": ["2xx", "404", "409", "412"]},
    "negative_data_rejection": {"expected-statuses": ["4xx"]},
    "missing_required_header": {"expected-statuses": ["401", "422", "428"]},
}
LENIENT = {"include-tag": "reception", "checks": {"negative_data_rejection": {"enabled": False}}}
"""Channels take what front ends have: a number for a text, seconds since 1970 for a time."""
BEYOND_SCHEMA = re.compile(r"/problems/(?!invalid$|not-json$)")
"""A refusal with a name of its own (another's cursor, a key used twice) is about more than a schema can say."""
UNREACHABLE = {
    "POST /v1/complaints/{complaint}/link",
    "POST /v1/complaints/{complaint}/unlink",
    "POST /v1/cases/{complaint_id}/promises",
    "POST /v1/cases/{complaint_id}/remedy/completion",
    "POST /v1/cases/{complaint_id}/resolution",
}
"""What only those get done who mean it: a link needs two complaints, a promise a future."""
ETAG = re.compile(r'"[0-9]+"')

POISONED_JSON = (
    r'"\u0000"', r'"a\u0000b"', r'"\ud800"', r'"\udfff\ud800"', "1e999", "-1e999", "NaN", "9" * 40, "0.1", "null", "[]",
    "{}", "true", '"0001-01-01T00:00:00+14:00"', '"9999-12-31T23:59:59-14:00"', '"2026-02-30T00:00:00Z"', '"1e400"',
)  # fmt: skip
POISONED_URL = ("%00", "a%00b", "%ED%A0%80", "%FF", "9" * 40, "-1", "NaN", "..%2F..", "%25", "a" * 5000)
POISONED_KEY = (
    "a\0b", "\ud800", 10**40, -(10**40), -1, True, None, [], "2026-03-01T00:00:00", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00", "00000000-0000-0000-0000-000000000000",
)  # fmt: skip


@dataclass
class Served:
    """One service, running as a process of its own."""

    name: str
    database_url: str
    process: ServiceProcess
    http: httpx.Client
    powerless: httpx.Client
    known: list[dict[str, str]] = field(default_factory=list)
    """Values of path parameters that lead to something, those of one thing together."""

    @property
    def url(self):
        return str(self.http.base_url).rstrip("/")

    def operations(self):
        """Each as its method, its path, and its description."""
        document = self.http.get("/openapi.json").json()
        return [(method, path, each) for path, item in document["paths"].items() for method, each in item.items()]

    def fill(self, path, **given):
        """Write *path* with values that lead to something, unless others are *given*."""
        names = set(re.findall(r"{(\w+)}", path))
        lead = max(self.known, key=lambda each: len(names & each.keys()))
        return path.format_map(defaultdict(lambda: "retry", lead | given))

    def etag(self, path):
        """What the thing that *path* is about says of its revision."""
        return self.http.get("/".join(path.split("/")[:4])).headers.get("etag", '"1"')


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
    useless, more = issue_key("powerless", [])
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
        with client(port, key) as http, client(port, useless) as powerless:
            yield Served(name, database_url, process, http, powerless)
    finally:
        process.stop()


def client(port, key):
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False, timeout=30)


async def tell(service: Served) -> None:
    """Give the service something to be asked about, at a second door on its database."""
    app, settings = (import_module(f"services.{service.name}.{part}") for part in ("app", "settings"))
    engine = app.engine_of(getattr(settings, f"{service.name.title()}Settings")(database_url=service.database_url))
    door = asyncio.create_task(engine.door.run())
    said, stuck = (in_intake if service.name == "intake" else behind_intake)(service, Speakers(engine.clock).say)
    assert {result.fate for result in await engine.door.put_all(said)} == {"done"}
    assert [result.fate for result in await engine.door.put_all([replace(stuck, body=b"{}")])] == ["waiting"]
    door.cancel()
    await asyncio.wait([door])
    await engine.database.close()
    if service.name == "resolution":
        propose_and_promise(service)
    service.known += [{"source": stuck.envelope.source, "subject": str(STUCK)}, {"slug": "conflict"}]


def in_intake(service, say):
    """Twenty complaints of twenty customers, and a message to each."""
    said = []
    for number in range(20):
        text, customer = f"The lamp number {number} arrived broken.", {"id": f"c-{number}"}
        body = {"channel": "web", "external_id": f"form-{number}", "text": text, "customer": customer}
        told = service.http.post("/v1/complaints", json=body).raise_for_status().json()
        said.append(say(sample(FollowupMessageRequested, complaint_id=told["complaint_id"])))
        lead = {name: told[name] for name in ("complaint_id", "customer_id", "contact_id")}
        service.known.append(lead | {"complaint": told["number"], "message_id": str(said[-1].envelope.id)})
    return said, say(sample(FollowupMessageRequested, complaint_id=STUCK))


def behind_intake(service, say):
    """Complaints as intake and the others tell of them; every other one so briefly that nobody can name its cause."""
    sources = import_module(f"services.{service.name}.events").SOURCES
    heard = [event for event in HEARD if event.TYPE.split(".")[0] in sources]
    said = []
    for known in KNOWN:
        words = {"text": "嗯"} if known.int % 2 else {}
        said += [say(sample(each, complaint_id=known, **words if each is ComplaintReceived else {})) for each in heard]
    service.known += [{"complaint_id": str(known)} for known in KNOWN]
    return said, say(sample(ComplaintReceived, complaint_id=STUCK))


def propose_and_promise(service):
    """Remedies to approve and promises to keep; a fuzzer would hardly get there by itself."""
    remedy, promise = {"remedy": "refund", "text": "退款"}, {"text": "回电", "due_at": "2999-01-01T00:00:00Z"}
    for lead in service.known[:20]:
        case = f"/v1/cases/{lead['complaint_id']}"
        for what, body in (("remedy", remedy), ("promises", promise)):
            answer = service.http.post(f"{case}/{what}", json=body, headers={"If-Match": service.etag(case)})
        lead["promise_id"] = answer.raise_for_status().json()["promise_id"]


schemathesis.serializer.alias("message/rfc822", "text/plain")


@contextmanager
def fuzzing(served: Served):
    """Run schemathesis over the service; yields what happens."""
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
    def filter_failure(_context, failure, _case, response):
        """Leave out what the service refuses for a reason that no schema can tell."""
        semantic = response.status_code == 422 and BEYOND_SCHEMA.match(response.json()["type"])
        return not (isinstance(failure, RejectedPositiveData) and semantic)

    def before_call(_context, case, _kwargs):
        """Look before acting, so that a command gets past its precondition."""
        if ETAG.fullmatch(str((case.headers or {}).get("If-Match"))):
            case.headers["If-Match"] = served.etag(case.formatted_path)

    schemathesis.hook(before_call)
    try:
        yield schemathesis.engine.from_schema(schema).execute()
    finally:
        schemathesis.hooks.unregister(before_call)


def may_lead(name, value):
    """Whether a generated value is of the right form, so that one that leads somewhere may stand in its place."""
    if not (name.endswith("_id") or name == "subject"):
        return isinstance(value, str) and name in {"complaint", "source", "slug"}
    try:
        return bool(UUID(value))
    except (ValueError, AttributeError, TypeError):
        return False


def findings(event) -> Iterator[tuple[object, str]]:
    """What is wrong according to an event of the engine, by what makes it the same finding."""
    if isinstance(event, events.NonFatalError | events.FatalError):
        yield repr(event), repr(event)
    if not isinstance(event, events.ScenarioFinished):
        return
    for case_id, checks in event.recorder.checks.items():
        for check in checks:
            if check.failure_info is not None:
                failure = check.failure_info.failure
                answer = event.recorder.interactions[failure.case_id or case_id].response
                told = (failure.title, failure.message, check.failure_info.code_sample, answer and answer.text)
                yield (event.label, check.name, failure.title), "\n".join(str(each)[:1000] for each in told)


def test_the_fuzzer_finds_nothing(served):
    found, statuses = {}, defaultdict(set)
    with fuzzing(served) as stream:
        for event in stream:
            found.update(findings(event))
            if isinstance(event, events.ScenarioFinished):
                answers = (each.response for each in event.recorder.interactions.values())
                statuses[event.label] |= {answer.status_code for answer in answers if answer is not None}
    assert not found, "\n\n".join(f"{key}\n{text}" for key, text in found.items())
    unreached = {label for label, codes in statuses.items() if min(codes) >= 400}
    assert unreached <= UNREACHABLE


def refused_or_done(answer):
    """A request that no client should send: whatever the service makes of it, it is no failure of its own."""
    assert answer.status_code < 500, (answer.request.method, answer.request.url, answer.request.content, answer.text)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"


def leaves(value, place=()):
    """Where the values stand in a JSON document."""
    if isinstance(value, dict | list) and value:
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(each, (*place, key))
    else:
        yield place


def poisoned(body, place, poison):
    """Write *body* as JSON, with *poison* as it stands at *place*."""
    body = json.loads(json.dumps(body))
    inner = body
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = "here"
    return json.dumps(body).replace('"here"', poison)


def example_of(operation, schemas):
    """The first example of the operation's JSON body; none if it has no such body."""
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    schema = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return next(iter(schema.get("examples", ())), None)


def test_a_body_may_hold_anything(served):
    schemas = served.http.get("/openapi.json").json()["components"]["schemas"]
    for method, path, operation in served.operations():
        body = example_of(operation, schemas)
        url = served.fill(path)
        for place in leaves(body) if body else ():
            headers = {"Content-Type": "application/json", "If-Match": served.etag(url)}
            for poison in POISONED_JSON:
                content = poisoned(body, place, poison)
                refused_or_done(served.http.request(method, url, content=content, headers=headers))
    asyncio.run(nothing_that_others_cannot_keep_was_said(served))


async def nothing_that_others_cannot_keep_was_said(served):
    connection = await asyncpg.connect(served.database_url)
    said = await connection.fetch("select type, body from history")
    await connection.close()
    assert [each["type"] for each in said if rb"\u0000" in each["body"] or rb"\ud800" in each["body"]] == []


def test_an_address_may_hold_anything(served):
    for method, path, operation in served.operations():
        parameters = operation.get("parameters", ())
        for poison in POISONED_URL:
            for name in re.findall(r"{(\w+)}", path):
                refused_or_done(served.http.request(method, served.fill(path, **{name: poison})))
            for name in (each["name"] for each in parameters if each["in"] == "query"):
                refused_or_done(served.http.request(method, f"{served.fill(path)}?{name}={poison}"))


def test_a_forged_cursor_is_no_failure(served):
    """Cursors are opaque, not signed: anyone can write one whose parts are of the wrong kind or out of range."""
    for _, path, operation in served.operations():
        if not any(each["name"] == "cursor" for each in operation.get("parameters", ())):
            continue
        page = served.http.get(served.fill(path), params={"limit": 1}).json()
        key = json.loads(urlsafe_b64decode(page["next"] + "==")) if page["next"] else [0]
        for index in range(len(key)):
            for poison in POISONED_KEY:
                forged = urlsafe_b64encode(json.dumps([*key[:index], poison, *key[index + 1 :]]).encode()).decode()
                refused_or_done(served.http.get(served.fill(path), params={"cursor": forged.rstrip("=")}))


def test_nobody_gets_past_without_the_right_key(served):
    headers = {"Content-Type": "application/json", "If-Match": "7", "Idempotency-Key": "键".encode()}
    for method, path, operation in served.operations():
        if not operation.get("security"):
            continue
        for http, key, status in ((served.powerless, None, 403), (served.http, "Bearer plaint_x", 401)):
            sent = headers | ({"Authorization": key} if key else {})
            answer = http.request(method, served.fill(path), content=b"{}", headers=sent)
            assert answer.status_code == status, (method, path, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
