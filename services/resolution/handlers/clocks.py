"""Starting and stopping what runs on a case: deadlines, promises, and the wait for a silent customer."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from services.resolution.domain import clocks
from services.resolution.domain.case import Case, State
from services.resolution.domain.clocks import Deadline, DeadlineState, ServiceKind
from services.resolution.domain.policy import CasePolicy
from services.resolution.domain.promise import Promise, PromiseState
from services.resolution.handlers.loading import deadlines_of_round, promises_of
from shared.contracts import event as published
from shared.contracts.resolution import DeadlineMet
from shared.runtime.work import Work

WARN: Final = "warn"
DUE: Final = "due"
PROMISE: Final = "promise"
SILENCE: Final = "silence"
"""Kinds of timers; ``warn:answer``, ``due:answer`` and ``promise:<id>`` say which one after the colon."""
TAKEN_UP: Final[tuple[ServiceKind, ...]] = ("acknowledge",)
"""Whoever works on a case has taken it up, said or not."""
ANSWERED: Final[tuple[ServiceKind, ...]] = ("acknowledge", "answer")


def start_clocks(case: Case, start: datetime, at: datetime, work: Work, policy: CasePolicy) -> None:
    """Run the clocks of a round that began at *start*."""
    _start(clocks.deadlines_of(case, start, policy.clocks), at, work)


def start_legal_clocks(case: Case, at: datetime, work: Work, policy: CasePolicy) -> None:
    """Run the legal clocks that turned out to apply; on a closed case they stand still like the others."""
    if not case.is_owed:
        return
    running = {each.kind for each in deadlines_of_round(case, work)}
    missing = [each for each in clocks.legal_deadlines_of(case, at, policy.clocks) if each.kind not in running]
    _start(missing, at, work)
    if case.state is State.CLOSED:
        stop_clocks(case, work)


def finish_clocks(case: Case, steps: Collection[ServiceKind], at: datetime, work: Work) -> None:
    """Note that *steps* are done, and say which clocks that was in time for."""
    for before in deadlines_of_round(case, work):
        after = clocks.finish(before, at) if clocks.met_by(before.kind) in steps else before
        if after is not before:
            work.put(after)
            _cancel_timers(after, work)
        if after.state is DeadlineState.MET and before.state is DeadlineState.RUNNING:
            work.announce(
                DeadlineMet(
                    complaint_id=case.complaint_id,
                    round=case.round,
                    kind=after.kind,
                    due_at=after.due_at,
                    legal=after.legal,
                    met_at=at,
                )
            )


def stop_clocks(case: Case, work: Work) -> None:
    """Decide nothing more: the case is closed."""
    for deadline in running_deadlines(case, work):
        work.put(replace(deadline, state=DeadlineState.CANCELLED))
        _cancel_timers(deadline, work)
    work.cancel_timer(case.complaint_id, SILENCE)


def resume_clocks(case: Case, at: datetime, work: Work, policy: CasePolicy) -> None:
    """Go on as if never stopped: the customer has been waiting all along."""
    stopped = [each for each in deadlines_of_round(case, work) if each.state is DeadlineState.CANCELLED]
    _start((replace(each, state=DeadlineState.RUNNING) for each in stopped), at, work)
    if case.state is State.RESOLVED and case.resolved_at is not None:
        wait_for_word(case, case.resolved_at, work, policy)


def wait_for_word(case: Case, since: datetime, work: Work, policy: CasePolicy) -> None:
    """Give a customer who says nothing after *since* some time."""
    work.set_timer(case.complaint_id, SILENCE, since + policy.silence)


def running_deadlines(case: Case, work: Work) -> list[Deadline]:
    """The clocks of this round that are not decided."""
    return [each for each in deadlines_of_round(case, work) if each.state is DeadlineState.RUNNING]


def published_deadlines(case: Case, work: Work) -> tuple[published.Deadline, ...]:
    """The running clocks as events tell them, the nearest first."""
    running = sorted(running_deadlines(case, work), key=lambda each: (each.due_at, each.kind))
    return tuple(published.Deadline(kind=each.kind, due_at=each.due_at, legal=each.legal) for each in running)


def cancel_promises(case: Case, work: Work) -> None:
    """Release the organisation from what it promised to someone who no longer wants it."""
    for promise in promises_of(case, PromiseState.MADE, work):
        work.put(replace(promise, state=PromiseState.CANCELLED))
        work.cancel_timer(case.complaint_id, promise_timer(promise))


def resume_promises(case: Case, work: Work) -> None:
    """Hold the organisation to its word again."""
    for promise in promises_of(case, PromiseState.CANCELLED, work):
        run_promise(replace(promise, state=PromiseState.MADE), work)


def run_promise(promise: Promise, work: Work) -> None:
    """Keep a promise in mind until it is kept or its time has passed."""
    work.put(promise)
    work.set_timer(promise.complaint_id, promise_timer(promise), promise.due_at)


def promise_timer(promise: Promise) -> str:
    """The timer of one promise."""
    return f"{PROMISE}:{promise.promise_id}"


def _start(deadlines: Iterable[Deadline], at: datetime, work: Work) -> None:
    for deadline in deadlines:
        work.put(deadline)
        work.set_timer(deadline.complaint_id, f"{DUE}:{deadline.kind}", deadline.due_at)
        # A warning whose time has passed would only repeat what the due date says by itself.
        if deadline.warn_at > at:
            work.set_timer(deadline.complaint_id, f"{WARN}:{deadline.kind}", deadline.warn_at)


def _cancel_timers(deadline: Deadline, work: Work) -> None:
    for kind in (WARN, DUE):
        work.cancel_timer(deadline.complaint_id, f"{kind}:{deadline.kind}")
