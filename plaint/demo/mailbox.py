"""The customers' mailbox: a mail server on the loopback address that counts what the product sends."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from plaint.local.ports import free_port


@dataclass(slots=True)
class Mailbox:
    """What has arrived, in order; ``port`` is where it is listened for."""

    port: int = field(default_factory=free_port)
    mails: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: ANN401, N802 - as aiosmtpd calls it
        """Keep a mail."""
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        return "250 OK"


@contextmanager
def open_mailbox() -> Iterator[Mailbox]:
    """Listen for the length of the block."""
    # It comes with the extra `local`; who plays on an installation that runs elsewhere has no mailbox.
    from aiosmtpd.controller import Controller  # noqa: PLC0415

    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()
