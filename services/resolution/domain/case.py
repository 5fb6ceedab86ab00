"""The case of one complaint: one row that goes through all rounds of handling, and the steps it may take."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

from services.resolution.domain.refusals import (
    ChangedMeanwhile,
    ComplaintOver,
    ReasonNeeded,
    RemedyNotDone,
    StepNotPossible,
)

Cause = Literal["quality", "service", "communication", "expectation_gap", "broken_promise", "regulation"]
Tier = Literal["A", "B", "C", "D"]
"""What the customer is to the organisation (handbook 001); it moves the organisation's own clocks only."""
Ending = Literal["linked", "withdrawn", "erased"]
"""Why intake says that a complaint is over."""
ClosedReason = Literal["satisfied", "unreachable", "silence", "withdrawn", "linked", "by_hand", "erased"]


class State(StrEnum):
    """Where a case stands."""

    PENDING = "pending"
    """Intake's or routing's fact is missing: nobody works on it yet."""
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    INVESTIGATING = "investigating"
    REMEDY_PROPOSED = "remedy_proposed"
    REMEDY_APPROVED = "remedy_approved"
    REMEDY_DONE = "remedy_done"
    ANSWERED = "answered"
    RESOLVED = "resolved"
    CLOSED = "closed"


class Step(StrEnum):
    """What moves a case from one state to the next."""

    OPEN = "open"
    ACKNOWLEDGE = "acknowledge"
    INVESTIGATE = "investigate"
    PROPOSE_REMEDY = "propose_remedy"
    APPROVE_REMEDY = "approve_remedy"
    COMPLETE_REMEDY = "complete_remedy"
    ANSWER = "answer"
    RESOLVE = "resolve"
    CLOSE = "close"
    REOPEN = "reopen"


_FROM: Final[Mapping[State, Mapping[Step, State]]] = {
    State.PENDING: {Step.OPEN: State.OPEN},
    State.OPEN: {
        Step.ACKNOWLEDGE: State.ACKNOWLEDGED,
        Step.INVESTIGATE: State.INVESTIGATING,
        Step.PROPOSE_REMEDY: State.REMEDY_PROPOSED,
        Step.ANSWER: State.ANSWERED,
        Step.CLOSE: State.CLOSED,
    },
    State.ACKNOWLEDGED: {
        Step.INVESTIGATE: State.INVESTIGATING,
        Step.PROPOSE_REMEDY: State.REMEDY_PROPOSED,
        Step.ANSWER: State.ANSWERED,
        Step.CLOSE: State.CLOSED,
    },
    State.INVESTIGATING: {
        Step.INVESTIGATE: State.INVESTIGATING,
        Step.PROPOSE_REMEDY: State.REMEDY_PROPOSED,
        Step.ANSWER: State.ANSWERED,
        Step.CLOSE: State.CLOSED,
    },
    # An answer waits for the approval: what the customer reads must hold. To drop a proposal, investigate anew.
    State.REMEDY_PROPOSED: {
        Step.INVESTIGATE: State.INVESTIGATING,
        Step.PROPOSE_REMEDY: State.REMEDY_PROPOSED,
        Step.APPROVE_REMEDY: State.REMEDY_APPROVED,
        Step.CLOSE: State.CLOSED,
    },
    State.REMEDY_APPROVED: {
        Step.INVESTIGATE: State.INVESTIGATING,
        Step.PROPOSE_REMEDY: State.REMEDY_PROPOSED,
        Step.COMPLETE_REMEDY: State.REMEDY_DONE,
        Step.ANSWER: State.ANSWERED,
        Step.CLOSE: State.CLOSED,
    },
    State.REMEDY_DONE: {
        Step.PROPOSE_REMEDY: State.REMEDY_PROPOSED,
        Step.ANSWER: State.ANSWERED,
        Step.CLOSE: State.CLOSED,
    },
    State.ANSWERED: {
        Step.INVESTIGATE: State.INVESTIGATING,
        Step.PROPOSE_REMEDY: State.REMEDY_PROPOSED,
        Step.COMPLETE_REMEDY: State.ANSWERED,
        Step.ANSWER: State.ANSWERED,
        Step.RESOLVE: State.RESOLVED,
        Step.CLOSE: State.CLOSED,
    },
    State.RESOLVED: {Step.CLOSE: State.CLOSED, Step.REOPEN: State.OPEN},
    State.CLOSED: {Step.REOPEN: State.OPEN},
}

