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
    MIXED_CAUSES = "mixed_causes"
    REGULATION = "regulation"
    SAFETY = "safety"
    NOT_A_COMPLAINT = "not_a_complaint"
    DEGRADED = "degraded"


MIXED_FROM: Final = 0.3
"""Probability from which a second cause is a case of its own for a person to weigh."""


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
    ``degraded`` says that the words were not sure, and that the sentence encoder they would have asked is missing.
    """

    cause: Cause | None
    confidence: float
    model: str
    sub_cause: str | None = None
    runner_up: Cause | None = None
    secondary: Cause | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    manner: Manner = Manner.NEUTRAL
    severity: Severity = Severity.MEDIUM
    is_complaint: bool = True
    grounds: tuple[Ground, ...] = ()
    degraded: bool = False


UNREADABLE: Final = Classification(cause=None, confidence=0.0, model="none")
"""What stands for the classification of a text on which the classifier failed: a person reads it."""


def doubts(classification: Classification, triage_below: float) -> tuple[Doubt, ...]:
    """
    Name why a person must look at this; nothing when the cause can be taken as it is.

    What may break the law or hurt somebody is looked at however sure the classifier is: a mistake there costs most.
    """
    cause, runner_up = classification.cause, classification.runner_up
    found = {
        Doubt.LOW_CONFIDENCE: cause is None or classification.confidence < triage_below,
        Doubt.MIXED_CAUSES: runner_up is not None and classification.probabilities.get(runner_up, 0) >= MIXED_FROM,
        Doubt.REGULATION: cause is Cause.REGULATION,
        Doubt.SAFETY: classification.severity is Severity.CRITICAL,
        Doubt.NOT_A_COMPLAINT: not classification.is_complaint,
        Doubt.DEGRADED: classification.degraded,
    }
    return tuple(doubt for doubt, holds in found.items() if holds)


def without_words(classification: Classification) -> Classification:
    """Take the customer's words out, and leave what was concluded from them."""
    return replace(classification, grounds=())
