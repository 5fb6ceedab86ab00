"""What followup's routes read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.followup.domain.callback import Callback, State


class Callbacks(Protocol):
    """Callbacks as they stand in the database."""

    async def find(self, complaint_id: UUID) -> Callback | None:
        """The callback of one complaint."""

    async def page(self, state: State | None, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[Callback]:
        """Callbacks that are planned or were asked, the most urgent first."""
