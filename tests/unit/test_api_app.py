"""What wraps every request: ids, traces, limits, numbers."""

import asyncio
import re

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from shared.api.app import create_app
from shared.api.keys import Keys
from shared.telemetry.tracing import current_traceparent, is_traceparent

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

inner = APIRouter(prefix="/complaints")
outer = APIRouter(prefix="/v1")


@inner.get("/{complaint_id}", tags=["complaints"])
async def get_complaint(complaint_id: str, request: Request) -> dict:
    state = request.state
    return {
        "id": complaint_id,
        "request_id": state.request_id,
        "trace_id": state.trace_id,
        "traceparent": state.traceparent,
        "current": current_traceparent(),
    }


@inner.post("")
async def post_complaint(request: Request) -> dict:
    return {"size": len(await request.body())}


@inner.post("/parsed")
async def post_parsed(body: dict[str, str]) -> dict:
    return {"size": len(body["text"])}


@inner.get("/half/answer")
async def half_answer() -> Response:
    async def chunks():
        yield b"one"
        raise RuntimeError("canary")

    return StreamingResponse(chunks())


outer.include_router(inner)


def an_app(service: str = "test", **checks) -> FastAPI:
    title = {"zh": "受理", "en": "Intake"}
    return create_app(service, title, [outer], keys=Keys(None), checks=checks, body_limit_bytes=100)


def client_of(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t")


@pytest.fixture
async def client():
    async with client_of(an_app()) as client:
        yield client


async def test_a_harmless_request_id_is_kept_and_another_replaced(client):
    kept = await client.get("/v1/complaints/1", headers={"X-Request-Id": "mail-gateway.42"})
    assert kept.headers["x-request-id"] == kept.json()["request_id"] == "mail-gateway.42"

    for bad in ("a b", "a\tb", "x" * 129, "<script>", "电"):
        answer = await client.get("/v1/complaints/1", headers={"X-Request-Id": bad.encode()})
        assert answer.headers["x-request-id"] == answer.json()["request_id"] != bad
        assert len(answer.headers["x-request-id"]) == 32


async def test_the_trace_of_the_caller_is_carried_on_unchanged(client):
    seen = (await client.get("/v1/complaints/1", headers={"traceparent": TRACEPARENT})).json()

    assert seen["traceparent"] == seen["current"] == TRACEPARENT
    assert seen["trace_id"] == "0af7651916cd43dd8448eb211c80319c"


async def test_a_request_without_valid_trace_begins_one(client):
    for headers in ({}, {"traceparent": TRACEPARENT.upper()}):
        seen = (await client.get("/v1/complaints/1", headers=headers)).json()
        assert is_traceparent(seen["traceparent"])
        assert seen["current"] == seen["traceparent"] != TRACEPARENT


@pytest.mark.parametrize(("language", "title"), [("zh", "提交的内容过大。"), ("en", "What was sent is too large.")])
@pytest.mark.parametrize("path", ["/v1/complaints", "/v1/complaints/parsed", "/v1/complaints/1", "/nowhere"])
async def test_a_declared_body_over_the_limit_is_413(client, path, language, title):
    answer = await client.post(path, content=b"x" * 101, headers={"Accept-Language": language})

    assert (answer.status_code, answer.json()["title"]) == (413, title)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["connection"] == "close"
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/v1/complaints", "/v1/complaints/parsed"])
async def test_a_streamed_body_is_413_as_soon_as_it_passes_the_limit(client, path):
    sent = 0

    async def endless():
        nonlocal sent
        for _ in range(50):
            sent += 1
            yield b"x" * 30

    headers = {"Content-Type": "application/json"}
    answer = await client.post(path, content=endless(), headers=headers)

    assert answer.status_code == 413
    assert answer.json()["type"] == "/problems/too-large"


async def test_a_body_at_the_limit_is_read(client):
    assert (await client.post("/v1/complaints", content=b"x" * 100)).json() == {"size": 100}

    async def stream():
        yield b"x" * 60
        yield b"x" * 40

    assert (await client.post("/v1/complaints", content=stream())).json() == {"size": 100}


def requests_counted(service: str) -> dict:
    return {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "plaint_http_requests_total" and sample.labels["service"] == service
    }


async def test_requests_are_counted_by_route_template_and_never_by_what_callers_invent():
    async with client_of(an_app("counting")) as client:
        await client.get("/v1/complaints/1")
        await client.get("/v1/complaints/2")
        await client.post("/v1/complaints", content=b"x" * 101)
        await client.get("/no/such/13800138000")
        await client.request("BREW", "/v1/complaints/1")

    assert requests_counted("counting") == {
        ("GET", "/v1/complaints/{complaint_id}", "200"): 2,
        ("POST", "unmatched", "413"): 1,
        ("GET", "unmatched", "404"): 1,
        ("other", "/v1/complaints/{complaint_id}", "405"): 1,
    }


async def test_a_failure_after_half_an_answer_breaks_the_connection(client):
    with capture_logs() as lines, pytest.raises(RuntimeError):
        await client.get("/v1/complaints/half/answer")

    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["request failed unexpectedly"]


async def test_openapi_has_both_titles_function_names_and_tags(client):
    document = (await client.get("/openapi.json")).json()

    assert document["info"]["title"] == "受理 Intake"
    operation = document["paths"]["/v1/complaints/{complaint_id}"]["get"]
    assert (operation["operationId"], operation["tags"]) == ("get_complaint", ["complaints"])


async def test_the_page_for_people_needs_nothing_from_elsewhere(client):
    page = await client.get("/docs")

    assert page.headers["content-type"].startswith("text/html")
    assert "GET /v1/complaints/{complaint_id}" in page.text
    assert not re.search(r"https?://|//cdn|<script|<link", page.text)


async def test_livez_asks_nothing_and_readyz_asks_all():
    async def broken():
        raise ConnectionError("canary")

    async def well():
        pass

    async with client_of(an_app(database=broken, migrations=well)) as client:
        assert (await client.get("/livez")).json() == {"status": "alive"}
        for language, title in (("zh", "服务尚未就绪。"), ("en", "This service is not ready.")):
            answer = await client.get("/readyz", headers={"Accept-Language": language})
            assert (answer.status_code, answer.json()["title"]) == (503, title)
            assert answer.json()["failing"] == ["database"]
            assert answer.headers["retry-after"] == "1"
            assert "canary" not in answer.text


async def test_readyz_verbose_lists_every_check():
    async def well():
        pass

    async with client_of(an_app(database=well, migrations=well)) as client:
        assert (await client.get("/readyz")).json() == {"status": "ready"}
        listed = (await client.get("/readyz?verbose")).json()["checks"]
        assert [(check["name"], check["ok"]) for check in listed] == [("database", True), ("migrations", True)]


async def test_a_silent_check_fails_after_a_second_and_all_run_at_once():
    async def silent():
        await asyncio.sleep(60)

    async with client_of(an_app(one=silent, two=silent)) as client, asyncio.timeout(1.8):
        answer = await client.get("/readyz?verbose")

    assert answer.json()["failing"] == ["one", "two"]
    assert {check["error"] for check in answer.json()["checks"]} == {"TimeoutError"}


async def test_metrics_are_shown_without_a_key(client):
    await client.get("/livez")
    answer = await client.get("/metrics")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert "plaint_http_request_seconds_bucket" in answer.text
    openmetrics = await client.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert openmetrics.text.rstrip().endswith("# EOF")
