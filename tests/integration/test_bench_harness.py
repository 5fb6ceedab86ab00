"""The benchmark's arithmetic, and that its baseline does the product's work; nothing is measured here."""

import json
import os
import time
from datetime import UTC, datetime
from importlib import import_module
from itertools import count

import asyncpg
import pytest

from services.resolution.events import reactions
from services.resolution.settings import ResolutionSettings
from services.resolution.storage import STORED as TABLES
from services.resolution.storage import metadata
from shared.contracts.followup import CallbackScheduled
from shared.contracts.intake import ComplaintReceived, MessageReceived
from shared.contracts.routing import ComplaintClassified, ComplaintRouted
from shared.runtime.clock import Clock
from shared.runtime.database import Database
from shared.runtime.ids import new_id
from shared.testing.doors import SqlDoor
from shared.testing.events import Speakers, sample
from tests.bench import table
from tests.bench.__main__ import BELOW_A_FLOOR, FAILED, PASSED, main, verdict
from tests.bench.baselines.door import PlainDoor
from tests.bench.harness import RETRIES, Bar, Bench, Round, Row
from tests.bench.load.complaints import bodies
from tests.bench.machine import Watch, resident_mb, tree_seconds
from tests.bench.names import MODULE_OF

ROWS = {
    *("classify_ms", "classify_p99_ms", "classify_rate", "classify_ready_s", "classify_rss_mb"),
    "classify_fast_rate",
    "intake_accepted",
    "inbox_applied",
    "relay_sent",
    "post_to_case",
    "post_to_case_p50_ms",
    "post_to_case_p99_ms",
    "cpu_us_per_complaint",
    "timers_fired",
    "timer_poll_growth",
    "case_read_growth",
    "queue_page_growth",
    "rss_mb",
    "ready_s",
}


class Quiet:
    """A machine of which others use what the test says, one share for each round that is taken."""

    def __init__(self, *shares):
        self.shares = iter(shares)

    def __call__(self):
        return self

    def others(self):
        return next(self.shares, 0.0)


def bench(rounds=2, watch=None, *, quick=False):
    said = []
    made = Bench(None, None, None, rounds=rounds, quick=quick, say=said.append, watch=watch or Quiet())
    made.said = said
    return made


def figures(*values):
    given = iter(values)

    async def measure():
        return next(given)

    return measure


async def test_a_row_is_judged_by_the_median_of_the_rounds_ratios():
    row = await bench(rounds=3).compare(
        "relay_sent",
        baseline=figures(10, 100, 1000),
        product=figures(20, 300, 1000),
        unit="events/s",
        floor=1.5,
        target=2.5,
    )

    assert [each.ratio for each in row.rounds] == [2, 3, 1]
    assert (row.ratio, row.spread) == (2, (1, 3))
    assert (row.product, row.baseline) == (300, 100)
    assert row.passes
    assert not row.on_target


async def test_the_two_sides_take_turns_in_going_first():
    order = []

    async def plain():
        order.append("A")
        return 1

    async def ours():
        order.append("B")
        return 1

    await bench(rounds=4).compare("x", baseline=plain, product=ours, unit="/s", floor=1, target=1)

    assert "".join(order) == "ABBAABBA"


async def test_several_rows_can_come_of_one_measurement():
    bars = [Bar("rate", "/s", 2, 4), Bar("cost", "µs", 0.5, 0.3, "lower")]

    rate, cost = await bench(rounds=1).compare_all(bars, baseline=figures([10, 8]), product=figures([30, 2]))

    assert (rate.name, rate.ratio, rate.passes, rate.on_target) == ("rate", 3, True, False)
    assert (cost.name, cost.ratio, cost.passes, cost.on_target) == ("cost", 0.25, True, True)


@pytest.mark.parametrize(
    ("product", "passes", "on_target"), [(14, True, True), (29, True, False), (31, False, False), (101, False, False)]
)
def test_a_latency_must_hold_its_limit_and_its_ratio(product, passes, on_target):
    bar = Bar("p50", "ms", 1, 0.5, "lower", limit=30, goal=15)

    row = Row(bar, (Round(product=product, baseline=100),))

    assert (row.passes, row.on_target) == (passes, on_target)


def test_a_latency_below_its_limit_fails_when_the_baseline_is_quicker():
    row = Row(Bar("p50", "ms", 1, 0.5, "lower", limit=30, goal=15), (Round(product=20, baseline=10),))

    assert not row.passes


def test_without_a_baseline_the_figure_itself_is_judged():
    row = Row(Bar("rss_mb:intake", "MB", 130, 100, "lower"), (Round(120), Round(90), Round(128)))

    assert (row.ratio, row.baseline, row.product, row.spread) == (None, None, 120, (90, 128))
    assert row.passes
    assert not row.on_target


async def test_a_disturbed_round_is_taken_again():
    made = bench(rounds=1, watch=Quiet(0.4, 0.1))

    row = await made.compare("x", baseline=figures(1, 10), product=figures(2, 50), unit="/s", floor=1, target=1)

    assert (row.ratio, row.noisy) == (5, 0)
    assert "others use 40% of the machine: once more" in made.said[0]


