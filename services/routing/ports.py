"""What routing's routes and its worker read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.routing.domain.complaint import Complaint
from services.routing.domain.roster import Agent


@dataclass(frozen=True, slots=True)
class Unread:
    """A complaint that waits for the classifier, its masked text, and the event that told of it."""

    complaint_id: UUID
    text: str
    told_by: UUID | None = None
    correlation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Busy:
    """An agent, and how much there is to do."""

    agent: Agent
    open_cases: int


@dataclass(frozen=True, slots=True)
class Crew:
    """What a team has at the moment: people who are active, their open cases, and complaints in its queue."""

    active: int = 0
    open_cases: int = 0
    queued: int = 0


class Complaints(Protocol):
    """Complaints as they stand in the database."""

    async def find(self, complaint_id: UUID) -> Complaint | None:
        """What routing knows of one complaint; None until it was received."""

    async def triage(self, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[Complaint]:
        """Complaints whose cause a person must name, the oldest first."""

    async def waiting(self, limit: int, characters: int) -> Sequence[Unread]:
        """Complaints that wait for the classifier, the oldest first, each text cut to so many *characters*."""

    async def servable(self, limit: int) -> Sequence[UUID]:
        """Complaints in the queue of a team that has somebody now, the oldest first."""


class Roster(Protocol):
    """Agents and teams as they stand in the database."""

    async def find(self, agent_id: str) -> Busy | None:
        """One agent."""

    async def page(self, after: str | None, limit: int) -> Sequence[Busy]:
        """Agents by their id."""

    async def crews(self) -> dict[str, Crew]:
        """What each team has, by its id; teams that have nothing are missing."""
