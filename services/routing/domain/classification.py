"""What a complaint is about, as the classifier read it, and when a person must look."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final


class Cause(StrEnum):
    """The six causes of handbook 004, 8.1."""

    QUALITY = "quality"
    SERVICE = "service"
    COMMUNICATION = "communication"
    EXPECTATION_GAP = "expectation_gap"
    BROKEN_PROMISE = "broken_promise"
    REGULATION = "regulation"


class Manner(StrEnum):
    """How the customer speaks (handbook 000: 要求型, 困惑型, 激动型)."""

    DEMANDING = "demanding"
    CONFUSED = "confused"
    AGITATED = "agitated"
    NEUTRAL = "neutral"


class Severity(StrEnum):
    """How bad it is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Doubt(StrEnum):
    """Why a person must look before a complaint is routed."""

    LOW_CONFIDENCE = "low_confidence"
    NOT_A_COMPLAINT = "not_a_complaint"


@dataclass(frozen=True, slots=True)
class Ground:
    """A passage of the masked text that spoke for a cause; ``start`` and ``end`` count code points."""

    start: int
    end: int
    text: str
    cause: Cause
    weight: float


@dataclass(frozen=True, slots=True)
class Classification:
    """
    What the classifier made of the text.

    ``cause`` is None when the text could not be read at all; ``confidence`` is its calibrated probability, 0 to 1.
    """

    cause: Cause | None
    confidence: float
    model: str
    runner_up: Cause | None = None
    secondary: Cause | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    manner: Manner = Manner.NEUTRAL
    severity: Severity = Severity.MEDIUM
    is_complaint: bool = True
    grounds: tuple[Ground, ...] = ()


UNREADABLE: Final = Classification(cause=None, confidence=0.0, model="none")
"""What stands for the classification of a text on which the classifier failed: a person reads it."""


def doubts(classification: Classification, triage_below: float) -> tuple[Doubt, ...]:
    """Name why a person must look at this; nothing when the cause can be taken as it is."""
    found = []
    if classification.cause is None or classification.confidence < triage_below:
        found.append(Doubt.LOW_CONFIDENCE)
    if not classification.is_complaint:
        found.append(Doubt.NOT_A_COMPLAINT)
    return tuple(found)


def without_words(classification: Classification) -> Classification:
    """Take the customer's words out, and leave what was concluded from them."""
    return replace(classification, grounds=())