async def test_a_round_that_is_disturbed_again_and_again_is_kept_and_marked():
    measured = count(1)

    async def figure():
        return next(measured)

    row = await bench(rounds=1, watch=Quiet(*[0.4] * 9)).compare(
        "x", baseline=figure, product=figure, unit="/s", floor=1, target=1
    )

    assert next(measured) == 2 * (RETRIES + 1) + 1
    assert row.noisy == 1


async def test_the_quick_run_takes_no_round_again():
    made = bench(rounds=2, watch=Quiet(0.4, 0.0), quick=True)

    row = await made.compare("x", baseline=figures(1, 1), product=figures(2, 2), unit="/s", floor=1, target=1)

    assert [each.noisy for each in row.rounds] == [True, False]


def test_the_exit_status_says_whether_a_row_is_below_its_floor():
    good, bad = Row(Bar("a", "/s", 1, 2), (Round(3, 3),)), Row(Bar("b", "/s", 1, 2), (Round(1, 3),))

    assert verdict([good, good]) == PASSED
    assert verdict([good, bad]) == BELOW_A_FLOOR
    assert verdict([]) == FAILED


def test_a_name_that_is_no_row_is_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--rows", "relay_sent,nonsense"])

    assert ended.value.code == FAILED
    assert "nonsense" in capsys.readouterr().err


def test_the_figures_are_kept_as_json(tmp_path):
    row = Row(Bar("relay_sent", "events/s", 0.4, 0.7), (Round(8, 10, noisy=True), Round(9, 10)))

    table.write(tmp_path / "build" / "bench.json", [row])

    (kept,) = json.loads((tmp_path / "build" / "bench.json").read_text())
    assert {name: kept[name] for name in ("name", "floor", "target", "baseline", "product", "unit")} == {
        "name": "relay_sent",
        "floor": 0.4,
        "target": 0.7,
        "baseline": 10,
        "product": 8.5,
        "unit": "events/s",
    }
    assert kept["ratio"] == pytest.approx(0.85)
    assert kept["rounds"][0] == {"ratio": 0.8, "product": 8, "baseline": 10, "noisy": True}
    assert (kept["noisy"], kept["passes"], kept["spread"]) == (1, True, [0.8, 0.9])
    assert kept["machine"]["processors"] >= 1


def test_every_row_that_must_be_there_has_a_module_that_measures_it():
    assert set(MODULE_OF) == ROWS
    for module in set(MODULE_OF.values()):
        names = set(import_module(f"tests.bench.rows.{module}").NAMES)
        assert names == {name for name, owner in MODULE_OF.items() if owner == module}


def test_the_machine_is_read_from_proc():
    watch = Watch()

    assert 0 <= watch.others() <= 1
    assert tree_seconds(os.getpid()) >= time.process_time() * 0.5
    assert 10 < resident_mb(os.getpid()) < 10_000


def test_both_sides_get_the_same_invented_complaints():
    some = bodies(40, seed=7)

    assert some == bodies(40, seed=7)
    assert some != bodies(40, seed=8)
    assert len({json.loads(body)["customer"]["email"] for body in some}) == 40
    assert 300 < sum(map(len, some)) / 40 < 1200


STORED = {
    "history": "subject, sequence, type",
    "positions": "source, subject, last",
    "streams": "subject, last",
    "timers": "subject, kind, attempts",
    "cases": "complaint_id, cause, team, owner, priority, state, text, revision, messages_sent",
    "deadlines": "complaint_id, round, kind, legal, state",
    "waiting": "subject",
}


async def stored(url):
    connection = await asyncpg.connect(url)
    try:
        return {
            table: sorted(map(str, await connection.fetch(f"select {columns} from {table}")))  # noqa: S608 - our own
            for table, columns in STORED.items()
        }
    finally:
        await connection.close()


async def test_the_plain_baseline_stores_what_the_product_stores(database_url, other_database_url):
    handlers = reactions(ResolutionSettings(database_url=database_url).policy(2026))
    said = Speakers(Clock())
    now = datetime.now(UTC)
    deliveries = [
        said.say(sample(event, complaint_id=complaint_id, received_at=now))
        for complaint_id in (new_id(), new_id())
        for event in (ComplaintReceived, ComplaintClassified, ComplaintRouted, CallbackScheduled, MessageReceived)
    ]
    product, plain = Database(database_url), PlainDoor("resolution", other_database_url, TABLES, handlers, "none")
    for engine in (product.engine, plain.engine):
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)

    async with SqlDoor("resolution", product, TABLES, handlers) as door:
        door.clock.set(now)
        assert {result.fate for result in await door.put(*deliveries)} == {"done"}
    for delivery in [*deliveries, *deliveries]:
        await plain.hear(delivery)
    await product.close()
    await plain.engine.dispose()

    ours = await stored(database_url)
    assert ours == await stored(other_database_url)
    assert len(ours["cases"]) == 2
    assert ours["timers"]
