"""What a row of the benchmark is, and how the product and a baseline are measured side by side."""

import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from plaint.local.postgres import LocalPostgres
from shared.runtime.broker import Broker
from tests.bench.machine import Watch
from tests.bench.servers import Databases

Better = Literal["higher", "lower"]
Measure = Callable[[], Awaitable[float]]
MeasureAll = Callable[[], Awaitable[Sequence[float]]]
Say = Callable[[str], None]

NOISE_LIMIT: Final = 0.15
"""The share of the machine's processors that others may use while a round runs."""
RETRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Bar:
    """
    What a row must reach, its floor, and what it should reach.

    ``floor`` and ``target`` are for the median ratio, and for the product's median where there is no baseline.
    ``limit`` and ``goal`` are further bars for the product's own figure, such as milliseconds, beside those for the
    ratio. A part of a row, such as one service's memory, is named ``row:part``.
    """

    name: str
    unit: str
    floor: float
    target: float
    better: Better = "higher"
    limit: float | None = None
    goal: float | None = None

    def cleared(self, ratio: float | None, product: float) -> bool:
        """Whether these medians are on the right side of the floor, and of the limit."""
        return self._holds(ratio, product, self.floor, self.limit)

    def met(self, ratio: float | None, product: float) -> bool:
        """Whether they are on the right side of the target, and of the goal."""
        return self._holds(ratio, product, self.target, self.goal)

    def _holds(self, ratio: float | None, product: float, bar: float, absolute: float | None) -> bool:
        judged = product if ratio is None else ratio
        return self._good(judged, bar) and (absolute is None or self._good(product, absolute))

    def _good(self, figure: float, bar: float) -> bool:
        return figure >= bar if self.better == "higher" else figure <= bar


@dataclass(frozen=True, slots=True)
class Round:
    """One figure of each side, taken one right after the other; an absolute row has no baseline."""

    product: float
    baseline: float | None = None
    noisy: bool = False

    @property
    def ratio(self) -> float | None:
        """The product's figure as a multiple of the baseline's."""
        return None if self.baseline is None else self.product / self.baseline


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a bar, and what was measured in each round."""

    bar: Bar
    rounds: tuple[Round, ...]

    @property
    def name(self) -> str:
        """What the row is called."""
        return self.bar.name

    @property
    def product(self) -> float:
        """The median of the product's figures."""
        return statistics.median(each.product for each in self.rounds)

    @property
    def baseline(self) -> float | None:
        """The median of the baseline's figures."""
        return _median([each.baseline for each in self.rounds if each.baseline is not None])

    @property
    def ratio(self) -> float | None:
        """The median of the rounds' ratios; not the ratio of the medians."""
        return _median(self._ratios)

    @property
    def spread(self) -> tuple[float, float]:
        """The lowest and the highest of what is judged: the rounds' ratios, else the product's figures."""
        figures = self._ratios or [each.product for each in self.rounds]
        return min(figures), max(figures)

    @property
    def noisy(self) -> int:
        """How many rounds were kept although others used the machine meanwhile."""
        return sum(each.noisy for each in self.rounds)

    @property
    def passes(self) -> bool:
        """Whether the medians clear the bar."""
        return self.bar.cleared(self.ratio, self.product)

    @property
    def on_target(self) -> bool:
        """Whether they are where they should be."""
        return self.bar.met(self.ratio, self.product)

    @property
    def _ratios(self) -> list[float]:
        return [each.ratio for each in self.rounds if each.ratio is not None]


class Bench:
    """
    What rows are measured with: the servers, the number of rounds, and somebody to tell of the progress.

    Attributes:
        postgres: the one server of this run; fsync and synchronous commits are on.
        broker: the one cluster of this run, as ``shared.runtime.broker.Broker`` without a topic prefix.
        quick: whether little time is left; rows then measure less.
        rounds: how many rounds ``compare`` takes.
        say: prints a line of progress.
    """

    def __init__(
        self,
        postgres: LocalPostgres,
        broker: Broker,
        databases: Databases,
        *,
        rounds: int,
        quick: bool,
        say: Say,
        watch: Callable[[], Watch] = Watch,
    ) -> None:
        self.postgres = postgres
        self.broker = broker
        self.rounds = rounds
        self.quick = quick
        self.say = say
        self._databases = databases
        self._watch = watch

    async def database(self, service: str) -> str:
        """Make a fresh database with the tables of *service*, and return its URL."""
        return await self._databases.create(service)

    async def drop(self, url: str) -> None:
        """Drop such a database, so that nothing is cleaned up in it while others are measured."""
        await self._databases.drop(url)

    async def compare(
        self,
        name: str,
        *,
        baseline: Measure,
        product: Measure,
        unit: str,
        floor: float,
        target: float,
        better: Better = "higher",
    ) -> Row:
        """Measure both in turns and return the row; each callable returns one figure in *unit*."""

        async def plain() -> Sequence[float]:
            return [await baseline()]

        async def ours() -> Sequence[float]:
            return [await product()]

        rows = await self.compare_all([Bar(name, unit, floor, target, better)], baseline=plain, product=ours)
        return rows[0]

    async def compare_all(self, bars: Sequence[Bar], *, baseline: MeasureAll, product: MeasureAll) -> list[Row]:
        """
        Measure both in turns, A B B A …, and return a row for each bar; each callable returns a figure for each.

        A callable sets up and warms up what it needs by itself. A round during which others used the machine is taken
        again, at most three times, and then kept and marked; with little time left it is marked at once.
        """
        rounds: list[list[Round]] = []
        for number in range(self.rounds):
            taken = await self.take(partial(self._side_by_side, number, baseline, product))
            rounds.append(taken)
            for bar, each in zip(bars, taken, strict=True):
                self.say(_progress(bar, each, f"{number + 1} of {self.rounds}"))
        return [Row(bar, each) for bar, each in zip(bars, zip(*rounds, strict=True), strict=True)]

    async def take(self, measure: Callable[[], Awaitable[Sequence[Sequence[float]]]]) -> list[Round]:
        """Take one round: of several rows (product,) or (product, baseline); again while others disturb it."""
        retries = 0 if self.quick else RETRIES
        for attempt in range(retries + 1):
            watch = self._watch()
            figures = await measure()
            others = watch.others()
            if others <= NOISE_LIMIT or attempt == retries:
                break
            self.say(f"  others use {others:.0%} of the machine: once more")
        return [_round(each, noisy=others > NOISE_LIMIT) for each in figures]

    async def _side_by_side(self, turn: int, baseline: MeasureAll, product: MeasureAll) -> list[tuple[float, float]]:
        first, second = (product, baseline) if turn % 2 else (baseline, product)
        figures = {first: await first(), second: await second()}
        return list(zip(figures[product], figures[baseline], strict=True))


def _round(figures: Sequence[float], *, noisy: bool) -> Round:
    product, *baseline = figures
    return Round(product, baseline[0] if baseline else None, noisy)


def _progress(bar: Bar, taken: Round, number: str) -> str:
    noisy = ", noisy" if taken.noisy else ""
    figures = f"product {taken.product:,.6g} {bar.unit}, baseline {taken.baseline:,.6g}, ratio {taken.ratio:.3g}"
    return f"  {bar.name} round {number}: {figures}{noisy}"


def _median(figures: Sequence[float]) -> float | None:
    return statistics.median(figures) if figures else None
