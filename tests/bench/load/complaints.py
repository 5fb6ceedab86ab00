"""Invented complaints, in Chinese and English, of various lengths."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import services.routing.classifier as classifiers
from services.intake.domain.contact import Kind
from services.intake.domain.gist import gist_of
from services.routing.domain.classification import doubts
from services.routing.worker import facts_of

TEXTS: Final = Path(classifiers.__file__).parent / "texts"
FILES: Final = ("base", "varied", "broad", "first_test")
TRIAGE_BELOW: Final = 0.45
"""The default of routing: what the classifier is less sure of waits for a person, and that is not measured."""
LONGEST: Final = 9
"""Texts of one cause that make one complaint; a body has 600 bytes on average."""
NAMES: Final = {
    "zh": ("赵宁", "周一帆", "林小满", "何清"),
    "en": ("Robin Hale", "Sam Ortega", "Kim Doyle", "Alex Reed"),
}


def bodies(count: int, seed: int) -> list[bytes]:
    """So many bodies for ``POST /v1/complaints``, each of another customer; the same for the same *seed*."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    texts = list(_routable(chance))
    return [_body(number, seed, chance, *chance.choice(texts)) for number in range(count)]


def _routable(chance: random.Random, wanted: int = 400) -> Iterator[tuple[str, str]]:
    """Texts that become a case without a person looking at them, with their language."""
    classifier = classifiers.load()
    groups = list(_by_cause().items())
    while wanted:
        (_, language), texts = chance.choice(groups)
        text = ("。" if language == "zh" else " ").join(chance.sample(texts, chance.randint(1, LONGEST)))
        found = facts_of(classifier.classify(text))
        if not doubts(found, TRIAGE_BELOW) and gist_of(text) is None:
            wanted -= 1
            yield text, language


def _by_cause() -> dict[tuple[str, str], list[str]]:
    groups: dict[tuple[str, str], list[str]] = {}
    for name in FILES:
        for line in (TEXTS / f"{name}.jsonl").read_text().splitlines():
            entry = json.loads(line)
            if entry["kind"] == Kind.COMPLAINT and entry["lang"] in NAMES:
                groups.setdefault((entry["cause"], entry["lang"]), []).append(entry["text"])
    return groups


def _body(number: int, seed: int, chance: random.Random, text: str, language: str) -> bytes:
    submission = {
        "channel": "web",
        "external_id": f"form-{seed}-{number}",
        "text": text,
        "customer": {"name": chance.choice(NAMES[language]), "email": f"customer{seed}.{number}@example.com"},
        "order_reference": f"SO-{number:05}",
    }
    return json.dumps(submission, ensure_ascii=False).encode()
