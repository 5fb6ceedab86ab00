"""Headers and waiting events as columns: headers are kept as they are sent, readable with psql."""

from collections.abc import Iterable
from typing import Any, Final

from pydantic_core import from_json, to_json

from shared.contracts.envelope import Headers
from shared.runtime.ledger import Waiting

WAITING_COLUMNS: Final = (
    "source",
    "subject",
    "sequence",
    "type",
    "headers",
    "body",
    "reason",
    "first_at",
    "attempts",
    "error",
)


def pack_headers(headers: Headers) -> bytes:
    """The bytes that are kept for *headers*."""
    return to_json({name: value.decode() for name, value in headers})


def unpack_headers(packed: bytes) -> Headers:
    """The headers that ``pack_headers`` was given."""
    return tuple((name, value.encode()) for name, value in from_json(packed).items())


def waiting_from(row: Iterable[Any]) -> Waiting:
    """A waiting event from its columns."""
    values = dict(zip(WAITING_COLUMNS, row, strict=True))
    return Waiting(**{**values, "headers": unpack_headers(values["headers"])})


def waiting_values(event: Waiting) -> tuple[Any, ...]:
    """The columns of a waiting event."""
    return tuple(pack_headers(event.headers) if name == "headers" else getattr(event, name) for name in WAITING_COLUMNS)
