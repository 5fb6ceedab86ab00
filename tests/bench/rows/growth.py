"""``…_growth``: what a query costs in a large database, as a multiple of what it costs in a small one."""

import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import asyncpg
from fastapi import FastAPI

from services.resolution.app import app_of, engine_of
from services.resolution.settings import ResolutionSettings
from shared.api.keys import issue_key
from shared.runtime.database import Database
from shared.runtime.sql import SqlStore
from tests.bench.harness import Bar, Bench, Round, Row
from tests.bench.installation import Unequal

NAMES = ("timer_poll_growth", "case_read_growth", "queue_page_growth")

SMALL_CASES: Final = 10_000
SMALL_TIMERS: Final = 1_000
LARGE: Final = 1_000_000
QUICK_LARGE: Final = 40_000
LOOKS: Final = 100
WARM_UP: Final = 10
DEEP: Final = 20
"""How many pages into the queue a later page is looked at."""
DUE: Final = 20
"""Timers that are due at a look, in both databases."""

QUEUES: Final = {
    "team": {"team": "team-3"},
    "owner": {"owner": "agent-17"},
    "state": {"state": "investigating"},
    "pending": {"state": "pending"},
    "closed": {"state": "closed"},
}
FLOOR, TARGET = 1.5, 1.2

# Of a hundred cases 95 are done with; what is open is due within a fortnight of now, a fifth of it late.
FILL_CASES: Final = """
insert into cases select
    (lpad(to_hex((extract(epoch from now()) * 1000 - ($1 - g)::bigint * 60000)::bigint), 12, '0')
        || '7' || substr(md5(g::text), 1, 3) || 'a' || substr(md5(g::text), 4, 15))::uuid,
    'CMP-2026-' || lpad(g::text, 7, '0'), md5((g % 50000)::text)::uuid, 'zh-Hans', 'email',
    now() - make_interval(mins => $1 - g), 'C', '送货', repeat('说好周二送到，结果没送，电话也没人接。', 4),
    'broken_promise', 'broken_promise', false, 'team-' || g % 12, 'agent-' || g % 36, 4, 'medium', 1,
    case when r < 0.005 then 'open' when r < 0.01 then 'acknowledged' when r < 0.03 then 'investigating'
        when r < 0.04 then 'answered' when r < 0.0495 then 'resolved' when r < 0.05 then 'pending' else 'closed' end,
    1, '没有改派', 'service', 'apology', '已致歉', true, '已安排', null,
    case when r < 0.05 then null else 'satisfied' end, null, '[]'::jsonb, 0, 1, 2, 0,
    case when r < 0.04 then now() + (random() - 0.2) * interval '14 days' end, 5
from (select g, random() as r from generate_series(1, $1::int) as g) as drawn
"""
FILL_DEADLINES: Final = """
insert into deadlines
select complaint_id, 1, kind, received_at + interval '3 days', received_at + interval '2 days', false,
    case when next_due_at is null then 'met' else 'running' end, null
from cases cross join (values ('acknowledge'), ('answer'), ('resolve')) as kinds (kind)
"""
FILL_TIMERS: Final = """
insert into timers (subject, kind, due_at, try_at, attempts)
select md5(g::text)::uuid, 'due:answer', at, at, 0
from (select g, case when g <= $2 then now() - interval '1 hour' else now() + g * interval '1 second' + interval '1 day'
    end as at from generate_series(1, $1::int) as g) as drawn
"""

Get = Callable[[str], Awaitable[dict[str, Any]]]
Look = Callable[[int], Awaitable[None]]


async def measure(bench: Bench) -> list[Row]:
    """All of it on two databases that differ in nothing but their size."""
    large = QUICK_LARGE if bench.quick else LARGE
    bench.say(f"  filling one database with {SMALL_CASES:,} cases and one with {large:,}")
    small_url, large_url = await bench.database("resolution"), await bench.database("resolution")
    await _fill(small_url, SMALL_CASES, SMALL_TIMERS)
    await _fill(large_url, large, large)
    try:
        async with _looks(small_url) as small, _looks(large_url) as big:
            return await _compare(bench, small, big)
    finally:
        await bench.drop(small_url)
        await bench.drop(large_url)


async def _fill(url: str, cases: int, timers: int) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("select setseed(0.5)")
    await connection.execute(FILL_CASES, cases, timeout=600)
    await connection.execute(FILL_DEADLINES, timeout=600)
    await connection.execute(FILL_TIMERS, timers, DUE, timeout=600)
    await connection.execute("vacuum analyze", timeout=600)
    await connection.close()


