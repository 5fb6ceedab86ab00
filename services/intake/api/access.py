"""Which keys may do what."""

from typing import Annotated, Any, Final

from fastapi import Depends, Request

from shared.api.keys import Caller, ScopeMissing, authenticate

WRITE: Final = "intake:write"
"""Hand in contacts and decide on complaints."""
READ: Final = "intake:read"
"""See who customers are and what they wrote: personal data."""
DELIVER: Final = "intake:deliver"
"""Read messages with their addresses, and report what became of them."""
ERASE: Final = "intake:erase"
"""Have a person forgotten."""

SECURED: Final[dict[str, Any]] = {"security": [{"ApiKey": [READ]}, {"ApiKey": [WRITE]}]}
"""What OpenAPI is told of a route that either key may use."""


async def _reader_or_writer(request: Request) -> Caller:
    caller = authenticate(request)
    if not caller.scopes & {READ, WRITE}:
        raise ScopeMissing(missing_scopes=[READ])
    return caller


ReaderOrWriter = Annotated[Caller, Depends(_reader_or_writer)]
"""A caller with either scope; only ``intake:read`` is shown personal data."""
