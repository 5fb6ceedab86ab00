"""
The rows of the way from the POST to the open case: through intake, routing and resolution, all three real processes.

``post_to_case`` (complaints a second while 64 connections post), ``post_to_case_p50_ms`` and ``…_p99_ms`` (open loop,
50 a second), ``cpu_us_per_complaint`` (of services, PostgreSQL and broker, while 64 connections post).
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg

from tests.bench.harness import Bar, Bench, Row
from tests.bench.installation import Answers, Installation, Side, Unequal, running

SERVICES: Final = ("intake", "routing", "resolution")
RATE: Final = 50.0
OPENED: Final = "resolution.case.opened.v1"

BARS: Final = (
    Bar("post_to_case", "complaints/s", 2.5, 4),
    Bar("post_to_case_p50_ms", "ms", 1, 0.5, "lower", limit=30, goal=15),
    Bar("post_to_case_p99_ms", "ms", 1, 0.5, "lower", limit=80, goal=40),
    Bar("cpu_us_per_complaint", "µs", 0.5, 0.3, "lower"),
)
NAMES = tuple(bar.name for bar in BARS)

Contents = dict[str, object]


@dataclass(frozen=True, slots=True)
class Size:
    """How many complaints are posted: to warm up, at once, and one after the other."""

    warm_up: int
    at_once: int
    paced: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.warm_up + self.at_once + self.paced


FULL: Final = Size(warm_up=200, at_once=2_000, paced=600)
QUICK: Final = Size(warm_up=60, at_once=200, paced=100)

CAUSES: Final = (
    "select md5(string_agg(one, ',' order by one))"
    " from (select concat(text, cause, team, priority, state) as one from {}) all_of_them"
)
# What must be the same on both sides, whatever the order in which complaints came through.
SAME: Final[Mapping[str, Sequence[str]]] = {
    "intake": (
        "select count(*) from complaints where status = 'open'",
        "select count(*) from customers",
        "select count(*) from raws",
        "select count(*) from outgoing_messages",
        "select count(*) from streams",
        "select count(*) from positions",
        "select md5(string_agg(text_hash, ',' order by text_hash)) from contacts",
        "select md5(string_agg(tokens::text, ',' order by tokens::text)) from tokens",
        "select string_agg(distinct type, ',' order by type) || count(*) from history",
    ),
    "routing": (
        CAUSES.format("complaints"),
        # Not how many cases they have: who is full when depends on the order in which complaints arrive.
        "select count(*) from workloads",
        "select count(*) from positions",
        "select string_agg(distinct type, ',' order by type) || count(*) from history",
    ),
    "resolution": (
        CAUSES.format("cases"),
        "select count(*) from deadlines",
        "select string_agg(distinct kind, ',' order by kind) || count(*) from timers",
        "select count(*) from positions",
        "select string_agg(distinct type, ',' order by type) || count(*) from history",
    ),
}


async def measure(bench: Bench) -> list[Row]:
    """All four in one run of each side."""
    size = QUICK if bench.quick else FULL
    seen: dict[Side, Contents] = {}

    async def side(which: Side) -> Sequence[float]:
        async with running(bench, which, SERVICES) as installation:
            await installation.load(size.warm_up, seed=1)
            await _all_done(installation, size.warm_up)
            rate, costs = await _at_once(installation, size)
            bench.say(f"  {which}, µs a complaint: {', '.join(f'{name} {cost:,.0f}' for name, cost in costs.items())}")
            delays = await _paced(installation, size)
            seen[which] = await _contents(installation)
        return [rate, statistics.median(delays), _percentile(delays, 0.99), sum(costs.values())]

    rows = await bench.compare_all(BARS, baseline=lambda: side("baseline"), product=lambda: side("product"))
    if differences := {query for query, value in seen["product"].items() if seen["baseline"][query] != value}:
        raise Unequal(f"the two sides stored different things: {sorted(differences)}")
    return rows


async def _at_once(installation: Installation, size: Size) -> tuple[float, dict[str, float]]:
    """Post as fast as is answered: cases a second, and the processor time of each process in µs a complaint."""
    async with installation.generator(size.at_once, seed=2) as go:
        before = installation.processor_seconds()
        answers = await go()
        await _all_done(installation, size.warm_up + size.at_once)
        after = installation.processor_seconds()
    opened = await _opened_at(installation, answers)
    rate = size.at_once / (max(opened.values()) - answers.began)
    return rate, {name: (seconds - before[name]) / size.at_once * 1e6 for name, seconds in after.items()}


async def _paced(installation: Installation, size: Size) -> list[float]:
    """Post at a steady rate: milliseconds from when a request was due until its case was committed."""
    answers = await installation.load(size.paced, seed=3, connections=32, rate=RATE)
    await _all_done(installation, size.total)
    opened = await _opened_at(installation, answers)
    return [(opened[str(each.complaint_id)] - each.due) * 1000 for each in answers.answers]


async def _all_done(installation: Installation, complaints: int) -> None:
    """Wait until every case is open and intake has queued its acknowledgement: accepted = stored = applied."""
    opened = f"select count(*) from history where type = '{OPENED}'"  # noqa: S608 - our own words
    await installation.until("resolution", opened, complaints)
    await installation.until("intake", "select count(*) from outgoing_messages", complaints)


async def _opened_at(installation: Installation, answers: Answers) -> dict[str, float]:
    """
    When the case of each of these complaints was committed, in seconds since 1970, as PostgreSQL noted it.

    Raises:
        Unequal: one has no case, or several.
    """
    query = (
        "select subject::text, extract(epoch from pg_xact_commit_timestamp(xmin))::float8 from history"
        " where type = $1 and subject = any($2::uuid[])"
    )
    ids = [each.complaint_id for each in answers.answers]
    connection = await asyncpg.connect(installation.urls["resolution"])
    rows = await connection.fetch(query, OPENED, ids)
    await connection.close()
    opened = {row[0]: row[1] for row in rows}
    if len(rows) != len(ids) or len(opened) != len(ids):
        raise Unequal(f"{len(ids)} complaints were accepted, {len(opened)} have a case, {len(rows)} cases were opened")
    return opened


async def _contents(installation: Installation) -> Contents:
    """What is stored, as far as it must not depend on the side."""
    waiting = {service: await installation.ask(service, "select count(*) from waiting") for service in SERVICES}
    if any(waiting.values()):
        raise Unequal(f"events still wait: {waiting}")
    return {
        f"{service}: {query}": await installation.ask(service, query)
        for service, queries in SAME.items()
        for query in queries
    }


def _percentile(figures: Sequence[float], share: float) -> float:
    """The nearest-rank percentile."""
    ordered = sorted(figures)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
