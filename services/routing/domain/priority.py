"""How urgent a complaint is: importance times urgency (handbook 004, 4.1), shown with what made it so."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from services.routing.domain.classification import Manner, Severity


class Level(IntEnum):
    """Where something stands on a scale of three."""

    HIGH = 0
    MIDDLE = 1
    LOW = 2


PRIORITIES: Final = (
    (1, 2, 4),
    (3, 5, 7),
    (6, 8, 9),
)
"""By importance (rows) and urgency (columns), each from high to low; at equal distance importance comes first."""

IMPORTANCE: Final = {
    Severity.CRITICAL: Level.HIGH,
    Severity.HIGH: Level.HIGH,
    Severity.MEDIUM: Level.MIDDLE,
    Severity.LOW: Level.LOW,
}
URGENCY: Final = {
    Manner.AGITATED: Level.HIGH,
    Manner.DEMANDING: Level.MIDDLE,
    Manner.CONFUSED: Level.LOW,
    Manner.NEUTRAL: Level.LOW,
}
BEST_CARE: Final = "A"
"""The tier that is one level more important (handbook 001: A best care … D basic care)."""


@dataclass(frozen=True, slots=True)
class Priority:
    """A priority from 1 (first) to 9, and the two levels it comes from."""

    value: int
    importance: Level
    urgency: Level


def prioritise(severity: Severity, manner: Manner, tier: str, round_number: int) -> Priority:
    """
    Weigh what is known of a complaint.

    Importance is the severity, one level higher for tier A. Urgency is the manner, one level higher when the severity
    is high and again when the first answer did not help (handbook 001: recovery service); critical is always urgent.
    """
    importance = _raised(IMPORTANCE[severity], tier == BEST_CARE)
    urgency = _raised(URGENCY[manner], (severity is Severity.HIGH) + (round_number > 1))
    if severity is Severity.CRITICAL:
        urgency = Level.HIGH
    return Priority(PRIORITIES[importance][urgency], importance, urgency)


def _raised(level: Level, steps: int) -> Level:
    return Level(max(Level.HIGH, level - steps))
