"""The time that all processes of one installation agree on."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Clock:
    """
    ``now = origin + speed × (real − anchor)``.

    Ordinarily the real time. A demo makes days pass in seconds by giving all its processes the same three settings.
    Back-off, leases and retention never use it.
    """

    origin: datetime | None = None
    anchor: datetime | None = None
    speed: float = 1.0

    def now(self) -> datetime:
        """The present moment, in UTC."""
        real = datetime.now(UTC)
        if self.origin is None or self.anchor is None:
            return real
        return self.origin + self.speed * (real - self.anchor)

    def real_seconds_until(self, at: datetime) -> float:
        """How many real seconds pass until *at*; negative when it has passed."""
        return (at - self.now()).total_seconds() / self.speed
