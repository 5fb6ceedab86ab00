"""Headers between Kafka, the envelope, and one column of bytes: kept as they are sent, readable with psql."""

import json
from collections.abc import Iterable

from shared.contracts.envelope import Envelope, Headers, read_envelope


def envelope_of(headers: Iterable[tuple[str, bytes | None]]) -> Envelope:
    """
    The envelope of a record as Kafka brings it, where a header may have no value.

    Raises:
        UnreadableEnvelope: a required header is missing or malformed.
    """
    return read_envelope((name, value) for name, value in headers if value is not None)


def pack_headers(headers: Headers) -> bytes:
    """The bytes that are kept for *headers*."""
    return json.dumps({name: value.decode() for name, value in headers}).encode()


def unpack_headers(packed: bytes) -> Headers:
    """The headers that ``pack_headers`` was given."""
    return tuple((name, value.encode()) for name, value in json.loads(packed).items())
