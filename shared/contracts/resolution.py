"""What resolution says: the case from opened to closed, every clock on it, and every promise."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.event import Actor, Cause, ComplaintEvent, Deadline, MessageRequest, Round, Text


class CaseEvent(ComplaintEvent):
    """A fact about the case of one complaint, in one round of handling."""

    round: Round = 1


class CaseOpened(CaseEvent):
    """The complaint has an owner and its clocks are running."""

    TYPE: ClassVar[str] = "resolution.case.opened.v1"
    number: str
    cause: Cause
    team: str
    owner: Actor
    priority: int
    deadlines: tuple[Deadline, ...]


class CaseAcknowledged(CaseEvent):
    """A person took the case up and the customer is told so."""

    TYPE: ClassVar[str] = "resolution.case.acknowledged.v1"
    by: Actor


class CaseInvestigated(CaseEvent):
    """What happened has been established."""

    TYPE: ClassVar[str] = "resolution.case.investigated.v1"
    finding: Text
    by: Actor


class RemedyProposed(CaseEvent):
    """A way to put it right was proposed."""

    TYPE: ClassVar[str] = "resolution.case.remedy_proposed.v1"
    remedy: str = Field(description="repair, replacement, refund, compensation, apology, explanation, correction …")
    text: Text
    by: Actor


class RemedyApproved(CaseEvent):
    """The proposed remedy may be carried out."""

    TYPE: ClassVar[str] = "resolution.case.remedy_approved.v1"
    by: Actor


class RemedyDone(CaseEvent):
    """The remedy has been carried out."""

    TYPE: ClassVar[str] = "resolution.case.remedy_done.v1"
    by: Actor


class CaseAnswered(CaseEvent):
    """The customer was given the decision and its reasons."""

    TYPE: ClassVar[str] = "resolution.case.answered.v1"
    text: Text
    by: Actor


class CaseResolved(CaseEvent):
    """Nothing is left to do for the organisation; now the customer is asked."""

    TYPE: ClassVar[str] = "resolution.case.resolved.v1"
    by: Actor


class CaseClosed(CaseEvent):
    """The case is over."""

    TYPE: ClassVar[str] = "resolution.case.closed.v1"
    reason: Literal["satisfied", "unreachable", "silence", "withdrawn", "linked", "by_hand", "erased"]


class CaseReopened(CaseEvent):
    """The customer was not helped; a new round begins with tighter clocks (handbook 001: recovery service)."""

    TYPE: ClassVar[str] = "resolution.case.reopened.v1"
    reason: Literal["dissatisfied", "unlinked", "by_hand"]
    deadlines: tuple[Deadline, ...]


class CaseEscalated(CaseEvent):
    """Someone with more authority is now called on."""

    TYPE: ClassVar[str] = "resolution.case.escalated.v1"
    level: int = Field(ge=1)
    to: Actor
    reason: str = Field(description="missed:<deadline> or by_hand")


class DeadlineEvent(CaseEvent):
    """A fact about one clock of the case."""

    kind: str
    due_at: datetime
    legal: bool = False


class DeadlineApproaching(DeadlineEvent):
    """Most of the time is used up and the step is not done."""

    TYPE: ClassVar[str] = "resolution.deadline.approaching.v1"


class DeadlineMissed(DeadlineEvent):
    """The due instant passed and the step was not done; stated as of the due instant, whenever it was noticed."""

    TYPE: ClassVar[str] = "resolution.deadline.missed.v1"


class DeadlineMet(DeadlineEvent):
    """The step was done in time."""

    TYPE: ClassVar[str] = "resolution.deadline.met.v1"
    met_at: datetime


class PromiseEvent(CaseEvent):
    """A fact about one specific commitment to the customer."""

    promise_id: UUID
    text: Text
    due_at: datetime


class PromiseMade(PromiseEvent):
    """The customer was promised something by a certain time."""

    TYPE: ClassVar[str] = "resolution.promise.made.v1"
    by: Actor


class PromiseKept(PromiseEvent):
    """The promise was kept."""

    TYPE: ClassVar[str] = "resolution.promise.kept.v1"
    by: Actor


class PromiseBroken(PromiseEvent):
    """The promised time passed and nobody had recorded it as kept."""

    TYPE: ClassVar[str] = "resolution.promise.broken.v1"


class CauseConfirmed(CaseEvent):
    """The investigation established the true cause; what was predicted stands beside it."""

    TYPE: ClassVar[str] = "resolution.cause.confirmed.v1"
    cause: Cause
    predicted: Cause | None = None
    by: Actor


class ResolutionMessageRequested(MessageRequest):
    """The case has something to say to the customer."""

    TYPE: ClassVar[str] = "resolution.message.requested.v1"
