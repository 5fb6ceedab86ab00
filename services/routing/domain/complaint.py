"""One complaint on its way to the person who answers it: facts of three services, and the state that follows."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.routing.domain.assignment import choose, is_queue
from services.routing.domain.classification import Cause, Classification, Doubt, doubts, without_words
from services.routing.domain.priority import prioritise
from services.routing.domain.reasons import Sentence, why_person, why_priority, why_team
from services.routing.domain.refusals import ChangedMeanwhile, ComplaintErased, NothingToDecide
from services.routing.domain.roster import Agent, Teams


class State(StrEnum):
    """Where the complaint stands."""

    NONE = "none"
    """Others spoke of it before intake's own fact came."""
    WAITING = "waiting"
    """For the classifier."""
    TRIAGE = "triage"
    """A person must say what the cause is."""
    ROUTED = "routed"
    RELEASED = "released"
    """The case of this round is closed."""
    OVER = "over"
    """Withdrawn, merged into another complaint, or erased."""


class Ending(StrEnum):
    """Why nobody answers this complaint any more."""

    LINKED = "linked"
    WITHDRAWN = "withdrawn"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Complaint:
    """
    What routing knows of one complaint.

    ``received_at`` is None until intake's fact has come. ``cause`` is what it is handled as: the classifier's, or that
    of the person in ``decided_by``; None while nobody has decided. ``confirmed_cause`` is what the investigation
    found. ``told_by`` and ``correlation_id`` are those of intake's fact, which causes what the classifier finds. Team,
    assignee, priority and reasons are those of the last routing. ``state`` follows from the rest (see
    ``settled``); ``revision`` counts what a person could have seen.
    """

    complaint_id: UUID
    state: State = State.NONE
    number: str | None = None
    text: str | None = None
    channel: str | None = None
    language: str = "und"
    tier: str = "C"
    received_at: datetime | None = None
    told_by: UUID | None = None
    correlation_id: UUID | None = None
    ending: Ending | None = None
    round: int = 1
    closed_round: int = 0
    classification: Classification | None = None
    doubts: tuple[Doubt, ...] = ()
    cause: Cause | None = None
    decided_by: str | None = None
    note: str | None = None
    confirmed_cause: Cause | None = None
    team: str | None = None
    assignee: str | None = None
    priority: int | None = None
    reasons: tuple[Sentence, ...] = ()
    revision: int = 0

    @property
    def holder(self) -> str | None:
        """The agent among whose open cases this complaint counts."""
        held = self.state is State.ROUTED and self.assignee is not None and not is_queue(self.assignee)
        return self.assignee if held else None

    @property
    def is_queued(self) -> bool:
        """Whether it waits for somebody of its team to be there."""
        return self.state is State.ROUTED and self.assignee is not None and is_queue(self.assignee)


def classified(complaint: Complaint, classification: Classification, triage_below: float) -> Complaint:
    """Take what the classifier found; its cause holds unless a person must look or has already spoken."""
    found = doubts(classification, triage_below)
    accepted = None if found else classification.cause
    return replace(complaint, classification=classification, doubts=found, cause=complaint.cause or accepted)


def decided(complaint: Complaint, cause: Cause, by: str, note: str | None) -> Complaint:
    """
    Take a person's word for the cause.

    Raises:
        ComplaintErased: nothing is added to an erased complaint.
    """
    if complaint.ending is Ending.ERASED:
        raise ComplaintErased
    return replace(complaint, cause=cause, decided_by=by, note=note)


def check_in_triage(complaint: Complaint) -> None:
    """
    Make sure that a person is asked for the cause.

    Raises:
        NothingToDecide: nobody is.
    """
    if complaint.state is not State.TRIAGE:
        raise NothingToDecide


def check_seen(complaint: Complaint, seen: int) -> None:
    """
    Make sure that the caller decided on what is there now.

    Raises:
        ChangedMeanwhile: it has changed since they looked.
    """
    if complaint.revision != seen:
        raise ChangedMeanwhile(revision=complaint.revision)


def ended(complaint: Complaint, ending: Ending) -> Complaint:
    """Nobody answers it any more; a link never takes the place of a withdrawal, nor anything that of an erasure."""
    graver = complaint.ending is None or list(Ending).index(ending) > list(Ending).index(complaint.ending)
    return replace(complaint, ending=ending) if graver else complaint


def unlinked(complaint: Complaint) -> Complaint:
    """The link was a mistake; what else ended the complaint stays."""
    return replace(complaint, ending=None) if complaint.ending is Ending.LINKED else complaint


def forgotten(complaint: Complaint) -> Complaint:
    """Erase it: the words go, what was concluded from them stays for the statistics."""
    reading = complaint.classification and without_words(complaint.classification)
    return replace(ended(complaint, Ending.ERASED), text=None, note=None, classification=reading)


def closed(complaint: Complaint, round_number: int) -> Complaint:
    """The case of this round is over."""
    return replace(complaint, closed_round=max(complaint.closed_round, round_number))


def reopened(complaint: Complaint, round_number: int) -> Complaint:
    """A new round of handling begins."""
    return replace(complaint, round=max(complaint.round, round_number))


def settled(complaint: Complaint) -> Complaint:
    """Give it the state that follows from everything known; in whatever order it became known."""
    return replace(complaint, state=_state(complaint))


def must_route(before: Complaint, now: Complaint, teams: Teams) -> bool:
    """Whether the complaint is to be given to someone: it comes to be handled, once more, or by another team."""
    if now.state is not State.ROUTED or now.cause is None:
        return False
    return (before.state, before.round, before.team) != (State.ROUTED, now.round, teams.of(now.cause).team)


def routed(complaint: Complaint, teams: Teams, agents: Collection[Agent], open_cases: Mapping[str, int]) -> Complaint:
    """Give the complaint to a person of the team that answers its cause, and say why."""
    cause, reading = complaint.cause, complaint.classification
    if cause is None or reading is None:
        raise ValueError("only a complaint with a cause is routed")
    team = teams.of(cause)
    choice = choose(team.team, cause, complaint.language, complaint.assignee, agents, open_cases)
    facts = (reading.severity, reading.manner, complaint.tier, complaint.round)
    priority = prioritise(*facts)
    return replace(
        complaint,
        team=team.team,
        assignee=choice.assignee,
        priority=priority.value,
        reasons=(
            why_team(cause, team, by_person=complaint.decided_by is not None),
            why_person(choice.basis),
            why_priority(priority, *facts),
        ),
    )


def _state(complaint: Complaint) -> State:
    if complaint.ending is not None:
        return State.OVER
    if complaint.received_at is None:
        return State.NONE
    if complaint.classification is None:
        return State.WAITING
    if complaint.closed_round >= complaint.round:
        return State.RELEASED
    return State.TRIAGE if complaint.cause is None else State.ROUTED
