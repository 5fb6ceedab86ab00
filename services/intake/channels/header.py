"""
Header values to text: RFC 2047 words as mailers really write them, and raw bytes where they did not bother.

The standard library's decoder gives up on a character split over two words, a missing ``?=``, a space inside a
word, a word inside quotes and any charset label that lies; Chinese mailers do all five.
"""

import binascii
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from services.intake.channels.charset import decode
from services.intake.channels.identity import ADDRESS
from services.intake.channels.wording import clean_line

_ENCODED_WORD = re.compile(r"=\?([^?\s=]{1,60})\?([bBqQ])\?(.*?)(?:\?=|$)", re.DOTALL)
_ANGLED = re.compile(r"<\s*([^<>]{1,300})\s*>")
_MESSAGE_ID = re.compile(r"<([^<>\s]{1,900})>")
_BARE_ID = re.compile(r"[^<>\s]{1,900}")
# References of a very long conversation.
_LONGEST_IDS = 100_000
# Longest raw value that is decoded; the whole header section has a limit of its own.
_LONGEST = 10_000


def header_text(value: str | None, hint: str | None = None) -> str | None:
    """
    Return a header's value as a person should read it, on one line; ``None`` when there is nothing to read.

    Args:
        value: the raw value, bytes beyond ASCII as surrogates (as the standard library's parser keeps them).
        hint: charset of the mail's body, for values in raw bytes.
    """
    unfolded = (value or "")[:_LONGEST].replace("\r", "").replace("\n", "")
    if unfolded.isascii() and "=?" not in unfolded:
        return clean_line(unfolded)
    return clean_line("".join(decode(data, charset, hint).text for charset, data in _runs(unfolded)))


def first_mailbox(value: str | None, hint: str | None = None) -> tuple[str | None, str | None]:
    """Return the display name and the address of the first mailbox in a header, each ``None`` when missing."""
    raw = (value or "")[:_LONGEST].replace("\r", "").replace("\n", "")
    for angled in _ANGLED.finditer(raw):
        if found := ADDRESS.search(angled[1]):
            return _mailbox(raw[: angled.start()].strip(" \t\"'"), found[0], hint)
    bare = ADDRESS.search(raw)
    if bare is None:
        return header_text(raw.strip(" \t\"'<>"), hint), None
    return _mailbox(raw[bare.end() :].strip(" \t()"), bare[0], hint)


def message_ids(value: str | None) -> tuple[str, ...]:
    """Return the message ids in a header in its order, with their angle brackets; a lone bare id gets them."""
    found = _MESSAGE_ID.findall((value or "")[:_LONGEST_IDS])
    bare = (value or "").strip(" \t\r\n<>")
    if not found and _BARE_ID.fullmatch(bare):
        found = [bare]
    return tuple(f"<{own}>" for own in dict.fromkeys(map(clean_line, found)) if own)


def header_date(value: str | None) -> datetime | None:
    """Return a Date header in UTC; ``None`` when it names no moment. One without a zone is taken as UTC."""
    try:
        moment = parsedate_to_datetime((value or "")[:100])
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _mailbox(raw_name: str, raw_address: str, hint: str | None) -> tuple[str | None, str | None]:
    """Return name and address decoded; a name that only repeats the address is none."""
    address = header_text(raw_address, hint)
    name = (header_text(raw_name, hint) or "").replace('\\"', '"').replace("\\\\", "\\").strip("\"'")
    return (None if name.lower() == (address or "").lower() else name or None), address


def _runs(value: str) -> Iterator[tuple[str | None, bytes]]:
    """Yield charset and bytes; neighbouring words in one charset are one run, for they may share a character."""
    charset: str | None = None
    data = b""
    position = 0
    for word in _ENCODED_WORD.finditer(value):
        between = value[position : word.start()]
        label = word[1].split("*")[0].lower()
        if between.strip() or label != charset:
            yield charset, data
            if between.strip() or charset is None:
                yield None, _raw(between)
            charset, data = label, b""
        data += _word_bytes(word[2], word[3])
        position = word.end()
    yield charset, data
    yield None, _raw(value[position:])


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _word_bytes(encoding: str, text: str) -> bytes:
    data = _raw(text)
    if encoding in "qQ":
        return binascii.a2b_qp(data, header=True)
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    # One letter left over carries six bits and no byte.
    letters = letters[:-1] if len(letters) % 4 == 1 else letters
    return binascii.a2b_base64(letters + b"==")
