"""What happens when time is up."""

from dataclasses import replace

from services.resolution.domain import case as cases
from services.resolution.domain.case import Case, State
from services.resolution.domain.clocks import Deadline, DeadlineState
from services.resolution.domain.policy import CasePolicy
from services.resolution.domain.promise import PromiseState
from services.resolution.handlers import clocks, rounds
from services.resolution.handlers.loading import found, keep, promises_of
from shared.contracts.resolution import CaseEscalated, DeadlineApproaching, DeadlineMissed, PromiseBroken
from shared.runtime.message import Due, Message
from shared.runtime.work import Work


def warn(message: Message[Due], work: Work) -> None:
    """Say that most of a clock's time is used up."""
    case = found(message.payload.subject, work)
    if deadline := _running(case, message, work):
        work.announce(
            DeadlineApproaching(
                complaint_id=case.complaint_id,
                round=case.round,
                kind=deadline.kind,
                due_at=deadline.due_at,
                legal=deadline.legal,
            )
        )


def miss(message: Message[Due], work: Work, *, policy: CasePolicy) -> None:
    """Say that a step was not done by its time, and call on someone with more authority."""
    case = found(message.payload.subject, work)
    deadline = _running(case, message, work)
    if deadline is None:
        return
    work.put(replace(deadline, state=DeadlineState.MISSED))
    work.announce(
        DeadlineMissed(
            complaint_id=case.complaint_id,
            round=case.round,
            kind=deadline.kind,
            due_at=deadline.due_at,
            legal=deadline.legal,
        )
    )
    contact = policy.escalation_contact(case.team)
    keep(escalate(case, contact, f"missed:{deadline.kind}", work), work)


def escalate(case: Case, contact: str, reason: str, work: Work) -> Case:
    """Call on *contact*, one level higher than the last time."""
    case = replace(case, escalation_level=case.escalation_level + 1)
    work.announce(
        CaseEscalated(
            complaint_id=case.complaint_id,
            round=case.round,
            level=case.escalation_level,
            to=contact,
            reason=reason,
        )
    )
    return case


def break_promise(message: Message[Due], work: Work) -> None:
    """Say that a promise was not kept in time."""
    case = found(message.payload.subject, work)
    made = promises_of(case, PromiseState.MADE, work)
    promise = next((each for each in made if str(each.promise_id) == _detail(message)), None)
    if promise is None:
        return
    work.put(replace(promise, state=PromiseState.BROKEN))
    work.announce(
        PromiseBroken(
            complaint_id=promise.complaint_id,
            round=promise.round,
            promise_id=promise.promise_id,
            text=promise.text,
            due_at=promise.due_at,
        )
    )
    keep(case, work)


def close_silent(message: Message[Due], work: Work) -> None:
    """Close a resolved case whose customer says nothing."""
    case = found(message.payload.subject, work)
    if case.state is State.RESOLVED:
        keep(rounds.close(cases.close(case, "silence"), "silence", work), work)


def _running(case: Case, message: Message[Due], work: Work) -> Deadline | None:
    running = clocks.running_deadlines(case, work)
    return next((each for each in running if each.kind == _detail(message)), None)


def _detail(message: Message[Due]) -> str:
    return message.payload.kind.partition(":")[2]
