"""Tell what a machine wrote from what a person wrote (RFC 3834), so that nobody answers a machine."""

import re

from services.intake.channels.contact import Kind
from services.intake.channels.parts import Part

# Anchored: a customer's "Re: 自动回复：…" answers our own automatic reply and is a person's.
_AUTOMATIC_SUBJECT = re.compile(
    r"\W*(?:自动回复|自动答复|自动应答|自動回覆|自動回復|自動答覆|外出自动|休假自动"
    r"|auto(?:matic)?[\s-]?(?:reply|response|responder)|out[\s-]of[\s-](?:the[\s-])?office"
    r"|vacation (?:reply|response))",
    re.IGNORECASE,
)
_BOUNCE_SUBJECT = re.compile(
    r"\W*(?:undeliver|delivery (?:status|failure|has failed)|mail delivery|returned mail|failure notice"
    r"|系统退信|退信|邮件被退回|無法傳遞|无法投递|未送達|投递失败)",
    re.IGNORECASE,
)
_BULK = frozenset({"bulk", "auto_reply", "junk"})
_MARKERS = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply")


def kind_of(mail: Part, sender_address: str | None, subject: str | None) -> Kind:
    """Return ``bounce``, ``auto_reply`` or ``message`` by who says to have written *mail*."""
    if _is_bounce(mail, sender_address or "", subject or ""):
        return "bounce"
    return "auto_reply" if _is_automatic(mail, subject or "") else "message"


def _is_bounce(mail: Part, address: str, subject: str) -> bool:
    local = address.partition("@")[0].lower()
    report = (mail.parameter("content-type", "report-type") or "").lower()
    return (
        (mail.media_type == "multipart/report" and report in {"", "delivery-status"})
        or local == "mailer-daemon"
        or "x-failed-recipients" in mail
        or (local == "postmaster" and _BOUNCE_SUBJECT.match(subject) is not None)
    )


def _is_automatic(mail: Part, subject: str) -> bool:
    submitted = _word(mail, "auto-submitted")
    suppressed = _word(mail, "x-auto-response-suppress")
    return (
        submitted not in {"", "no"}
        or suppressed not in {"", "none"}
        or mail.media_type == "multipart/report"
        or any(marker in mail for marker in _MARKERS)
        or _AUTOMATIC_SUBJECT.match(subject) is not None
        or (not _is_list(mail) and (_word(mail, "precedence") in _BULK or _is_null_path(mail)))
    )


def _is_list(mail: Part) -> bool:
    """Say whether *mail* came over a mailing list: what people write there is theirs."""
    return "list-id" in mail or "list-post" in mail or _word(mail, "precedence") == "list"


def _is_null_path(mail: Part) -> bool:
    return re.sub(r"\s", "", mail.raw("return-path")) == "<>"


def _word(mail: Part, header: str) -> str:
    return mail.raw(header).split(";")[0].strip().lower()
