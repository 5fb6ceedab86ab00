"""Headers as one column of bytes: kept as they are sent, readable with psql."""

import json

from shared.contracts.envelope import Headers


def pack_headers(headers: Headers) -> bytes:
    """The bytes that are kept for *headers*."""
    return json.dumps({name: value.decode() for name, value in headers}).encode()


def unpack_headers(packed: bytes) -> Headers:
    """The headers that ``pack_headers`` was given."""
    return tuple((name, value.encode()) for name, value in json.loads(packed).items())
