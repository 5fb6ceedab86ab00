"""What routing says: the cause of a complaint, and who will answer it."""

from typing import ClassVar, Literal

from pydantic import Field

from shared.contracts.event import (
    Actor,
    Bilingual,
    Cause,
    ComplaintEvent,
    Manner,
    Published,
    Round,
    Severity,
    Text,
)


class Ground(Published):
    """A span of the complaint's masked text that spoke for a cause."""

    start: int = Field(ge=0, description="First character, counted in Unicode code points")
    end: int = Field(ge=0, description="One past the last character")
    text: Text
    cause: Cause
    weight: float


class ComplaintClassified(ComplaintEvent):
    """The likely cause was named, with grounds and an honest confidence."""

    TYPE: ClassVar[str] = "routing.complaint.classified.v1"
    cause: Cause
    sub_cause: str | None = Field(default=None, description="The kind within the cause, such as service.late")
    confidence: float = Field(ge=0, le=1, description="Calibrated probability of `cause`")
    secondary: Cause | None = None
    runner_up: Cause | None = None
    probabilities: dict[str, float] = Field(default_factory=dict)
    manner: Manner = "neutral"
    severity: Severity = "low"
    is_complaint: bool = True
    grounds: tuple[Ground, ...] = ()
    model: str = Field(description="Name, version and checksum of what decided")
    degraded: bool = Field(default=False, description="Part of the classifier was missing: less is known than usual")


class TriageRequested(ComplaintEvent):
    """A person must look before this complaint is routed."""

    TYPE: ClassVar[str] = "routing.triage.requested.v1"
    reasons: tuple[
        Literal["low_confidence", "mixed_causes", "regulation", "safety", "not_a_complaint", "degraded"], ...
    ]
    cause: Cause | None = Field(default=None, description="The classifier's best guess")
    confidence: float | None = None


class ComplaintRouted(ComplaintEvent):
    """The complaint was given to a team and a person, with the reasons."""

    TYPE: ClassVar[str] = "routing.complaint.routed.v1"
    round: Round = 1
    cause: Cause
    team: str
    assignee: Actor
    priority: int = Field(ge=1, le=9, description="1 is most urgent: importance times urgency (handbook 004, 4.1)")
    severity: Severity = "low"
    manner: Manner = "neutral"
    reasons: tuple[Bilingual, ...] = ()


class ClassificationCorrected(ComplaintEvent):
    """A person named another cause than the classifier had."""

    TYPE: ClassVar[str] = "routing.classification.corrected.v1"
    cause: Cause
    previous: Cause | None = None
    by: Actor
    note: Text | None = None
