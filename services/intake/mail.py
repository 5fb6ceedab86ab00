"""Sending mail: what is queued is handed to the SMTP server, as often as it takes, and its fate is put on record."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import partial
from typing import Final

import aiosmtplib
import structlog

from services.intake.domain.message import Letter, OutgoingMessage, RetryPolicy
from services.intake.domain.templates import Wording
from services.intake.handlers.messages import PostponeMessage, RecordDelivery
from services.intake.ports import Letters
from services.intake.settings import IntakeSettings
from shared.runtime.database import Database
from shared.runtime.door import Door
from shared.runtime.leader import lead
from shared.runtime.message import Command
from shared.runtime.worker import work_through

log = structlog.get_logger()

LETTERS_AT_ONCE: Final = 20
"""Mails read in one look at the queue."""
SMTP_SECONDS: Final = 30.0
_PERMANENT: Final = 500
"""SMTP replies from here on say that trying again will not help (RFC 5321 section 4.2.1)."""


@dataclass(frozen=True, slots=True)
class Mailer:
    """Writes a letter as a mail and hands it to the SMTP server."""

    host: str
    port: int
    user: str | None
    password: str | None = field(repr=False)
    tls: bool
    starttls: bool | None
    """None: where the server offers it."""
    sender: Address
    wording: Wording

    def mail_id(self, letter: Letter) -> str:
        """The mail's Message-ID: the same for every attempt, so that a mail sent twice can be told as one."""
        return f"<{letter.message.message_id}@{self.sender.domain or 'localhost'}>"

    def write(self, letter: Letter, address: str, now: datetime) -> EmailMessage:
        """
        The mail: in the customer's thread, with the number in its subject, and marked so that no machine answers it.

        Raises:
            ValueError: *address* cannot stand in a mail.
        """
        message = letter.message
        reader = self.wording.reader(message.language)
        mail = EmailMessage(SMTP)
        mail["From"] = self.sender
        mail["To"] = Address(letter.customer_name or "", addr_spec=address)
        mail["Subject"] = message.subject or self.wording.subject(message.purpose, letter.number, reader)
        mail["Date"] = format_datetime(now)
        mail["Message-ID"] = self.mail_id(letter)
        if letter.references:
            mail["In-Reply-To"] = letter.references[-1]
            mail["References"] = " ".join(letter.references)
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        mail["Content-Language"] = reader
        mail.set_content(f"{letter.text}\n\n-- \n{self.wording.footer(letter.number, reader)}\n")
        return mail

    async def send(self, mail: EmailMessage) -> None:
        """Hand a mail over."""
        await aiosmtplib.send(
            mail,
            hostname=self.host,
            port=self.port,
            username=self.user,
            password=self.password,
            use_tls=self.tls,
            start_tls=self.starttls,
            timeout=SMTP_SECONDS,
        )


def mailer_of(settings: IntakeSettings, host: str) -> Mailer:
    """The mailer as the settings describe it."""
    return Mailer(
        host=host,
        port=settings.smtp_port,
        user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
        tls=settings.smtp_tls == "tls",
        starttls=_starttls(settings),
        sender=Address(settings.from_name or "", addr_spec=settings.from_address),
        wording=settings.wording,
    )


def _starttls(settings: IntakeSettings) -> bool | None:
    """A password is never sent in the clear because a server, or somebody in its place, offers nothing better."""
    if settings.smtp_tls == "auto":
        return True if settings.smtp_user else None
    return settings.smtp_tls == "starttls"


async def send_letter(letter: Letter, mailer: Mailer, retry: RetryPolicy) -> Command:
    """Try once, and say in a command what came of it; the event that asked for the mail is its cause."""
    message = letter.message
    payload = await _try(letter, mailer, retry)
    return Command(payload, caused_by=message.message_id, correlation_id=message.correlation_id)


async def _try(letter: Letter, mailer: Mailer, retry: RetryPolicy) -> RecordDelivery | PostponeMessage:
    message_id = letter.message.message_id
    address = letter.addresses.get("email")
    if address is None:
        return RecordDelivery(message_id, is_sent=False, reason="no_address")
    now = datetime.now(UTC)
    try:
        mail = mailer.write(letter, address, now)
    except (ValueError, MessageError) as error:
        log.warning("mail cannot be addressed", message_id=str(message_id), error=type(error).__name__)
        return RecordDelivery(message_id, is_sent=False, reason="no_address")
    try:
        await mailer.send(mail)
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        return _after_failure(letter, error, retry, now)
    return RecordDelivery(message_id, is_sent=True, mail_id=mailer.mail_id(letter))


def _after_failure(
    letter: Letter, error: Exception, retry: RetryPolicy, now: datetime
) -> RecordDelivery | PostponeMessage:
    message_id = letter.message.message_id
    attempts = letter.message.attempts + 1
    # The server's own words may hold the address, so only its code is told.
    log.warning(
        "mail was not taken",
        message_id=str(message_id),
        error=type(error).__name__,
        code=_code(error),
        attempt=attempts,
    )
    if _is_refused_for_good(error):
        return RecordDelivery(message_id, is_sent=False, reason="refused_by_server")
    next_try_at = retry.next_try(attempts, now)
    if next_try_at is None:
        return RecordDelivery(message_id, is_sent=False, reason="gave_up")
    return PostponeMessage(message_id, next_try_at)


def _is_refused_for_good(error: Exception) -> bool:
    """Whether the server will never take this mail; that it does not know us is a matter of settings, and passes."""
    is_about_mail = isinstance(error, aiosmtplib.SMTPRecipientsRefused | aiosmtplib.SMTPDataError)
    return is_about_mail and (_code(error) or 0) >= _PERMANENT


def _code(error: Exception) -> int | None:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return max((refused.code for refused in error.recipients), default=None)
    return error.code if isinstance(error, aiosmtplib.SMTPResponseException) else None


async def send_mail(door: Door, database: Database, letters: Letters, mailer: Mailer, retry: RetryPolicy) -> None:
    """Send what is queued, in one process at a time, until cancelled."""

    async def pending() -> Sequence[Letter]:
        return await letters.due(datetime.now(UTC), LETTERS_AT_ONCE)

    send = partial(send_letter, mailer=mailer, retry=retry)
    work = partial(work_through, door, "mail", pending, send, when=lambda work: work.changes(OutgoingMessage))
    await lead(database, "intake.mail", work)


async def leave_mail_waiting() -> None:
    """Say once that there is no SMTP server, and let mails wait for one."""
    log.warning("mails wait: no SMTP server is set (PLAINT_SMTP_HOST)")
    await asyncio.Event().wait()
