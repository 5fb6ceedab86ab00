"""Followup's settings."""

from datetime import time, timedelta
from pathlib import Path

from pydantic import Field

from services.followup.domain.callback import CallbackPolicy
from shared.settings import ServiceSettings
from shared.working_days import load_calendar


class FollowupSettings(ServiceSettings):
    """When customers are called back; durations are ISO 8601, such as PT4H."""

    port: int = 8004
    callback_delay: timedelta = Field(default=timedelta(days=1), description="From the resolution to the first call")
    callback_retry_after: timedelta = timedelta(hours=4)
    callback_max_attempts: int = Field(default=3, ge=1)
    callback_patience: timedelta = Field(default=timedelta(days=3), description="Until a call nobody made is given up")
    calling_from: time = time(9)
    calling_until: time = time(20)
    time_zone: str = "Asia/Shanghai"
    calendar_country: str = "CN"
    calendar_overrides: Path | None = None

    def policy(self, first_year: int) -> CallbackPolicy:
        """The rules as the domain knows them; customers may be called on any day of the week within the hours."""
        hours = load_calendar(
            country=self.calendar_country,
            zone=self.time_zone,
            windows=dict.fromkeys(range(7), ((self.calling_from, self.calling_until),)),
            years=range(first_year - 1, first_year + 3),
            overrides=self.calendar_overrides,
        )
        return CallbackPolicy(
            hours=hours,
            delay=self.callback_delay,
            retry_after=self.callback_retry_after,
            max_attempts=self.callback_max_attempts,
            patience=self.callback_patience,
        )
