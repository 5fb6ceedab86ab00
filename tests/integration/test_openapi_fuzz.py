"""A stranger's fuzzer reads the OpenAPI document of each service, as it runs, and does its worst."""

import asyncio
import json
import os
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from uuid import UUID

import httpx
import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig

from plaint.local.databases import ensure_database
from plaint.local.ports import free_port
from plaint.local.processes import ServiceProcess
from plaint.local.scratch import scratch_folder
from shared.api.keys import issue_key
from shared.contracts.intake import ComplaintReceived
from shared.contracts.resolution import CaseResolved
from shared.contracts.routing import ComplaintRouted
from shared.runtime.message import Delivery
from shared.testing.events import Speakers, sample

SERVICES = ("routing", "resolution", "followup")
KNOWN = tuple(UUID(int=0x0199C3F0_6C1E_7A55_9A34_000000000000 + number) for number in range(30))
"""The complaints that every service has heard of; the same in every run, so that a finding can be found again."""
HEARD = (ComplaintReceived, ComplaintRouted, CaseResolved)


@dataclass(frozen=True)
class Served:
    """One service as a process of its own, with some data."""

    name: str
    url: str
    key: str


@pytest.fixture(scope="module", params=SERVICES)
def served(request, postgres) -> Iterator[Served]:
    name, password = f"fuzz_{request.param}", secrets.token_urlsafe(16)
    ensure_database(postgres.admin_url, name, name, password)
    with scratch_folder() as folder, serving(request.param, postgres.url(name, name, password), folder) as service:
        yield service


@contextmanager
def serving(name: str, database_url: str, folder: Path) -> Iterator[Served]:
    key, records = issue_key("fuzzer", [f"{name}:read", f"{name}:write", "admin"])
    keys, port = folder / "keys.json", free_port()
    keys.write_text(json.dumps({k: r.model_dump(mode="json", exclude_none=True) for k, r in records.items()}))
    env = os.environ | {
        "PLAINT_DATABASE_URL": database_url,
        "PLAINT_KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}",
        "PLAINT_KEYS_FILE": str(keys),
        "PLAINT_PORT": str(port),
    }
    process = ServiceProcess(name, [sys.executable, "-m", "plaint.launch", name], env, folder / "log")
    process.start()
    try:
        process.wait_ready(f"http://127.0.0.1:{port}/readyz")
        asyncio.run(tell(name, database_url))
        yield Served(name, f"http://127.0.0.1:{port}", key)
    finally:
        process.stop()
        Path(f"/tmp/fz/{name}.log").write_bytes((folder / "log").read_bytes())


async def tell(name: str, database_url: str) -> None:
    """Let the service hear of the known complaints, at a second door on its database: there is no broker."""
    app, settings = import_module(f"services.{name}.app"), import_module(f"services.{name}.settings")
    engine = app.engine_of(getattr(settings, f"{name.title()}Settings")(database_url=database_url))
    events = import_module(f"services.{name}.events")
    door = asyncio.create_task(engine.door.run())
    others = Speakers(engine.clock)
    inputs: list[Delivery] = [
        others.say(sample(event, complaint_id=complaint_id))
        for complaint_id in KNOWN
        for event in HEARD
        if event.TYPE.split(".")[0] in events.SOURCES
    ]
    for result in await engine.door.put_all(inputs):
        assert result.fate == "done", result
    door.cancel()
    await asyncio.wait([door])
    await engine.database.close()



@schemathesis.hook
def before_call(_context, case, _kwargs):
    seen = (case.headers or {}).get("If-Match")
    if not isinstance(seen, str) or not re.fullmatch(r'"[0-9]+"', seen):
        return
    path = "/".join(case.formatted_path.split("/")[:4])
    try:
        found = httpx.get(case.operation.base_url.rstrip("/") + path, headers=case.operation.schema.config.headers)
    except Exception as e:
        print("BEFORE", e)
        return
    if "etag" in found.headers:
        case.headers["If-Match"] = found.headers["etag"]


def fuzz(served: Served):
    config = SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "headers": {"Authorization": f"Bearer {served.key}"},
            "workers": 1,
            "generation": {"max-examples": 20, "deterministic": True, "database": "none", "no-shrink": True},
        }
    )
    schema = schemathesis.openapi.from_url(f"{served.url}/openapi.json", config=config)

    @schema.hook
    def flatmap_path_parameters(_context, path_parameters):
        name = next((name for name in ("complaint_id", "subject") if name in (path_parameters or ())), None)
        if name is None:
            return st.just(path_parameters)
        return st.sampled_from([None, *KNOWN]).map(
            lambda known: path_parameters if known is None else {**path_parameters, name: str(known)}
        )

    return schemathesis.engine.from_schema(schema).execute()


def test_fuzz(served):
    import time, collections
    found = {}
    seen = collections.defaultdict(collections.Counter)
    t = time.monotonic()
    times = collections.Counter()
    for event in fuzz(served):
        if isinstance(event, schemathesis.engine.events.PhaseFinished):
            print("PHASE", event.phase.name, event.status, round(time.monotonic() - t, 1))
        if isinstance(event, schemathesis.engine.events.NonFatalError | schemathesis.engine.events.FatalError):
            print("ERROR", event)
        if isinstance(event, schemathesis.engine.events.ScenarioFinished):
            for case_id, it in event.recorder.interactions.items():
                if it.response is not None:
                    seen[event.label][event.phase.name, it.response.status_code] += 1
            for case_id, checks in event.recorder.checks.items():
                for c in checks:
                    if c.failure_info:
                        f = c.failure_info.failure
                        resp = event.recorder.interactions[f.case_id or case_id].response
                        found.setdefault((event.label, c.name, f.title, resp.status_code), (f.message, c.failure_info.code_sample, resp.text))
    for label, c in seen.items():
        print(label, dict(c))
    for k, v in found.items():
        print("=====", k); print("\n".join(x[:700] for x in v))
    assert not found