TRANSITIONS: Final[Mapping[tuple[State, Step], State]] = {
    (state, step): after for state, steps in _FROM.items() for step, after in steps.items()
}
"""Every step a case can take; what is not here is refused (handbook 004, 8.2: steps 4 to 7)."""

WORKED_ON: Final = frozenset(State) - {State.PENDING, State.RESOLVED, State.CLOSED}
"""States in which the organisation still owes something."""

_WEIGHT: Final[Mapping[str, int]] = {"by_hand": 3, "satisfied": 2, "unreachable": 1, "silence": 1}
"""What a closing says about the customer; the word of intake, not listed, weighs least."""


@dataclass(frozen=True, slots=True)
class Case:
    """
    What resolution knows of one complaint.

    From intake: ``number`` (None until its fact has come) to ``text``, masked. From routing: ``predicted``, the
    classifier's word, to ``routed_round`` (0 until its fact has come); ``priority`` is that of the first routing, which
    set the clocks. ``regulated`` stays once routing or the investigation named regulation. ``finding`` to
    ``resolved_at`` are this round's. ``closed_from`` is the state in which it was closed; ``over`` says why intake
    calls the complaint over, oldest first. ``next_due_at`` is what the queue is ordered by. ``revision`` counts what a
    person could have seen.
    """

    complaint_id: UUID
    number: str | None = None
    customer_id: UUID | None = None
    language: str = "und"
    channel: str | None = None
    received_at: datetime | None = None
    tier: Tier = "C"
    subject_line: str | None = None
    text: str | None = None
    predicted: Cause | None = None
    cause: Cause | None = None
    regulated: bool = False
    team: str | None = None
    owner: str | None = None
    priority: int = 9
    severity: str = "low"
    routed_round: int = 0
    state: State = State.PENDING
    round: int = 1
    finding: str | None = None
    confirmed_cause: Cause | None = None
    remedy: str | None = None
    remedy_text: str | None = None
    remedy_done: bool = False
    answer: str | None = None
    resolved_at: datetime | None = None
    closed_reason: ClosedReason | None = None
    closed_from: State | None = None
    over: tuple[Ending, ...] = ()
    escalation_level: int = 0
    messages_received: int = 0
    messages_sent: int = 0
    messages_failed: int = 0
    next_due_at: datetime | None = None
    revision: int = 0

    @property
    def is_ready(self) -> bool:
        """Whether both facts are there that a case is opened on."""
        return self.state is State.PENDING and self.number is not None and self.routed_round > 0

    @property
    def is_owed(self) -> bool:
        """Whether the organisation still owes something, or did when the case was closed."""
        return (self.closed_from or self.state) in WORKED_ON


def changed(case: Case, **changes: object) -> Case:
    """The case with *changes* that a person should have seen before acting on it."""
    return replace(case, revision=case.revision + 1, **changes)  # type: ignore[arg-type] # fields of Case


def check_seen(case: Case, seen: int) -> None:
    """
    Make sure that the caller decided on what is there now.

    Raises:
        ChangedMeanwhile: it has changed since they looked.
    """
    if case.revision != seen:
        raise ChangedMeanwhile(revision=case.revision)


def check_worked_on(case: Case) -> None:
    """
    Make sure that somebody works on the case.

    Raises:
        StepNotPossible: it is pending, resolved or closed.
    """
    if case.state not in WORKED_ON:
        raise StepNotPossible(state=case.state)


def check_not_over(case: Case) -> None:
    """
    Make sure that the complaint is still the customer's.

    Raises:
        ComplaintOver: intake says that it was withdrawn, linked or erased.
    """
    if case.over:
        raise ComplaintOver(reason=case.over[0])


# Facts of others.


@dataclass(frozen=True, slots=True)
class Routing:
    """Who answers in one round, and why it is urgent."""

    round: int
    cause: Cause
    team: str
    owner: str
    priority: int
    severity: str


def add_routing(case: Case, routing: Routing) -> Case:
    """Take a team and an owner; the urgency is that of the first routing, because the clocks run by it."""
    if case.routed_round == 0:
        case = replace(case, priority=routing.priority, severity=routing.severity)
    if routing.round >= case.routed_round:
        case = replace(case, routed_round=routing.round, team=routing.team, owner=routing.owner)
    return name_cause(case, routing.cause)


