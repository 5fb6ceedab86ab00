"""
The rows of the classifier, in a process of its own on one core, for texts of about a hundred characters.

``classify_ms`` and ``classify_p99_ms`` (one text), ``classify_rate`` (texts a second), ``classify_ready_s`` (from the
start of the process to the first answer), ``classify_rss_mb``; and ``classify_fast_rate``, texts a second of
``plaint classify --jsonl --fast`` with a process for each processor. There is no baseline: the bars are absolute.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import cycle, islice
from typing import Final

from services.routing.classifier.corpus import held_out_texts
from tests.bench.harness import Bar, Bench, Row
from tests.bench.installation import Unequal
from tests.bench.machine import resident_mb

BARS: Final = (
    Bar("classify_ms", "ms", 10, 5, "lower"),
    Bar("classify_p99_ms", "ms", 25, 15, "lower"),
    Bar("classify_rate", "texts/s", 150, 250),
    Bar("classify_ready_s", "s", 3, 1.5, "lower"),
    Bar("classify_rss_mb", "MB", 280, 220, "lower"),
    Bar("classify_fast_rate", "texts/s", 5000, 10_000),
)
NAMES = tuple(bar.name for bar in BARS)

TEXTS: Final = 6_000
QUICK_TEXTS: Final = 1_500
FAST_TEXTS: Final = 30_000
QUICK_FAST_TEXTS: Final = 6_000
WARM_UP: Final = 200
"""Texts that do not count: characters and words are looked up once and then remembered."""
SHORTEST, LONGEST = 60, 140
"""Characters of the texts, which are those that the classifier is judged by."""


async def measure(bench: Bench) -> list[Row]:
    """A fresh process for each round."""
    like_these = [text.text for text in held_out_texts() if SHORTEST <= len(text.text) <= LONGEST]
    texts = list(islice(cycle(like_these), WARM_UP + (QUICK_TEXTS if bench.quick else TEXTS)))

    many = list(islice(cycle(like_these), QUICK_FAST_TEXTS if bench.quick else FAST_TEXTS))

    async def take() -> Sequence[Sequence[float]]:
        return [(figure,) for figure in (*_figures(texts), _fast_rate(many))]

    rounds = []
    for number in range(bench.rounds):
        taken = await bench.take(take)
        rounds.append(taken)
        told = ", ".join(f"{bar.name} {each.product:.3g}" for bar, each in zip(BARS, taken, strict=True))
        bench.say(f"  round {number + 1} of {bench.rounds}: {told}")
    return [Row(bar, each) for bar, each in zip(BARS, zip(*rounds, strict=True), strict=True)]


def _figures(texts: Sequence[str]) -> tuple[float, ...]:
    """One figure for each of `BARS` but the last."""
    command = [sys.executable, "-m", "tests.bench.load.reading"]
    began = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise OSError("no pipes")
        if process.stdout.readline() != "ready\n":
            raise Unequal("the classifier did not start")
        ready = time.perf_counter() - began
        process.stdin.write(json.dumps(texts) + "\n")
        process.stdin.flush()
        taken = sorted(json.loads(process.stdout.readline())[WARM_UP:])
        memory = resident_mb(process.pid)
        process.stdin.close()
    p99 = taken[int(0.99 * len(taken))]
    return statistics.fmean(taken), p99, 1000 * len(taken) / sum(taken), ready, memory


def _fast_rate(texts: Sequence[str]) -> float:
    """Texts a second of the command, its start included."""
    lines = "".join(json.dumps({"id": place, "text": text}) + "\n" for place, text in enumerate(texts))
    command = [
        sys.executable,
        "-m",
        "plaint",
        "classify",
        "--jsonl",
        "--fast",
        "--jobs",
        str(min(os.cpu_count() or 1, 64)),
    ]
    began = time.perf_counter()
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - began
    if done.stdout.count("\n") != len(texts):
        raise Unequal("not every text was answered")
    return len(texts) / seconds
