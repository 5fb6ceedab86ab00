"""A clock for tests."""

from datetime import UTC, datetime, timedelta
from typing import Final

from shared.runtime.clock import Clock

MONDAY_MORNING: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""Where a test's time begins unless it says otherwise."""


class FrozenClock(Clock):
    """A clock that stands still until a test moves it."""

    __slots__ = ("_moment",)

    _moment: datetime

    def __init__(self, at: datetime = MONDAY_MORNING) -> None:
        super().__init__()
        self.set(at)

    def now(self) -> datetime:
        """The moment it was last set to."""
        return self._moment

    def set(self, at: datetime) -> None:
        """Make it *at*."""
        # Its parent is frozen, and means its own three fields by that.
        object.__setattr__(self, "_moment", at)

    def move(self, by: timedelta) -> None:
        """Let *by* pass."""
        self.set(self._moment + by)
