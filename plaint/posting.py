"""Tell what a file is, and how a front end would post it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plaint.trouble import Trouble

_JSON = "application/json"
# What only a mail's first lines look like; a letter that begins with "From" is still a text.
_MAIL_HEADERS = frozenset(
    ("received", "return-path", "delivered-to", "from", "to", "subject", "date", "message-id", "mime-version")
)
_HEADERS_OF_A_MAIL = 2


@dataclass(frozen=True, slots=True)
class Posting:
    """
    One contact, ready to be posted to intake.

    Attributes:
        path: where it goes.
        content_type: what it is.
        body: its bytes; those of a mail as they are, since its character sets are its own business.
    """

    path: str
    content_type: str
    body: bytes


def posting(body: bytes, name: str = "", contact: str | None = None) -> Posting:
    """
    Recognise what *body* holds: a mail, a chat, a call, a complaint in JSON, or else the words of one.

    Args:
        body: the file's bytes.
        name: the file's name; one that ends in ``.eml`` is a mail whatever it looks like.
        contact: a mail address or a phone number of the customer, for a complaint that names none.

    Raises:
        Trouble: the file is empty, JSON of no known shape, a text that is not UTF-8, or a contact is given for
            something that names its own.
    """
    if not body.strip():
        raise Trouble("send.empty")
    found = _recognised(body, name, contact)
    if contact is not None and not found.path.endswith("/complaints"):
        raise Trouble("send.names_its_own")
    return found


def _recognised(body: bytes, name: str, contact: str | None) -> Posting:
    if name.lower().endswith(".eml"):
        return Posting("/v1/channels/email", "message/rfc822", body)
    if (data := _object(body)) is not None:
        return _structured(data, body, contact)
    if _looks_like_mail(body):
        return Posting("/v1/channels/email", "message/rfc822", body)
    return _complaint({"channel": "web", "text": _text(body)}, contact)


def _object(body: bytes) -> Mapping[str, Any] | None:
    try:
        data = json.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def _structured(data: Mapping[str, Any], body: bytes, contact: str | None) -> Posting:
    if "messages" in data:
        return Posting("/v1/channels/chat", _JSON, body)
    if "callId" in data:
        return Posting("/v1/channels/phone", _JSON, body)
    if "text" in data:
        return _complaint({"channel": "web", **data}, contact)
    raise Trouble("send.unknown_json")


def _complaint(complaint: Mapping[str, Any], contact: str | None) -> Posting:
    if contact is not None:
        way = "email" if "@" in contact else "phone"
        complaint = {**complaint, "customer": {**(complaint.get("customer") or {}), way: contact}}
    return Posting("/v1/complaints", _JSON, json.dumps(complaint, ensure_ascii=False).encode())


def _looks_like_mail(body: bytes) -> bool:
    head = body.replace(b"\r\n", b"\n").split(b"\n\n", 1)[0].split(b"\n")
    names = {line.partition(b":")[0].decode("ascii", "replace").lower() for line in head if b":" in line}
    return len(names & _MAIL_HEADERS) >= _HEADERS_OF_A_MAIL


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise Trouble("send.not_utf8", place=error.start) from error
