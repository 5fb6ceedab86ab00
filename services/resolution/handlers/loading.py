"""What handlers have loaded, and how they find and keep it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from services.resolution.domain.case import Case, State, check_seen
from services.resolution.domain.clocks import Deadline
from services.resolution.domain.note import Note
from services.resolution.domain.promise import Promise, PromiseState
from services.resolution.domain.refusals import NoSuchCase
from shared.contracts.event import ComplaintEvent
from shared.runtime.message import Due, Message
from shared.runtime.needs import Need, Stream, rows
from shared.runtime.work import Work


@dataclass(frozen=True, slots=True)
class CaseCommand:
    """
    Something that ``by`` wants done with a case.

    ``seen`` is the revision they decided on; None where that does not matter.
    """

    complaint_id: UUID
    seen: int | None
    by: str


@dataclass(frozen=True, slots=True)
class Done:
    """What a command answers: the revision to act on next, and the id of a promise that was made."""

    complaint_id: UUID
    state: State
    round: int
    revision: int
    promise_id: UUID | None = None


# Needs.


def of_command(message: Message[CaseCommand], _work: Work) -> Iterable[Need]:
    """The case that the command names, its clocks and its promises."""
    return _case(message.payload.complaint_id)


def of_event(message: Message[ComplaintEvent], _work: Work) -> Iterable[Need]:
    """The case of the complaint that the event is about."""
    return _case(message.payload.complaint_id)


def of_erasure(message: Message[ComplaintEvent], _work: Work) -> Iterable[Need]:
    """The same, and everything else with words in it."""
    complaint_id = message.payload.complaint_id
    return (*_case(complaint_id), rows(Note, complaint_id=complaint_id))


def of_timer(message: Message[Due], _work: Work) -> Iterable[Need]:
    """The case that the timer is for."""
    return _case(message.payload.subject)


# A case's timers and events come close together, and each asks more than once.
@lru_cache(maxsize=2048)
def _case(complaint_id: UUID) -> tuple[Need, ...]:
    kinds = (Case, Deadline, Promise)
    return (Stream(complaint_id), *(rows(kind, complaint_id=complaint_id) for kind in kinds))


# Finding.


def known(command: CaseCommand, work: Work) -> Case:
    """
    The case that a command is about.

    Raises:
        NoSuchCase: there is none.
        ChangedMeanwhile: it is not what the caller saw.
    """
    case = work.get(Case, command.complaint_id)
    if case is None:
        raise NoSuchCase
    if command.seen is not None:
        check_seen(case, command.seen)
    return case


def found(complaint_id: UUID, work: Work) -> Case:
    """The case as far as it is known; a fact that comes before all others begins it."""
    return work.get(Case, complaint_id) or Case(complaint_id)


def deadlines_of_round(case: Case, work: Work) -> list[Deadline]:
    """The clocks of the case's present round."""
    return [each for each in work.find(Deadline, complaint_id=case.complaint_id) if each.round == case.round]


def promises_of(case: Case, state: PromiseState, work: Work) -> list[Promise]:
    """The promises of all rounds that are in this state."""
    return [each for each in work.find(Promise, complaint_id=case.complaint_id) if each.state is state]


# Keeping.


def keep(case: Case, work: Work) -> Done:
    """Write the case, with its next date for the queue."""
    next_due_at = min(_dates(case, work), default=None)
    work.put(case if case.next_due_at == next_due_at else replace(case, next_due_at=next_due_at))
    return Done(case.complaint_id, case.state, case.round, case.revision)


def _dates(case: Case, work: Work) -> Iterator[datetime]:
    yield from (each.due_at for each in deadlines_of_round(case, work) if each.is_open)
    yield from (each.due_at for each in promises_of(case, PromiseState.MADE, work))
