"""The callback of one complaint: one row that goes through all rounds of handling."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.followup.domain.refusals import CallbackNotDue, ChangedMeanwhile
from shared.calendar import BusinessCalendar

LOWEST_SATISFIED_SCORE = 3
"""Scores of 1 and 2 of 5 are dissatisfied (handbook 004, 7.3)."""


class State(StrEnum):
    """Where asking the customer stands."""

    NONE = "none"
    SCHEDULED = "scheduled"
    REACHED = "reached"
    RATED = "rated"
    ABANDONED = "abandoned"
    OVER = "over"
    """Withdrawn, merged into another complaint, or erased: nobody is asked."""


class Ending(StrEnum):
    """Why nobody is asked about this complaint any more."""

    LINKED = "linked"
    WITHDRAWN = "withdrawn"
    ERASED = "erased"


class Attempt(StrEnum):
    """How a call went."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    REFUSED = "refused"
    WRONG_PERSON = "wrong_person"


@dataclass(frozen=True, slots=True)
class CallbackPolicy:
    """When customers may be called, how soon after the resolution, and how often."""

    hours: BusinessCalendar
    delay: timedelta
    retry_after: timedelta
    max_attempts: int
    patience: timedelta
    """How long after its time a callback that nobody made is given up."""


@dataclass(frozen=True, slots=True)
class Callback:
    """
    What followup knows of one complaint.

    ``number`` is None until intake's fact has come. ``round`` is that of the last resolution, ``over_round`` the last
    one whose case was closed or reopened, ``asked_round`` the last one that needs no asking any more or is being asked
    about; each is 0 before the first. ``revision`` counts what a person could have seen.
    """

    complaint_id: UUID
    number: str | None = None
    language: str = "und"
    state: State = State.NONE
    ending: Ending | None = None
    round: int = 0
    resolved_at: datetime | None = None
    over_round: int = 0
    asked_round: int = 0
    attempts: int = 0
    due_at: datetime | None = None
    score: int | None = None
    revision: int = 0

    @property
    def should_schedule(self) -> bool:
        """Whether a resolution is there that the customer was not yet asked about."""
        return self.number is not None and self.round > self.asked_round and self.ending is None


def schedule(callback: Callback, policy: CallbackPolicy) -> Callback:
    """Plan the first attempt of this round: some time after the resolution, within the allowed hours."""
    if callback.resolved_at is None:
        raise ValueError("only what was resolved is followed up")
    return _changed(
        callback,
        state=State.SCHEDULED,
        asked_round=callback.round,
        attempts=0,
        due_at=policy.hours.next_open(callback.resolved_at + policy.delay),
        score=None,
    )


def attempt(callback: Callback, outcome: Attempt, at: datetime, policy: CallbackPolicy) -> Callback:
    """
    Note how a call went; without an answer the next attempt is planned, until there were enough.

    Raises:
        CallbackNotDue: no call is planned.
    """
    if callback.state is not State.SCHEDULED:
        raise CallbackNotDue
    made = replace(callback, attempts=callback.attempts + 1)
    if outcome is Attempt.ANSWERED:
        return _changed(made, state=State.REACHED, due_at=None)
    if outcome is Attempt.REFUSED or made.attempts >= policy.max_attempts:
        return _changed(made, state=State.ABANDONED, due_at=None)
    return _changed(made, due_at=policy.hours.next_open(at + policy.retry_after))


def rate(callback: Callback, score: int) -> Callback:
    """
    Note what the customer said, in a call or in writing.

    Raises:
        CallbackNotDue: this round was rated already, or there is nothing to rate.
    """
    if callback.state not in {State.SCHEDULED, State.REACHED, State.ABANDONED}:
        raise CallbackNotDue
    return _changed(callback, state=State.RATED, due_at=None, score=score)


def give_up(callback: Callback) -> Callback:
    """Stop trying: nobody made the call."""
    return _changed(callback, state=State.ABANDONED, due_at=None)


def pass_over(callback: Callback, over_round: int) -> Callback:
    """The case has ended up to this round: what was not asked about it by then is not asked any more."""
    callback = replace(callback, over_round=max(callback.over_round, over_round))
    passed = min(callback.over_round, callback.round)
    if callback.state is State.SCHEDULED and passed == callback.asked_round:
        return give_up(callback)
    if passed > callback.asked_round:
        state = State.OVER if callback.ending else State.ABANDONED
        return _changed(callback, state=state, asked_round=passed)
    return callback


def end(callback: Callback, ending: Ending) -> Callback:
    """Nobody is asked any more; a link never takes the place of a withdrawal, nor anything that of an erasure."""
    if callback.ending is not None and list(Ending).index(ending) <= list(Ending).index(callback.ending):
        return callback
    unasked = callback.state is State.SCHEDULED
    asked_round = min(callback.over_round, callback.round) if unasked else callback.asked_round
    return _changed(callback, state=State.OVER, ending=ending, due_at=None, asked_round=asked_round)


def resume(callback: Callback) -> Callback:
    """The complaint lives on its own again after a mistaken link; what else ended it stays."""
    if callback.ending is not Ending.LINKED:
        return callback
    asked = State.ABANDONED if callback.asked_round else State.NONE
    return _changed(callback, ending=None, state=asked if callback.score is None else State.RATED)


def is_satisfied(score: int, *, resolved: bool) -> bool:
    """Whether the customer was helped: a fair score, and the problem solved in their own word."""
    return resolved and score >= LOWEST_SATISFIED_SCORE


def check_seen(callback: Callback, seen: int) -> None:
    """
    Make sure that the caller decided on what is there now.

    Raises:
        ChangedMeanwhile: it has changed since they looked.
    """
    if callback.revision != seen:
        raise ChangedMeanwhile(revision=callback.revision)


def _changed(callback: Callback, **changes: object) -> Callback:
    return replace(callback, revision=callback.revision + 1, **changes)  # type: ignore[arg-type] # fields of Callback
