"""How a case begins, ends and begins again; every reaction ends in ``settle``."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal

from services.resolution.domain import case as cases
from services.resolution.domain.case import Case, ClosedReason, State, Step
from services.resolution.domain.policy import CasePolicy
from services.resolution.handlers import clocks
from shared.contracts.event import Deadline
from shared.contracts.resolution import CaseClosed, CaseOpened, CaseReopened, ResolutionMessageRequested
from shared.runtime.work import Work

ACKNOWLEDGEMENT: Final = "acknowledgement"
"""The message that a customer gets at once, with the date of the answer (ISO 10002, 7.4)."""


def settle(case: Case, at: datetime, work: Work, policy: CasePolicy) -> Case:
    """
    Do what the facts that are there by now call for.

    A fact may come before its predecessor. Each is only noted, and the same is decided here whatever the order: a case
    that has both its facts is opened, and one whose complaint is over is closed, even in the moment it was opened.
    """
    if case.is_ready:
        case = _open(case, at, work, policy)
    if case.over and case.state not in {State.PENDING, State.CLOSED}:
        case = close(cases.close(case, case.over[0]), case.over[0], work)
    if case.over:
        clocks.cancel_promises(case, work)
    return case


def close(after: Case, reason: ClosedReason, work: Work) -> Case:
    """Say that a case was closed, and let nothing run on it."""
    clocks.stop_clocks(after, work)
    work.announce(CaseClosed(complaint_id=after.complaint_id, round=after.round, reason=reason))
    return after


def reopen(
    case: Case, reason: Literal["dissatisfied", "by_hand"], at: datetime, work: Work, policy: CasePolicy
) -> Case:
    """Begin the next round, with tighter clocks (handbook 001: recovery service)."""
    clocks.stop_clocks(case, work)
    case = cases.reopen(case)
    clocks.start_clocks(case, at, at, work, policy)
    _announce_reopened(case, reason, work)
    return case


def resume(case: Case, at: datetime, work: Work, policy: CasePolicy) -> Case:
    """Go on in the same round after a mistaken link: the customer has done nothing that calls for another one."""
    clocks.resume_clocks(case, at, work, policy)
    _announce_reopened(case, "unlinked", work)
    return case


def _open(case: Case, at: datetime, work: Work, policy: CasePolicy) -> Case:
    case = cases.take(case, Step.OPEN)
    clocks.start_clocks(case, case.received_at or at, at, work, policy)
    deadlines = clocks.published_deadlines(case, work)
    work.announce(
        CaseOpened.model_validate(
            {
                "complaint_id": case.complaint_id,
                "round": case.round,
                "number": case.number,
                "cause": case.cause,
                "team": case.team,
                "owner": case.owner,
                "priority": case.priority,
                "deadlines": deadlines,
            }
        )
    )
    if not case.over:
        _request_acknowledgement(case, deadlines, work)
    return case


def _request_acknowledgement(case: Case, deadlines: Iterable[Deadline], work: Work) -> None:
    answer_due_at = next(each.due_at for each in deadlines if each.kind == "answer")
    work.announce(
        ResolutionMessageRequested(
            complaint_id=case.complaint_id,
            purpose="acknowledgement",
            language=case.language,
            template=ACKNOWLEDGEMENT,
            values={"number": case.number or "", "due_at": answer_due_at.isoformat()},
        )
    )


def _announce_reopened(case: Case, reason: Literal["dissatisfied", "unlinked", "by_hand"], work: Work) -> None:
    deadlines = clocks.published_deadlines(case, work)
    work.announce(CaseReopened(complaint_id=case.complaint_id, round=case.round, reason=reason, deadlines=deadlines))