async def _compare(bench: Bench, small: Mapping[str, Look], large: Mapping[str, Look]) -> list[Row]:
    """Look at both in turns, one look at a time: what disturbs the one disturbs the other."""
    bars = [Bar(name, "ms", FLOOR, TARGET, "lower") for name in small]
    rounds: list[list[Round]] = []
    for number in range(bench.rounds):
        taken = await bench.take(lambda: _side_by_side(small, large))
        rounds.append(taken)
        for bar, each in zip(bars, taken, strict=True):
            figures = f"{each.product:.2f} ms, {each.baseline:.2f} ms in the small one, ratio {each.ratio:.3g}"
            bench.say(f"  {bar.name} round {number + 1} of {bench.rounds}: {figures}")
    return [Row(bar, each) for bar, each in zip(bars, zip(*rounds, strict=True), strict=True)]


async def _side_by_side(small: Mapping[str, Look], large: Mapping[str, Look]) -> list[tuple[float, float]]:
    figures = []
    for name in small:
        taken: dict[Look, list[float]] = {large[name]: [], small[name]: []}
        for number in range(LOOKS + WARM_UP):
            for look, milliseconds in taken.items():
                began = time.perf_counter()
                await look(number)
                milliseconds.append((time.perf_counter() - began) * 1000)
        product, baseline = (statistics.median(each[WARM_UP:]) for each in taken.values())
        figures.append((product, baseline))
    return figures


@asynccontextmanager
async def _looks(url: str) -> AsyncIterator[dict[str, Look]]:
    """What is looked at in one database, by the name of its row."""
    database = Database(url)
    async with _routes(url) as get:
        pages = {name: f"/v1/cases?{urlencode({**query, 'limit': 20})}" for name, query in QUEUES.items()}
        pages["later"] = await _later_page(get)
        looks = {"timer_poll_growth": _poll(database), "case_read_growth": _read(get, await _some_cases(url))}
        yield looks | {f"queue_page_growth:{name}": _page(get, path) for name, path in pages.items()}
    await database.close()


def _poll(database: Database) -> Look:
    store = SqlStore(database, ())
    now = datetime.now(UTC)

    async def look(_: int) -> None:
        if len(await store.due_timers(now, 500)) != DUE:
            raise Unequal("not the timers that are due")

    return look


def _read(get: Get, cases: Sequence[str]) -> Look:
    async def look(number: int) -> None:
        if len((await get(f"/v1/cases/{cases[number]}"))["deadlines"]) != 3:
            raise Unequal("not the whole case")

    return look


def _page(get: Get, path: str) -> Look:
    async def look(_: int) -> None:
        if not (await get(path))["items"]:
            raise Unequal(f"nothing at {path}")

    return look


async def _later_page(get: Get) -> str:
    """The address of a page deep in the whole queue, reached as people reach it."""
    path = "/v1/cases?limit=15"
    for _ in range(DEEP):
        page = await get(path)
        path = f"/v1/cases?{urlencode({'limit': 15, 'cursor': page['next']})}"
    return path


async def _some_cases(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    query = "select complaint_id::text from cases order by md5(complaint_id::text) limit $1"
    rows = await connection.fetch(query, LOOKS + WARM_UP)
    await connection.close()
    return [row[0] for row in rows]


@asynccontextmanager
async def _routes(url: str) -> AsyncIterator[Get]:
    """Resolution's own application on this database, called without a socket or a client library between."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="plaint-bench-")))
        key, records = issue_key("bench", ["resolution:read"])
        keys_file = folder / "keys.json"
        keys_file.write_text(json.dumps({name: record.model_dump(mode="json") for name, record in records.items()}))
        settings = ResolutionSettings.model_validate({"database_url": url, "keys_file": keys_file})
        engine = engine_of(settings)
        stack.push_async_callback(engine.database.close)
        app = app_of(engine, settings)

        async def get(path: str) -> dict[str, Any]:
            return await _get(app, path, key)

        yield get


async def _get(app: FastAPI, path: str, key: str) -> dict[str, Any]:
    parts = urlsplit(path)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(b"host", b"resolution"), (b"authorization", f"Bearer {key}".encode())],
        "client": ("127.0.0.1", 1),
        "server": ("resolution", 80),
        "state": {},
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    if sent[0]["status"] != 200:
        raise Unequal(f"{path} answered {sent[0]['status']}")
    answer: dict[str, Any] = json.loads(b"".join(each.get("body", b"") for each in sent[1:]))
    return answer
