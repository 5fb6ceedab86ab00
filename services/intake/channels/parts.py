"""
The parts of a mail, parsed by the standard library inside limits.

The library's own policies are not used for reading values: they turn mislabelled bytes into U+FFFD, raise on
broken headers, and take quadratic time on long ones. Here a value stays raw, and ``header`` and ``charset`` read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesFeedParser
from email.policy import Compat32, Policy, compat32
from typing import Any

from services.intake.channels.charset import decode
from services.intake.channels.header import header_text
from services.intake.channels.unreadable import unreadable

# Parameters are split in quadratic time, and no honest Content-Type is longer.
_LONGEST_PARAMETERS = 4000


@dataclass(frozen=True, slots=True)
class MailLimits:
    """How much of one mail is read before it is refused (or, for the text, cut)."""

    max_bytes: int = 25 * 1024 * 1024
    max_lines: int = 500_000
    """25 MiB of base64 are 345,000 lines."""
    max_parts: int = 200
    max_depth: int = 10
    max_header_bytes: int = 100_000
    """Of one part's headers together."""
    max_text_chars: int = 100_000


class Part(Message):
    """A mail or one part of it; messages attached to it stay closed."""

    def __init__(self, policy: Policy[Any], limits: MailLimits) -> None:
        super().__init__(policy)
        self.depth = 1
        self._limits = limits

    def attach(self, payload: Part) -> None:  # type: ignore[override]
        """Take *payload* in as a child, unless it would nest too deep."""
        payload.depth = self.depth + 1
        if payload.depth > self._limits.max_depth:
            raise unreadable("邮件的嵌套层数过多", "the mail is nested too deep")
        super().attach(payload)

    def get_content_type(self) -> str:
        """Return the media type; an attached message's own parts are not ours to open, so it is a plain file."""
        declared = super().get_content_type()
        return "application/octet-stream" if declared.startswith("message/") else declared

    @property
    def media_type(self) -> str:
        """The media type as declared."""
        return super().get_content_type()

    @property
    def children(self) -> list[Part]:
        """The parts of a multipart, else nothing."""
        # Asked of a leaf, get_payload() would decode it by whatever codec a stranger names.
        payload = self.get_payload() if self.is_multipart() else ()
        return [child for child in payload if isinstance(child, Part)]

    @property
    def content(self) -> bytes:
        """The bytes of a leaf after transfer decoding."""
        payload = self.get_payload(decode=True)
        return payload if isinstance(payload, bytes) else b""

    def raw(self, name: str) -> str:
        """Return the first header *name* undecoded, empty when missing."""
        return str(self.get(name) or "")

    def parameter(self, header: str, name: str) -> str | None:
        """Return a parameter of a MIME header, decoded by RFC 2231, by RFC 2047 or as raw bytes."""
        value = self.get_param(name, header=header)
        if isinstance(value, tuple):
            return decode(value[2].encode("latin-1", "surrogateescape"), value[0]).text or None
        return header_text(value) if isinstance(value, str) else None

    @property
    def filename(self) -> str | None:
        """The file name the sender gave, without any folder."""
        name = self.parameter("content-disposition", "filename") or self.parameter("content-type", "name")
        return header_text((name or "").replace("\\", "/").rsplit("/", 1)[-1][-200:])

    def leaves(self) -> Iterator[Part]:
        """Yield the parts that hold something, in their order."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()


def parse_parts(raw: bytes, limits: MailLimits) -> Part:
    """
    Return the mail in *raw*.

    Raises:
        Unreadable: nothing in it, no headers, or beyond *limits*.
    """
    _refuse_too_large(raw, limits)
    policy: Policy[Any] = _RawHeaders()
    parser: BytesFeedParser[Part] = BytesFeedParser(_Counting(limits), policy=policy)
    parser.feed(raw.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n"))
    mail = parser.close()
    if not mail.keys():
        raise unreadable("邮件没有任何信头", "the mail has no headers")
    _refuse_long_headers(mail, limits)
    return mail


class _Counting:
    """Makes the parts of one mail, and refuses to make too many."""

    def __init__(self, limits: MailLimits) -> None:
        self._limits = limits
        # The parser makes one part to see whether it can, and throws it away.
        self._made = -1

    def __call__(self, policy: Policy[Any] = compat32) -> Part:
        self._made += 1
        if self._made > self._limits.max_parts:
            raise unreadable("邮件的部分过多", "the mail has too many parts")
        return Part(policy, self._limits)


class _RawHeaders(Compat32):
    """Keeps header values as they came; two of them are made safe for the library's own parsing."""

    def header_source_parse(self, sourcelines: Sequence[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(list(sourcelines))
        match name.lower():
            case "content-type" | "content-disposition":
                return name, value[:_LONGEST_PARAMETERS]
            case "content-transfer-encoding":
                return name, value.split(";")[0].strip(" \t\r\n\"'").lower()
            case _:
                return name, value

    def header_fetch_parse(self, name: str, value: str) -> str:  # noqa: ARG002 -- the policy's signature
        return value


def _refuse_too_large(raw: bytes, limits: MailLimits) -> None:
    if not raw.strip():
        raise unreadable("邮件是空的", "the mail is empty")
    if len(raw) > limits.max_bytes or max(raw.count(b"\n"), raw.count(b"\r")) > limits.max_lines:
        raise unreadable("邮件过大", "the mail is too large")


def _refuse_long_headers(part: Part, limits: MailLimits) -> None:
    if sum(len(name) + len(value) for name, value in part.items()) > limits.max_header_bytes:
        raise unreadable("信头过长", "the headers are too long")
    for child in part.children:
        _refuse_long_headers(child, limits)
