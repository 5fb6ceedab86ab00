"""``python -m tests.bench``: measure the product against plain baselines. 性能对比：产品与朴素实现。"""

import argparse
import logging
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Final, cast

import structlog
import uvloop
from rich.console import Console

from shared.runtime.broker import Broker
from tests.bench import table
from tests.bench.harness import Bench, Row
from tests.bench.names import MODULE_OF
from tests.bench.servers import Databases, servers

ROUNDS: Final = 5
QUICK_ROUNDS: Final = 2
# Tansu answers an empty fetch after half of this whatever comes; the product runs with the same on it.
FETCH_WAIT_MS: Final = 25
TABLE_WIDTH: Final = 140
PASSED, BELOW_A_FLOOR, FAILED = 0, 1, 2

Measure = Callable[[Bench], Awaitable[Sequence[Row]]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for, show and keep it; 1 says that a row is below its floor, 2 that it was not measured."""
    options = _parser().parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    console = Console(highlight=False, soft_wrap=True)
    began = time.monotonic()
    try:
        rows = _measure_all(options, console)
    except Exception:  # noqa: BLE001 - whatever it is, it is shown
        traceback.print_exc()
        return FAILED
    table.write(options.json, rows)
    console.print(table.drawn(rows, time.monotonic() - began), crop=False, width=TABLE_WIDTH)
    return verdict(rows)


def verdict(rows: Sequence[Row]) -> int:
    """The exit status that these rows deserve; no rows at all are a failure."""
    if not rows:
        return FAILED
    return PASSED if all(row.passes for row in rows) else BELOW_A_FLOOR


def _measure_all(options: argparse.Namespace, console: Console) -> list[Row]:
    console.print("Starting PostgreSQL and the broker … 正在启动 PostgreSQL 和消息代理 …")
    with servers() as (postgres, tansu):
        rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
        broker = Broker(tansu.bootstrap, fetch_wait_ms=FETCH_WAIT_MS)
        databases = Databases(postgres)
        bench = Bench(postgres, broker, databases, rounds=rounds, quick=options.quick, say=console.print)
        return uvloop.run(_measure(bench, databases, options.rows))


async def _measure(bench: Bench, databases: Databases, names: Sequence[str]) -> list[Row]:
    await databases.prepare()
    rows: list[Row] = []
    for module in dict.fromkeys(MODULE_OF[name] for name in names):
        bench.say(f"[bold]{module}[/bold]")
        measure = cast("Measure", import_module(f"tests.bench.rows.{module}").measure)
        rows += [row for row in await measure(bench) if row.name.partition(":")[0] in names]
    return rows


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two short rounds, some minutes in all")
    parser.add_argument("--rows", type=_names, default=tuple(MODULE_OF), help="only these, with commas between")
    parser.add_argument("--rounds", type=int, help=f"how many, {ROUNDS} unless told otherwise")
    parser.add_argument("--json", type=Path, default=Path("build/bench.json"), help="where the figures are kept")
    return parser


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := set(names) - set(MODULE_OF):
        raise argparse.ArgumentTypeError(f"no row is called {min(unknown)}; there are {', '.join(MODULE_OF)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
