"""Making and keeping promises."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.resolution.domain import case as cases
from services.resolution.domain import promise as promises
from services.resolution.domain.promise import Promise, PromiseState
from services.resolution.domain.refusals import NoSuchPromise
from services.resolution.domain.texts import masked
from services.resolution.handlers import clocks
from services.resolution.handlers.loading import CaseCommand, Done, keep, known
from shared.contracts.resolution import PromiseKept, PromiseMade
from shared.runtime.ids import new_id
from shared.runtime.message import Message
from shared.runtime.work import Work


@dataclass(frozen=True, slots=True)
class MakePromise(CaseCommand):
    """Promise the customer something by a certain time."""

    text: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class KeepPromise(CaseCommand):
    """Say that a promise was kept."""

    promise_id: UUID


def make_promise(message: Message[MakePromise], work: Work) -> Done:
    """Hold the organisation to a promise; its time is watched."""
    command = message.payload
    case = known(command, work)
    cases.check_worked_on(case)
    promises.check_ahead(command.due_at, message.at)
    promise = Promise(
        promise_id=new_id(),
        complaint_id=case.complaint_id,
        round=case.round,
        text=masked(command.text),
        due_at=command.due_at,
        state=PromiseState.MADE,
        by=command.by,
    )
    clocks.run_promise(promise, work)
    work.announce(
        PromiseMade(
            complaint_id=promise.complaint_id,
            round=promise.round,
            promise_id=promise.promise_id,
            text=promise.text,
            due_at=promise.due_at,
            by=promise.by,
        )
    )
    clocks.finish_clocks(case, clocks.TAKEN_UP, message.at, work)
    return replace(keep(cases.changed(case), work), promise_id=promise.promise_id)


def keep_promise(message: Message[KeepPromise], work: Work) -> Done:
    """Note that a promise was kept; that of an earlier round or a closed case counts as well."""
    command = message.payload
    case = known(command, work)
    promise = promises.keep(_promise(command, work))
    work.put(promise)
    work.cancel_timer(case.complaint_id, clocks.promise_timer(promise))
    work.announce(
        PromiseKept(
            complaint_id=promise.complaint_id,
            round=promise.round,
            promise_id=promise.promise_id,
            text=promise.text,
            due_at=promise.due_at,
            by=command.by,
        )
    )
    return replace(keep(cases.changed(case), work), promise_id=promise.promise_id)


def _promise(command: KeepPromise, work: Work) -> Promise:
    for promise in work.find(Promise, complaint_id=command.complaint_id):
        if promise.promise_id == command.promise_id:
            return promise
    raise NoSuchPromise
