"""What staff write down for one another."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Note:
    """A remark on a case that no customer reads; ``text`` is masked."""

    note_id: UUID
    complaint_id: UUID
    at: datetime
    by: str
    text: str