def name_cause(case: Case, cause: Cause) -> Case:
    """Take routing's decision on the cause; law that was found to apply goes on applying."""
    return changed(case, cause=cause, regulated=case.regulated or cause == "regulation")


def call_over(case: Case, ending: Ending) -> Case:
    """Note that intake calls the complaint over."""
    return changed(case, over=(*case.over, ending))


def undo_link(case: Case) -> Case:
    """Note that the link was a mistake; a case that was closed for it stands again where it stood."""
    case = changed(case, over=tuple(ending for ending in case.over if ending != "linked"))
    if case.closed_reason != "linked" or case.closed_from is None:
        return case
    return replace(case, state=case.closed_from, closed_reason=None, closed_from=None)


def blanked(case: Case, blank: str) -> Case:
    """Put *blank* in the place of every free text."""
    names = ("subject_line", "text", "finding", "remedy_text", "answer")
    return replace(case, **{name: blank for name in names if getattr(case, name) is not None})  # type: ignore[arg-type]


# Steps.


def take(case: Case, step: Step, **changes: object) -> Case:
    """
    Take a step.

    Raises:
        StepNotPossible: the state of the case does not lead there.
    """
    after = TRANSITIONS.get((case.state, step))
    if after is None:
        raise StepNotPossible(state=case.state, step=step)
    return changed(case, state=after, **changes)


def investigate(case: Case, finding: str, cause: Cause | None) -> Case:
    """Note what happened, and why if that is known; a remedy that was in hand is dropped."""
    case = take(case, Step.INVESTIGATE, finding=finding, remedy=None, remedy_text=None, remedy_done=False)
    if cause is None:
        return case
    return replace(case, confirmed_cause=cause, regulated=case.regulated or cause == "regulation")


def propose_remedy(case: Case, remedy: str, text: str) -> Case:
    """Propose a way to put it right, in place of an earlier one."""
    return take(case, Step.PROPOSE_REMEDY, remedy=remedy, remedy_text=text, remedy_done=False)


def complete_remedy(case: Case) -> Case:
    """
    Note that the approved remedy was carried out, before or after the answer.

    Raises:
        StepNotPossible: none is to be carried out.
    """
    if case.remedy is None or case.remedy_done:
        raise StepNotPossible(state=case.state, step=Step.COMPLETE_REMEDY)
    return take(case, Step.COMPLETE_REMEDY, remedy_done=True)


def resolve(case: Case, at: datetime) -> Case:
    """
    State that nothing is left to do.

    Raises:
        RemedyNotDone: the remedy is.
    """
    after = take(case, Step.RESOLVE, resolved_at=at)
    if case.remedy is not None and not case.remedy_done:
        raise RemedyNotDone(remedy=case.remedy)
    return after


def close_by_hand(case: Case, reason: str | None) -> Case:
    """
    Close a case that was answered, or for a stated reason.

    Raises:
        ReasonNeeded: there is neither an answer nor a reason.
    """
    after = close(case, "by_hand")
    if case.answer is None and not reason:
        raise ReasonNeeded
    return after


def close(case: Case, reason: ClosedReason) -> Case:
    """End the case; it remembers where it stood."""
    return take(case, Step.CLOSE, closed_reason=reason, closed_from=case.state)


def is_concluded_by(case: Case, reason: ClosedReason) -> bool:
    """
    Whether this news of the customer ends the case.

    It does after the resolution; and it corrects a closing that says less of the customer, so that news of different
    services leads to the same end whichever comes first.
    """
    if case.state is State.RESOLVED:
        return True
    closed = case.closed_reason
    return case.closed_from is State.RESOLVED and closed is not None and _WEIGHT[reason] > _WEIGHT.get(closed, 0)


def conclude(case: Case, reason: ClosedReason) -> Case:
    """End the case with the customer's word, or correct how it ended."""
    return close(case, reason) if case.state is State.RESOLVED else changed(case, closed_reason=reason)


def reopen(case: Case) -> Case:
    """Begin the next round: what was found and answered before did not help, and stays in the history alone."""
    return take(
        case,
        Step.REOPEN,
        round=case.round + 1,
        finding=None,
        remedy=None,
        remedy_text=None,
        remedy_done=False,
        answer=None,
        resolved_at=None,
        closed_reason=None,
        closed_from=None,
    )
