"""What routing is asked to do, what it answers, and the rules it is given."""

from dataclasses import dataclass
from uuid import UUID

from services.routing.domain.classification import Cause, Classification
from services.routing.domain.complaint import State
from services.routing.domain.roster import Agent, Teams


@dataclass(frozen=True, slots=True)
class RoutingPolicy:
    """The teams, and how sure the classifier must be."""

    teams: Teams
    triage_below: float


@dataclass(frozen=True, slots=True)
class Classify:
    """The classifier has read a complaint."""

    complaint_id: UUID
    classification: Classification


@dataclass(frozen=True, slots=True)
class DecideTriage:
    """A person named the cause of a complaint that the classifier left to them."""

    complaint_id: UUID
    seen: int
    cause: Cause
    by: str
    note: str | None


@dataclass(frozen=True, slots=True)
class CorrectClassification:
    """A person names another cause than the complaint is handled as."""

    complaint_id: UUID
    seen: int
    cause: Cause
    by: str
    note: str | None


@dataclass(frozen=True, slots=True)
class GiveOut:
    """Somebody of the team may be there now for a complaint that waits in its queue."""

    complaint_id: UUID


@dataclass(frozen=True, slots=True)
class PutAgent:
    """The roster says this of an agent, new or known; ``seen`` is None when it holds whatever was there."""

    agent: Agent
    seen: int | None


@dataclass(frozen=True, slots=True)
class EnrolMissing:
    """These agents are on the roster unless they are known already."""

    agents: tuple[Agent, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """What a command on a complaint answers: where it stands, and the revision to act on next."""

    complaint_id: UUID
    state: State
    cause: Cause | None
    team: str | None
    assignee: str | None
    revision: int


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What a change of the roster answers: the revision to act on next."""

    agent_id: str
    revision: int
