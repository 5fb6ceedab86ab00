"""The one thing behind the door that differs between PostgreSQL and the memory twin: load and flush."""

from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol
from uuid import UUID

from shared.runtime.ledger import AnyNeed, Ledger
from shared.runtime.work import Work


class ConstraintViolated(Exception):
    """The database knows of a row that this batch could not see; loading again will show it."""


class Transaction(Protocol):
    """One attempt at a batch: everything it loads and flushes commits together or not at all."""

    async def load(self, needs: Collection[AnyNeed], work: Work, ledger: Ledger) -> None:
        """Fetch what *needs* ask for, in a few set-based statements; streams are locked, or noted as held."""

    async def flush(self, work: Work, ledger: Ledger, now: datetime) -> None:
        """
        Write everything staged.

        Raises:
            ConstraintViolated: another writer was first.
        """


class Store(Protocol):
    """Where a service keeps everything."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Open an attempt; leaving it normally commits, leaving it by an exception takes everything back."""

    async def due_timers(self, now: datetime, limit: int) -> list[tuple[UUID, str]]:
        """The oldest timers that are due, as (subject, kind)."""
