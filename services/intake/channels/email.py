"""E-mail: RFC 5322 bytes as a mail gateway received them."""

import hashlib
import re
from itertools import chain

from services.intake.channels.automatic import kind_of
from services.intake.channels.body import list_attachments, read_body
from services.intake.channels.contact import IncomingContact, Kind, Sender
from services.intake.channels.header import first_mailbox, header_date, header_text, message_ids
from services.intake.channels.identity import canonical_email
from services.intake.channels.language import detect_language
from services.intake.channels.parts import MailLimits, Part, parse_parts
from services.intake.channels.replies import own_words

_NUMBER = re.compile(r"(?<![A-Z0-9])CMP-[0-9]{4}-[0-9]{6,9}(?![0-9])", re.IGNORECASE)
_RECIPIENTS = ("delivered-to", "x-original-to", "to", "cc")
_REPLY = re.compile(r"(?:re|aw|回复|回覆|答复|答覆|回)\s*(?:\[\d+\])?\s*[:：]", re.IGNORECASE)
_FORWARD = re.compile(r"(?:fw|fwd|转发|轉寄|轉發)\s*[:：]", re.IGNORECASE)
_DEFAULT_LIMITS = MailLimits()


def parse_email(raw: bytes, limits: MailLimits = _DEFAULT_LIMITS) -> IncomingContact:
    """
    Read one mail.

    A forwarded mail (by its subject) is taken whole; of any other the quoted history and the signature are left out.

    Args:
        raw: the message as received, headers first, any charset and any line ends.
        limits: where reading stops.

    Raises:
        Unreadable: it is empty, has no headers, or is beyond *limits*.
    """
    mail = parse_parts(raw, limits)
    body = read_body(mail)
    subject = header_text(mail.raw("subject"), body.charset)
    name, address = first_mailbox(mail.raw("from") or mail.raw("sender"), body.charset)
    written = body.text if _FORWARD.match(subject or "") else own_words(body.text)
    text = written[: limits.max_text_chars]
    attachments = list_attachments(mail)
    is_silent = not (text or attachments or (subject and not _REPLY.match(subject)))
    return IncomingContact(
        channel="email",
        external_id=_external_id(mail, raw),
        kind=_kind(mail, address, subject, is_silent=is_silent),
        thread_keys=_thread_keys(mail),
        numbers=_numbers(mail, subject),
        sent_at=header_date(mail.raw("date")),
        subject=subject,
        text=text,
        language=detect_language(text or subject or ""),
        sender=Sender(name=name, email=canonical_email(address)),
        attachments=attachments,
        charset=body.charset,
        warnings=body.warnings + _cut_warning(written, limits),
    )


def _kind(mail: Part, address: str | None, subject: str | None, *, is_silent: bool) -> Kind:
    kind = kind_of(mail, address, subject)
    return "empty" if kind == "message" and is_silent else kind


def _external_id(mail: Part, raw: bytes) -> str:
    own = message_ids(mail.raw("message-id"))
    return own[0] if own else "sha256:" + hashlib.sha256(raw).hexdigest()


def _thread_keys(mail: Part) -> tuple[str, ...]:
    # References lists the oldest first.
    nearest_first = chain(message_ids(mail.raw("in-reply-to")), reversed(message_ids(mail.raw("references"))))
    return tuple(dict.fromkeys(nearest_first))


def _numbers(mail: Part, subject: str | None) -> tuple[str, ...]:
    recipients = (value for header in _RECIPIENTS for value in mail.get_all(header, []))
    found = chain.from_iterable(_NUMBER.findall(value) for value in (*recipients, subject or ""))
    return tuple(dict.fromkeys(number.upper() for number in found))


def _cut_warning(written: str, limits: MailLimits) -> tuple[str, ...]:
    if len(written) <= limits.max_text_chars:
        return ()
    return (f"text cut at {limits.max_text_chars} characters",)
