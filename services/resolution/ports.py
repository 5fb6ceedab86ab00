"""What resolution's routes read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.resolution.domain.case import Case, State
from services.resolution.domain.clocks import Deadline
from services.resolution.domain.note import Note
from services.resolution.domain.promise import Promise


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A case and everything that hangs on it: clocks by round and date, promises and notes by time."""

    case: Case
    deadlines: Sequence[Deadline]
    promises: Sequence[Promise]
    notes: Sequence[Note]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases are wanted; without a state, those on which something is due."""

    team: str | None = None
    owner: str | None = None
    state: State | None = None


class Cases(Protocol):
    """Cases as they stand in the database."""

    async def find(self, complaint_id: UUID) -> CaseFile | None:
        """The case of one complaint."""

    async def page(self, wanted: Wanted, after: tuple[datetime | None, UUID] | None, limit: int) -> Sequence[Case]:
        """Cases by what is due next, the most urgent first; those with nothing due come last."""
