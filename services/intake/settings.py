"""Intake's settings."""

from datetime import timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr

from services.intake.domain.message import RetryPolicy
from services.intake.domain.reception import ReceptionPolicy
from services.intake.domain.templates import Wording
from shared.settings import ServiceSettings


class IntakeSettings(ServiceSettings):
    """How complaints are taken in and mail goes out; durations are ISO 8601, such as PT4H."""

    port: int = 8001
    time_zone: str = Field(default="Asia/Shanghai", description="Whose year is in a number, whose time in a message")
    default_language: Literal["zh-Hans", "zh-Hant", "en"] = Field(
        default="zh-Hans", description="What is written to customers whose language is not known"
    )
    likeness_window: timedelta = Field(default=timedelta(days=30), description="How far back a story may be the same")
    likeness_threshold: float = Field(default=0.25, gt=0, le=1, description="Overlap from which on it is the same")
    smtp_host: str | None = Field(default=None, description="Where mail is handed over; without it mails wait")
    smtp_port: int = 587
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_tls: Literal["auto", "none", "starttls", "tls"] = Field(
        default="auto", description="auto: STARTTLS where it is offered, and always where a user logs in"
    )
    from_address: str = Field(default="complaints@localhost", description="The mailbox that customers answer to")
    from_name: str | None = Field(default=None, description="What stands before the address")
    mail_attempts: int = Field(
        default=12, ge=1, description="Tries of one mail, over about a day, until it is given up"
    )
    mail_first_pause: timedelta = timedelta(seconds=30)
    mail_longest_pause: timedelta = timedelta(hours=4)

    @property
    def zone(self) -> ZoneInfo:
        """The organisation's time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def reception(self) -> ReceptionPolicy:
        """When two stories are one."""
        return ReceptionPolicy(self.likeness_window, self.likeness_threshold)

    @property
    def wording(self) -> Wording:
        """How customers are written to."""
        return Wording(self.zone, self.default_language)

    @property
    def retry(self) -> RetryPolicy:
        """How often a mail is tried."""
        return RetryPolicy(self.mail_attempts, self.mail_first_pause, self.mail_longest_pause)
