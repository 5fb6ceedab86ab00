"""The texts the classifier learns from and is judged by, kept as data beside the code."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

CAUSES = ("quality", "service", "communication", "expectation_gap", "broken_promise", "regulation")
"""The six causes of handbook 004, chapter 8.1."""

MANNERS = ("demanding", "confused", "agitated", "neutral")
"""The three types of handbook 000 (要求型, 困惑型, 激动型), and none of them."""

SUB_CAUSES = (
    "quality.defect",
    "quality.incomplete",
    "service.attitude",
    "service.late",
    "service.process",
    "communication.misunderstanding",
    "communication.not_told",
    "expectation_gap.quality",
    "expectation_gap.service",
    "expectation_gap.price",
    "broken_promise.kept_not",
    "regulation.safety",
    "regulation.privacy",
    "regulation.consumer_law",
    "regulation.licence",
)
"""The kinds within the causes, as handbook 004, chapter 8.1, and handbooks C and D (price) name them."""

GRAVE = frozenset({"high", "critical"})
"""Severities that cannot wait."""

TEXTS = Path(__file__).with_name("texts")
HELD_OUT = "judge"
"""How the names of the writings begin that are never trained on, nor used for choosing anything."""

_HERE = Path(__file__).parent
_LEARNT_FROM = ("traditional.txt", "cues.toml")


@dataclass(frozen=True, slots=True)
class Text:
    """
    One text with what people said about it.

    Attributes:
        id: unique in the corpus, prefixed by its file.
        source: stem of its file: one writing, so that folds can keep writers apart.
        text: as a customer would send it.
        kind: ``complaint``, or praise, question, request, sales, spam, auto_reply.
        cause: one of `CAUSES`; None unless a complaint, and where a complaint does not say enough to tell.
        sub: the kind within the cause, such as ``late`` or ``not_told``; None where nobody said.
        secondary: another cause that is clearly also there.
        manner: demanding, confused, agitated, neutral; None where nobody said.
        severity: low, medium, high, critical; None where nobody said.
        lang: zh or en.
        writing: hans, hant or latin.
        channel: chat, mail or phone (transcripts).
        difficulty: plain, subtle or hard.
        industry: in one word; None where nobody said.
        pair: shared by texts of a writing that tell one event as different causes.
        second: what a second reader said who saw the text alone: a cause, ``none`` for no complaint, or ``unclear``.
    """

    id: str
    source: str
    text: str
    kind: str
    lang: str
    writing: str
    channel: str
    difficulty: str
    cause: str | None = None
    manner: str | None = None
    severity: str | None = None
    sub: str | None = None
    secondary: str | None = None
    industry: str | None = None
    pair: str | None = None
    second: str | None = None

    @property
    def is_complaint(self) -> bool:
        """Whether somebody complains, of whatever."""
        return self.kind == "complaint"

    @property
    def sub_cause(self) -> str | None:
        """One of `SUB_CAUSES`; None where nobody said."""
        return f"{self.cause}.{self.sub}" if self.cause and self.sub else None


def training_texts() -> list[Text]:
    """Read every text that may be learnt from, in a fixed order."""
    return [text for path in _paths(held_out=False) for text in _read(path)]


def held_out_texts() -> list[Text]:
    """Read the texts that are for judging only."""
    return [text for path in _paths(held_out=True) for text in _read(path)]


def fingerprint() -> str:
    """Return the SHA-256 of everything the model is learnt from: training texts, cues and character table."""
    digest = hashlib.sha256()
    for path in (*_paths(held_out=False), *(_HERE / name for name in _LEARNT_FROM)):
        digest.update(path.name.encode())
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def _paths(*, held_out: bool) -> list[Path]:
    return [path for path in sorted(TEXTS.glob("*.jsonl")) if path.stem.startswith(HELD_OUT) == held_out]


def _read(path: Path) -> list[Text]:
    return [Text(source=path.stem, **json.loads(line)) for line in path.read_text("utf-8").splitlines() if line]
