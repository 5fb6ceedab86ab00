"""One function per command, reaction and timer: decide, write, announce."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from services.followup.domain.callback import (
    Attempt,
    Callback,
    CallbackPolicy,
    Ending,
    State,
    attempt,
    check_seen,
    end,
    give_up,
    is_satisfied,
    pass_over,
    rate,
    resume,
    schedule,
)
from services.followup.domain.refusals import NoSuchCallback
from shared.contracts.event import ComplaintEvent
from shared.contracts.followup import (
    CallbackAbandoned,
    CallbackAttempted,
    CallbackCompleted,
    CallbackScheduled,
    DissatisfactionRaised,
    FollowupMessageRequested,
    SatisfactionRecorded,
)
from shared.contracts.intake import ComplaintReceived
from shared.contracts.resolution import CaseClosed, CaseReopened, CaseResolved
from shared.privacy import mask
from shared.runtime.message import Due, Message
from shared.runtime.needs import Need, Stream, rows
from shared.runtime.work import Work

OVERDUE = "callback.overdue"


@dataclass(frozen=True, slots=True)
class RecordAttempt:
    """Someone called the customer."""

    complaint_id: UUID
    seen: int
    outcome: Attempt
    by: str


@dataclass(frozen=True, slots=True)
class RecordSatisfaction:
    """The customer said how satisfied they are."""

    complaint_id: UUID
    seen: int
    score: int
    resolved: bool
    comment: str | None


@dataclass(frozen=True, slots=True)
class Done:
    """What a command answers: the revision to act on next."""

    complaint_id: UUID
    state: State
    revision: int


# Needs.


def of_command(message: Message[RecordAttempt | RecordSatisfaction], _work: Work) -> Iterable[Need]:
    """The callback of the complaint that the command names."""
    return _callback(message.payload.complaint_id)


def of_event(message: Message[ComplaintEvent], _work: Work) -> Iterable[Need]:
    """The callback of the complaint that the event is about."""
    return _callback(message.payload.complaint_id)


def of_timer(message: Message[Due], _work: Work) -> Iterable[Need]:
    """The callback of the complaint that the timer is for."""
    return _callback(message.payload.subject)


def _callback(complaint_id: UUID) -> Iterable[Need]:
    return (Stream(complaint_id), rows(Callback, complaint_id=complaint_id))


# Commands.


def record_attempt(message: Message[RecordAttempt], work: Work, *, policy: CallbackPolicy) -> Done:
    """Note how a call went, and plan the next one if it is needed."""
    command = message.payload
    before = _known(command.complaint_id, command.seen, work)
    after = attempt(before, command.outcome, message.at, policy)
    work.announce(
        CallbackAttempted(
            complaint_id=after.complaint_id,
            round=after.round,
            attempt=after.attempts,
            outcome=command.outcome.value,
            by=command.by,
        )
    )
    if after.state is State.REACHED:
        work.announce(CallbackCompleted(complaint_id=after.complaint_id, round=after.round, attempts=after.attempts))
    elif after.state is State.ABANDONED:
        _announce_abandoned(after, "refused" if command.outcome is Attempt.REFUSED else "unreachable", work)
    else:
        _announce_scheduled(after, work)
    return _kept(after, work, policy)


def record_satisfaction(message: Message[RecordSatisfaction], work: Work, *, policy: CallbackPolicy) -> Done:
    """Note the customer's word; a customer who was not helped is a fact of its own."""
    command = message.payload
    before = _known(command.complaint_id, command.seen, work)
    after = rate(before, command.score)
    satisfied = is_satisfied(command.score, resolved=command.resolved)
    comment = mask(command.comment).text if command.comment else None
    if before.state is State.SCHEDULED:
        attempts = max(1, after.attempts)
        work.announce(CallbackCompleted(complaint_id=after.complaint_id, round=after.round, attempts=attempts))
    work.announce(
        SatisfactionRecorded(
            complaint_id=after.complaint_id,
            round=after.round,
            score=command.score,
            resolved=command.resolved,
            comment=comment,
            satisfied=satisfied,
        )
    )
    if not satisfied:
        work.announce(
            DissatisfactionRaised(
                complaint_id=after.complaint_id, round=after.round, score=command.score, comment=comment
            )
        )
    return _kept(after, work, policy)


# Reactions.


def note_complaint(message: Message[ComplaintReceived], work: Work, *, policy: CallbackPolicy) -> None:
    """Learn the complaint's number and language; its resolution may have been heard of before."""
    event = message.payload
    callback = replace(_found(event.complaint_id, work), number=event.number, language=event.language)
    _settle(callback, work, policy)


