"""Train the model that is committed, measure it, or write what was measured for people."""

import sys
import time
from pathlib import Path

from . import load, measured
from .corpus import fingerprint, held_out_texts, training_texts
from .evaluation import judge, report
from .model import FILE, save
from .training import train

USAGE = "usage: python -m services.routing.classifier train|evaluate|write"

PAGE = Path("docs/routing/measured.md")


def main(arguments: list[str]) -> int:
    """Run one of the three commands; return the exit status."""
    commands = {"train": _train, "evaluate": _evaluate, "write": _write}
    if len(arguments) != 1 or arguments[0] not in commands:
        sys.stderr.write(f"{USAGE}\n")
        return 2
    commands[arguments[0]]()
    return 0


def _train() -> None:
    begun = time.perf_counter()
    texts = training_texts()
    checksum = save(train(texts), fingerprint())
    seconds = time.perf_counter() - begun
    sys.stdout.write(f"{FILE.name}: {len(texts)} texts, {FILE.stat().st_size:,} bytes, {seconds:.1f} s\n{checksum}\n")


def _evaluate() -> None:
    begun = time.perf_counter()
    judged = judge(load(), held_out_texts())
    seconds = time.perf_counter() - begun
    for name, value in report(judged).items():
        sys.stdout.write(
            f"{name:<48} {value:8.3f}\n" if value < 1 or value != int(value) else f"{name:<48} {value:8.0f}\n"
        )
    sys.stdout.write(f"{'texts per second':<48} {len(judged) / seconds:8.0f}\n")


def _write() -> None:
    sys.stdout.write("learning from fewer texts, a minute or two …\n")
    measured.write(PAGE, load(), training_texts(), held_out_texts())
    sys.stdout.write(f"{PAGE}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
