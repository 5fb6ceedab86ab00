"""
A process that classifies as a service does: ``python -m tests.bench.load.reading``.

It classifies one text and says ``ready``, reads a line of JSON with texts, classifies each by itself, and ends with a
line of JSON: how many milliseconds each took. It goes on living until its input is closed.
"""

import json
import sys
import time

from services.routing.classifier import load


def main() -> None:
    """Classify, and say how long it took."""
    classifier = load()
    classifier.warm_up()
    classifier.classify("说好周三送货，等了一整天没人来。")
    _say("ready")
    taken = []
    for text in json.loads(sys.stdin.readline()):
        began = time.perf_counter()
        classifier.classify(text)
        taken.append((time.perf_counter() - began) * 1000)
    _say(json.dumps(taken))
    sys.stdin.readline()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
