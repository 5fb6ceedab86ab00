"""
CloudEvents 1.0 in Kafka's binary mode: the envelope in the headers, plain JSON as the value.

Written by hand because it is ten headers and stands on the hottest path; a test holds it equal to the reference
library's reading of the same record.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

Headers = tuple[tuple[str, bytes], ...]
_CONTENT_TYPE: Final = ("content-type", b"application/json")
_SPEC_VERSION: Final = ("ce_specversion", b"1.0")
_OURS: Final = frozenset(
    {"ce_id", "ce_type", "ce_source", "ce_subject", "ce_time", "ce_sequence"}
    | {"ce_correlationid", "ce_causationid", "traceparent"}
)
_DIGITS: Final = re.compile("[0-9]{1,19}")
_LONGEST_WORD: Final = 200


class UnreadableEnvelope(ValueError):
    """A record without the headers that say what it is, whose, and which in order."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """
    What is known of an event without reading it.

    ``sequence`` numbers what ``source`` said about ``subject`` as 1…n without gaps; consumers apply it in that order.
    ``causation_id`` is the event or command that led to this one, ``correlation_id`` the first of that chain.
    """

    id: UUID
    type: str
    source: str
    subject: UUID
    time: datetime
    sequence: int
    correlation_id: UUID
    causation_id: UUID | None = None
    traceparent: str | None = None

    def headers(self) -> Headers:
        """The Kafka headers of this envelope."""
        optional: list[tuple[str, bytes]] = []
        if self.causation_id is not None:
            optional.append(("ce_causationid", str(self.causation_id).encode()))
        if self.traceparent is not None:
            optional.append(("traceparent", self.traceparent.encode()))
        return (
            _CONTENT_TYPE,
            _SPEC_VERSION,
            ("ce_id", str(self.id).encode()),
            ("ce_type", self.type.encode()),
            ("ce_source", self.source.encode()),
            ("ce_subject", str(self.subject).encode()),
            ("ce_time", self.time.isoformat().encode()),
            ("ce_sequence", str(self.sequence).encode()),
            ("ce_correlationid", str(self.correlation_id).encode()),
            *optional,
        )


def read_envelope(headers: Iterable[tuple[str, bytes | None]]) -> Envelope:
    """
    The envelope that *headers* spell; headers that are not ours are not looked at.

    Raises:
        UnreadableEnvelope: a required header is missing or malformed.
    """
    ours = {name.lower(): value for name, value in headers if name.lower() in _OURS}
    try:
        text = {name: value.decode() for name, value in ours.items() if value is not None}
        return Envelope(
            id=UUID(text["ce_id"]),
            type=_word(text["ce_type"]),
            source=_word(text["ce_source"]),
            subject=UUID(text["ce_subject"]),
            time=_aware(text["ce_time"]),
            sequence=_sequence(text["ce_sequence"]),
            correlation_id=UUID(text.get("ce_correlationid", text["ce_id"])),
            causation_id=UUID(text["ce_causationid"]) if "ce_causationid" in text else None,
            traceparent=text.get("traceparent"),
        )
    except (KeyError, ValueError) as error:
        raise UnreadableEnvelope(f"{type(error).__name__}: {error}") from error


def _word(text: str) -> str:
    if not text or len(text) > _LONGEST_WORD:
        raise ValueError("a type and a source are named")
    return text


def _sequence(text: str) -> int:
    if not _DIGITS.fullmatch(text) or not 1 <= int(text) < 2**63:
        raise ValueError("ce_sequence is a number from 1")
    return int(text)


def _aware(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("ce_time carries its offset")
    return time
