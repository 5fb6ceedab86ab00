"""What followup says: whether it helped."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from shared.contracts.event import Actor, ComplaintEvent, MessageRequest, Round, Text


class FollowupEvent(ComplaintEvent):
    """A fact about asking one customer back, after one round of handling."""

    round: Round = 1


class CallbackScheduled(FollowupEvent):
    """The customer will be called back at this time, within the allowed hours."""

    TYPE: ClassVar[str] = "followup.callback.scheduled.v1"
    attempt: int = Field(ge=1)
    due_at: datetime


class CallbackAttempted(FollowupEvent):
    """The customer was called."""

    TYPE: ClassVar[str] = "followup.callback.attempted.v1"
    attempt: int = Field(ge=1)
    outcome: Literal["answered", "no_answer", "busy", "refused", "wrong_person"]
    by: Actor


class CallbackCompleted(FollowupEvent):
    """The customer was reached and asked."""

    TYPE: ClassVar[str] = "followup.callback.completed.v1"
    attempts: int = Field(ge=1)


class CallbackAbandoned(FollowupEvent):
    """The customer could not be asked, and nobody will try again."""

    TYPE: ClassVar[str] = "followup.callback.abandoned.v1"
    attempts: int = Field(ge=0)
    reason: Literal["unreachable", "refused", "case_over"]


class SatisfactionRecorded(FollowupEvent):
    """The customer said how satisfied they are."""

    TYPE: ClassVar[str] = "followup.satisfaction.recorded.v1"
    score: int = Field(ge=1, le=5, description="1 very dissatisfied … 5 very satisfied")
    resolved: bool = Field(description="The customer's own word on whether the problem is solved")
    comment: Text | None = None
    satisfied: bool = Field(description="False when the score is 1 or 2, or the problem is not solved")


class DissatisfactionRaised(FollowupEvent):
    """The customer was not helped in this round; resolution reopens the case on it."""

    TYPE: ClassVar[str] = "followup.dissatisfaction.raised.v1"
    score: int = Field(ge=1, le=5)
    comment: Text | None = None


class FollowupMessageRequested(MessageRequest):
    """Followup has something to ask the customer in writing."""

    TYPE: ClassVar[str] = "followup.message.requested.v1"
