"""The promise ledger: every specific commitment to a customer, and whether it was kept (handbook 004, 8.3(6))."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.resolution.domain.refusals import PromiseDecided, PromiseNotAhead
from shared.refusal import Violation


class PromiseState(StrEnum):
    """What became of a promise."""

    MADE = "made"
    KEPT = "kept"
    BROKEN = "broken"
    CANCELLED = "cancelled"
    """The complaint was withdrawn, merged or erased; an undone link makes it run again."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What a customer was promised, in which round, and by when; ``text`` is masked."""

    promise_id: UUID
    complaint_id: UUID
    round: int
    text: str
    due_at: datetime
    state: PromiseState
    by: str


def check_ahead(due_at: datetime, at: datetime) -> None:
    """
    Make sure that a promise can still be kept.

    Raises:
        PromiseNotAhead: its time is not in the future.
    """
    if due_at <= at:
        raise PromiseNotAhead([Violation("#/due_at", "必须晚于现在。", "Must be later than now.")])


def keep(promise: Promise) -> Promise:
    """
    Note that it was kept in time.

    Raises:
        PromiseDecided: it was kept, broken or cancelled before.
    """
    if promise.state is not PromiseState.MADE:
        raise PromiseDecided(state=promise.state)
    return replace(promise, state=PromiseState.KEPT)