def plan_callback(message: Message[CaseResolved], work: Work, *, policy: CallbackPolicy) -> None:
    """Plan to ask the customer about this round; an earlier round's news changes nothing."""
    event = message.payload
    callback = _found(event.complaint_id, work)
    if event.round > callback.round:
        callback = replace(callback, round=event.round, resolved_at=message.at)
    _settle(callback, work, policy)


def stop_asking(message: Message[CaseClosed | CaseReopened], work: Work, *, policy: CallbackPolicy) -> None:
    """A case that was closed, or reopened otherwise, needs no callback for that round any more."""
    event = message.payload
    before = _found(event.complaint_id, work)
    over_round = event.round - 1 if isinstance(event, CaseReopened) else event.round
    _stopped(before, pass_over(before, over_round), work, policy)


def end_asking(message: Message[ComplaintEvent], work: Work, *, ending: Ending, policy: CallbackPolicy) -> None:
    """A complaint that was withdrawn, merged or erased is not asked about."""
    before = _found(message.payload.complaint_id, work)
    _stopped(before, end(before, ending), work, policy)


def forget(message: Message[ComplaintEvent], work: Work, *, policy: CallbackPolicy) -> None:
    """Blank every text of an erased complaint."""
    end_asking(message, work, ending=Ending.ERASED, policy=policy)
    work.blank_history(message.payload.complaint_id)


def ask_again(message: Message[ComplaintEvent], work: Work, *, policy: CallbackPolicy) -> None:
    """A mistaken link was undone: what was resolved meanwhile is asked about."""
    _settle(resume(_found(message.payload.complaint_id, work)), work, policy)


# Timers.


def give_up_overdue(message: Message[Due], work: Work, *, policy: CallbackPolicy) -> None:
    """Give up a callback that nobody made."""
    callback = work.get(Callback, message.payload.subject)
    if callback is not None and callback.state is State.SCHEDULED:
        callback = give_up(callback)
        _announce_abandoned(callback, "unreachable", work)
        _kept(callback, work, policy)


# What they share.


def _known(complaint_id: UUID, seen: int, work: Work) -> Callback:
    callback = work.get(Callback, complaint_id)
    if callback is None:
        raise NoSuchCallback
    check_seen(callback, seen)
    return callback


def _found(complaint_id: UUID, work: Work) -> Callback:
    return work.get(Callback, complaint_id) or Callback(complaint_id)


def _settle(callback: Callback, work: Work, policy: CallbackPolicy) -> None:
    if callback.should_schedule:
        callback = schedule(callback, policy)
        _announce_scheduled(callback, work)
        _request_notice(callback, work)
    _kept(callback, work, policy)


def _stopped(before: Callback, after: Callback, work: Work, policy: CallbackPolicy) -> None:
    if before.state is State.SCHEDULED and after.state is not State.SCHEDULED:
        _announce_abandoned(after, "case_over", work)
    _kept(after, work, policy)


def _kept(callback: Callback, work: Work, policy: CallbackPolicy) -> Done:
    work.put(callback)
    if callback.due_at is None:
        work.cancel_timer(callback.complaint_id, OVERDUE)
    else:
        work.set_timer(callback.complaint_id, OVERDUE, callback.due_at + policy.patience)
    return Done(callback.complaint_id, callback.state, callback.revision)


def _announce_scheduled(callback: Callback, work: Work) -> None:
    if callback.due_at is None:
        raise ValueError("a planned callback has a time")
    work.announce(
        CallbackScheduled(
            complaint_id=callback.complaint_id,
            round=callback.round,
            attempt=callback.attempts + 1,
            due_at=callback.due_at,
        )
    )


def _announce_abandoned(callback: Callback, reason: str, work: Work) -> None:
    work.announce(
        CallbackAbandoned.model_validate(
            {
                "complaint_id": callback.complaint_id,
                "round": callback.round,
                "attempts": callback.attempts,
                "reason": reason,
            }
        )
    )


def _request_notice(callback: Callback, work: Work) -> None:
    """Let the customer know that they will be called, in their language."""
    if callback.due_at is None or callback.number is None:
        return
    work.announce(
        FollowupMessageRequested(
            complaint_id=callback.complaint_id,
            purpose="survey",
            language=callback.language,
            template="callback_planned",
            values={"number": callback.number, "due_at": callback.due_at.isoformat()},
        )
    )
